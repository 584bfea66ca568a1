//! A site's own patterns for the names of its pictures, as `strptime` writes them.
//!
//! A pattern describes the whole name without its extension; with slashes in it, as many of the last folders too. It
//! promises what the library of names does: what does not fit, or is no time that exists, states nothing, and digits
//! are never cut out of a longer number by a `*`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::capture::Source;
use super::choose::Reading;
use super::moment::Place;
use super::path::{last_components, tail};
use super::template::{Number, Part, Template};

/// The scheme of a [`Reading`] by a pattern of the site's.
const SITE: &str = "site pattern";

/// Wildcards that one pattern may have.
const WILDCARDS: usize = 4;

/// A site's own pattern.
///
/// | | matches |
/// |---|---|
/// | `%Y` `%y` | year, four digits; two digits, 2000 to 2099 |
/// | `%m` `%d` `%j` | month, day; day of the year |
/// | `%b` `%B` `%a` `%A` | month and weekday by their English names, short or full |
/// | `%H` `%M` `%S` | hour, minute, second |
/// | `%I` `%p` | hour of twelve; AM or PM |
/// | `%f` `%1f` to `%9f` | fraction of a second, of any or of so many digits |
/// | `%s` `%3s` | seconds, milliseconds since 1970 |
/// | `%z` `%Z` | offset such as `+0100`, `-07:00` or `Z`; `UTC`, `GMT` or `Z` |
/// | `%F` `%T` `%R` `%D` | `%Y-%m-%d`, `%H:%M:%S`, `%H:%M`, `%m/%d/%y` is refused: a slash is a folder |
/// | `%%` | a percent sign |
/// | `*` `?` | any text, one character, not across folders |
///
/// A capital `Z` or `UTC` right behind the last number of the time makes it UTC, as in `%Y%m%dT%H%M%SZ`.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Arc<str>,
    components: usize,
    template: Template,
}

/// Why a text is not a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPattern {
    /// It ends in a single percent sign.
    #[error("the pattern ends in a single %: write %% for a percent sign")]
    Unfinished,
    /// It has a field that is not known.
    #[error(
        "the pattern has {field:?}, which is none of %Y %y %m %d %j %b %B %a %A %H %I %M %S %p %f %s %z %Z %F %T %R %%"
    )]
    UnknownField {
        /// The field.
        field: String,
    },
    /// It does not determine a date.
    #[error("the pattern states no date: give %Y (or %y) with %m and %d, or with %j, or give %s")]
    NoDate,
    /// It determines parts of a time of day without the greater ones.
    #[error(
        "the pattern states {0} without what is greater: give %H and %M with %S, %I with %p, and a fraction with %S"
    )]
    HalfATime(&'static str),
    /// It has more wildcards than can be matched quickly.
    #[error("the pattern has more than {WILDCARDS} of *: describe more of the name")]
    TooManyWildcards,
    /// It begins or ends with a slash, or has two in a row.
    #[error(
        "the pattern has an empty folder: begin and end it without a slash, it fits the end of the path"
    )]
    EmptyFolder,
}

impl Pattern {
    /// The time that a picture's name or path states by this pattern.
    pub(super) fn read(&self, path: &Path) -> Option<Reading> {
        path.file_name()?;
        let joined = last_components(path, self.components);
        let moment = self.template.read(tail(&joined, self.components)?)?;
        let raw = tail(path.as_os_str().as_encoded_bytes(), self.components)?;
        Some(Reading {
            source: if self.components == 1 {
                Source::Filename
            } else {
                Source::Path
            },
            raw: String::from_utf8_lossy(raw).into_owned(),
            local: moment.local,
            offset: moment.offset,
            precision: moment.precision,
            scheme: Some(SITE),
        })
    }
}

