//! The choice among the moments that were found.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, TimeDelta, Utc};

use super::capture::{Candidate, CaptureTime, Confidence, Precision, Source, Warning};
use super::zone::{Placed, Zone, with_offset};

/// 2000-01-02 00:00 UTC. Clocks that lost their battery begin at 1970, 1980, 1990 or on the first day of 2000.
const FIRST_PLAUSIBLE: i64 = 946_771_200;
/// Cameras write the file within this time of the moment; more means a wrong clock. A day, because the zone may
/// be wrong too.
const AFTER_MTIME: TimeDelta = TimeDelta::days(1);
/// A name may be made when the file is opened and EXIF when the shutter was.
const AGREEMENT: TimeDelta = TimeDelta::seconds(5);

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

impl Reading {
    /// The moment meant, with a warning when the zone's rules leave a doubt.
    pub(super) fn place(self, zone: &Zone, warnings: &mut Vec<Warning>) -> Candidate {
        let source = self.source;
        let at = match self.offset {
            Some(offset) => with_offset(self.local, offset),
            None => match zone.place(self.local) {
                Placed::Once(at) => at,
                Placed::Repeated(at) => {
                    warnings.push(Warning::Repeated { source });
                    at
                }
                Placed::Skipped(at) => {
                    warnings.push(Warning::Skipped { source });
                    at
                }
            },
        };
        Candidate {
            source,
            raw: self.raw,
            at,
            precision: self.precision,
            offset_stated: self.offset.is_some(),
            scheme: self.scheme.map(Into::into),
        }
    }
}

/// The modification time as a candidate.
pub(super) fn mtime(mtime: DateTime<Utc>, zone: &Zone) -> Candidate {
    Candidate {
        source: Source::Mtime,
        raw: mtime.to_rfc3339_opts(SecondsFormat::Nanos, true),
        at: zone.at(mtime),
        precision: Precision::Subsecond,
        offset_stated: true,
        scheme: None,
    }
}

/// Chooses among the moments that were stated, most trusted first, and the modification time behind them.
pub(super) fn choose(
    stated: Vec<Candidate>,
    mtime: Candidate,
    mut warnings: Vec<Warning>,
) -> CaptureTime {
    let plausible = |candidate: &&Candidate| candidate.at.timestamp() >= FIRST_PLAUSIBLE;
    let chosen = stated.iter().find(plausible).unwrap_or(&mtime).clone();
    let mut candidates = stated;
    candidates.push(mtime);
    let reset = candidates.iter().filter(|candidate| !plausible(candidate));
    warnings.extend(reset.map(|candidate| Warning::ResetClock {
        source: candidate.source,
    }));

    let others = || {
        candidates
            .iter()
            .filter(plausible)
            .filter(|other| other.source != chosen.source)
    };
    let mut confidence = match chosen.source {
        Source::Mtime | Source::None => Confidence::Low,
        Source::Exif if chosen.offset_stated => Confidence::High,
        Source::Exif | Source::Gps | Source::Filename | Source::Path => Confidence::Medium,
    };
    for other in others() {
        let later = other.at - chosen.at;
        if other.source == Source::Mtime {
            if -later > AFTER_MTIME {
                let seconds = -later.num_seconds();
                warnings.push(Warning::AfterModification {
                    source: chosen.source,
                    seconds,
                });
                confidence = Confidence::Low;
            }
        } else if later.abs() <= AGREEMENT {
            confidence = Confidence::High;
        } else {
            let seconds = later.num_seconds();
            warnings.push(Warning::Disagreement {
                other: other.source,
                seconds,
            });
            confidence = confidence.min(Confidence::Medium);
        }
    }
    CaptureTime {
        at: chosen.at,
        source: chosen.source,
        precision: chosen.precision,
        confidence,
        warnings,
        candidates,
    }
}
