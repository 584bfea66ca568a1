//! What a file is that is none of the formats that are taken, as far as its first bytes tell.

use std::fmt;

/// A file of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Foreign {
    /// A web page, often a camera's or a portal's error saved under an image's name.
    Html,
    /// A JSON text.
    Json,
    /// An XML text.
    Xml,
    /// Some other text.
    Text,
    /// gzip data.
    Gzip,
    /// A ZIP archive.
    Zip,
    /// A PDF document.
    Pdf,
    /// A GIF picture.
    Gif,
    /// A Windows bitmap.
    Bmp,
    /// An AVI video.
    Avi,
    /// Nothing but zero bytes: space reserved for data that never came.
    Zeros,
    /// None of these.
    Unknown,
}

impl Foreign {
    /// Tells the kind by a file's first bytes. [`Foreign::Zeros`] is for whoever has seen all of them.
    pub(super) fn of(head: &[u8]) -> Self {
        let magic: [(&[u8], Self); 6] = [
            (b"\x1F\x8B", Self::Gzip),
            (b"PK\x03\x04", Self::Zip),
            (b"%PDF-", Self::Pdf),
            (b"GIF8", Self::Gif),
            (b"BM", Self::Bmp),
            (b"RIFF", Self::Avi),
        ];
        let by_magic = magic.into_iter().find(|(start, _)| head.starts_with(start));
        match by_magic {
            Some((_, Self::Avi)) if head.get(8..12) != Some(b"AVI ".as_slice()) => Self::Unknown,
            // Two letters are little to go by: a bitmap's header has two reserved zero words after the size.
            Some((_, Self::Bmp)) if head.get(6..10) != Some([0; 4].as_slice()) => Self::text(head),
            Some((_, kind)) => kind,
            None => Self::text(head),
        }
    }

    fn text(head: &[u8]) -> Self {
        let head = head
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(head)
            .trim_ascii_start();
        let printable = |byte: &u8| !matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
        if head.is_empty() || !head.iter().all(printable) {
            return Self::Unknown;
        }
        let starts = |tag: &[u8]| {
            head.get(..tag.len())
                .is_some_and(|h| h.eq_ignore_ascii_case(tag))
        };
        match head[0] {
            b'<' if starts(b"<!doctype html") || starts(b"<html") || starts(b"<head") => Self::Html,
            b'<' => Self::Xml,
            b'{' | b'[' => Self::Json,
            _ => Self::Text,
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Html => "an HTML page, not an image",
            Self::Json => "a JSON text, not an image",
            Self::Xml => "an XML text, not an image",
            Self::Text => "a text, not an image",
            Self::Gzip => "gzip data, not an image",
            Self::Zip => "a ZIP archive, not an image",
            Self::Pdf => "a PDF document, not an image",
            Self::Gif => "a GIF picture, which is not among the formats taken",
            Self::Bmp => "a BMP picture, which is not among the formats taken",
            Self::Avi => "an AVI video, which is not among the formats taken",
            Self::Zeros => "nothing but zero bytes: space was reserved and no image written",
            Self::Unknown => "no image or video of a known format",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operators_find_on_cards_is_named() {
        let cases: [(&[u8], Foreign); 13] = [
            (b"\xEF\xBB\xBF\r\n<!DOCTYPE HTML PUBLIC>", Foreign::Html),
            (b"<html><body>404 Not Found", Foreign::Html),
            (b"<?xml version=\"1.0\"?>", Foreign::Xml),
            (b"{\"error\": \"expired\"}", Foreign::Json),
            (b"Connection refused\n", Foreign::Text),
            (b"BMW, a text", Foreign::Text),
            (b"BM\x36\x30\0\0\0\0\0\0\x36", Foreign::Bmp),
            (b"PK\x03\x04\x14", Foreign::Zip),
            (b"\x1F\x8B\x08", Foreign::Gzip),
            (b"GIF89a", Foreign::Gif),
            (b"RIFF\0\0\0\0AVI LIST", Foreign::Avi),
            (b"RIFF\0\0\0\0WAVEfmt ", Foreign::Unknown),
            (b"\x7FELF\x02\x01", Foreign::Unknown),
        ];
        for (head, kind) in cases {
            assert_eq!(Foreign::of(head), kind, "{}", String::from_utf8_lossy(head));
        }
    }
}
