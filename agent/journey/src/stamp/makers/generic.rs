//! Dates and times in names that no scheme of the library describes.
//!
//! A name is read only when it leaves no choice. It promises:
//! - the date is complete, its year has four digits and stands first; day and month before a year are read when just
//!   one order of the two is a date, and are otherwise ambiguous;
//! - date and time are numbers of their own: digits of a longer number, or of a word of letters and digits such as a
//!   hash, are none;
//! - a name that states two different moments states none, unless they are the begin and end of a recording;
//! - what follows a date without being a time makes it a date only when it cannot be the rest of a time.

use chrono::TimeDelta;

use super::super::capture::Precision;
use super::super::moment::{Moment, Place, Said};
use super::super::spelling::{cuts_digits, run};
use super::time_of_day::{DATE, DATE_AND_TIME, Found, TIME, finish, join, put_all, time};

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
        // Colons are ISO 8601's; file names have them where somebody wanted that.
        let iso = iso || text.get(time_at + 2) == Some(&b':');
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
            ("2024-08-09 14:30:00-0330", "2024-08-09 14:30:00-03:30"),
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
