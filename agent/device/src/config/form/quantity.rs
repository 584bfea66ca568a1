//! Forms of numbers, durations, sizes and rates, each within a range.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;

use super::{Form, Written};
use crate::config::units;

/// A whole number within `range`.
pub(in crate::config) fn integer(range: RangeInclusive<u32>) -> Form<u32> {
    let (min, max) = range.clone().into_inner();
    let schema = json!({ "type": "integer", "minimum": min, "maximum": max });
    Form::new(
        format!("a whole number from {min} to {max}"),
        schema,
        Written::Literal,
        move |value| {
            let integer = value.as_integer()?;
            let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
            Some(
                number
                    .filter(|number| range.contains(number))
                    .ok_or("is out of range"),
            )
        },
    )
}

/// A duration within `range`.
pub(in crate::config) fn duration(range: RangeInclusive<Duration>) -> Form<Duration> {
    let [min, max] = [range.start(), range.end()].map(|end| units::show_duration(*end));
    let example = ["30s", "1h"].into_iter().find(|example| {
        units::parse_duration(example).is_ok_and(|example| range.contains(&example))
    });
    let example = example.unwrap_or(&min).to_owned();
    let schema = json!({ "type": "string", "pattern": r"^\s*(\d+\s*(ms|s|m|h|d)\s*)+$" });
    Form::new(
        format!("a duration from {min} to {max}, such as \"{example}\""),
        schema,
        Written::Text,
        move |value| {
            Some(match units::parse_duration(value.as_str()?) {
                Ok(duration) if range.contains(&duration) => Ok(duration),
                Ok(_) => Err("is out of range".to_owned()),
                Err(error) => Err(error.to_string()),
            })
        },
    )
}

/// A size in bytes within `range`.
pub(in crate::config) fn size(range: RangeInclusive<u64>) -> Form<u64> {
    let [min, max] = [range.start(), range.end()].map(|end| units::show_size(*end));
    let expected = format!("a size from {min} to {max}, such as \"16MiB\"");
    let schema = json!({ "type": "string", "pattern": r"^\s*\d+\s*([KMGT]i?)?B$" });
    Form::new(expected, schema, Written::Text, move |value| {
        Some(match units::parse_size(value.as_str()?) {
            Ok(bytes) if range.contains(&bytes) => Ok(bytes),
            Ok(_) => Err("is out of range".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    })
}

/// A rate in bytes a second, at least `min`.
pub(in crate::config) fn rate(min: u64) -> Form<u64> {
    let expected = format!(
        "a rate of at least {}/s, such as \"500KiB/s\"",
        units::show_size(min)
    );
    let schema = json!({ "type": "string", "pattern": r"^\s*\d+\s*([KMGT]i?)?B/s$" });
    Form::new(expected, schema, Written::Text, move |value| {
        Some(
            match value
                .as_str()?
                .trim_end()
                .strip_suffix("/s")
                .map(units::parse_size)
            {
                Some(Ok(bytes)) if bytes >= min => Ok(bytes),
                Some(Ok(_)) => Err("is out of range".to_owned()),
                Some(Err(error)) => Err(error.to_string()),
                None => Err("is not per second".to_owned()),
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::reads;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_in_range_is_read_and_nothing_else(a: u32, b: u32, c: u32) {
            let range = a.min(b)..=a.max(b);
            let (low, high) = (u64::from(*range.start()), u64::from(*range.end()));
            let within = range.contains(&c);
            let millis = Duration::from_millis(low)..=Duration::from_millis(high);
            prop_assert_eq!(reads(&integer(range), &c.to_string()), within.then_some(c));
            prop_assert_eq!(reads(&duration(millis), &format!("\"{c}ms\"")).is_some(), within);
            prop_assert_eq!(reads(&size(low..=high), &format!("\"{c}B\"")), within.then_some(u64::from(c)));
            prop_assert_eq!(reads(&rate(low), &format!("\"{c}B/s\"")).is_some(), u64::from(c) >= low);
        }
    }

    #[test]
    fn the_ends_of_a_range_belong_to_it() {
        let form = || integer(2..=4);
        let read: Vec<_> = ["-3", "1", "2", "4", "5", "4294967298"]
            .map(|toml| reads(&form(), toml))
            .into();
        assert_eq!(read, [None, None, Some(2), Some(4), None, None]);
        assert_eq!(reads(&form(), "0x3"), Some(3));
    }
}
