//! Names of time zones: the IANA database's, or a fixed offset.

use std::fmt;
use std::str::FromStr;

use super::suggest::nearest;

/// The name of a time zone that is known to exist: `Etc/GMT+7`, `America/Denver`, `-07:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneName(String);

impl TimeZoneName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// UTC.
impl Default for TimeZoneName {
    fn default() -> Self {
        Self("UTC".to_owned())
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a [`TimeZoneName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is neither a zone of the IANA database nor an offset ±HH:MM{}", perhaps(.nearest.as_deref()))]
pub struct NotATimeZone {
    /// The name of the database that is most like it.
    pub nearest: Option<String>,
}

fn perhaps(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

impl FromStr for TimeZoneName {
    type Err = NotATimeZone;

    fn from_str(text: &str) -> Result<Self, NotATimeZone> {
        let known = text.parse::<chrono_tz::Tz>().is_ok() || is_offset(text);
        let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        known
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| NotATimeZone {
                nearest: nearest(text, names()).map(str::to_owned),
            })
    }
}

/// Whether `text` is `±HH:MM`, no further from UTC than the 14 hours that are in use anywhere.
fn is_offset(text: &str) -> bool {
    let &[sign, h1, h2, b':', m1, m2] = text.as_bytes() else {
        return false;
    };
    let digits = [h1, h2, m1, m2];
    if !matches!(sign, b'+' | b'-') || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let [h1, h2, m1, m2] = digits.map(|digit| u32::from(digit - b'0'));
    let (hours, minutes) = (h1 * 10 + h2, m1 * 10 + m2);
    minutes < 60 && hours * 60 + minutes <= 14 * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_are_known() {
        for good in [
            "UTC",
            "Etc/GMT+7",
            "America/Denver",
            "-07:00",
            "+05:45",
            "+14:00",
        ] {
            assert!(good.parse::<TimeZoneName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "MDT+",
            "America/Denvr",
            "7",
            "-7:00",
            "+14:01",
            "+05:60",
            "+0a:00",
            "±07:00",
        ] {
            assert!(bad.parse::<TimeZoneName>().is_err(), "{bad}");
        }
        let fault = "America/Denvr"
            .parse::<TimeZoneName>()
            .expect_err("no zone");
        assert_eq!(fault.nearest.as_deref(), Some("America/Denver"));
    }
}
