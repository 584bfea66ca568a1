//! Durations and sizes as scenarios and the command line write them.
//!
//! A duration is a sum of whole numbers with units (`90s`, `6h`, `7d`, `1h30m`, `250ms`), a size one whole number with
//! a unit (`24KiB`, binary, or `24KB`, decimal). A bare number is refused: a unit that is guessed is a fault that
//! waits. What is shown is read back as the same quantity, and each duration is shown in one way only.
//!
//! For serde: `#[serde(with = "crate::units::duration")]`, `duration_option` for an `Option<Duration>` (with
//! `#[serde(default)]`), `size` for a `u64` of bytes.

use std::time::Duration;

/// Units of durations, longest first, in milliseconds.
const DURATIONS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of sizes in bytes; of those that divide a size, the first is the one it is shown in.
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAQuantity {
    /// No whole number where one must be.
    #[error("{0:?} has no whole number where one must be; write it like {1}")]
    NoNumber(String, &'static str),
    /// A number without a unit.
    #[error("{0:?} has no unit; write it like {1}")]
    NoUnit(String, &'static str),
    /// A unit nobody knows.
    #[error("{0:?} has an unknown unit {1:?}; write it like {2}")]
    UnknownUnit(String, String, &'static str),
    /// More than 64 bits can hold.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

const LIKE_A_DURATION: &str = "90s, 30m, 6h, 7d or 1h30m";
const LIKE_A_SIZE: &str = "24KiB or 2MB";

/// Reads a duration such as `30m` or `1h30m`.
///
/// # Errors
/// The text is not a sum of whole numbers with units, or larger than 64 bits of milliseconds.
pub fn parse_duration(text: &str) -> Result<Duration, NotAQuantity> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    loop {
        let (term, after) = term(text, rest, &DURATIONS, LIKE_A_DURATION)?;
        millis = millis
            .checked_add(term)
            .ok_or_else(|| NotAQuantity::TooLarge(text.to_owned()))?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(Duration::from_millis(millis));
        }
    }
}

/// Reads a size such as `24KiB`, in bytes.
///
/// # Errors
/// The text is not one whole number with a unit, or larger than 64 bits.
pub fn parse_size(text: &str) -> Result<u64, NotAQuantity> {
    match term(text, text.trim(), &SIZES, LIKE_A_SIZE)? {
        (bytes, "") => Ok(bytes),
        (_, rest) => Err(NotAQuantity::UnknownUnit(
            text.to_owned(),
            rest.trim().to_owned(),
            LIKE_A_SIZE,
        )),
    }
}

/// Reads `number unit` at the start of `rest`; gives the quantity and what follows it.
fn term<'t>(
    text: &str,
    rest: &'t str,
    units: &[(&str, u64)],
    like: &'static str,
) -> Result<(u64, &'t str), NotAQuantity> {
    let too_large = || NotAQuantity::TooLarge(text.to_owned());
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at(digits);
    if number.is_empty() {
        return Err(NotAQuantity::NoNumber(text.to_owned(), like));
    }
    let number: u64 = number.parse().map_err(|_| too_large())?;
    let rest = rest.trim_start();
    let letters = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    if unit.is_empty() {
        return Err(NotAQuantity::NoUnit(text.to_owned(), like));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(NotAQuantity::UnknownUnit(
            text.to_owned(),
            unit.to_owned(),
            like,
        ));
    };
    Ok((number.checked_mul(*factor).ok_or_else(too_large)?, rest))
}

/// Writes a duration so that [`parse_duration`] reads it back, to the millisecond: `1h30m`, `7d`, `0s`.
pub fn show_duration(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut shown = String::new();
    for (unit, factor) in DURATIONS {
        if millis >= factor {
            shown += &format!("{}{unit}", millis / factor);
            millis %= factor;
        }
    }
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown
    }
}

/// Writes a size in bytes so that [`parse_size`] reads it back.
pub fn show_size(bytes: u64) -> String {
    SIZES
        .iter()
        .find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor))
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, factor)| format!("{}{unit}", bytes / factor),
        )
}

/// For serde: a [`Duration`] as text, such as `"30m"`.
pub mod duration {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Writes it as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show_duration(*duration))
    }

    /// Reads it from text.
    ///
    /// # Errors
    /// What stands there is no text, or no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_duration(&text).map_err(serde::de::Error::custom)
    }
}

/// For serde: an `Option<Duration>` as text; needs `#[serde(default)]` where the key may be absent.
pub mod duration_option {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Writes it as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => to.serialize_some(&super::show_duration(*duration)),
            None => to.serialize_none(),
        }
    }

    /// Reads it from text.
    ///
    /// # Errors
    /// What stands there is no text, or no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| super::parse_duration(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

/// For serde: a size in bytes as text, such as `"24KiB"`.
pub mod size {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::show_size(*bytes))
    }

    /// Reads it from text.
    ///
    /// # Errors
    /// What stands there is no text, or no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_size(&text).map_err(serde::de::Error::custom)
    }
}

/// For serde: a size that may be absent.
pub mod size_option {
    use serde::{Deserialize, Deserializer};

    /// Reads it from text.
    ///
    /// # Errors
    /// What stands there is no text, or no size.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(from)?
            .map(|text| super::parse_size(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Table {
        #[serde(with = "duration")]
        every: Duration,
        #[serde(
            default,
            with = "duration_option",
            skip_serializing_if = "Option::is_none"
        )]
        jitter: Option<Duration>,
        #[serde(with = "size")]
        median: u64,
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millis: u64, bytes: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }

        #[test]
        fn a_table_is_read_back_as_it_was_written(every: u32, jitter: Option<u32>, median: u32) {
            let table = Table {
                every: Duration::from_millis(every.into()),
                jitter: jitter.map(|millis| Duration::from_millis(millis.into())),
                median: median.into(),
            };
            let text = toml::to_string(&table).unwrap();
            prop_assert_eq!(toml::from_str::<Table>(&text).unwrap(), table);
        }

        #[test]
        fn no_text_breaks_the_parsers(text: String) {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }

    #[test]
    fn durations_are_shown_as_people_write_them() {
        for text in ["0s", "90ms", "30s", "30m", "1h30m", "7d", "1d12h"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(
            parse_duration(" 1h 30 m "),
            Ok(Duration::from_secs(90 * 60))
        );
    }

    #[test]
    fn the_fault_is_named() {
        let said = |text| parse_duration(text).unwrap_err().to_string();
        assert_eq!(
            said("60"),
            "\"60\" has no unit; write it like 90s, 30m, 6h, 7d or 1h30m"
        );
        assert!(said("1 fortnight").contains("unknown unit \"fortnight\""));
        assert!(said("-1s").contains("no whole number"));
        assert!(said("").contains("no whole number"));
        assert!(
            parse_size("8MiB/s")
                .unwrap_err()
                .to_string()
                .contains("\"/s\"")
        );
        let plain = toml::from_str::<Table>("every = 60\nmedian = \"24KiB\"");
        assert!(
            plain.is_err(),
            "a bare number of seconds must be refused: {plain:?}"
        );
    }
}
