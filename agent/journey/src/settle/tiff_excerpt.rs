//! The EXIF block of a TIFF file.
//!
//! A TIFF *is* an EXIF block, but a long one, with its tags anywhere and perhaps with 64-bit offsets. So its
//! descriptive tags are copied into a small TIFF 6.0 structure, which every EXIF reader takes.

use std::io::{Read, Seek};

use super::tiff::{Directory, Entry, Found, Tiff, found};

const EXIF_IFD: u16 = 0x8769;
const GPS_IFD: u16 = 0x8825;
/// Make, model, orientation, software, date: what the main directory says of the picture's origin.
const DESCRIPTIVE: [u16; 6] = [0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132];
/// A longer value is a picture or a maker's note, not a description.
const MAX_VALUE: u64 = 1024;
/// More fields than EXIF defines for a directory. With [`MAX_VALUE`] it bounds an excerpt to 3/4 MiB, within
/// [`super::MAX_EXIF`].
const MAX_FIELDS: usize = 256;
const LONG: u16 = 4;
/// Bytes of an entry, and of an inline value, in TIFF 6.0.
const ENTRY: usize = 12;
const INLINE: usize = 4;

/// A field with its value, in the byte order of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

/// The fields worth keeping.
#[derive(Debug, Default)]
pub(super) struct Collected {
    main: Vec<Field>,
    exif: Vec<Field>,
    gps: Vec<Field>,
}

impl Collected {
    /// Copies the descriptive fields of a main directory and of the directories that it points to. Damage
    /// there costs the evidence, not the picture.
    pub(super) fn gather<R: Read + Seek>(
        &mut self,
        tiff: &mut Tiff<'_, R>,
        main: &Directory,
    ) -> Found<()> {
        for entry in &main.entries {
            match entry.tag {
                EXIF_IFD => self.exif = sub_directory(tiff, entry)?.unwrap_or_default(),
                GPS_IFD => self.gps = sub_directory(tiff, entry)?.unwrap_or_default(),
                tag if DESCRIPTIVE.contains(&tag) && self.main.len() < DESCRIPTIVE.len() => {
                    self.main.extend(field(tiff, entry)?.ok())
                }
                _ => {}
            }
        }
        Ok(Ok(()))
    }
}

fn sub_directory<R: Read + Seek>(tiff: &mut Tiff<'_, R>, pointer: &Entry) -> Found<Vec<Field>> {
    let at = found!(tiff.pointer(pointer));
    let directory = found!(tiff.directory(at));
    let mut fields = Vec::new();
    for entry in directory.entries.iter().take(MAX_FIELDS) {
        fields.extend(field(tiff, entry)?.ok());
    }
    Ok(Ok(fields))
}

fn field<R: Read + Seek>(tiff: &mut Tiff<'_, R>, entry: &Entry) -> Found<Field> {
    // Types above 12 are BigTIFF's and have no place in TIFF 6.0.
    if entry.kind > 12 || entry.len().is_none_or(|len| len > MAX_VALUE) {
        return Ok(Err("a description"));
    }
    let value = found!(tiff.value(entry));
    Ok(Ok(Field {
        tag: entry.tag,
        kind: entry.kind,
        count: entry.count as u32,
        value,
    }))
}

/// A TIFF 6.0 structure with the collected fields, or `None` when there are none.
pub(super) fn excerpt(little: bool, collected: &Collected) -> Option<Vec<u8>> {
    let Collected { main, exif, gps } = collected;
    if main.is_empty() && exif.is_empty() && gps.is_empty() {
        return None;
    }
    let mut main = main.clone();
    let table = |fields: &[Field]| 2 + ENTRY * fields.len() + INLINE;
    let pointers = usize::from(!exif.is_empty()) + usize::from(!gps.is_empty());
    let exif_at = 8 + table(&main) + ENTRY * pointers;
    let gps_at = exif_at + if exif.is_empty() { 0 } else { table(exif) };
    let data_at = gps_at + if gps.is_empty() { 0 } else { table(gps) };
    let mut writer = Writer {
        little,
        out: Vec::new(),
        data: Vec::new(),
        data_at,
    };
    for (tag, fields, at) in [(EXIF_IFD, exif, exif_at), (GPS_IFD, gps, gps_at)] {
        if !fields.is_empty() {
            let value = writer.long(at);
            main.push(Field {
                tag,
                kind: LONG,
                count: 1,
                value,
            });
        }
    }
    writer.header();
    for fields in [&main, exif, gps]
        .into_iter()
        .filter(|fields| !fields.is_empty())
    {
        writer.directory(fields);
    }
    writer.out.append(&mut writer.data);
    Some(writer.out)
}

struct Writer {
    little: bool,
    out: Vec<u8>,
    /// Values that do not fit their entries.
    data: Vec<u8>,
    data_at: usize,
}

impl Writer {
    fn long(&self, number: usize) -> Vec<u8> {
        let number = number as u32;
        if self.little {
            number.to_le_bytes().into()
        } else {
            number.to_be_bytes().into()
        }
    }

    fn short(&mut self, number: u16) {
        self.out.extend(if self.little {
            number.to_le_bytes()
        } else {
            number.to_be_bytes()
        });
    }

    fn header(&mut self) {
        self.out.extend(if self.little { b"II" } else { b"MM" });
        self.short(42);
        self.out.extend(self.long(8));
    }

    fn directory(&mut self, fields: &[Field]) {
        self.short(fields.len() as u16);
        let mut sorted: Vec<&Field> = fields.iter().collect();
        sorted.sort_by_key(|field| field.tag);
        for field in sorted {
            self.short(field.tag);
            self.short(field.kind);
            self.out.extend(self.long(field.count as usize));
            if field.value.len() <= INLINE {
                let mut value = field.value.clone();
                value.resize(INLINE, 0);
                self.out.extend(value);
            } else {
                self.out.extend(self.long(self.data_at + self.data.len()));
                self.data.extend(&field.value);
                // Values begin on even positions (TIFF 6.0, section 2).
                self.data.resize(self.data.len().next_multiple_of(2), 0);
            }
        }
        self.out.extend([0; INLINE]);
    }
}
