//! Dates and times in names that no scheme of the library describes.
//!
//! A name is read only when it leaves no choice. It promises:
//! - the date is complete, its year has four digits and stands first; day and month before a year are read when just
//!   one order of the two is a date, and are otherwise ambiguous;
//! - date and time are numbers of their own: digits of a longer number, or of a word of letters and digits such as a
//!   hash, are none;
//! - a name that states two different moments states none, unless they are the begin and end of a recording;
//! - what follows a date without being a time makes it a date only when it cannot be the rest of a time.

use chrono::{FixedOffset, TimeDelta};

use super::super::capture::Precision;
use super::super::template::{Moment, Place, Said, cuts_digits, digits, offset, run, utc_mark};

/// What a name states to somebody who knows no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guess {
    Time(Moment),
    /// It states a date or a time that can be read in two ways, or two of them.
    Ambiguous,
    Nothing,
}

/// Words after which a number is a name for a thing.
const SERIALS: [&[u8]; 19] = [
    b"serial",
    b"sn",
    b"id",
    b"nr",
    b"order",
    b"inv",
    b"invoice",
    b"phone",
    b"tel",
    b"build",
    b"fw",
    b"firmware",
    b"ver",
    b"version",
    b"v",
    b"rev",
    b"lot",
    b"batch",
    b"ticket",
];

/// What stands at one place of a name.
enum Found {
    /// A moment, and where its text ends.
    Moment(Moment, usize),
    /// A date that may be part of something else, and where it ends.
    Date(Moment, usize),
    Ambiguous,
}

/// What a stem states.
pub(super) fn read(stem: &[u8]) -> Guess {
    let mut moments: Vec<Moment> = Vec::new();
    let mut ends = 0;
    let mut dates: Vec<Moment> = Vec::new();
    let mut at = 0;
    while at < stem.len() {
        let number = run(stem, at, u8::is_ascii_digit);
        if number == 0 {
            at += 1;
            continue;
        }
        match stated_at(stem, at, number) {
            Some(Found::Ambiguous) => return Guess::Ambiguous,
            Some(Found::Moment(moment, end)) => {
                // The second of two may be the end of what the first begins.
                let close = stem
                    .get(ends..at)
                    .is_some_and(|gap| matches!(gap, [b'_' | b'-']));
                if !(close && moments.len() == 1 && recorded(&moments[0], &moment)) {
                    moments.push(moment);
                }
                (at, ends) = (end, end);
            }
            Some(Found::Date(date, end)) => {
                dates.push(date);
                at = end;
            }
            None => at += number,
        }
    }
    let Some(finest) = moments
        .iter()
        .max_by_key(|moment| fineness(moment.precision))
    else {
        return Guess::Nothing;
    };
    let agree = |other: &Moment| match other.precision {
        Precision::Day => other.local.date() == finest.local.date(),
        _ => other.local == finest.local && other.offset == finest.offset,
    };
    if moments.iter().chain(&dates).all(agree) {
        Guess::Time(*finest)
    } else {
        Guess::Ambiguous
    }
}

/// Whether two times can be begin and end of a recording: alike, in order, and within a day.
fn recorded(begin: &Moment, end: &Moment) -> bool {
    let length = end.local - begin.local;
    begin.offset == end.offset
        && begin.precision == end.precision
        && begin.precision != Precision::Day
        && (TimeDelta::zero()..=TimeDelta::days(1)).contains(&length)
}

const fn fineness(precision: Precision) -> u8 {
    match precision {
        Precision::Day => 0,
        Precision::Minute => 1,
        Precision::Second => 2,
        Precision::Subsecond => 3,
    }
}

/// What is stated from the number on that begins at `at` and has so many digits.
fn stated_at(text: &[u8], at: usize, number: usize) -> Option<Found> {
    let before = Before::of(text, at)?;
    let compact = |places: &[(Place, usize)]| put_all(Said::default(), &text[at..], places);
    let end = at + number;
    match number {
        17 => {
            let mut said = compact(&DATE_AND_TIME)?;
            said.put_fraction(&text[at + 14..end])?;
            finish(text, end, said, false)
        }
        14 => finish(text, end, compact(&DATE_AND_TIME)?, false),
        12 if before == Before::Gap => minutes(text, at, end),
        8 => after_date(text, end, compact(&DATE)?, before, at),
        4 => {
            let (said, end) = spaced_date(text, at)?;
            after_date(text, end, said, before, at)
        }
        2 if before == Before::Gap => year_last(text, at),
        _ => None,
    }
}

const DATE: [(Place, usize); 3] = [(Place::Year, 4), (Place::Month, 2), (Place::Day, 2)];
const TIME: [(Place, usize); 3] = [(Place::Hour, 2), (Place::Minute, 2), (Place::Second, 2)];
const DATE_AND_TIME: [(Place, usize); 6] = [DATE[0], DATE[1], DATE[2], TIME[0], TIME[1], TIME[2]];

