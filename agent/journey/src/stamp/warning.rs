//! What speaks against a capture time: a code for machines and a sentence for people.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::capture::Source;

/// What speaks against a moment. In JSON an object with a `warning` (its code, the variant in kebab case) and its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "kebab-case")]
pub enum Warning {
    /// The EXIF block is damaged; what could be read of it was used.
    ExifUnreadable,
    /// No zone is known for a local time: UTC was taken.
    ZoneUnknown {
        /// The source with the local time.
        source: Source,
    },
    /// The zone's clocks were set back over this local time, so it occurred twice; nothing tells which is meant,
    /// and the first was chosen.
    Repeated {
        /// The source with the local time.
        source: Source,
    },
    /// The zone's clocks were set forward over this local time, so it did not occur; the offset before was used.
    Skipped {
        /// The source with the local time.
        source: Source,
    },
    /// The moment lies where clocks begin that were reset, before any picture of interest. It is not used where
    /// there is another.
    ResetClock {
        /// The source with the moment.
        source: Source,
    },
    /// The moment lies in the first hours of a year, long before the file's modification: so do clocks that were
    /// reset to their maker's date.
    PerhapsReset {
        /// The source with the moment.
        source: Source,
    },
    /// The year is none in which a picture can have been taken.
    ImplausibleYear {
        /// The source with the moment.
        source: Source,
    },
    /// The moment lies before the day on which the operator says that the site was set up.
    BeforeSite {
        /// The source with the moment.
        source: Source,
    },
    /// The moment is still to come.
    Future {
        /// The source with the moment.
        source: Source,
        /// By how many seconds.
        seconds: i64,
    },
    /// The moment lies after the file's modification: the camera's clock is fast, or the file's time is wrong.
    AfterModification {
        /// The source with the moment.
        source: Source,
        /// By how many seconds.
        seconds: i64,
    },
    /// As before, by a difference that zones have: a file system without zones (FAT), or a wrong zone.
    ModificationOffset {
        /// The source with the moment.
        source: Source,
        /// By how many seconds.
        seconds: i64,
    },
    /// Another source states another moment.
    Disagreement {
        /// The source that was not chosen.
        other: Source,
        /// How many seconds later its moment is.
        seconds: i64,
    },
    /// Another source states a moment that differs by what zones differ by.
    ZoneMismatch {
        /// The source that was not chosen.
        other: Source,
        /// How many seconds later its moment is, or would be in the zone that was configured.
        seconds: i64,
    },
    /// Another source states a moment that differs by twelve hours: a clock that was set to the wrong half of the day.
    HalfDay {
        /// The source that was not chosen.
        other: Source,
        /// How many seconds later its moment is.
        seconds: i64,
    },
    /// The site's picture before this one, by the files' modification times, was taken later.
    Backwards {
        /// The source with the moment.
        source: Source,
        /// By how many seconds.
        seconds: i64,
    },
    /// The file was written while the device's clock was not known to be right: its modification time proves
    /// nothing.
    DeviceClock,
    /// The device's clock was put right afterwards, and the modification time with it.
    DeviceClockCorrected {
        /// By how many seconds.
        seconds: i64,
    },
    /// The site's policy took the modification time instead of a time that was contradicted.
    TakenFromMtime {
        /// The source that was passed over.
        instead_of: Source,
    },
    /// The name looks like a date that can be read in more than one way: it was not read.
    AmbiguousName,
}

