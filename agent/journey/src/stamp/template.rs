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
//! | `{X}` | eight hexadecimal digits, one of them a letter |
//! | `{~}` | nothing, or a text that begins with neither letter nor digit and adds nothing to the time: no half of the day, no offset, no long number |
//!
//! The whole text must match, and the digits must be a moment that exists; a field that occurs twice must say the same
//! twice. Letters match in either case, because FAT cards change it. No wildcard cuts a run of digits in two, since a
//! number that goes on is another number, and none reaches beyond its component of a path.

use chrono::{Offset as _, Utc};

use super::moment::{Moment, Place, Said};
use super::spelling::{
    adds_nothing, character, checksum, cuts_digits, digits, meridiem, month_name, offset, run,
    utc_mark, weekday,
};

/// Attempts to fit a part after which a text counts as not fitting: some thousand times what any name needs, and a
/// bound on what a hostile one costs.
const EFFORT: u32 = 50_000;

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
    Checksum,
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
        "X" => Part::Checksum,
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
        Part::Weekday => weekday(rest)?,
        Part::Meridiem => {
            said.afternoon = Some(meridiem(rest)?);
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
        Part::Checksum => checksum(rest)?,
        Part::Word | Part::Any { .. } | Part::Tail => return None,
    };
    Some((at + width, said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, FixedOffset};
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
