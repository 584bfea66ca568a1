//! How numbers, names, halves of the day and offsets are spelled at the beginning of a text.

use chrono::{FixedOffset, Offset as _, Utc};

/// Whether what follows a time leaves it as it is.
pub(super) fn adds_nothing(tail: &[u8]) -> bool {
    let Some(first) = tail.first() else {
        return true;
    };
    let word = tail
        .iter()
        .position(u8::is_ascii_alphanumeric)
        .unwrap_or(tail.len());
    let word = &tail[word..word + run(tail, word, u8::is_ascii_alphanumeric)];
    let adds = [b"am".as_slice(), b"pm", b"z", b"utc", b"gmt"];
    let number = (0..tail.len()).any(|at| run(tail, at, u8::is_ascii_digit) > 5);
    let offset = offset(tail).is_some_and(|(_, width)| width > 3 || *first == b'+');
    !(first.is_ascii_alphanumeric()
        || number
        || offset
        || adds.iter().any(|adds| word.eq_ignore_ascii_case(adds)))
}

/// Whether a number goes on across this place.
pub(super) fn cuts_digits(text: &[u8], at: usize) -> bool {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    at > 0 && digit(at - 1) && digit(at)
}

/// How many bytes from `at` on are of this kind.
pub(super) fn run(text: &[u8], at: usize, kind: fn(&u8) -> bool) -> usize {
    text.get(at..)
        .map_or(0, |rest| rest.iter().take_while(|byte| kind(byte)).count())
}

/// The number of up to nine digits.
pub(super) fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The length of the checksum of 32 bits that a text begins with.
pub(super) fn checksum(text: &[u8]) -> Option<usize> {
    let width = run(text, 0, u8::is_ascii_hexdigit);
    let letters = text[..width].iter().any(u8::is_ascii_alphabetic);
    (width == 8 && letters).then_some(width)
}

/// The length of the character that a text begins with.
pub(super) fn character(text: &[u8]) -> Option<usize> {
    let first = text.utf8_chunks().next()?;
    Some(first.valid().chars().next().map_or(1, char::len_utf8))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The month, from 1, that a text begins with, and its length.
pub(super) fn month_name(text: &[u8]) -> Option<(u32, usize)> {
    let (index, width) = name(text, &MONTHS)?;
    Some((u32::try_from(index).ok()? + 1, width))
}

/// The length of the weekday that a text begins with.
pub(super) fn weekday(text: &[u8]) -> Option<usize> {
    name(text, &WEEKDAYS).map(|(_, width)| width)
}

/// Whether the `AM` or `PM` that a text begins with is the second.
pub(super) fn meridiem(text: &[u8]) -> Option<bool> {
    match text {
        [b'a' | b'A', b'm' | b'M', ..] => Some(false),
        [b'p' | b'P', b'm' | b'M', ..] => Some(true),
        _ => None,
    }
}

/// Which of the names a text begins with, in full or its first three letters, and how long that is.
fn name(text: &[u8], names: &[&str]) -> Option<(usize, usize)> {
    let begins = |name: &str| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    names.iter().enumerate().find_map(|(index, name)| {
        let width = [name.len(), 3]
            .into_iter()
            .find(|width| begins(&name[..*width]))?;
        Some((index, width))
    })
}

/// The length of a mark of UTC that a text begins with and that is not the beginning of a word.
pub(super) fn utc_mark(text: &[u8]) -> Option<usize> {
    let width = run(text, 0, u8::is_ascii_alphanumeric);
    let mark = &text[..width];
    let known = [b"Z".as_slice(), b"UTC", b"GMT"];
    known
        .iter()
        .any(|known| mark.eq_ignore_ascii_case(known))
        .then_some(width)
}

/// The offset that a text begins with, and its length: `Z`, `+hh`, `+hhmm`, `+hh:mm` or with another of `-_.` between.
pub(super) fn offset(text: &[u8]) -> Option<(FixedOffset, usize)> {
    if let Some(width) = utc_mark(text) {
        return Some((Utc.fix(), width));
    }
    let (&sign, rest) = text.split_first()?;
    let hours = digits(rest.get(..2)?)?;
    let (minutes, width) = match &rest[2..] {
        [b':' | b'-' | b'_' | b'.', rest @ ..] if run(rest, 0, u8::is_ascii_digit) == 2 => {
            (digits(&rest[..2])?, 6)
        }
        rest if run(rest, 0, u8::is_ascii_digit) == 2 => (digits(&rest[..2])?, 5),
        [b':' | b'-' | b'_' | b'.', b'0'..=b'9', ..] => return None,
        rest if run(rest, 0, u8::is_ascii_digit) == 0 => (0, 3),
        _ => return None,
    };
    // Zones lie within 14 hours of UTC and on quarters of hours.
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    let zone = minutes % 15 == 0 && minutes < 60 && seconds <= 14 * 3600;
    let offset = match sign {
        b'+' if zone => FixedOffset::east_opt(seconds)?,
        b'-' if zone => FixedOffset::west_opt(seconds)?,
        _ => return None,
    };
    Some((offset, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_one_that_zones_have() {
        let seconds = |text: &str| {
            offset(text.as_bytes()).map(|(offset, width)| (offset.local_minus_utc(), width))
        };
        assert_eq!(seconds("+0530.jpg"), Some((19_800, 5)));
        assert_eq!(seconds("-07:00"), Some((-25_200, 6)));
        assert_eq!(seconds("+02"), Some((7_200, 3)));
        assert_eq!(seconds("Z_a"), Some((0, 1)));
        for text in [
            "", "+", "+1", "+15", "-0701", "+053", "-00001", "Zebra", "0700",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
