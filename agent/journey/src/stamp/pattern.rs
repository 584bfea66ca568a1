//! The operator's own patterns.

use std::path::Path;
use std::str::FromStr;

use chrono::NaiveDateTime;

use super::capture::{Precision, Source};
use super::choose::Reading;

/// A strptime pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no pattern")]
pub struct BadPattern;

impl FromStr for Pattern {
    type Err = BadPattern;
    fn from_str(text: &str) -> Result<Self, BadPattern> {
        Ok(Self(text.to_owned()))
    }
}

impl Pattern {
    /// Reads.
    pub(super) fn read(&self, path: &Path) -> Option<Reading> {
        let raw = path.file_stem()?.to_str()?;
        let local = NaiveDateTime::parse_from_str(raw, &self.0).ok()?;
        Some(Reading { source: Source::Filename, raw: raw.to_owned(), local, offset: None, precision: Precision::Second, scheme: None })
    }
}
