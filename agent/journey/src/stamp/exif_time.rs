//! The times of an EXIF block (Exif 2.32, 4.6.5 and 4.6.6).
//!
//! Three of them say when the picture was taken: `DateTimeOriginal`, the GPS receiver's clock, and `DateTimeDigitized`,
//! each with its own offset and fraction. `DateTime` says when the file was last changed and is not used. What a camera
//! writes when it does not know (blanks, zeros, a 61st second) is no time.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, Utc};
use exif::{Error, Exif, In, Tag, Value};

use super::capture::{Precision, Source, Warning};
use super::choose::Reading;
use super::zone;

/// The scheme of a [`Reading`] from `DateTimeDigitized`: when the picture was stored, which for a camera is when it was
/// taken, and for a scanner is not.
pub(super) const DIGITIZED: &str = "DateTimeDigitized";

/// The tags of one of the EXIF dates.
struct Date {
    date: Tag,
    offset: Tag,
    fraction: Tag,
    scheme: Option<&'static str>,
}

/// The offset of DateTimeOriginal is OffsetTimeOriginal (0x9011); OffsetTime (0x9010) is DateTime's.
const ORIGINAL: Date = Date {
    date: Tag::DateTimeOriginal,
    offset: Tag::OffsetTimeOriginal,
    fraction: Tag::SubSecTimeOriginal,
    scheme: None,
};
const STORED: Date = Date {
    date: Tag::DateTimeDigitized,
    offset: Tag::OffsetTimeDigitized,
    fraction: Tag::SubSecTimeDigitized,
    scheme: Some(DIGITIZED),
};

/// The times that an EXIF block (a TIFF structure) states, most trusted first. A damaged block gives what can be read
/// of it and a warning.
pub(super) fn read(block: &[u8], warnings: &mut Vec<Warning>) -> Vec<Reading> {
    let parsed = exif::Reader::new()
        .continue_on_error(true)
        .read_raw(block.to_vec());
    let exif = match parsed {
        Ok(exif) => exif,
        Err(error) => {
            warnings.push(Warning::ExifUnreadable);
            match error {
                Error::PartialResult(partial) => partial.into_inner().0,
                _ => return Vec::new(),
            }
        }
    };
    [date(&exif, &ORIGINAL), gps(&exif), date(&exif, &STORED)]
        .into_iter()
        .flatten()
        .collect()
}

fn date(exif: &Exif, tags: &Date) -> Option<Reading> {
    let date = text(exif, tags.date)?;
    let (local, precision) = date_and_time(&date)?;
    let offset = text(exif, tags.offset);
    let fraction = text(exif, tags.fraction);
    let (local, precision) = with_fraction(local, precision, fraction.as_deref());
    let raw = [
        Some(date),
        fraction.map(|digits| format!(".{digits}")),
        offset.clone().map(|offset| format!(" {offset}")),
    ];
    Some(Reading {
        source: Source::Exif,
        raw: raw.into_iter().flatten().collect(),
        local,
        offset: offset.as_deref().and_then(offset_of),
        precision,
        scheme: tags.scheme,
    })
}

/// `GPSDateStamp` and `GPSTimeStamp`, which are UTC. Receivers without a fix write zeros, or leave one of them out.
fn gps(exif: &Exif) -> Option<Reading> {
    let date = text(exif, Tag::GPSDateStamp)?;
    let Value::Rational(parts) = &exif.get_field(Tag::GPSTimeStamp, In::PRIMARY)?.value else {
        return None;
    };
    let [hour, minute, second] = parts.as_slice() else {
        return None;
    };
    let whole = |part: &exif::Rational| {
        (part.denom != 0 && part.num.is_multiple_of(part.denom)).then(|| part.num / part.denom)
    };
    let nanos = u64::from(second.num) * 1_000_000_000
        / u64::from(Some(second.denom).filter(|denom| *denom != 0)?);
    let time = NaiveTime::from_hms_nano_opt(
        whole(hour)?,
        whole(minute)?,
        u32::try_from(nanos / 1_000_000_000).ok()?,
        u32::try_from(nanos % 1_000_000_000).ok()?,
    )?;
    let local = calendar_date(date.as_bytes())?.and_time(time);
    Some(Reading {
        source: Source::Gps,
        raw: format!("{date} {}", time.format("%H:%M:%S%.f")),
        local,
        offset: Some(Utc.fix()),
        precision: if nanos % 1_000_000_000 == 0 {
            Precision::Second
        } else {
            Precision::Subsecond
        },
        scheme: None,
    })
}