impl FromStr for Pattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        if text.split('/').any(str::is_empty) {
            return Err(NotAPattern::EmptyFolder);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = &rest[first.len_utf8()..];
            match first {
                '%' => rest = field(rest, &mut parts)?,
                '*' => parts.push(Part::Any { min: 0 }),
                '?' => parts.push(Part::One),
                literal => push_literal(&mut parts, literal),
            }
        }
        mark_utc(&mut parts);
        check(&parts)?;
        Ok(Self {
            components: text.split('/').count(),
            text: text.into(),
            template: Template::new(parts),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// Adds the parts that the field at the beginning of `rest`, behind its percent sign, stands for; gives what follows.
fn field<'a>(rest: &'a str, parts: &mut Vec<Part>) -> Result<&'a str, NotAPattern> {
    let width = rest
        .chars()
        .next()
        .and_then(|first| first.to_digit(10))
        .filter(|width| *width > 0);
    let at = usize::from(width.is_some());
    let name = rest[at..].chars().next().ok_or(NotAPattern::Unfinished)?;
    let number = |place, digits| {
        Part::Number(Number {
            place,
            min: digits,
            max: digits,
        })
    };
    let (date, clock) = (
        [(Place::Year, 4), (Place::Month, 2), (Place::Day, 2)],
        [(Place::Hour, 2), (Place::Minute, 2), (Place::Second, 2)],
    );
    let spaced = |fields: &[(Place, usize)], separator, parts: &mut Vec<Part>| {
        for (index, (place, digits)) in fields.iter().enumerate() {
            if index > 0 {
                push_literal(parts, separator);
            }
            parts.push(number(*place, *digits));
        }
    };
    match (width, name) {
        (None, 'Y') => parts.push(number(Place::Year, 4)),
        (None, 'y') => parts.push(number(Place::ShortYear, 2)),
        (None, 'm') => parts.push(number(Place::Month, 2)),
        (None, 'd') => parts.push(number(Place::Day, 2)),
        (None, 'j') => parts.push(number(Place::DayOfYear, 3)),
        (None, 'H') => parts.push(number(Place::Hour, 2)),
        (None, 'I') => parts.push(Part::Number(Number {
            place: Place::Hour12,
            min: 1,
            max: 2,
        })),
        (None, 'M') => parts.push(number(Place::Minute, 2)),
        (None, 'S') => parts.push(number(Place::Second, 2)),
        (None, 'b' | 'B' | 'h') => parts.push(Part::MonthName),
        (None, 'a' | 'A') => parts.push(Part::Weekday),
        (None, 'p' | 'P') => parts.push(Part::Meridiem),
        (None, 'f') => parts.push(Part::Fraction { min: 1, max: 9 }),
        (Some(width), 'f') => parts.push(Part::Fraction {
            min: width as usize,
            max: width as usize,
        }),
        (None, 's') => parts.push(Part::Epoch { digits: 10 }),
        (Some(3), 's') => parts.push(Part::Epoch { digits: 13 }),
        (None, 'z') => parts.push(Part::Offset),
        (None, 'Z') => parts.push(Part::Utc),
        (None, 'F') => spaced(&date, '-', parts),
        (None, 'T') => spaced(&clock, ':', parts),
        (None, 'R') => spaced(&clock[..2], ':', parts),
        (None, '%') => push_literal(parts, '%'),
        _ => {
            let field = format!("%{}", &rest[..at + name.len_utf8()]);
            return Err(NotAPattern::UnknownField { field });
        }
    }
    Ok(&rest[at + name.len_utf8()..])
}

fn push_literal(parts: &mut Vec<Part>, literal: char) {
    let mut bytes = [0; 4];
    let bytes = literal.encode_utf8(&mut bytes).as_bytes();
    match parts.last_mut() {
        Some(Part::Text(text)) => *text = [text, bytes].concat().into(),
        _ => parts.push(Part::Text(bytes.into())),
    }
}

