//! A time as a source states it, and the moment that it means.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, TimeDelta, Utc};

use super::camera_clock::CameraClock;
use super::capture::{Candidate, Precision, Source};
use super::warning::Warning;
use super::zone::{Placed, Zone, with_offset};

/// A time as a source states it, before it is placed in a zone.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) source: Source,
    pub(super) raw: String,
    pub(super) local: NaiveDateTime,
    /// The offset that the source states.
    pub(super) offset: Option<FixedOffset>,
    pub(super) precision: Precision,
    pub(super) scheme: Option<&'static str>,
}

/// A candidate, with what its zone leaves open.
#[derive(Debug, Clone)]
pub(super) struct PlacedCandidate {
    pub(super) candidate: Candidate,
    /// The later one of two moments that its local time means; the candidate is the earlier.
    pub(super) second: Option<DateTime<FixedOffset>>,
    /// The zone skipped its local time.
    pub(super) skipped: bool,
}

impl Reading {
    /// The moment meant, on a clock that is known to be off as `clock` says.
    pub(super) fn place(self, zone: &Zone, clock: &CameraClock) -> PlacedCandidate {
        let correction = match self.source {
            Source::Exif | Source::Filename | Source::Path => clock.correction(self.local),
            Source::Gps | Source::Mtime | Source::None => TimeDelta::zero(),
        };
        let (local, correction) = match self.local.checked_add_signed(correction) {
            Some(local) => (local, correction),
            None => (self.local, TimeDelta::zero()),
        };
        let placed = match self.offset {
            Some(offset) => Placed::Once(with_offset(local, offset)),
            None => zone.place(local),
        };
        let (at, second) = match placed {
            Placed::Once(at) | Placed::Skipped(at) => (at, None),
            Placed::Repeated(first, second) => (first, Some(second)),
        };
        PlacedCandidate {
            candidate: Candidate {
                source: self.source,
                raw: self.raw,
                at,
                precision: self.precision,
                offset_stated: self.offset.is_some(),
                offset_inferred: false,
                unsure: false,
                scheme: self.scheme.map(Into::into),
                correction_ms: (!correction.is_zero()).then(|| correction.num_milliseconds()),
            },
            second,
            skipped: matches!(placed, Placed::Skipped(_)),
        }
    }
}

impl PlacedCandidate {
    /// Decides between two moments by `witness`, a moment of another source; without one that speaks for the
    /// second, the first stays and the doubt is said.
    pub(super) fn settle(
        &mut self,
        speaks_for: impl Fn(DateTime<FixedOffset>) -> bool,
    ) -> Option<Warning> {
        let source = self.candidate.source;
        if self.skipped {
            return Some(Warning::Skipped { source });
        }
        let second = self.second?;
        match (speaks_for(self.candidate.at), speaks_for(second)) {
            (true, false) => None,
            (false, true) => {
                self.candidate.at = second;
                None
            }
            _ => Some(Warning::Repeated { source }),
        }
    }
}

/// The modification time as a candidate, put right by `correction` where the device's clock was off.
pub(super) fn mtime(mtime: DateTime<Utc>, correction: TimeDelta, zone: &Zone) -> Candidate {
    let (at, correction) = match mtime.checked_add_signed(correction) {
        Some(at) => (at, correction),
        None => (mtime, TimeDelta::zero()),
    };
    Candidate {
        source: Source::Mtime,
        raw: mtime.to_rfc3339_opts(SecondsFormat::Nanos, true),
        at: zone.at(at),
        precision: Precision::Subsecond,
        offset_stated: true,
        offset_inferred: false,
        unsure: false,
        scheme: None,
        correction_ms: (!correction.is_zero()).then(|| correction.num_milliseconds()),
    }
}
