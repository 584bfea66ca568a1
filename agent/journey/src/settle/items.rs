//! The items of a HEIF `meta` box: where their bytes lie, and which of them is the EXIF block (ISO/IEC
//! 14496-12, 8.11: `iinf`, `iloc`, `idat`; ISO/IEC 23008-12, annex A: the EXIF item).

use std::collections::BTreeSet;

/// Bytes of an item, in file positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) at: u64,
    pub(super) len: u64,
}

/// More extents than a writer would cut one EXIF block into.
const MAX_EXIF_EXTENTS: usize = 64;

/// What a `meta` box says of its items.
#[derive(Debug, Default)]
pub(super) struct Items {
    end: u64,
    inside: bool,
    exif: Vec<Extent>,
}

impl Items {
    /// Reads the body of a `meta` box that begins at `at` in the file. What cannot be read is left out.
    pub(super) fn read(&mut self, body: &[u8], at: u64) {
        // QuickTime's `meta` is a plain box, ISO's has four bytes of version and flags.
        let skip = if body.get(4..8) == Some(b"hdlr".as_slice()) {
            0
        } else {
            4
        };
        let Some(children) = body.get(skip..) else {
            return;
        };
        let boxes = || Boxes {
            rest: children,
            at: at + skip as u64,
        };
        let find = |name: &[u8; 4]| boxes().find(|child| &child.name == name);
        let exif_ids = find(b"iinf")
            .map(|iinf| exif_items(iinf.body))
            .unwrap_or_default();
        let idat = find(b"idat").map(|idat| idat.at);
        self.inside = idat.is_some();
        if let Some(iloc) = find(b"iloc") {
            let mut locations = Locations {
                from: Fields(iloc.body),
                idat,
                exif_ids,
                items: self,
            };
            // A location table that ends early still bounds what it did say.
            let _ = locations.read();
        }
    }

    /// Where the last byte that an item points to ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether items can have their bytes in the index itself (`idat`).
    pub(super) fn are_inside(&self) -> bool {
        self.inside
    }

    /// The extents of the first EXIF item, in order.
    pub(super) fn exif(self) -> Vec<Extent> {
        self.exif
    }
}

/// The identifiers of the items of type `Exif` in an `iinf` body.
fn exif_items(iinf: &[u8]) -> BTreeSet<u32> {
    let mut fields = Fields(iinf);
    let entries = fields
        .version()
        .and_then(|version| fields.number(if version == 0 { 2 } else { 4 }));
    if entries.is_none() {
        return BTreeSet::new();
    }
    let exif_id = |infe: &[u8]| {
        let mut fields = Fields(infe);
        let version = fields.version()?;
        let id = fields.number(if version >= 3 { 4 } else { 2 })?;
        fields.number(2)?;
        (version >= 2 && fields.0.starts_with(b"Exif")).then_some(id as u32)
    };
    Boxes {
        rest: fields.0,
        at: 0,
    }
    .filter(|child| &child.name == b"infe")
    .filter_map(|infe| exif_id(infe.body))
    .collect()
}

/// One pass over an `iloc` body.
struct Locations<'a, 'b> {
    from: Fields<'a>,
    idat: Option<u64>,
    exif_ids: BTreeSet<u32>,
    items: &'b mut Items,
}

/// The widths in bytes of an `iloc` table's fields.
struct Widths {
    version: u8,
    offset: usize,
    length: usize,
    base: usize,
    index: usize,
}

impl Locations<'_, '_> {
    fn read(&mut self) -> Option<()> {
        let version = self.from.version()?;
        let sizes = self.from.number(2)?;
        let nibble = |shift: u32| (sizes >> shift & 0xF) as usize;
        let widths = Widths {
            version,
            offset: nibble(12),
            length: nibble(8),
            base: nibble(4),
            index: if version == 0 { 0 } else { nibble(0) },
        };
        let count = self.from.number(if version < 2 { 2 } else { 4 })?;
        for _ in 0..count {
            self.item(&widths)?;
        }
        Some(())
    }

