//! Texts that hold a date and a time in known places.
//!
//! A [`Template`] is literal text with fields. The library of names writes fields in braces, the operator's patterns
//! with `%` (see [`super::pattern`]); both become the same parts:
//!
//! | field | matches |
//! |---|---|
//! | `{Y}` `{y}` | year, four digits (1970 to 2099); two digits, which mean 2000 to 2099 |
//! | `{M}` `{D}` `{j}` | month and day, two digits each; day of the year, three digits |
//! | `{M1}` `{D1}` | month and day, one or two digits |
//! | `{b}` | month, its English name or the first three letters of it |
//! | `{h}` `{m}` `{s}` | hour, minute, second, two digits each |
//! | `{I}` `{p}` | hour of twelve, one or two digits; `AM` or `PM` |
//! | `{f}` `{F}` | milliseconds, three digits; a decimal fraction of one to nine digits |
//! | `{z}` `{Z}` | offset from UTC as `+0100`, `-07:00`, `+02` or `Z`; `Z`, `UTC` or `GMT` |
//! | `{e}` `{E}` | seconds, milliseconds since 1970: ten digits, thirteen |
//! | `{n}` `{N}` | a number of up to nine digits; of ten to seventeen, such as a second time |
//! | `{w}` `{*}` | letters and digits, at least one; any text, at least one byte |
//! | `{~}` | nothing, or a text that begins with neither letter nor digit and adds nothing to the time: no half of the day, no offset, no long number |
//!
//! The whole text must match, and the digits must be a moment that exists; a field that occurs twice must say the same
//! twice. Letters match in either case, because FAT cards change it. No wildcard cuts a run of digits in two, since a
//! number that goes on is another number, and none reaches beyond its component of a path.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Offset as _, Timelike as _, Utc};

use super::capture::Precision;

/// Attempts to fit a part after which a text counts as not fitting: some thousand times what any name needs, and a
/// bound on what a hostile one costs.
const EFFORT: u32 = 50_000;
const YEARS: std::ops::RangeInclusive<u32> = 1970..=2099;
/// Moments that a name may state as seconds since 1970: from 13 March 2011 to 18 May 2033. Ten digits below that may be
/// month, day, hour, minute and second, and above it most numbers are no time.
const EPOCHS: std::ops::Range<i64> = 1_300_000_000..2_000_000_000;

/// A text's form, ready to be matched.
#[derive(Debug, Clone)]
pub(super) struct Template {
    parts: Vec<Part>,
}

/// One piece of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(Box<[u8]>),
    Number(Number),
    MonthName,
    Weekday,
    Meridiem,
    Fraction {
        min: usize,
        max: usize,
    },
    Epoch {
        digits: usize,
    },
    Offset,
    Utc,
    Digits {
        min: usize,
        max: usize,
    },
    Word,
    /// One character of UTF-8, or one byte of what is none.
    One,
    /// Any text of at least so many bytes.
    Any {
        min: usize,
    },
    Tail,
}

/// A field of a fixed meaning and `min` to `max` digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) place: Place,
    pub(super) min: usize,
    pub(super) max: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    Hour12,
    Minute,
    Second,
}

/// What a text states: a local time, or a moment when there is an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) local: NaiveDateTime,
    pub(super) offset: Option<FixedOffset>,
    pub(super) precision: Precision,
}

/// What the fields of a form have said so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    numbers: [Option<u32>; 9],
    pub(super) afternoon: Option<bool>,
    pub(super) nanos: Option<u32>,
    pub(super) offset: Option<FixedOffset>,
    epoch: Option<DateTime<Utc>>,
}

impl Template {
    /// The form that a text with fields in braces describes; of the library only, whose rows are all tested.
    pub(super) fn library(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').unwrap_or((after, ""));
            if !literal.is_empty() {
                parts.push(Part::Text(literal.as_bytes().into()));
            }
            parts.push(braced(field));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.as_bytes().into()));
        }
        Self { parts }
    }

    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// What `text` states, if it has this form and states a moment that exists.
    pub(super) fn read(&self, text: &[u8]) -> Option<Moment> {
        let mut effort = EFFORT;
        fit(&self.parts, text, 0, Said::default(), &mut effort)
    }
}

