//! The answer to when a picture was taken, as it is stored and sent.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

/// When a picture was taken, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTime {
    /// The moment, with the offset of the clock that its source was read from: what the source states, or the
    /// zone's where it states none.
    pub at: DateTime<FixedOffset>,
    /// What the moment was read from.
    pub source: Source,
    /// How fine the moment is.
    pub precision: Precision,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// What speaks against it, or deserves a look.
    pub warnings: Vec<Warning>,
    /// All moments that were found, the chosen one included, most trusted source first.
    pub candidates: Vec<Candidate>,
}

/// One moment that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it was found.
    pub source: Source,
    /// The text as found; what is not text is replaced by U+FFFD.
    pub raw: String,
    /// The moment that the text means.
    pub at: DateTime<FixedOffset>,
    /// How fine it is.
    pub precision: Precision,
    /// Whether the source states its offset, as opposed to the zone that the operator gave.
    pub offset_stated: bool,
    /// Whose naming scheme it was read by, of a file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Cow<'static, str>>,
}

/// What a moment was read from, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An EXIF date: `DateTimeOriginal`, else `DateTimeDigitized`.
    Exif,
    /// EXIF `GPSDateStamp` and `GPSTimeStamp`, which are UTC.
    Gps,
    /// The file's name.
    Filename,
    /// The folders that the file lies in, with or without its name.
    Path,
    /// The file's modification time.
    Mtime,
    /// Nothing states a time.
    None,
}

/// How fine a moment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// The date alone.
    Day,
    /// Whole minutes.
    Minute,
    /// Whole seconds.
    Second,
    /// Fractions of a second.
    Subsecond,
}

/// How far a moment can be trusted, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Only the modification time is there, or the moment contradicts it.
    Low,
    /// One source states it.
    Medium,
    /// EXIF with an offset, or EXIF and file name agreeing.
    High,
}

/// What speaks against a moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "kebab-case")]
pub enum Warning {
    /// The EXIF block is damaged; what could be read of it was used.
    ExifUnreadable,
    /// The zone's clocks were set back over this local time, so it occurred twice; the first was chosen.
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
    /// The moment lies more than a day after the file's modification: one of the clocks was wrong.
    AfterModification {
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
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exif => "exif",
            Self::Gps => "gps",
            Self::Filename => "filename",
            Self::Path => "path",
            Self::Mtime => "mtime",
            Self::None => "none",
        })
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExifUnreadable => f.write_str("the EXIF block is damaged"),
            Self::Repeated { source } => {
                write!(
                    f,
                    "the local time of {source} occurred twice; the first was chosen"
                )
            }
            Self::Skipped { source } => {
                write!(f, "the local time of {source} did not occur in this zone")
            }
            Self::ResetClock { source } => {
                write!(f, "the time of {source} is that of a reset clock")
            }
            Self::AfterModification { source, seconds } => {
                write!(
                    f,
                    "the time of {source} is {seconds} s after the file's modification"
                )
            }
            Self::Disagreement { other, seconds } => {
                write!(f, "the time of {other} differs by {seconds} s")
            }
        }
    }
}