    fn item(&mut self, widths: &Widths) -> Option<()> {
        let id = self.from.number(if widths.version < 2 { 2 } else { 4 })? as u32;
        let method = if widths.version == 0 {
            0
        } else {
            self.from.number(2)? & 0xF
        };
        let elsewhere = self.from.number(2)? != 0;
        let base = self.from.number(widths.base)?;
        let extents = self.from.number(2)?;
        let origin = match method {
            0 => Some(0),
            1 => self.idat,
            _ => None,
        };
        let origin = origin
            .filter(|_| !elsewhere)
            .and_then(|origin| origin.checked_add(base));
        // Extents without fields say nothing; counting through them would cost time for no bytes.
        if widths.index + widths.offset + widths.length == 0 {
            return Some(());
        }
        for _ in 0..extents {
            self.from.number(widths.index)?;
            let offset = self.from.number(widths.offset)?;
            let len = self.from.number(widths.length)?;
            if let Some(origin) = origin {
                self.extent(id, origin.saturating_add(offset), len);
            }
        }
        Some(())
    }

    fn extent(&mut self, id: u32, at: u64, len: u64) {
        self.items.end = self.items.end.max(at.saturating_add(len));
        if self.exif_ids.contains(&id) && self.items.exif.len() < MAX_EXIF_EXTENTS {
            self.items.exif.push(Extent { at, len });
        }
    }
}

/// Big-endian numbers from a slice.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// A number of `width` bytes (0 to 8; of none it is 0), or `None` at the end.
    fn number(&mut self, width: usize) -> Option<u64> {
        let (bytes, rest) = self.0.split_at_checked(width.min(8))?;
        self.0 = rest;
        Some(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    /// The version of a full box, its flags stepped over.
    fn version(&mut self) -> Option<u8> {
        self.number(4)
            .map(|version_and_flags| (version_and_flags >> 24) as u8)
    }
}

/// A box within a slice; `at` is where its body begins in the file.
struct Child<'a> {
    name: [u8; 4],
    body: &'a [u8],
    at: u64,
}

/// The boxes of a slice that begins at `at` in the file.
struct Boxes<'a> {
    rest: &'a [u8],
    at: u64,
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Child<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = Fields(self.rest);
        let size = fields.number(4)?;
        let name = *fields.0.first_chunk::<4>()?;
        fields.number(4)?;
        let (header, size) = match size {
            0 => (8, self.rest.len() as u64),
            1 => (16, fields.number(8)?),
            size => (8, size),
        };
        let (this, rest) = self.rest.split_at_checked(usize::try_from(size).ok()?)?;
        let child = Child {
            name,
            body: this.get(header..)?,
            at: self.at + header as u64,
        };
        self.rest = rest;
        self.at += size;
        Some(child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_meta_box_is_too_wild(body in proptest::collection::vec(any::<u8>(), 0..600), at: u32) {
            let mut items = Items::default();
            items.read(&body, u64::from(at));
            prop_assert!(items.exif().len() <= MAX_EXIF_EXTENTS);
        }
    }

    #[test]
    fn extents_without_fields_cost_no_time() {
        // 60,000 items of 65,535 extents each, all of no width: four thousand million rounds if counted.
        let mut iloc = vec![0, 0, 0, 0, 0, 0, 0xEA, 0x60];
        iloc.extend([0, 1, 0, 0, 0xFF, 0xFF].repeat(60_000));
        let mut body = vec![0; 4];
        body.extend((iloc.len() as u32 + 8).to_be_bytes());
        body.extend(b"iloc");
        body.extend(iloc);
        let mut items = Items::default();
        items.read(&body, 0);
        assert_eq!(items.end(), 0);
    }

    fn full_box(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [(body.len() as u32 + 8).to_be_bytes().as_slice(), name, body].concat()
    }

    #[test]
    fn an_item_in_the_meta_box_itself_is_found() {
        let infe = full_box(b"infe", b"\x02\0\0\0\0\x07\0\0Exif\0");
        let iinf = full_box(b"iinf", &[b"\0\0\0\0\0\x01".as_slice(), &infe].concat());
        // Version 1; offsets, lengths and bases of four bytes; item 7 by method 1, base 2, offset 1, length 3.
        let iloc = full_box(
            b"iloc",
            b"\x01\0\0\0\x44\x40\0\x01\0\x07\0\x01\0\0\0\0\0\x02\0\x01\0\0\0\x01\0\0\0\x03",
        );
        let before = [&[0; 4], iinf.as_slice(), &iloc].concat();
        let body = [before.as_slice(), &full_box(b"idat", b"..-EXI")].concat();
        let mut items = Items::default();
        items.read(&body, 1000);
        let at = 1000 + before.len() as u64 + 8 + 3;
        assert_eq!(items.end(), at + 3);
        assert_eq!(items.exif(), [Extent { at, len: 3 }]);
    }
}
