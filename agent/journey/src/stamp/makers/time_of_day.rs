//! The time that follows a date in a name, and what follows the time.

use chrono::FixedOffset;

use super::super::capture::Precision;
use super::super::moment::{Moment, Place, Said};
use super::super::spelling::{digits, meridiem, offset, run, utc_mark};

/// What stands at one place of a name.
pub(super) enum Found {
    /// A moment, and where its text ends.
    Moment(Moment, usize),
    /// A date that may be part of something else, and where it ends.
    Date(Moment, usize),
    Ambiguous,
}

pub(super) const DATE: [(Place, usize); 3] = [(Place::Year, 4), (Place::Month, 2), (Place::Day, 2)];
pub(super) const TIME: [(Place, usize); 3] =
    [(Place::Hour, 2), (Place::Minute, 2), (Place::Second, 2)];
pub(super) const DATE_AND_TIME: [(Place, usize); 6] =
    [DATE[0], DATE[1], DATE[2], TIME[0], TIME[1], TIME[2]];

/// Notes numbers that stand side by side.
pub(super) fn put_all(mut said: Said, mut text: &[u8], places: &[(Place, usize)]) -> Option<Said> {
    for (place, width) in places {
        let (number, rest) = text.split_at_checked(*width)?;
        said.put(*place, digits(number)?)?;
        text = rest;
    }
    Some(said)
}

/// Where the time begins that may follow a date, and whether it is written as ISO 8601 does, with a `T`.
pub(super) fn join(text: &[u8], at: usize) -> Option<(usize, bool)> {
    let gap = run(text, at, |byte| {
        matches!(byte, b'-' | b'_' | b' ' | b'.' | b',' | b'@')
    });
    let rest = &text[at + gap..];
    let digit = |at: usize| rest.get(at).is_some_and(u8::is_ascii_digit);
    match rest {
        [b'T' | b't', ..] if gap == 0 && digit(1) => Some((at + 1, true)),
        [b'a' | b'A', b't' | b'T', b' ' | b'_' | b'-', ..] if gap == 1 && digit(3) => {
            Some((at + gap + 3, false))
        }
        _ if (1..=3).contains(&gap) && digit(0) => Some((at + gap, false)),
        _ => None,
    }
}

/// Reads a time of day, and where it ends.
pub(super) fn time(text: &[u8], at: usize, date: Said) -> Option<(Said, usize)> {
    let number = run(text, at, u8::is_ascii_digit);
    let rest = &text[at..];
    match number {
        6 => Some((put_all(date, rest, &TIME)?, at + 6)),
        9 => {
            let mut said = put_all(date, rest, &TIME)?;
            said.put_fraction(&rest[6..9])?;
            Some((said, at + 9))
        }
        // The first counts of a day's pictures look like minutes after midnight, and another date begins with a year.
        4 if digits(&rest[..2])? > 0 && !number_follows(&rest[4..]) => {
            Some((put_all(date, rest, &TIME[..2])?, at + 4))
        }
        2 => spaced_time(text, at, date),
        _ => None,
    }
}

/// Whether another number follows at once, behind one separator.
fn number_follows(text: &[u8]) -> bool {
    matches!(text, [b'-' | b'_' | b'.' | b':' | b' ', b'0'..=b'9', ..])
}

/// Hour, minute and perhaps second with the same separator, or with the letters of their units.
fn spaced_time(text: &[u8], at: usize, mut said: Said) -> Option<(Said, usize)> {
    let pair =
        |at: usize| (run(text, at, u8::is_ascii_digit) == 2).then(|| digits(&text[at..at + 2]))?;
    let separator = text.get(at + 2)?.to_ascii_lowercase();
    let units = separator == b'h';
    if !units && !matches!(separator, b'-' | b'_' | b'.' | b':' | b';' | b' ') {
        return None;
    }
    said.put(Place::Hour, pair(at)?)?;
    said.put(Place::Minute, pair(at + 3)?)?;
    let separator = if units { b'm' } else { separator };
    let goes_on = text
        .get(at + 5)
        .is_some_and(|byte| byte.to_ascii_lowercase() == separator);
    let digit = text.get(at + 6).is_some_and(u8::is_ascii_digit);
    match (goes_on && digit, units) {
        (true, _) => {
            said.put(Place::Second, pair(at + 6)?)?;
            let unit = units
                && text
                    .get(at + 8)
                    .is_some_and(|byte| byte.eq_ignore_ascii_case(&b's'));
            Some((said, at + 8 + usize::from(unit)))
        }
        (false, true) => Some((said, at + 5 + usize::from(goes_on))),
        (false, false) => Some((said, at + 5)),
    }
}

/// What follows a time: a fraction, half of the day, an offset. Then no letter or digit may follow.
pub(super) fn finish(text: &[u8], at: usize, mut said: Said, iso: bool) -> Option<Found> {
    let mut end = at;
    if let Some(b'.' | b',') = text.get(end) {
        let width = run(text, end + 1, u8::is_ascii_digit);
        if (matches!(width, 3 | 6) || iso && (1..=9).contains(&width))
            && said.moment()?.precision == Precision::Second
        {
            said.put_fraction(&text[end + 1..end + 1 + width])?;
            end += 1 + width;
        }
    }
    if let Some((width, afternoon)) = half_of_day(&text[end..]) {
        said.halve_day(afternoon)?;
        end += width;
    }
    match zone(&text[end..], iso) {
        Zoned::At(offset, width) => {
            said.offset = Some(offset);
            end += width;
        }
        Zoned::Perhaps => return Some(Found::Ambiguous),
        Zoned::No => {}
    }
    let moment = said.moment()?;
    let ends = text
        .get(end)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric());
    ends.then_some(Found::Moment(moment, end))
}

/// `AM` or `PM`, perhaps after a space of any kind, and how long that is.
fn half_of_day(text: &[u8]) -> Option<(usize, bool)> {
    let space = ["\u{202F}".as_bytes(), "\u{A0}".as_bytes(), b" ", b"_"]
        .into_iter()
        .find(|space| text.starts_with(space))
        .map_or(0, <[u8]>::len);
    let word = run(text, space, u8::is_ascii_alphanumeric) == 2;
    word.then(|| Some((space + 2, meridiem(&text[space..])?)))?
}

/// Whether an offset follows a time.
enum Zoned {
    At(FixedOffset, usize),
    /// It may be one, or a counter.
    Perhaps,
    No,
}

fn zone(text: &[u8], iso: bool) -> Zoned {
    let space = usize::from(matches!(
        text,
        [b' ' | b'_', b'A'..=b'Z' | b'a'..=b'z' | b'+', ..]
    ));
    let rest = &text[space..];
    let number = run(rest, 1, u8::is_ascii_digit);
    let Some((offset, width)) = offset(rest) else {
        // A plus, or a minus behind ISO 8601, begins an offset; this one is damaged.
        let begins = match rest.first() {
            Some(b'+') => number > 0,
            Some(b'-') => iso && number > 1,
            _ => false,
        };
        return if begins { Zoned::Perhaps } else { Zoned::No };
    };
    let mark = utc_mark(rest).is_some();
    let signed = matches!(rest.get(width), Some(b'+' | b'-'))
        && rest.get(width + 1).is_some_and(u8::is_ascii_digit);
    match rest.first() {
        _ if mark && signed => Zoned::Perhaps,
        Some(b'-') if width == 3 && !iso => Zoned::No,
        // Minus two or four digits may be a counter.
        Some(b'-') if width == 3 || !(iso || rest.get(3) == Some(&b':')) => Zoned::Perhaps,
        _ => Zoned::At(offset, space + width),
    }
}
