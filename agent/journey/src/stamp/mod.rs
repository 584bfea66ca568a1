//! When a picture was taken.
//!
//! [`stamp`] weighs what a picture says of its moment: its EXIF block, its file name, its modification time.
//! It promises:
//! - there is always an answer; evidence that cannot be read costs itself, never the picture;
//! - every candidate is kept with its raw text, so that a choice can be made again with better knowledge;
//! - a time that a source states is never shifted: a local time that the zone's rules skip or repeat keeps its
//!   digits and gets a warning;
//! - the answer says how far it can be trusted, and why not further.

mod capture;
mod choose;
mod exif_time;
mod makers;
mod path;
mod pattern;
mod template;
mod zone;

use std::path::Path;

use chrono::{DateTime, Utc};

pub use capture::{Candidate, CaptureTime, Confidence, Precision, Source, Warning};
pub use pattern::{NotAPattern, Pattern};
pub use zone::{NotAZone, Zone};

/// What is known of a picture when its moment is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Its EXIF block as a TIFF structure, as [`crate::settle::Inspection::exif`] gives it.
    pub exif: Option<&'a [u8]>,
    /// Its path relative to the camera directory.
    pub path: &'a Path,
    /// Its modification time.
    pub mtime: DateTime<Utc>,
}

/// The capture time of a picture from a camera whose clock shows the time of `zone`.
pub fn stamp(evidence: &Evidence<'_>, zone: &Zone) -> CaptureTime {
    let mut warnings = Vec::new();
    let exif = evidence
        .exif
        .map_or(Vec::new(), |block| exif_time::read(block, &mut warnings));
    let name = match evidence.path.file_name().map(makers::read) {
        Some(makers::Named::Time(reading)) => Some(reading),
        _ => None,
    };
    let stated = exif
        .into_iter()
        .chain(name)
        .chain(path::read(evidence.path))
        .map(|reading| reading.place(zone, &mut warnings))
        .collect();
    let mtime = choose::mtime(evidence.mtime, zone);
    choose::choose(stated, mtime, warnings)
}

#[cfg(test)]
mod tests;
