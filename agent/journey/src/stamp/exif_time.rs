//! The capture time of an EXIF block: `DateTimeOriginal` with its offset and fraction (Exif 2.32, 4.6.5).

use chrono::NaiveDateTime;
use exif::{Error, Exif, In, Tag, Value};

use super::capture::{Precision, Source};
use super::warning::Warning;
use super::choose::Reading;
use super::{template, zone};

/// The standard's spelling, and one that some cameras use.
const SPELLINGS: [&str; 2] = ["{Y}:{M}:{D} {h}:{m}:{s}", "{Y}-{M}-{D} {h}:{m}:{s}"];

/// The time that an EXIF block (a TIFF structure) states. A damaged block gives what can be read of it and a
/// warning; blanks and zeros, by which cameras say that they do not know, give nothing.
pub(super) fn read(block: &[u8], warnings: &mut Vec<Warning>) -> Vec<Reading> {
    read_one(block, warnings).into_iter().collect()
}

pub(super) const DIGITIZED: &str = "DateTimeDigitized";

fn read_one(block: &[u8], warnings: &mut Vec<Warning>) -> Option<Reading> {
    let exif = match exif::Reader::new()
        .continue_on_error(true)
        .read_raw(block.to_vec())
    {
        Ok(exif) => exif,
        Err(error) => {
            warnings.push(Warning::ExifUnreadable);
            match error {
                Error::PartialResult(partial) => partial.into_inner().0,
                _ => return None,
            }
        }
    };
    let date = text(&exif, Tag::DateTimeOriginal)?;
    let local = SPELLINGS
        .iter()
        .find_map(|spelling| template::read(spelling, date.as_bytes()))?
        .0;
    // The offset of DateTimeOriginal is OffsetTimeOriginal (0x9011); OffsetTime (0x9010) is DateTime's.
    let offset = text(&exif, Tag::OffsetTimeOriginal);
    let fraction = text(&exif, Tag::SubSecTimeOriginal);
    let (local, precision) = with_fraction(local, fraction.as_deref());
    let raw = [
        Some(date),
        fraction.map(|digits| format!(".{digits}")),
        offset.clone().map(|o| format!(" {o}")),
    ];
    Some(Reading {
        source: Source::Exif,
        raw: raw.into_iter().flatten().collect(),
        local,
        offset: offset.as_deref().and_then(zone::offset),
        precision,
        scheme: None,
    })
}

/// A field's text, without the padding and terminators around it; `None` when nothing is left.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let field = exif.get_field(tag, In::PRIMARY)?;
    let Value::Ascii(parts) = &field.value else {
        return None;
    };
    let text = String::from_utf8_lossy(parts.first()?)
        .trim_matches(['\0', ' '])
        .to_owned();
    (!text.is_empty()).then_some(text)
}

/// Adds the decimal fraction that `SubSecTimeOriginal` states, to the nanosecond.
fn with_fraction(local: NaiveDateTime, digits: Option<&str>) -> (NaiveDateTime, Precision) {
    let fraction = digits
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| {
            let nanos: String = digits
                .chars()
                .chain(std::iter::repeat('0'))
                .take(9)
                .collect();
            chrono::Timelike::with_nanosecond(&local, nanos.parse().ok()?)
        });
    match fraction {
        Some(finer) => (finer, Precision::Subsecond),
        None => (local, Precision::Second),
    }
}
