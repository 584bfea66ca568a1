//! The answer to when a picture was taken, as it is stored and sent.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

pub use super::warning::Warning;

/// When a picture was taken, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTime {
    /// The moment, with the offset of the clock that its source was read from: what the source states, or the
    /// zone's where it states none. `None` when nothing states a time that could be meant.
    pub at: Option<DateTime<FixedOffset>>,
    /// What the moment was read from; [`Source::None`] exactly where there is none.
    pub source: Source,
    /// How fine the moment is.
    pub precision: Precision,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// What speaks against it, or deserves a look.
    pub warnings: Vec<Warning>,
    /// All moments that were found, the chosen one included, most trusted source first.
    pub candidates: Vec<Candidate>,
    /// What was made of it afterwards, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Change>,
}

/// One moment that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it was found.
    pub source: Source,
    /// The text as found; what is not text is replaced by U+FFFD.
    pub raw: String,
    /// The moment that the text means, corrected by `correction_ms`.
    pub at: DateTime<FixedOffset>,
    /// How fine it is.
    pub precision: Precision,
    /// Whether the source states its offset, as opposed to the zone that the operator gave.
    pub offset_stated: bool,
    /// Whether its offset was worked out from another source that states UTC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offset_inferred: bool,
    /// Whose naming scheme it was read by, of a file name; `DateTimeDigitized`, of that EXIF field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Cow<'static, str>>,
    /// Whether its clock was not known to be right: of a modification time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// What a known error of its clock added to the text's moment, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction_ms: Option<i64>,
}

/// A correction of a capture time after it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What led to it.
    pub why: Cause,
    /// When, by the device's clock, milliseconds since 1970.
    pub at_ms: i64,
    /// The capture time until then.
    pub was: Option<DateTime<FixedOffset>>,
    /// What it was, or would have been, changed to.
    pub becomes: Option<DateTime<FixedOffset>>,
    /// `false` where the image has its name in the store already: the time is known to be off and stays.
    pub applied: bool,
}

/// What led to a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The device's clock was put right within the boot in which the image was accepted.
    ClockStep,
    /// The operator stamped the image anew.
    Restamp,
}

/// What a moment was read from.
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

/// How fine a moment is, the coarsest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Only the modification time is there, or something contradicts the moment. Such a moment is *doubtful*.
    Low,
    /// One good source states it.
    Medium,
    /// EXIF with its offset and nothing against it, or independent sources that agree.
    High,
}

impl CaptureTime {
    /// Whether the site's policy for doubtful times applies.
    pub fn is_doubtful(&self) -> bool {
        self.confidence == Confidence::Low
    }

    /// The candidate that was chosen.
    pub fn chosen(&self) -> Option<&Candidate> {
        self.candidates
            .iter()
            .find(|candidate| candidate.source == self.source && Some(candidate.at) == self.at)
    }
}

impl Candidate {
    /// The local time that its text states, without any correction.
    pub(super) fn stated_local(&self) -> NaiveDateTime {
        let local = self.at.naive_local();
        let correction = TimeDelta::milliseconds(self.correction_ms.unwrap_or(0));
        local.checked_sub_signed(correction).unwrap_or(local)
    }

    /// Whether it is the time of a camera's clock, as opposed to GPS and the device's.
    pub(super) fn is_camera_clock(&self) -> bool {
        matches!(self.source, Source::Exif | Source::Filename | Source::Path)
    }
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

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Subsecond => "subsecond",
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
