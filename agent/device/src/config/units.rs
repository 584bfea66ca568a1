//! Durations and sizes as people write them.
//!
//! A duration is a sum of whole numbers with units (`90s`, `1h30m`), a size one whole number with a unit (`8MiB`,
//! binary, or `8MB`, decimal: IEC 80000-13). A bare number is refused: a unit that is guessed is a fault that waits.

use std::time::Duration;

/// Units of durations, longest first, in milliseconds.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of sizes, in bytes; of those that divide a size, the first is the one it is shown in.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
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
pub(crate) enum NotAQuantity {
    /// No number where one must be.
    #[error("has no number where one must be")]
    NoNumber,
    /// A number without a unit.
    #[error("has no unit after {0}")]
    NoUnit(u64),
    /// A unit nobody knows.
    #[error("has an unknown unit {0:?}")]
    UnknownUnit(String),
    /// More than 64 bits can hold.
    #[error("is too large")]
    TooLarge,
}

/// Reads a duration such as `250ms` or `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, NotAQuantity> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    loop {
        let (term, after) = parse_term(rest, &DURATION_UNITS)?;
        millis = millis.checked_add(term).ok_or(NotAQuantity::TooLarge)?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(Duration::from_millis(millis));
        }
    }
}

/// Reads a size such as `8MiB`, in bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, NotAQuantity> {
    match parse_term(text.trim(), &SIZE_UNITS)? {
        (bytes, "") => Ok(bytes),
        (_, rest) => Err(NotAQuantity::UnknownUnit(rest.trim().to_owned())),
    }
}

/// Reads `number unit` at the start of `text`; gives the quantity and what follows it.
fn parse_term<'t>(text: &'t str, units: &[(&str, u64)]) -> Result<(u64, &'t str), NotAQuantity> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    if number.is_empty() {
        return Err(NotAQuantity::NoNumber);
    }
    let number: u64 = number.parse().map_err(|_| NotAQuantity::TooLarge)?;
    let rest = rest.trim_start();
    let letters = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(letters);
    if unit.is_empty() {
        return Err(NotAQuantity::NoUnit(number));
    }
    let (_, factor) = units
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| NotAQuantity::UnknownUnit(unit.to_owned()))?;
    Ok((
        number.checked_mul(*factor).ok_or(NotAQuantity::TooLarge)?,
        rest,
    ))
}

/// Writes a duration so that [`parse_duration`] reads it back (to the millisecond).
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    show(millis, &DURATION_UNITS)
}

/// Writes a size in bytes so that [`parse_size`] reads it back.
pub(super) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZE_UNITS)
}

/// Writes a quantity in the first unit that divides it.
fn show(quantity: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, factor)| quantity != 0 && quantity.is_multiple_of(*factor))
        .or(units.last())
        .map_or_else(String::new, |(name, factor)| {
            format!("{}{name}", quantity / factor)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millis: u64, bytes: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }

        #[test]
        fn terms_of_a_duration_add_up(h in 0_u64..1000, m in 0_u64..1000, ms in 0_u64..1000) {
            let sum = Duration::from_millis(h * 3_600_000 + m * 60_000 + ms);
            prop_assert_eq!(parse_duration(&format!("{h}h{m}m {ms} ms")), Ok(sum));
        }

        #[test]
        fn no_text_breaks_the_parsers(text: String) {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }

    #[test]
    fn binary_and_decimal_sizes_differ() {
        assert_eq!(parse_size("8MiB"), Ok(8_388_608));
        assert_eq!(parse_size("8 MB"), Ok(8_000_000));
        assert_eq!(parse_size("7B"), Ok(7));
    }

    #[test]
    fn the_fault_is_named() {
        assert_eq!(parse_duration("60"), Err(NotAQuantity::NoUnit(60)));
        assert_eq!(
            parse_duration("1 fortnight"),
            Err(NotAQuantity::UnknownUnit("fortnight".into()))
        );
        assert_eq!(parse_duration("-1s"), Err(NotAQuantity::NoNumber));
        assert_eq!(parse_duration("1h and"), Err(NotAQuantity::NoNumber));
        assert_eq!(parse_size("99999999999GiB"), Err(NotAQuantity::TooLarge));
        assert_eq!(
            parse_size("8mib"),
            Err(NotAQuantity::UnknownUnit("mib".into()))
        );
        assert_eq!(
            parse_size("8MiB/s"),
            Err(NotAQuantity::UnknownUnit("/s".into()))
        );
    }
}
