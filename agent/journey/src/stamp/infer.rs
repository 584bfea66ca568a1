//! The offset of a camera's clock, worked out from another source of the same picture that states UTC.

use chrono::FixedOffset;

use super::capture::{Candidate, Source};
use super::reading::PlacedCandidate;
use super::warning::Warning;
use super::zone::with_offset;

/// Every offset in use is a multiple of this, seconds.
const QUARTER_HOUR: i64 = 900;
/// How old a GPS fix may be, seconds.
const FIX_AGE: i64 = 60;

/// Gives EXIF times without an offset the one by which they say the same as GPS, or as a name in UTC. Where that
/// is not the offset of a zone which the operator gave, a warning says so.
pub(super) fn infer_offsets(
    stated: &mut [PlacedCandidate],
    zone_known: bool,
    warnings: &mut Vec<Warning>,
) {
    let is_utc =
        |candidate: &Candidate| candidate.offset_stated && candidate.source != Source::Exif;
    let witness = stated
        .iter()
        .map(|placed| &placed.candidate)
        .find(|c| is_utc(c));
    let Some(witness) = witness.cloned() else {
        return;
    };
    for placed in stated {
        let candidate = &mut placed.candidate;
        if candidate.source != Source::Exif || candidate.offset_stated {
            continue;
        }
        let Some(offset) = offset_between(candidate, &witness) else {
            continue;
        };
        if offset == *candidate.at.offset() && zone_known {
            continue;
        }
        if zone_known {
            warnings.push(Warning::ZoneMismatch {
                other: witness.source,
                seconds: (witness.at - candidate.at).num_seconds(),
            });
        }
        candidate.at = with_offset(candidate.at.naive_local(), offset);
        candidate.offset_inferred = true;
        placed.second = None;
        placed.skipped = false;
    }
}

/// The offset by which a local time is the witness's moment; `None` when they differ by no zone's.
fn offset_between(local: &Candidate, witness: &Candidate) -> Option<FixedOffset> {
    let seconds = (local.at.naive_local() - witness.at.naive_utc()).num_seconds();
    let quarters = (seconds + QUARTER_HOUR / 2).div_euclid(QUARTER_HOUR);
    let offset = quarters * QUARTER_HOUR;
    let meant = (-12 * 3600..=14 * 3600).contains(&offset) && (seconds - offset).abs() <= FIX_AGE;
    FixedOffset::east_opt(i32::try_from(offset).ok().filter(|_| meant)?)
}
