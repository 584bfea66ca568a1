//! When a picture was taken.
//!
//! [`stamp`] weighs what a picture says of its moment: its EXIF block, its file name and folders, its modification
//! time. It promises:
//! - evidence that cannot be read costs itself, never the picture;
//! - every candidate is kept with its raw text, so that [`restamp`] can choose again with better knowledge and
//!   without the file;
//! - a time that a source states is never shifted but by what the operator or the device's clock says: a local time
//!   that the zone's rules skip or repeat keeps its digits and gets a warning;
//! - the answer says how far it can be trusted, and why not further.

mod camera_clock;
mod capture;
mod checks;
mod choose;
mod exif_time;
mod infer;
mod makers;
mod moment;
mod path;
mod pattern;
mod policy;
mod reading;
mod restamp;
mod rules;
mod spelling;
mod template;
mod tz;
mod warning;
mod zone;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

pub use camera_clock::{CameraClock, NotAShift, NotAscending, Shift};
pub use capture::{Candidate, CaptureTime, Cause, Change, Confidence, Precision, Source, Warning};
pub use pattern::{NotAPattern, Pattern};
pub use policy::{Doubtful, Filed, Filing};
pub use restamp::restamp;
pub use rules::Rules;
pub use tz::Tz;
pub use zone::{NotAZone, Zone};

use choose::{Case, Reading, choose};
use makers::Named;

/// What is known of a picture when its moment is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Its EXIF block as a TIFF structure, as [`crate::settle::Inspection::exif`] gives it.
    pub exif: Option<&'a [u8]>,
    /// Its path relative to the camera directory.
    pub path: &'a Path,
    /// Its modification time, where that is to count.
    pub mtime: Option<DateTime<Utc>>,
    /// Whether that is the time of a clock that was not known to be right: it then proves nothing.
    pub mtime_unsure: bool,
    /// The device's clock, where it can be trusted.
    pub now: Option<DateTime<Utc>>,
    /// The site's picture before it.
    pub neighbour: Option<Neighbour>,
}

impl<'a> Evidence<'a> {
    /// The evidence of a path alone.
    pub const fn of(path: &'a Path) -> Self {
        Self {
            exif: None,
            path,
            mtime: None,
            mtime_unsure: false,
            now: None,
            neighbour: None,
        }
    }
}

/// The picture of a site whose file was modified last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// When its file was modified.
    pub mtime: DateTime<Utc>,
    /// When it was taken.
    pub at: DateTime<Utc>,
}

/// Files that are older than their pictures by more than this were copied, and say nothing of the order.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// A picture is not taken before another one for less than this.
const BACKWARDS: TimeDelta = TimeDelta::seconds(60);

impl Neighbour {
    /// How many seconds it was taken after a picture whose file is newer; `None` where that is not so, or cannot
    /// be told because its own file is a copy.
    fn taken_after(&self, at: DateTime<Utc>, mtime: DateTime<Utc>) -> Option<i64> {
        let age = self.mtime - self.at;
        let fresh = age >= -FRESH && age <= FRESH;
        let back = self.at - at;
        (fresh && mtime > self.mtime && back > BACKWARDS).then(|| back.num_seconds())
    }
}

/// The capture time of a picture from a camera of which the operator says `rules`.
pub fn stamp(evidence: &Evidence<'_>, rules: &Rules) -> CaptureTime {
    let mut warnings = Vec::new();
    let embedded = evidence
        .exif
        .map(|block| exif_time::read(block, &mut warnings))
        .unwrap_or_default();
    let mtime = evidence.mtime.map(|mtime| {
        let mut candidate = reading::mtime(mtime, TimeDelta::zero(), &rules.zone());
        candidate.unsure = evidence.mtime_unsure;
        candidate
    });
    let found = Found {
        embedded,
        mtime,
        now: evidence.now,
        neighbour: evidence.neighbour,
    };
    found.choose(evidence.path, rules, warnings)
}

/// What a picture says of its moment, but for its path.
struct Found {
    /// From its EXIF block, in any order.
    embedded: Vec<Reading>,
    mtime: Option<Candidate>,
    now: Option<DateTime<Utc>>,
    neighbour: Option<Neighbour>,
}

impl Found {
    fn choose(self, path: &Path, rules: &Rules, mut warnings: Vec<Warning>) -> CaptureTime {
        let own = rules.patterns.iter().find_map(|pattern| pattern.read(path));
        let own_count = usize::from(own.is_some());
        let (named, ambiguous) = match (&own, path.file_name().map(makers::read)) {
            (None, Some(Named::Time(reading))) => (Some(reading), false),
            (None, Some(Named::Ambiguous)) => (None, true),
            _ => (None, false),
        };
        if ambiguous {
            warnings.push(Warning::AmbiguousName);
        }
        let folders = if own.is_none() {
            path::read(path)
        } else {
            None
        };
        let mut readings: Vec<Reading> = self.embedded;
        readings.extend(named);
        readings.extend(folders);
        readings.sort_by_key(rank);
        let zone = rules.zone();
        let mut stated: Vec<_> = own
            .into_iter()
            .chain(readings)
            .map(|reading| reading.place(&zone, &rules.camera_clock))
            .collect();
        infer::infer_offsets(&mut stated, rules.zone.is_some(), &mut warnings);
        choose(Case {
            stated,
            own: own_count,
            mtime: self.mtime,
            now: self.now,
            neighbour: self.neighbour,
            rules,
            warnings,
        })
    }
}

/// The order of trust. EXIF's original time is the camera's own word, and stands in the bytes. GPS needs no zone
/// and no battery, but a receiver without a fix repeats an old one, so it does not overrule the camera's clock. A
/// name is as good as whoever gave it, and folders are made by the same hand, more coarsely. The time of
/// digitizing is the original's copy, or the time of a scan.
fn rank(reading: &Reading) -> u8 {
    match (reading.source, reading.scheme, reading.offset) {
        (Source::Exif, Some(exif_time::DIGITIZED), _) => 5,
        (Source::Exif, _, Some(_)) => 0,
        (Source::Exif, _, None) => 1,
        (Source::Gps, ..) => 2,
        (Source::Filename, ..) => 3,
        (Source::Path, ..) => 4,
        (Source::Mtime | Source::None, ..) => 6,
    }
}

#[cfg(test)]
mod tests;
