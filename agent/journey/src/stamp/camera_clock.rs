//! A camera's clock that is known to have been off: what is added to its times, from when on.

use std::str::FromStr;

use chrono::{NaiveDateTime, TimeDelta};

/// What is added to the times of a camera's clock to have the time of its zone.
///
/// Each step holds from a moment *on the camera's own clock* (the digits that the pictures show) until the next
/// one; before the first nothing is added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CameraClock {
    steps: Vec<(NaiveDateTime, TimeDelta)>,
}

/// Why steps are no [`CameraClock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the moments do not ascend: each step begins after the one before it")]
pub struct NotAscending;

/// Why a text is no [`Shift`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAShift {
    /// It does not begin with a sign.
    #[error(
        "has no sign: write what is to be added to the camera's times, such as \"-1h3m\" where it is fast"
    )]
    NoSign,
    /// What follows the sign is no sum of times.
    #[error("is no sum of times such as \"+7h\", \"-1h3m\" or \"-12d4s\"")]
    NoTime,
    /// More than a century.
    #[error("is more than a century")]
    TooLong,
}

/// A signed length of time: `-1h3m`, `+12d`, `+90s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift(pub TimeDelta);

/// The longest shift in seconds: a century.
const LONGEST_S: i64 = 36_525 * 86_400;

impl CameraClock {
    /// One that is off by the same at all times.
    pub fn fixed(add: TimeDelta) -> Self {
        Self {
            steps: vec![(NaiveDateTime::MIN, add)],
        }
    }

    /// One whose error changes at moments of its own.
    ///
    /// # Errors
    /// When the moments do not ascend.
    pub fn stepwise(steps: Vec<(NaiveDateTime, TimeDelta)>) -> Result<Self, NotAscending> {
        if steps.is_sorted_by(|one, next| one.0 < next.0) {
            Ok(Self { steps })
        } else {
            Err(NotAscending)
        }
    }

    /// What is added to `shown`, a time that the camera's clock showed.
    pub(super) fn correction(&self, shown: NaiveDateTime) -> TimeDelta {
        let begun = self.steps.partition_point(|(from, _)| *from <= shown);
        begun
            .checked_sub(1)
            .and_then(|last| self.steps.get(last))
            .map_or(TimeDelta::zero(), |(_, add)| *add)
    }
}

impl FromStr for Shift {
    type Err = NotAShift;

    fn from_str(text: &str) -> Result<Self, NotAShift> {
        let (sign, mut rest) = match text.split_at_checked(1) {
            Some(("-", rest)) => (-1, rest),
            Some(("+", rest)) => (1, rest),
            _ => return Err(NotAShift::NoSign),
        };
        let mut seconds = 0_i64;
        if rest.is_empty() {
            return Err(NotAShift::NoTime);
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let unit = match unit {
                "d" => 86_400,
                "h" => 3600,
                "m" | "min" => 60,
                "s" => 1,
                _ => return Err(NotAShift::NoTime),
            };
            let number: i64 = number.parse().map_err(|_| NotAShift::NoTime)?;
            let part = number.checked_mul(unit).ok_or(NotAShift::TooLong)?;
            seconds = seconds.checked_add(part).ok_or(NotAShift::TooLong)?;
            rest = tail;
        }
        if seconds > LONGEST_S {
            return Err(NotAShift::TooLong);
        }
        Ok(Self(TimeDelta::seconds(sign * seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(seconds: i64) -> NaiveDateTime {
        chrono::DateTime::from_timestamp(seconds, 0)
            .expect("within the calendar")
            .naive_utc()
    }

    proptest! {
        #[test]
        fn a_shift_is_the_sum_of_its_parts(
            minus: bool, d in 0..1000_i64, h in 0..100_i64, m in 0..100_i64, s in 0..100_i64,
        ) {
            let sign = if minus { "-" } else { "+" };
            let Shift(read) = format!("{sign}{d}d{h}h{m}m{s}s").parse().expect("a shift");
            let sum = TimeDelta::days(d) + TimeDelta::hours(h) + TimeDelta::minutes(m) + TimeDelta::seconds(s);
            prop_assert_eq!(read, if minus { -sum } else { sum });
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = text.parse::<Shift>();
        }

        /// As a model: the last step that began by then, by a search from the end.
        #[test]
        fn the_last_step_that_began_counts(
            mut steps in prop::collection::btree_map(0..1000_i64, -1000..1000_i64, 0..6),
            moment in -10..1010_i64,
        ) {
            let clock = CameraClock::stepwise(
                steps.iter().map(|(from, add)| (shown(*from), TimeDelta::seconds(*add))).collect(),
            ).expect("a map ascends");
            steps.retain(|from, _| *from <= moment);
            let expected = steps.last_key_value().map_or(0, |(_, add)| *add);
            prop_assert_eq!(clock.correction(shown(moment)), TimeDelta::seconds(expected));
        }
    }

    #[test]
    fn what_is_no_shift_is_refused() {
        for text in [
            "",
            "1h",
            "-",
            "-h",
            "-1",
            "-1x",
            "+1h 3m",
            "+-1h",
            "+999999d",
            "+9999999999999999999s",
        ] {
            assert!(text.parse::<Shift>().is_err(), "{text}");
        }
    }

    #[test]
    fn steps_that_do_not_ascend_are_refused() {
        let zero = TimeDelta::zero();
        assert!(CameraClock::stepwise(vec![(shown(1), zero), (shown(1), zero)]).is_err());
    }
}