/// The part that a field of the library means.
fn braced(field: &str) -> Part {
    let number = |place, min, max| Part::Number(Number { place, min, max });
    match field {
        "Y" => number(Place::Year, 4, 4),
        "y" => number(Place::ShortYear, 2, 2),
        "M" => number(Place::Month, 2, 2),
        "M1" => number(Place::Month, 1, 2),
        "D" => number(Place::Day, 2, 2),
        "D1" => number(Place::Day, 1, 2),
        "j" => number(Place::DayOfYear, 3, 3),
        "h" => number(Place::Hour, 2, 2),
        "I" => number(Place::Hour12, 1, 2),
        "m" => number(Place::Minute, 2, 2),
        "s" => number(Place::Second, 2, 2),
        "b" => Part::MonthName,
        "p" => Part::Meridiem,
        "f" => Part::Fraction { min: 3, max: 3 },
        "F" => Part::Fraction { min: 1, max: 9 },
        "z" => Part::Offset,
        "Z" => Part::Utc,
        "e" => Part::Epoch { digits: 10 },
        "E" => Part::Epoch { digits: 13 },
        "n" => Part::Digits { min: 1, max: 9 },
        "N" => Part::Digits { min: 10, max: 17 },
        "w" => Part::Word,
        "~" => Part::Tail,
        _ => Part::Any { min: 1 },
    }
}

/// Fits the rest of a form to a text from `at` on. Recursion goes no deeper than the form has parts.
fn fit(parts: &[Part], text: &[u8], at: usize, said: Said, effort: &mut u32) -> Option<Moment> {
    let Some((part, parts)) = parts.split_first() else {
        return (at == text.len()).then(|| said.moment()).flatten();
    };
    *effort = effort.checked_sub(1)?;
    match part {
        Part::Any { min } if !cuts_digits(text, at) => (at + min
            ..=at + run(text, at, |byte| *byte != b'/'))
            .filter(|end| !cuts_digits(text, *end))
            .find_map(|end| fit(parts, text, end, said, effort)),
        Part::Tail => {
            let end = at + run(text, at, |byte| *byte != b'/');
            adds_nothing(&text[at..end]).then(|| fit(parts, text, end, said, effort))?
        }
        Part::Word => {
            let longest = run(text, at, u8::is_ascii_alphanumeric);
            (1..=longest)
                .rev()
                .find_map(|width| fit(parts, text, at + width, said, effort))
        }
        Part::Number(Number { min, max, .. }) | Part::Fraction { min, max } => {
            (*min..=*max).rev().find_map(|width| {
                let (end, said) = one(part, text, at, width, said)?;
                fit(parts, text, end, said, effort)
            })
        }
        _ => {
            let (end, said) = one(part, text, at, 0, said)?;
            fit(parts, text, end, said, effort)
        }
    }
}

/// Fits one part with one possible end: of `width` bytes where the part has no width of its own.
fn one(part: &Part, text: &[u8], at: usize, width: usize, mut said: Said) -> Option<(usize, Said)> {
    let rest = text.get(at..)?;
    let width = match part {
        Part::Text(literal) => {
            let same = rest.get(..literal.len())?.eq_ignore_ascii_case(literal);
            same.then_some(literal.len())?
        }
        Part::Number(number) => {
            said.put(number.place, digits(rest.get(..width)?)?)?;
            width
        }
        Part::Fraction { .. } => {
            said.put_fraction(rest.get(..width)?)?;
            width
        }
        Part::Epoch { digits } => {
            let ends = run(text, at, u8::is_ascii_digit) == *digits;
            said.put_epoch(ends.then_some(rest.get(..*digits)?)?)?;
            *digits
        }
        Part::MonthName => {
            let (month, width) = month_name(rest)?;
            said.put(Place::Month, month)?;
            width
        }
        Part::Weekday => name(rest, &WEEKDAYS)?.1,
        Part::Meridiem => {
            let &[letter, b'm' | b'M', ..] = rest else {
                return None;
            };
            said.afternoon = Some(match letter {
                b'a' | b'A' => false,
                b'p' | b'P' => true,
                _ => return None,
            });
            2
        }
        Part::Offset => {
            let (offset, width) = offset(rest)?;
            said.offset = Some(offset);
            width
        }
        Part::Utc => {
            let width = utc_mark(rest)?;
            said.offset = Some(Utc.fix());
            width
        }
        Part::Digits { min, max } => {
            Some(run(text, at, u8::is_ascii_digit)).filter(|width| (*min..=*max).contains(width))?
        }
        Part::One => character(rest)?,
        Part::Word | Part::Any { .. } | Part::Tail => return None,
    };
    Some((at + width, said))
}

