//! What a file says of its picture before anything of it is decoded.

use weir_journey::infer::Size;

/// What a file says it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) size: Size,
    /// Why it is not decoded, if so.
    pub(super) foreign: Option<&'static str>,
}

/// What IHDR says, which comes first in a PNG (specification, 11.2.1); `None` where the file ends within it.
pub(super) fn png(bytes: &[u8]) -> Option<Header> {
    let side = |at: usize| {
        let four = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*four))
    };
    Some(Header {
        size: Size {
            width: side(16)?,
            height: side(20)?,
        },
        foreign: None,
    })
}

/// What the frame header of a JPEG says (ITU-T T.81, B.2.2); `None` where there is none before the first scan.
pub(super) fn jpeg(bytes: &[u8]) -> Option<Header> {
    const START_OF_SCAN: u8 = 0xDA;
    let mut rest = bytes.get(2..)?;
    loop {
        // A marker may be preceded by any number of fill bytes, 0xFF.
        let (&0xFF, after) = rest.split_first()? else {
            return None;
        };
        let (&marker, after) = after.split_first()?;
        match marker {
            0xFF => rest = &rest[1..],
            // These have no content.
            0x01 | 0xD0..=0xD7 => rest = after,
            START_OF_SCAN => return None,
            // A frame header; the three within this range that are none define tables or are reserved.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => return frame(marker, after),
            _ => {
                let length = u16::from_be_bytes(*after.first_chunk()?);
                rest = after.get(usize::from(length)..)?;
            }
        }
    }
}

fn frame(marker: u8, content: &[u8]) -> Option<Header> {
    let &[_, _, precision, y1, y0, x1, x0] = content.first_chunk()?;
    let foreign = match (marker, precision) {
        (0xC0..=0xC2, 8) => None,
        (0xC0..=0xC2, _) => Some("more than 8 bits a sample"),
        (0xC3, _) => Some("lossless coding"),
        (0xC5..=0xC7, _) => Some("hierarchical coding"),
        _ => Some("arithmetic coding"),
    };
    Some(Header {
        size: Size {
            width: u16::from_be_bytes([x1, x0]).into(),
            height: u16::from_be_bytes([y1, y0]).into(),
        },
        foreign,
    })
}