/// A field's text, without the padding and terminators around it; `None` when nothing is left. Some writers put the
/// fields of the EXIF directory into the first.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let misplaced = Tag(exif::Context::Tiff, tag.number());
    let field = exif.get_field(tag, In::PRIMARY).or_else(|| {
        exif.get_field(misplaced, In::PRIMARY)
            .filter(|_| tag.context() == exif::Context::Exif)
    })?;
    let Value::Ascii(parts) = &field.value else {
        return None;
    };
    let text = String::from_utf8_lossy(parts.first()?)
        .trim_matches(['\0', ' '])
        .to_owned();
    (!text.is_empty()).then_some(text)
}

/// A date and a time as `YYYY:MM:DD hh:mm:ss`. Written by cameras too: dashes or slashes in the date, a `T` between the
/// two, no seconds, a fraction, AM or PM behind.
fn date_and_time(text: &str) -> Option<(NaiveDateTime, Precision)> {
    let (date, time) = text.split_at_checked(10)?;
    let date = calendar_date(date.as_bytes())?;
    let time = time.strip_prefix([' ', 'T'])?;
    let (time, afternoon) = match time.get(time.len().saturating_sub(2)..)? {
        half if half.eq_ignore_ascii_case("am") => (time[..time.len() - 2].trim_end(), Some(false)),
        half if half.eq_ignore_ascii_case("pm") => (time[..time.len() - 2].trim_end(), Some(true)),
        _ => (time, None),
    };
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(fraction)),
        None => (time, None),
    };
    let mut numbers = time.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u32>().ok())?
    });
    let hour = hour_of_day(numbers.next()??, afternoon)?;
    let minute = numbers.next()??;
    let second = match numbers.next() {
        Some(second) => Some(second?),
        None => None,
    };
    if numbers.next().is_some() {
        return None;
    }
    let local = date.and_hms_opt(hour, minute, second.unwrap_or(0))?;
    let precision = if second.is_some() {
        Precision::Second
    } else {
        Precision::Minute
    };
    match fraction {
        Some(_) if second.is_none() => None,
        fraction => Some(with_fraction(local, precision, fraction)),
    }
}

/// The hour of 24. With half a day named, an hour of 24 that agrees with it is kept.
const fn hour_of_day(hour: u32, afternoon: Option<bool>) -> Option<u32> {
    match (hour, afternoon) {
        (hour, None) => Some(hour),
        (12, Some(false)) => Some(0),
        (0..12, Some(false)) | (12..24, Some(true)) => Some(hour),
        (1..12, Some(true)) => Some(hour + 12),
        _ => None,
    }
}

/// A date as `YYYY:MM:DD`, or with dashes or slashes.
fn calendar_date(text: &[u8]) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, first, m1, m2, second, d1, d2] = text else {
        return None;
    };
    if first != second || !matches!(first, b':' | b'-' | b'/') {
        return None;
    }
    let number = |digits: &[u8]| super::spelling::digits(digits);
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?).filter(|_| year > 0)
}

/// An offset as the standard writes it, `+hh:mm`, and as cameras do: without the colon, or `Z`.
fn offset_of(text: &str) -> Option<FixedOffset> {
    let by_others = || {
        let (offset, width) = super::spelling::offset(text.as_bytes())?;
        (width == text.len() && width != 3).then_some(offset)
    };
    zone::offset(text).or_else(by_others)
}

/// Adds the decimal fraction that a sub-second field states, to the nanosecond. Longer ones are cut, as clocks are read.
fn with_fraction(
    local: NaiveDateTime,
    precision: Precision,
    digits: Option<&str>,
) -> (NaiveDateTime, Precision) {
    let finer = digits
        .filter(|text| precision != Precision::Minute && !text.is_empty())
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| {
            let nanos: String = digits
                .chars()
                .chain(std::iter::repeat('0'))
                .take(9)
                .collect();
            chrono::Timelike::with_nanosecond(&local, nanos.parse().ok()?)
        });
    match finer {
        Some(finer) => (finer, Precision::Subsecond),
        None => (local, precision),
    }
}

#[cfg(test)]
mod tests;
