//! Forms of what is said about a camera's clock: days, and corrections.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::json;
use toml::de::{DeTable, DeValue};
use weir_journey::stamp::{CameraClock, Shift};

use super::{Form, Written, type_of};

/// A day, as a TOML date or a text of the same form.
pub(in crate::config) fn day() -> Form<NaiveDate> {
    Form::new(
        "a date such as \"2024-05-01\"".to_owned(),
        json!({ "type": "string", "format": "date" }),
        Written::Text,
        |value| {
            let text = words(value)?;
            let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
            Some(day.map_err(|_| "is no date"))
        },
    )
}

/// What is added to a camera's times: always the same, or from moments of its own clock on.
pub(in crate::config) fn camera_clock() -> Form<CameraClock> {
    let shift = json!({ "type": "string", "pattern": "^[+-]([0-9]+(d|h|min|m|s))+$" });
    let step = json!({
        "type": "object",
        "properties": { "from": { "type": "string" }, "offset": shift },
        "required": ["from", "offset"],
        "additionalProperties": false,
    });
    Form::new(
        "what to add to the camera's times, such as \"-1h3m\", or a list of { from = \"2024-08-01 12:00:00\", \
         offset = \"-1h3m\" } in order of time"
            .to_owned(),
        json!({ "anyOf": [shift, { "type": "array", "items": step }] }),
        Written::Literal,
        |value| match value {
            DeValue::String(text) => Some(shift_of(text).map(CameraClock::fixed)),
            DeValue::Array(items) => {
                let steps = items.iter().map(|item| match item.get_ref() {
                    DeValue::Table(table) => step_of(table),
                    other => Err(format!("has an item that is {}", type_of(other))),
                });
                let steps: Result<Vec<_>, _> = steps.collect();
                Some(steps.and_then(|steps| {
                    CameraClock::stepwise(steps).map_err(|error| format!("is not in order: {error}"))
                }))
            }
            _ => None,
        },
    )
}

fn shift_of(text: &str) -> Result<TimeDelta, String> {
    let shift = text.parse::<Shift>().map_err(|error| error.to_string());
    shift.map(|Shift(delta)| delta)
}

fn step_of(table: &DeTable<'_>) -> Result<(NaiveDateTime, TimeDelta), String> {
    let keys: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
    if let Some(other) = keys.iter().find(|key| !matches!(**key, "from" | "offset")) {
        return Err(format!("has an item with the unknown key {other:?}"));
    }
    let text = |key: &str| {
        let value = table.get(key).map(|value| value.get_ref());
        value
            .and_then(words)
            .ok_or_else(|| format!("has an item without {key}"))
    };
    let (from, offset) = (text("from")?, text("offset")?);
    let moment = shown(&from).ok_or_else(|| format!("has {from:?}, which is no local time"))?;
    let add = shift_of(&offset).map_err(|error| format!("has {offset:?}, which {error}"))?;
    Ok((moment, add))
}

/// A text, or a TOML date or time as one.
fn words(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Datetime(at) => Some(at.to_string()),
        _ => None,
    }
}

/// A time that a camera's clock showed, to the second, the minute or the day.
fn shown(text: &str) -> Option<NaiveDateTime> {
    let text = text.replacen('T', " ", 1);
    let date = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())
        .or_else(|| date()?.and_hms_opt(0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::reads;
    use super::*;

    #[test]
    fn days_are_dates_and_nothing_else() {
        let expected = NaiveDate::from_ymd_opt(2024, 5, 1);
        for good in ["\"2024-05-01\"", "2024-05-01"] {
            assert_eq!(reads(&day(), good), expected, "{good}");
        }
        for bad in [
            "\"\"",
            "\"2024-02-30\"",
            "\"1 May\"",
            "2024-05-01T00:00:00",
            "20240501",
            "true",
        ] {
            assert_eq!(reads(&day(), bad), None, "{bad}");
        }
    }

    #[test]
    fn corrections_are_fixed_or_a_table() {
        let fixed = CameraClock::fixed(TimeDelta::minutes(-63));
        assert_eq!(reads(&camera_clock(), "\"-1h3m\""), Some(fixed));
        let at = |text: &str| shown(text).expect("a test's time");
        let steps = vec![
            (at("2024-08-01"), TimeDelta::hours(1)),
            (at("2024-09-01 12:30"), TimeDelta::seconds(-90)),
        ];
        let table = "[{ from = 2024-08-01, offset = \"+1h\" }, { from = \"2024-09-01T12:30:00\", offset = \"-90s\" }]";
        assert_eq!(
            reads(&camera_clock(), table),
            Some(CameraClock::stepwise(steps).expect("in order"))
        );
        for bad in [
            "\"1h\"",
            "3",
            "[\"+1h\"]",
            "[{ from = \"yesterday\", offset = \"+1h\" }]",
            "[{ from = 2024-08-01, offset = \"1h\" }]",
            "[{ from = 2024-08-01T00:00:00Z, offset = \"+1h\" }]",
            "[{ offset = \"+1h\" }]",
            "[{ from = 2024-08-01, offset = \"+1h\", till = 2024-09-01 }]",
            "[{ from = 2024-08-02, offset = \"+1h\" }, { from = 2024-08-01, offset = \"+2h\" }]",
        ] {
            assert_eq!(reads(&camera_clock(), bad), None, "{bad}");
        }
    }
}