impl Warning {
    /// Its code, as JSON has it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ExifUnreadable => "exif-unreadable",
            Self::ZoneUnknown { .. } => "zone-unknown",
            Self::Repeated { .. } => "repeated",
            Self::Skipped { .. } => "skipped",
            Self::ResetClock { .. } => "reset-clock",
            Self::PerhapsReset { .. } => "perhaps-reset",
            Self::ImplausibleYear { .. } => "implausible-year",
            Self::BeforeSite { .. } => "before-site",
            Self::Future { .. } => "future",
            Self::AfterModification { .. } => "after-modification",
            Self::ModificationOffset { .. } => "modification-offset",
            Self::Disagreement { .. } => "disagreement",
            Self::ZoneMismatch { .. } => "zone-mismatch",
            Self::HalfDay { .. } => "half-day",
            Self::Backwards { .. } => "backwards",
            Self::DeviceClock => "device-clock",
            Self::DeviceClockCorrected { .. } => "device-clock-corrected",
            Self::TakenFromMtime { .. } => "taken-from-mtime",
            Self::AmbiguousName => "ambiguous-name",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExifUnreadable => f.write_str("the EXIF block is damaged"),
            Self::ZoneUnknown { source } => write!(
                f,
                "the time of {source} is local and no time zone is known: UTC was taken"
            ),
            Self::Repeated { source } => write!(
                f,
                "the local time of {source} occurred twice; the first was chosen"
            ),
            Self::Skipped { source } => {
                write!(f, "the local time of {source} did not occur in this zone")
            }
            Self::ResetClock { source } => {
                write!(f, "the time of {source} is that of a reset clock")
            }
            Self::PerhapsReset { source } => write!(
                f,
                "the time of {source} is in the first hours of a year, as after a reset of the clock"
            ),
            Self::ImplausibleYear { source } => {
                write!(f, "the time of {source} is in no plausible year")
            }
            Self::BeforeSite { source } => {
                write!(f, "the time of {source} is before the site was set up")
            }
            Self::Future { source, seconds } => {
                write!(f, "the time of {source} is {} to come", span(*seconds))
            }
            Self::AfterModification { source, seconds } => write!(
                f,
                "the time of {source} is {} after the file's modification: a clock is wrong",
                span(*seconds)
            ),
            Self::ModificationOffset { source, seconds } => write!(
                f,
                "the time of {source} is {} after the file's modification: a time zone is wrong",
                span(*seconds)
            ),
            Self::Disagreement { other, seconds } => {
                write!(f, "the time of {other} is {}", apart(*seconds))
            }
            Self::ZoneMismatch { other, seconds } => write!(
                f,
                "the time of {other} is {}: a time zone or daylight saving is wrong",
                apart(*seconds)
            ),
            Self::HalfDay { other, seconds } => write!(
                f,
                "the time of {other} is {}: a clock was set to the wrong half of the day",
                apart(*seconds)
            ),
            Self::Backwards { source, seconds } => write!(
                f,
                "the time of {source} is {} before that of the picture before it",
                span(*seconds)
            ),
            Self::DeviceClock => f.write_str(
                "the file was written while the device's clock was not known to be right",
            ),
            Self::DeviceClockCorrected { seconds } => write!(
                f,
                "the device's clock was off when the file was written: its time is corrected by {}{}",
                if *seconds < 0 { "-" } else { "+" },
                span(*seconds)
            ),
            Self::TakenFromMtime { instead_of } => write!(
                f,
                "the modification time was taken instead of the time of {instead_of}"
            ),
            Self::AmbiguousName => {
                f.write_str("the name holds a date that can be read in more than one way")
            }
        }
    }
}

fn apart(seconds: i64) -> String {
    let side = if seconds < 0 { "earlier" } else { "later" };
    format!("{} {side}", span(seconds))
}

/// A length of time for people, to the two largest of its units.
fn span(seconds: i64) -> String {
    let whole = seconds.unsigned_abs();
    let delta = TimeDelta::seconds(
        i64::try_from(whole)
            .unwrap_or(i64::MAX / 1000)
            .min(i64::MAX / 1000),
    );
    let parts = [
        (delta.num_days(), "d"),
        (delta.num_hours() % 24, "h"),
        (delta.num_minutes() % 60, "min"),
        (delta.num_seconds() % 60, "s"),
    ];
    let shown: Vec<_> = parts
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if shown.is_empty() {
        "0 s".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_by_their_two_largest_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (-3600, "1 h"),
            (3661, "1 h 1 min"),
            (86_400 + 60, "1 d"),
            (i64::MIN, "106751991167 d 7 h"),
        ] {
            assert_eq!(span(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn the_code_is_what_is_stored() {
        let warnings = [
            Warning::ExifUnreadable,
            Warning::DeviceClock,
            Warning::AmbiguousName,
            Warning::TakenFromMtime {
                instead_of: Source::Exif,
            },
            Warning::AfterModification {
                source: Source::Exif,
                seconds: 1,
            },
        ];
        for warning in warnings {
            let json = serde_json::to_value(&warning).expect("plain values");
            assert_eq!(json["warning"], warning.code());
        }
    }
}
