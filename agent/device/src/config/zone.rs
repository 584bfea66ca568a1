//! Names of time zones: the IANA database's, or a fixed offset.

use std::fmt;
use std::str::FromStr;

use weir_journey::stamp::{Tz, Zone};

use super::suggest::nearest;

/// The name of a time zone that is known to exist: `Etc/GMT+7`, `America/Denver`, `-07:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneName(Zone);

impl TimeZoneName {
    /// The zone that it names.
    pub const fn zone(&self) -> Zone {
        self.0
    }
}

/// UTC.
impl Default for TimeZoneName {
    fn default() -> Self {
        Self(Zone::UTC)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        text.parse().map(Self).map_err(|_| NotATimeZone {
            nearest: nearest(text, Tz::names()).map(str::to_owned),
        })
    }
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