/// Notes numbers that stand side by side.
fn put_all(mut said: Said, mut text: &[u8], places: &[(Place, usize)]) -> Option<Said> {
    for (place, width) in places {
        let (number, rest) = text.split_at_checked(*width)?;
        said.put(*place, digits(number)?)?;
        text = rest;
    }
    Some(said)
}

/// What stands before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, or what is neither letter nor digit.
    Gap,
    /// A word of letters only, as in `IMG20240809143000`.
    Word,
}

impl Before {
    /// `None` where a number is no time whatever its digits: after a word for a serial, or within a word that has
    /// digits too.
    fn of(text: &[u8], at: usize) -> Option<Self> {
        let before = &text[..at];
        let separators = before
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'_' | b'-' | b' ' | b'.' | b'#'))
            .count();
        let token = |text: &[u8]| {
            let width = text
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            text.len() - width
        };
        let words = &before[..before.len() - separators];
        let word = &words[token(words)..];
        if SERIALS
            .iter()
            .any(|serial| word.eq_ignore_ascii_case(serial))
        {
            return None;
        }
        if separators > 0 || word.is_empty() {
            return Some(Self::Gap);
        }
        word.iter()
            .all(u8::is_ascii_alphabetic)
            .then_some(Self::Word)
    }
}

/// Twelve digits: a date with hour and minute, unless they can be a two-digit year with a time to the second.
fn minutes(text: &[u8], at: usize, end: usize) -> Option<Found> {
    let said = put_all(Said::default(), &text[at..], &DATE_AND_TIME[..5])?;
    said.moment()?;
    let short = [
        (Place::ShortYear, 2),
        DATE[1],
        DATE[2],
        TIME[0],
        TIME[1],
        TIME[2],
    ];
    if put_all(Said::default(), &text[at..], &short).is_some_and(|said| said.moment().is_some()) {
        return Some(Found::Ambiguous);
    }
    finish(text, end, said, false)
}

/// Year, month and day with the same separator between them.
fn spaced_date(text: &[u8], at: usize) -> Option<(Said, usize)> {
    let separator = *text.get(at + 4)?;
    let spaced = matches!(separator, b'-' | b'_' | b'.' | b' ' | b':');
    let second = text.get(at + 7) == Some(&separator);
    let widths =
        run(text, at + 5, u8::is_ascii_digit) == 2 && run(text, at + 8, u8::is_ascii_digit) == 2;
    if !(spaced && second && widths) {
        return None;
    }
    let numbers = [
        &text[at..at + 4],
        &text[at + 5..at + 7],
        &text[at + 8..at + 10],
    ]
    .concat();
    Some((put_all(Said::default(), &numbers, &DATE)?, at + 10))
}

/// Day and month in some order and a year of four digits behind them.
fn year_last(text: &[u8], at: usize) -> Option<Found> {
    let separator = *text.get(at + 2)?;
    let shape = matches!(separator, b'-' | b'_' | b'.')
        && run(text, at + 3, u8::is_ascii_digit) == 2
        && text.get(at + 5) == Some(&separator)
        && run(text, at + 6, u8::is_ascii_digit) == 4;
    if !shape {
        return None;
    }
    let [first, second, year] = [
        &text[at..at + 2],
        &text[at + 3..at + 5],
        &text[at + 6..at + 10],
    ];
    let order = |month: &[u8], day: &[u8]| {
        let said = put_all(Said::default(), &[year, month, day].concat(), &DATE)?;
        said.moment().map(|moment| (said, moment))
    };
    let said = match (order(second, first), order(first, second)) {
        (Some((_, day_first)), Some((_, month_first))) if day_first != month_first => {
            return Some(Found::Ambiguous);
        }
        (Some((said, _)), _) | (None, Some((said, _))) => said,
        (None, None) => return None,
    };
    after_date(text, at + 10, said, Before::Gap, at)
}

/// What a date states with what follows it.
fn after_date(text: &[u8], end: usize, date: Said, before: Before, at: usize) -> Option<Found> {
    date.moment()?;
    if let Some((time_at, iso)) = join(text, end)
        && let Some((said, end)) = time(text, time_at, date)
    {
        return finish(text, end, said, iso);
    }
    let whole = at == 0;
    let spaced = end - at > 8;
    let alone = before == Before::Gap && date_stands_alone(text, end) && (spaced || whole);
    let date = date.moment()?;
    Some(if alone {
        Found::Moment(date, end)
    } else {
        Found::Date(date, end)
    })
}