/// Makes a literal `Z` or `UTC` behind the last number of a time of day what it says.
fn mark_utc(parts: &mut Vec<Part>) {
    let of_time = |part: &Part| match part {
        Part::Number(Number { place, .. }) => matches!(place, Place::Minute | Place::Second),
        Part::Fraction { .. } => true,
        _ => false,
    };
    let Some(last) = parts.iter().rposition(of_time) else {
        return;
    };
    let Some(Part::Text(text)) = parts.get(last + 1) else {
        return;
    };
    let word = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    if matches!(&text[..word], b"Z" | b"UTC") {
        let rest = text[word..].to_vec();
        parts[last + 1] = Part::Utc;
        if !rest.is_empty() {
            parts.insert(last + 2, Part::Text(rest.into()));
        }
    }
}

/// Whether the parts together determine a moment.
fn check(parts: &[Part]) -> Result<(), NotAPattern> {
    let has = |place: Place| {
        parts
            .iter()
            .any(|part| matches!(part, Part::Number(number) if number.place == place))
    };
    let any = |wanted: fn(&Part) -> bool| parts.iter().any(wanted);
    if parts
        .iter()
        .filter(|part| matches!(part, Part::Any { .. }))
        .count()
        > WILDCARDS
    {
        return Err(NotAPattern::TooManyWildcards);
    }
    if any(|part| matches!(part, Part::Epoch { .. })) {
        return Ok(());
    }
    let month = has(Place::Month) || any(|part| *part == Part::MonthName);
    let year = has(Place::Year) || has(Place::ShortYear);
    let by_month = month && has(Place::Day) && !has(Place::DayOfYear);
    let by_day = has(Place::DayOfYear) && !month && !has(Place::Day);
    if !year || !(by_month || by_day) {
        return Err(NotAPattern::NoDate);
    }
    let meridiem = any(|part| *part == Part::Meridiem);
    let hour = has(Place::Hour) != (has(Place::Hour12) && meridiem);
    let fraction = any(|part| matches!(part, Part::Fraction { .. }));
    match (has(Place::Minute), has(Place::Second)) {
        _ if has(Place::Hour12) != meridiem => Err(NotAPattern::HalfATime("%I or %p")),
        (false, _) if hour => Err(NotAPattern::HalfATime("an hour")),
        (true, _) if !hour => Err(NotAPattern::HalfATime("minutes")),
        (false, true) => Err(NotAPattern::HalfATime("seconds")),
        (_, false) if fraction => Err(NotAPattern::HalfATime("a fraction")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, FixedOffset};
    use proptest::prelude::*;

    fn stated(pattern: &str, path: &str) -> Option<String> {
        let pattern: Pattern = pattern.parse().expect("a test's pattern");
        pattern.read(Path::new(path)).map(|found| {
            let offset = found
                .offset
                .map_or(String::new(), |offset| offset.to_string());
            format!("{}{offset}", found.local)
        })
    }

    #[test]
    fn patterns_mean_what_the_table_says() {
        for (pattern, path, means) in [
            (
                "%Y%m%d_%H%M%S",
                "a/20240809_143000.jpg",
                "2024-08-09 14:30:00",
            ),
            (
                "*_%d%m%y_%H%M",
                "river_090824_1430.jpg",
                "2024-08-09 14:30:00",
            ),
            ("cam?_%F", "camB_2024-08-09.jpg", "2024-08-09 00:00:00"),
            ("cam?_%F", "camß_2024-08-09.jpg", "2024-08-09 00:00:00"),
            ("%Y%j %T", "2024222 14:30:00.jpg", "2024-08-09 14:30:00"),
            (
                "%a %d %b %Y %I.%M %p",
                "Fri 09 Aug 2024 2.30 pm.jpg",
                "2024-08-09 14:30:00",
            ),
            (
                "%A %B %d, %Y",
                "Friday August 09, 2024.jpg",
                "2024-08-09 00:00:00",
            ),
            (
                "%Y%m%dT%H%M%SZ*",
                "20240809T143000Z_a.jpg",
                "2024-08-09 14:30:00+00:00",
            ),
            (
                "%Y%m%d-%H%M UTC",
                "20240809-1430 UTC.jpg",
                "2024-08-09 14:30:00",
            ),
            (
                "%Y%m%d%H%M%S%z",
                "20240809143000-0700.jpg",
                "2024-08-09 14:30:00-07:00",
            ),
            (
                "%Y%m%d%H%M%S %Z",
                "20240809143000 GMT.jpg",
                "2024-08-09 14:30:00+00:00",
            ),
            (
                "%Y%m%d%H%M%S%3f",
                "20240809143000250.jpg",
                "2024-08-09 14:30:00.250",
            ),
            ("x%s", "x1723213800.jpg", "2024-08-09 14:30:00+00:00"),
            (
                "x%3s",
                "x1723213800250.jpg",
                "2024-08-09 14:30:00.250+00:00",
            ),
            (
                "%Y/%m%d/*%H%M%S",
                "/mnt/2024/0809/a143000.jpg",
                "2024-08-09 14:30:00",
            ),
            ("50%% %F", "50% 2024-08-09.jpg", "2024-08-09 00:00:00"),
        ] {
            assert_eq!(
                stated(pattern, path).as_deref(),
                Some(means),
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_states_nothing() {
        for (pattern, path) in [
            ("%Y%m%d", "20240230.jpg"),
            ("%Y%m%d", "x20240809.jpg"),
            ("*%Y%m%d", "120240809.jpg"),
            ("%Y/%m/%d", "08/09.jpg"),
            ("*/%F", "2024-08-09.jpg"),
            ("*%F", "a/2024-08-09b.jpg"),
        ] {
            assert_eq!(stated(pattern, path), None, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_that_determine_no_moment_are_refused() {
        for (pattern, why) in [
            ("", NotAPattern::EmptyFolder),
            ("/%F", NotAPattern::EmptyFolder),
            ("%F%", NotAPattern::Unfinished),
            (
                "%Q",
                NotAPattern::UnknownField {
                    field: "%Q".to_owned(),
                },
            ),
            (
                "%0f",
                NotAPattern::UnknownField {
                    field: "%0".to_owned(),
                },
            ),
            (
                "%D",
                NotAPattern::UnknownField {
                    field: "%D".to_owned(),
                },
            ),
            ("%m%d%H%M%S", NotAPattern::NoDate),
            ("image", NotAPattern::NoDate),
            ("%F %H", NotAPattern::HalfATime("an hour")),
            ("%F %M%S", NotAPattern::HalfATime("minutes")),
            ("%F %S", NotAPattern::HalfATime("seconds")),
            ("%F %I%M", NotAPattern::HalfATime("%I or %p")),
            ("%F %H%M%f", NotAPattern::HalfATime("a fraction")),
            ("*a*b*c*d*%F", NotAPattern::TooManyWildcards),
        ] {
            assert_eq!(pattern.parse::<Pattern>(), Err(why), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_path_break_it(
            pattern in "([%][YymdjHIMSpfszZFT]|[*?a-z/_-]){0,12}", path in "[0-9a-zA-Z/._-]{0,60}", text: String,
        ) {
            let _ = text.parse::<Pattern>();
            if let Ok(pattern) = pattern.parse::<Pattern>() {
                prop_assert_eq!(pattern.to_string().parse::<Pattern>(), Ok(pattern.clone()));
                let _ = pattern.read(Path::new(&path));
                let _ = pattern.read(Path::new(&text));
            }
        }

        #[test]
        fn what_chrono_writes_is_read_back(seconds in 946_684_800..4_000_000_000_i64, quarters in -56..=56_i32) {
            let offset = FixedOffset::east_opt(quarters * 900).expect("within 14 hours");
            let at = DateTime::from_timestamp(seconds, 0).expect("within the calendar").with_timezone(&offset);
            for format in ["%Y%m%d_%H%M%S", "%y-%j %I.%M.%S %p", "%d %B %Y at %H-%M-%S", "x_%F %T %z"] {
                let pattern: Pattern = format.parse().expect("a test's pattern");
                let name = at.format(format).to_string();
                let found = pattern.read(Path::new(&name)).map(|found| (found.local, found.offset));
                prop_assert_eq!(found, Some((at.naive_local(), format.contains("%z").then_some(offset))), "{}", name);
            }
        }
    }
}
