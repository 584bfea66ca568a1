//! Texts that hold a date and a time in fixed places.
//!
//! A template is literal text with fields in braces:
//!
//! | field | matches |
//! |---|---|
//! | `{Y}` | year, four digits |
//! | `{M}` `{D}` `{h}` `{m}` `{s}` | month, day, hour, minute, second, two digits each |
//! | `{f}` | milliseconds, three digits |
//! | `{n}` | a number of any length |
//! | `{*}` | any text, at least one byte |
//!
//! The whole text must match, and the digits must be a date and a time that exist.

use chrono::{NaiveDate, NaiveDateTime};

use super::capture::Precision;

/// The places of a template's numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Digits {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    milli: Option<u32>,
}

/// The local time that `text` holds by `template`, and how fine it is.
pub(super) fn read(template: &str, text: &[u8]) -> Option<(NaiveDateTime, Precision)> {
    let digits = fit(template, text, Digits::default())?;
    let date = NaiveDate::from_ymd_opt(digits.year as i32, digits.month, digits.day)?;
    let milli = digits.milli.unwrap_or(0);
    let local = date.and_hms_milli_opt(digits.hour, digits.minute, digits.second, milli)?;
    let precision = if digits.milli.is_some() {
        Precision::Subsecond
    } else {
        Precision::Second
    };
    Some((local, precision))
}

/// Fits the rest of a template to the rest of a text. Recursion goes no deeper than the template has parts.
fn fit(template: &str, text: &[u8], mut digits: Digits) -> Option<Digits> {
    let Some(open) = template.find('{') else {
        return (template.as_bytes() == text).then_some(digits);
    };
    let text = text.strip_prefix(&template.as_bytes()[..open])?;
    let (field, template) = template[open + 1..].split_once('}')?;
    let (width, place) = match field {
        "Y" => (4, &mut digits.year),
        "M" => (2, &mut digits.month),
        "D" => (2, &mut digits.day),
        "h" => (2, &mut digits.hour),
        "m" => (2, &mut digits.minute),
        "s" => (2, &mut digits.second),
        "f" => (3, digits.milli.insert(0)),
        "n" => {
            let width = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            return if width > 0 {
                fit(template, &text[width..], digits)
            } else {
                None
            };
        }
        _ => return (1..=text.len()).find_map(|width| fit(template, &text[width..], digits)),
    };
    let (number, text) = text.split_at_checked(width)?;
    for byte in number {
        *place = *place * 10 + char::from(*byte).to_digit(10)?;
    }
    fit(template, text, digits)
}