/// Where the time begins that may follow a date, and whether it is written as ISO 8601 does, with a `T`.
fn join(text: &[u8], at: usize) -> Option<(usize, bool)> {
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
fn time(text: &[u8], at: usize, date: Said) -> Option<(Said, usize)> {
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
fn finish(text: &[u8], at: usize, mut said: Said, iso: bool) -> Option<Found> {
    let mut end = at;
    if let Some(b'.' | b',') = text.get(end) {
        let width = run(text, end + 1, u8::is_ascii_digit);
        if matches!(width, 3 | 6) && said.moment()?.precision == Precision::Second {
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
    let word = &text[space..space + run(text, space, u8::is_ascii_alphabetic)];
    let afternoon = word.eq_ignore_ascii_case(b"pm");
    (afternoon || word.eq_ignore_ascii_case(b"am")).then_some((space + word.len(), afternoon))
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

/// Whether what follows a date cannot be the rest of a time: at most one more number, of at most three digits.
fn date_stands_alone(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    if rest.first().is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    let starts = |at: &usize| rest[*at].is_ascii_digit() && !cuts_digits(rest, *at);
    let mut numbers = (0..rest.len())
        .filter(starts)
        .map(|at| run(rest, at, u8::is_ascii_digit));
    numbers.next().is_none_or(|width| width <= 3) && numbers.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(stem: &str) -> Option<String> {
        match read(stem.as_bytes()) {
            Guess::Time(moment) => {
                let offset = moment
                    .offset
                    .map_or(String::new(), |offset| offset.to_string());
                Some(format!("{}{offset}", moment.local))
            }
            Guess::Ambiguous => Some("ambiguous".to_owned()),
            Guess::Nothing => None,
        }
    }

    #[test]
    fn complete_dates_with_times_are_read_wherever_they_stand() {
        for (stem, means) in [
            ("cam_2024-08-09_14-30-00_north", "2024-08-09 14:30:00"),
            ("cam1_20240809143000", "2024-08-09 14:30:00"),
            ("20240809143000250", "2024-08-09 14:30:00.250"),
            ("IMG20240809143000", "2024-08-09 14:30:00"),
            ("river.2024.08.09 14.30.00-1", "2024-08-09 14:30:00"),
            ("2024_0809", ""),
            ("a 2024-08-09 at 02.30.00 PM", "2024-08-09 14:30:00"),
            ("a-2024-08-09-14h30m05s", "2024-08-09 14:30:05"),
            ("a_2024-08-09_14h30", "2024-08-09 14:30:00"),
            ("20240809T143000Z", "2024-08-09 14:30:00+00:00"),
            ("x_20240809_143000_UTC", "2024-08-09 14:30:00+00:00"),
            ("2024-08-09T14:30:00-07:00", "2024-08-09 14:30:00-07:00"),
            ("20240809T143000-0700_b", "2024-08-09 14:30:00-07:00"),
            ("a_2024-08-09_14-30-00+0200", "2024-08-09 14:30:00+02:00"),
            ("2024-08-09 14:30:00.123456", "2024-08-09 14:30:00.123456"),
            ("20240105T1430", "2024-01-05 14:30:00"),
            ("2024-08-09_1430", "2024-08-09 14:30:00"),
            ("202408091430", "2024-08-09 14:30:00"),
            ("site_2024-08-09", "2024-08-09 00:00:00"),
            ("2024-08-09_012", "2024-08-09 00:00:00"),
            (
                "Front_01_20240809235500_20240810000500",
                "2024-08-09 23:55:00",
            ),
            ("25-12-2024_14-30-00", "2024-12-25 14:30:00"),
            ("12.25.2024 14.30.00", "2024-12-25 14:30:00"),
            ("05-05-2024", "2024-05-05 00:00:00"),
            ("2024-08-09_a_2024-08-09_14-30-00", "2024-08-09 14:30:00"),
        ] {
            let means = Some(means).filter(|means| !means.is_empty());
            assert_eq!(stated(stem).as_deref(), means, "{stem}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_ambiguous() {
        for stem in [
            "03-04-2024_14-30-00",
            "03-04-2024",
            "20240809_150000_20240809_143000",
            "20240809_143000_20240810_150000",
            "2024-08-09_2024-08-10",
            "200912101530",
            "2024-08-09_14-30-00-0700",
            "2024-08-09 14.30.00 GMT-6",
        ] {
            assert_eq!(stated(stem).as_deref(), Some("ambiguous"), "{stem}");
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for stem in [
            "serial-20240809143000",
            "SN20240809143000",
            "a3f20240809143000",
            "20240809143000b7",
            "120240809143000",
            "1920x1080",
            "192.168.20.24",
            "550e8400-e29b-41d4-a716-446655440000",
            "DSC_20240809",
            "2024-08-09_14-30-000",
            "2024-08-09_14-3-00",
            "2024-02-30_14-30-00",
            "2024-08-09_24-00-00",
            "2024-08-09_0001",
            "2024-08-09 13.30.00 PM",
            "v2024.08.09",
            "24-08-09_14-30-00",
            "",
        ] {
            assert_eq!(stated(stem), None, "{stem}");
        }
    }
}
