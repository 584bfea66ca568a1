//! The choice made again: from what was kept of a picture, without its file.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::capture::{Candidate, CaptureTime, Confidence, Source};
use super::choose::Reading;
use super::exif_time::DIGITIZED;
use super::rules::Rules;
use super::warning::Warning;
use super::{Found, reading};

/// What `rules` make of a picture whose capture time was found before as `kept`. Its name is read anew; `now` is
/// when it was accepted, where the device's clock could be trusted then.
pub fn restamp(
    kept: &CaptureTime,
    path: &Path,
    rules: &Rules,
    now: Option<DateTime<Utc>>,
) -> CaptureTime {
    let embedded = kept.candidates.iter().filter_map(as_read).collect();
    let mtime = kept.candidates.iter().find(|c| c.source == Source::Mtime);
    let found = Found {
        embedded,
        mtime: mtime.map(|candidate| again(candidate, rules)),
        now,
        neighbour: None,
    };
    let damaged = |warning: &&Warning| **warning == Warning::ExifUnreadable;
    let warnings = kept.warnings.iter().filter(damaged).cloned().collect();
    let mut anew = found.choose(path, rules, warnings);
    keep_order(kept, &mut anew);
    anew.history.clone_from(&kept.history);
    anew
}

/// What an EXIF block stated, as its candidate keeps it.
fn as_read(candidate: &Candidate) -> Option<Reading> {
    let embedded = matches!(candidate.source, Source::Exif | Source::Gps);
    embedded.then(|| Reading {
        source: candidate.source,
        raw: candidate.raw.clone(),
        local: candidate.stated_local(),
        offset: candidate.offset_stated.then(|| *candidate.at.offset()),
        precision: candidate.precision,
        scheme: candidate
            .scheme
            .as_deref()
            .filter(|scheme| *scheme == DIGITIZED)
            .map(|_| DIGITIZED),
    })
}

/// The modification time in the zone that is configured now, corrected as before.
fn again(kept: &Candidate, rules: &Rules) -> Candidate {
    let correction = TimeDelta::milliseconds(kept.correction_ms.unwrap_or(0));
    let file = kept
        .raw
        .parse()
        .unwrap_or_else(|_| kept.stated_local().and_utc());
    let mut candidate = reading::mtime(file, correction, &rules.zone());
    candidate.unsure = kept.unsure;
    candidate
}

/// That a picture was taken before its predecessor was seen when it came: it stays true of the same moment.
fn keep_order(kept: &CaptureTime, anew: &mut CaptureTime) {
    let backwards = |warning: &&Warning| matches!(warning, Warning::Backwards { .. });
    if kept.at == anew.at
        && let Some(warning) = kept.warnings.iter().find(backwards)
    {
        anew.warnings.push(warning.clone());
        anew.confidence = Confidence::Low;
    }
}

impl CaptureTime {
    /// The same evidence, with the modification time put right by `add` in all: the clock that it came from was
    /// off, and now it is known by how much.
    #[must_use]
    pub fn with_mtime_corrected(&self, add: TimeDelta) -> Self {
        let mut corrected = self.clone();
        let mtime = |candidate: &&mut Candidate| candidate.source == Source::Mtime;
        if let Some(candidate) = corrected.candidates.iter_mut().find(mtime) {
            candidate.correction_ms = (!add.is_zero()).then(|| add.num_milliseconds());
            candidate.unsure = false;
        }
        corrected
    }

    /// By how much its modification time was put right.
    pub fn mtime_correction(&self) -> TimeDelta {
        let mtime = self.candidates.iter().find(|c| c.source == Source::Mtime);
        TimeDelta::milliseconds(mtime.and_then(|c| c.correction_ms).unwrap_or(0))
    }
}
