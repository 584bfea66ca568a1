//! The zone of a camera's clock.

use std::fmt;
use std::str::FromStr;

use chrono::{
    DateTime, Duration, FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeZone as _, Utc,
};

use super::tz::Tz;

/// The zone that a camera's clock is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the IANA database, with its rules. The signs of `Etc/GMT+7` are those of POSIX: seven hours
    /// *behind* UTC.
    Iana(Tz),
    /// A fixed offset from UTC.
    Fixed(FixedOffset),
}

/// Why a text is not a [`Zone`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no time zone: give an IANA name such as America/Denver or Etc/GMT+7 (7 h behind UTC), or an \
     offset from UTC such as -07:00"
)]
pub struct NotAZone {
    /// The text.
    pub text: String,
}

/// A local time placed in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    Once(DateTime<FixedOffset>),
    /// It occurred twice: the first and the second time.
    Repeated(DateTime<FixedOffset>, DateTime<FixedOffset>),
    /// It did not occur; this has the offset before the change.
    Skipped(DateTime<FixedOffset>),
}

/// Zones have changed their clocks by up to a day at once (Samoa, 2011).
const LONGEST_GAP_H: i64 = 25;

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self::Iana(Tz::UTC);

    /// A moment on this zone's clock.
    pub fn at(&self, moment: DateTime<Utc>) -> DateTime<FixedOffset> {
        match self {
            Self::Iana(zone) => {
                let offset = zone.offset_at(moment.timestamp());
                moment.with_timezone(&whole_minutes(offset))
            }
            Self::Fixed(offset) => moment.with_timezone(offset),
        }
    }

    /// The moment when this zone's clock showed `local`. The local time is never altered.
    pub(super) fn place(&self, local: NaiveDateTime) -> Placed {
        let at = |offset| with_offset(local, whole_minutes(offset));
        match self {
            Self::Fixed(offset) => Placed::Once(with_offset(local, *offset)),
            Self::Iana(zone) => match zone.offsets_of(local) {
                LocalResult::Single(offset) => Placed::Once(at(offset)),
                LocalResult::Ambiguous(first, second) => Placed::Repeated(at(first), at(second)),
                LocalResult::None => Placed::Skipped(at(offset_before(*zone, local))),
            },
        }
    }
}

/// An offset without its seconds: those of local mean time, before zones, have some, and RFC 3339 cannot write them.
fn whole_minutes(offset: FixedOffset) -> FixedOffset {
    FixedOffset::east_opt(offset.local_minus_utc() / 60 * 60).unwrap_or(offset)
}

/// The offset in force before the change that skipped `local`.
fn offset_before(zone: Tz, local: NaiveDateTime) -> FixedOffset {
    (1..=LONGEST_GAP_H)
        .filter_map(|hours| local.checked_sub_signed(Duration::hours(hours)))
        .find_map(|earlier| zone.offsets_of(earlier).latest())
        .unwrap_or_else(|| Utc.fix())
}

/// A local time with its offset; at the ends of chrono's calendar, where that is no moment, in UTC.
pub(super) fn with_offset(local: NaiveDateTime, offset: FixedOffset) -> DateTime<FixedOffset> {
    match offset.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
        LocalResult::None => local.and_utc().fixed_offset(),
    }
}

/// An offset as `+hh:mm` or `-hh:mm`, within the 14 hours that zones use.
pub(super) fn offset(text: &str) -> Option<FixedOffset> {
    let bytes = text.as_bytes();
    let &[sign, h, hh, b':', m, mm] = bytes else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(10).map(|digit| digit as i32);
    let hours = digit(h)? * 10 + digit(hh)?;
    let minutes = digit(m)? * 10 + digit(mm)?;
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        _ if minutes > 59 || seconds > 14 * 3600 => None,
        b'+' => FixedOffset::east_opt(seconds),
        b'-' => FixedOffset::west_opt(seconds),
        _ => None,
    }
}

impl FromStr for Zone {
    type Err = NotAZone;