/// Whether what follows a time leaves it as it is.
fn adds_nothing(tail: &[u8]) -> bool {
    let Some(first) = tail.first() else {
        return true;
    };
    let word = tail.iter().position(u8::is_ascii_alphanumeric).unwrap_or(tail.len());
    let word = &tail[word..word + run(tail, word, u8::is_ascii_alphanumeric)];
    let adds = [b"am".as_slice(), b"pm", b"z", b"utc", b"gmt"];
    let number = (0..tail.len()).any(|at| run(tail, at, u8::is_ascii_digit) > 5);
    let offset = offset(tail).is_some_and(|(_, width)| width > 3 || *first == b'+');
    !(first.is_ascii_alphanumeric() || number || offset || adds.iter().any(|adds| word.eq_ignore_ascii_case(adds)))
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

/// The length of the character that a text begins with.
fn character(text: &[u8]) -> Option<usize> {
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
fn month_name(text: &[u8]) -> Option<(u32, usize)> {
    let (index, width) = name(text, &MONTHS)?;
    Some((u32::try_from(index).ok()? + 1, width))
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

impl Said {
    /// Notes a number, unless it was said otherwise before.
    pub(super) fn put(&mut self, place: Place, number: u32) -> Option<()> {
        let slot = &mut self.numbers[place as usize];
        (*slot.get_or_insert(number) == number).then_some(())
    }

    /// Notes the digits after a decimal point.
    pub(super) fn put_fraction(&mut self, fraction: &[u8]) -> Option<()> {
        let width = u32::try_from(fraction.len()).ok()?;
        let nanos =
            digits(fraction)?.checked_mul(10_u32.checked_pow(9_u32.checked_sub(width)?)?)?;
        self.nanos = Some(nanos);
        Some(())
    }

    /// Notes seconds since 1970, or milliseconds when there are thirteen digits.
    fn put_epoch(&mut self, text: &[u8]) -> Option<()> {
        let (seconds, millis) = text.split_at_checked(10)?;
        let seconds = i64::from(digits(seconds)?);
        if !EPOCHS.contains(&seconds) {
            return None;
        }
        if !millis.is_empty() {
            self.put_fraction(millis)?;
        }
        self.epoch = Some(DateTime::from_timestamp(seconds, 0)?);
        Some(())
    }

    /// Takes the hour for one of twelve.
    pub(super) fn halve_day(&mut self, afternoon: bool) -> Option<()> {
        self.numbers[Place::Hour12 as usize] = Some(self.numbers[Place::Hour as usize].take()?);
        self.afternoon = Some(afternoon);
        Some(())
    }

    fn number(&self, place: Place) -> Option<u32> {
        self.numbers[place as usize]
    }

    /// The moment, when what was said is one.
    pub(super) fn moment(&self) -> Option<Moment> {
        if let Some(epoch) = self.epoch {
            let precision = if self.nanos.is_some() {
                Precision::Subsecond
            } else {
                Precision::Second
            };
            let local = epoch.naive_utc().with_nanosecond(self.nanos.unwrap_or(0))?;
            return Some(Moment {
                local,
                offset: Some(Utc.fix()),
                precision,
            });
        }
        let date = self.date()?;
        let second = self.number(Place::Second);
        let (hour, precision) = match (self.hour()?, self.number(Place::Minute), second) {
            (None, None, None) if self.nanos.is_none() => (0, Precision::Day),
            (Some(hour), Some(_), None) if self.nanos.is_none() => (hour, Precision::Minute),
            (Some(hour), Some(_), Some(_)) if self.nanos.is_none() => (hour, Precision::Second),
            (Some(hour), Some(_), Some(_)) => (hour, Precision::Subsecond),
            // An hour alone, or parts without the greater ones.
            _ => return None,
        };
        let minute = self.number(Place::Minute).unwrap_or(0);
        let local =
            date.and_hms_nano_opt(hour, minute, second.unwrap_or(0), self.nanos.unwrap_or(0))?;
        Some(Moment {
            local,
            offset: self.offset,
            precision,
        })
    }

    fn date(&self) -> Option<NaiveDate> {
        let year = match (self.number(Place::Year), self.number(Place::ShortYear)) {
            (Some(year), None) => year,
            (None, Some(short)) => 2000 + short,
            (Some(year), Some(short)) if year % 100 == short => year,
            _ => return None,
        };
        let year = i32::try_from(Some(year).filter(|year| YEARS.contains(year))?).ok()?;
        match (
            self.number(Place::Month),
            self.number(Place::Day),
            self.number(Place::DayOfYear),
        ) {
            (Some(month), Some(day), None) => NaiveDate::from_ymd_opt(year, month, day),
            (None, None, Some(day)) => NaiveDate::from_yo_opt(year, day),
            _ => None,
        }
    }

    /// The hour of 24, if any; `None` outside when what was said of it contradicts itself.
    fn hour(&self) -> Option<Option<u32>> {
        match (
            self.number(Place::Hour),
            self.number(Place::Hour12),
            self.afternoon,
        ) {
            (hour, None, None) => Some(hour),
            (None, Some(hour @ 1..=12), Some(afternoon)) => {
                Some(Some(hour % 12 + if afternoon { 12 } else { 0 }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(template: &str, text: &str) -> Option<Moment> {
        Template::library(template).read(text.as_bytes())
    }

    fn local(template: &str, text: &str) -> Option<String> {
        read(template, text).map(|moment| moment.local.to_string())
    }

    #[test]
    fn fields_mean_what_the_table_says() {
        for (template, text, means) in [
            ("{y}{j} {h}{m}", "24222 1430", "2024-08-09 14:30:00"),
            ("{Y} {b} {D1}", "2024 August 9", "2024-08-09 00:00:00"),
            ("{Y} {b} {D1}", "2024 aug 9", "2024-08-09 00:00:00"),
            (
                "{Y}-{M1}-{D1} {I}.{m}{p}",
                "2024-8-9 12.05am",
                "2024-08-09 00:05:00",
            ),
            (
                "{Y}-{M1}-{D1} {I}.{m} {p}",
                "2024-8-9 2.30 PM",
                "2024-08-09 14:30:00",
            ),
            ("{e}", "1723213800", "2024-08-09 14:30:00"),
            ("{E}", "1723213800250", "2024-08-09 14:30:00.250"),
            (
                "{Y}{M}{D}/{Y}-{M}-{D}",
                "20240809/2024-08-09",
                "2024-08-09 00:00:00",
            ),
            ("{Y}{M}{D}{~}", "20240809", "2024-08-09 00:00:00"),
            ("{Y}{M}{D}{~}", "20240809-a", "2024-08-09 00:00:00"),
        ] {
            assert_eq!(
                local(template, text).as_deref(),
                Some(means),
                "{template} {text}"
            );
        }
    }

    #[test]
    fn contradictions_and_halves_state_nothing() {
        for (template, text) in [
            ("{Y}{M}{D}/{Y}-{M}-{D}", "20240809/2024-08-10"),
            ("{Y}{M}{D}{h}", "2024080914"),
            ("{Y}{M}{D} {I}{m}{s}", "20240809 023000"),
            ("{Y}{M}{D} {I}.{m} {p}", "20240809 13.30 PM"),
            ("{Y}{M}{D}", "19690809"),
            ("{Y}{j}", "2023366"),
            ("{e}", "1231235959"),
            ("{e}", "17232138001"),
            ("{*}{Y}{M}{D}", "120240809"),
            ("{Y}{M}{D}{~}", "20240809a"),
        ] {
            assert_eq!(read(template, text), None, "{template} {text}");
        }
    }

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

    #[test]
    fn wildcards_without_end_are_given_up() {
        let hostile = "{*}-{*}-{*}-{*}-{*}-{*}-{*}{Y}";
        assert_eq!(read(hostile, &"-a".repeat(120)), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_template(template in "[{}YMDhmsfn*~a-z0-9_-]{0,30}", text: Vec<u8>) {
            let _ = Template::library(&template).read(&text);
        }

        #[test]
        fn what_is_read_is_what_was_written(
            seconds in 1_300_000_000..2_000_000_000_i64, nanos in 0..1_000_000_000_u32, minutes in -56..=56_i32,
        ) {
            let at = DateTime::from_timestamp(seconds, nanos).expect("within the calendar").naive_utc();
            let offset = FixedOffset::east_opt(minutes * 900).expect("within 14 hours");
            let text = format!("{}{offset}", at.format("%y%j|%I:%M:%S %p,%9f "));
            let found = read("{y}{j}|{I}:{m}:{s} {p},{F} {z}", &text).expect("its own form");
            prop_assert_eq!((found.local, found.offset), (at, Some(offset)));
        }
    }
}
