//! Moments as people write them: a date, a date with its time and offset, or a span of time ago.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::config::units::parse_duration;
use crate::queue::Bound;

/// A moment on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// `2025-03-09`: the beginning of that day by the camera's own clock, whatever its zone.
    Day(NaiveDate),
    /// `2025-03-09T14:30:00-07:00` (RFC 3339).
    At(DateTime<Utc>),
    /// `7d` or `36h ago`: so many milliseconds before now.
    Ago(i64),
}

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither a date (2025-03-09), nor a time with its offset (2025-03-09T14:30:00-07:00), nor a span before now (7d, 36h)"
)]
pub(super) struct NotAMoment;

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let text = text.trim();
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Day(day));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let span = text.strip_suffix("ago").unwrap_or(text);
        let span = parse_duration(span).map_err(|_| NotAMoment)?;
        i64::try_from(span.as_millis())
            .map(Self::Ago)
            .map_err(|_| NotAMoment)
    }
}

impl Moment {
    /// The end of a span of capture times that it means.
    pub(super) fn bound(self, now: DateTime<Utc>) -> Bound {
        match self {
            Self::Day(day) => {
                Bound::Shown(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
            }
            Self::At(at) => Bound::Moment(at.timestamp_millis()),
            Self::Ago(span) => Bound::Moment(now.timestamp_millis().saturating_sub(span)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever chrono prints is read as the same.
        #[test]
        fn printed_moments_are_read_back(seconds in 0_i64..4_000_000_000, days in 0_u32..4000) {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            prop_assert_eq!(at.to_rfc3339().parse(), Ok(Moment::At(at)));
            prop_assert_eq!(at.date_naive().to_string().parse(), Ok(Moment::Day(at.date_naive())));
            let span = 86_400_000 * i64::from(days);
            for text in [format!("{days}d"), format!("{days}d ago"), format!("{} h ago", 24 * days)] {
                prop_assert_eq!(text.parse(), Ok(Moment::Ago(span)));
            }
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for bad in [
            "",
            "09/03/2025",
            "2025-03-09T14:30:00",
            "yesterday",
            "7",
            "2025-02-30",
            "-7d",
        ] {
            assert_eq!(bad.parse::<Moment>(), Err(NotAMoment), "{bad}");
        }
    }

    #[test]
    fn a_date_is_a_day_of_the_cameras_clock() {
        let now = "2026-11-21T08:00:00Z".parse().unwrap();
        let bound = |text: &str| text.parse::<Moment>().unwrap().bound(now);
        assert_eq!(bound("1970-01-02"), Bound::Shown(86_400_000));
        assert_eq!(
            bound("1970-01-02T00:00:00+01:00"),
            Bound::Moment(82_800_000)
        );
        assert_eq!(
            bound("8h ago"),
            Bound::Moment(now.timestamp_millis() - 28_800_000)
        );
    }
}