    fn from_str(text: &str) -> Result<Self, NotAZone> {
        if let Some(offset) = offset(text) {
            return Ok(Self::Fixed(offset));
        }
        let refused = || NotAZone {
            text: text.to_owned(),
        };
        Tz::named(text).map(Self::Iana).ok_or_else(refused)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iana(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => offset.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a test's local time")
    }

    fn zone() -> impl Strategy<Value = Zone> {
        prop_oneof![
            prop::sample::select(Tz::names().collect::<Vec<_>>())
                .prop_map(|name| name.parse().expect("IANA")),
            (-14 * 60..=14 * 60_i32)
                .prop_map(|m| Zone::Fixed(FixedOffset::east_opt(m * 60).expect("small"))),
        ]
    }

    proptest! {
        #[test]
        fn a_zone_is_its_text(zone in zone()) {
            prop_assert_eq!(zone.to_string().parse(), Ok(zone));
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            if let Err(error) = text.parse::<Zone>() {
                prop_assert_eq!(error, NotAZone { text });
            }
        }

        #[test]
        fn a_local_time_keeps_its_digits_and_moments_come_back(
            zone in zone(),
            seconds in 946_684_800..2_500_000_000_i64,
        ) {
            let moment = DateTime::from_timestamp(seconds, 0).expect("within the calendar");
            let local = zone.at(moment).naive_local();
            match zone.place(local) {
                Placed::Once(at) => prop_assert_eq!(at, moment),
                Placed::Repeated(first, second) => {
                    prop_assert!(first == moment || second == moment);
                    prop_assert!(first < second && first.naive_local() == local && second.naive_local() == local);
                }
                Placed::Skipped(_) => prop_assert!(false, "a time that was shown occurred"),
            }
            let (Placed::Once(at) | Placed::Repeated(at, _) | Placed::Skipped(at)) = zone.place(moment.naive_utc());
            prop_assert_eq!(at.naive_local(), moment.naive_utc());
        }
    }

    #[test]
    fn a_repeated_hour_is_the_first_and_a_skipped_one_keeps_the_offset_before() {
        let denver: Zone = "America/Denver".parse().expect("IANA");
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect("a test's moment");
        let repeated = denver.place(local("2024-11-03 01:30:00"));
        let both = [
            at("2024-11-03T01:30:00-06:00"),
            at("2024-11-03T01:30:00-07:00"),
        ];
        assert_eq!(repeated, Placed::Repeated(both[0], both[1]));
        let skipped = denver.place(local("2025-03-09 02:00:00"));
        assert_eq!(skipped, Placed::Skipped(at("2025-03-09T02:00:00-07:00")));
        let apia: Zone = "Pacific/Apia".parse().expect("IANA");
        let day = apia.place(local("2011-12-30 12:00:00"));
        assert_eq!(day, Placed::Skipped(at("2011-12-30T12:00:00-10:00")));
        let fixed: Zone = "Etc/GMT+7".parse().expect("IANA");
        let exists = fixed.place(local("2025-03-09 02:00:00"));
        assert_eq!(exists, Placed::Once(at("2025-03-09T02:00:00-07:00")));
    }

    #[test]
    fn moments_before_zones_can_be_written_and_read_back() {
        let denver: Zone = "America/Denver".parse().expect("IANA");
        let Placed::Once(placed) = denver.place(local("1012-08-09 14:30:00")) else {
            panic!("local mean time has no gaps");
        };
        for at in [placed, denver.at(placed.to_utc())] {
            assert_eq!(at.to_rfc3339(), "1012-08-09T14:30:00-06:59");
        }
    }

    #[test]
    fn what_operators_mistype_is_refused() {
        for text in [
            "", "MST7", "GMT+7", "+7", "-0700", "+15:00", "-07:60", "07:00", "+1٣:00",
        ] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
        for text in ["UTC", "-07:00", "+05:30", "America/Denver"] {
            assert!(text.parse::<Zone>().is_ok(), "{text}");
        }
    }
}
