//! What can be said against a moment, and how two moments compare. Numbers are seconds.

use chrono::{DateTime, Datelike as _, FixedOffset, TimeDelta, Timelike as _, Utc};

use super::capture::{Candidate, Confidence, Precision, Source};
use super::rules::Rules;
use super::warning::Warning;

/// 2000-01-02 00:00 UTC. Clocks that lost their battery begin at 1970, 1980, 1990 or on the first day of 2000.
const FIRST_PLAUSIBLE: i64 = 946_771_200;
/// The last year of which FAT can tell the time is 2107, and the last that a camera's menu offers mostly 2099.
const LAST_YEAR: i32 = 2099;
/// A name may be made when the file is opened and EXIF when the shutter was.
const AGREEMENT: i64 = 5;
/// A GPS fix is some seconds old when the picture is taken.
const GPS_AGREEMENT: i64 = 60;
/// Clocks that are set by hand are this good; what differs by more has been set at different times.
const DRIFT: i64 = 300;
/// How much later than the file a picture may be taken: the file's clock and the camera's are two clocks.
const AFTER: i64 = 120;
/// A file is written this soon after its picture was taken, where its time says when that was.
const WRITTEN_WITHIN: i64 = 600;
/// The largest difference between the zones of the world and UTC.
const LARGEST_OFFSET: i64 = 14 * 3600;
const HALF_HOUR: i64 = 1800;
const HALF_DAY: i64 = 12 * 3600;
const DAY: i64 = 86_400;

/// Why a moment cannot be meant, if it cannot. `now` is the device's clock, where that can be trusted.
pub(super) fn impossible(
    candidate: &Candidate,
    rules: &Rules,
    now: Option<DateTime<Utc>>,
) -> Option<Warning> {
    let source = candidate.source;
    if candidate.at.timestamp() < FIRST_PLAUSIBLE {
        return Some(Warning::ResetClock { source });
    }
    if candidate.at.year() > LAST_YEAR {
        return Some(Warning::ImplausibleYear { source });
    }
    let local = |at: DateTime<FixedOffset>| rules.zone().at(at.to_utc()).date_naive();
    if rules
        .since
        .is_some_and(|since| local(candidate.at) < since && candidate.at.date_naive() < since)
    {
        return Some(Warning::BeforeSite { source });
    }
    let ahead = (candidate.at.to_utc() - now?).num_seconds();
    (ahead > DAY).then_some(Warning::Future {
        source,
        seconds: ahead,
    })
}

/// Whether the moment is one that clocks start from after a reset (the first hours of some year), while the file
/// was written much later.
pub(super) fn perhaps_reset(candidate: &Candidate, mtime: Option<&Candidate>) -> bool {
    let local = candidate.at.naive_local();
    let first_hours =
        local.ordinal() == 1 && local.hour() < 6 && candidate.precision > Precision::Day;
    first_hours && mtime.is_some_and(|mtime| mtime.at - candidate.at > TimeDelta::days(30))
}

/// Whether two moments are the same as far as their sources can tell.
pub(super) fn agree(one: &Candidate, other: &Candidate) -> bool {
    let (coarse, fine) = if one.precision <= other.precision {
        (one, other)
    } else {
        (other, one)
    };
    let later = (fine.at - coarse.at).num_seconds();
    let gps = [one, other].iter().any(|c| c.source == Source::Gps);
    let tolerance = if gps { GPS_AGREEMENT } else { AGREEMENT };
    match coarse.precision {
        Precision::Day => {
            coarse.at.date_naive() == fine.at.date_naive() || (0..DAY).contains(&later)
        }
        Precision::Minute => (-tolerance..60 + tolerance).contains(&later),
        Precision::Second | Precision::Subsecond => later.abs() <= tolerance,
    }
}

/// Whether the agreement of two moments confirms a time of day.
pub(super) fn confirms(one: &Candidate, other: &Candidate) -> bool {
    agree(one, other) && one.precision > Precision::Day && other.precision > Precision::Day
}

/// Whether two sources can err apart from each other: a name and the folders above it cannot.
pub(super) fn independent(one: Source, other: Source) -> bool {
    let class = |source| match source {
        Source::Exif => 0,
        Source::Gps => 1,
        Source::Filename | Source::Path => 2,
        Source::Mtime | Source::None => 3,
    };
    class(one) != class(other)
}

/// How another source's moment that does not agree speaks against a chosen one: what is said, and how far the
/// chosen one can be trusted at most.
pub(super) fn weigh(chosen: &Candidate, other: &Candidate) -> (Warning, Confidence) {
    let seconds = (other.at - chosen.at).num_seconds();
    let other_source = other.source;
    if is_half_day(seconds) {
        let warning = Warning::HalfDay {
            other: other_source,
            seconds,
        };
        return (warning, Confidence::Low);
    }
    if is_zone_difference(seconds) {
        let warning = Warning::ZoneMismatch {
            other: other_source,
            seconds,
        };
        let knows_its_zone = chosen.offset_stated || chosen.offset_inferred;
        let most = if knows_its_zone {
            Confidence::Medium
        } else {
            Confidence::Low
        };
        return (warning, most);
    }
    // A receiver without a view of the sky repeats its last fix: that says little against a camera's clock.
    let stale_fix = other_source == Source::Gps && (-DAY..0).contains(&seconds);
    let most = if stale_fix || seconds.abs() <= DRIFT {
        Confidence::Medium
    } else {
        Confidence::Low
    };
    let warning = Warning::Disagreement {
        other: other_source,
        seconds,
    };
    (warning, most)
}

/// Whether two moments differ by more than clocks do that are looked after.
pub(super) fn far_apart(one: &Candidate, other: &Candidate) -> bool {
    !agree(one, other) && (one.at - other.at).num_seconds().abs() > DRIFT
}

/// What a file's modification time says against a moment, and how far that can be trusted at most.
pub(super) fn after_modification(
    chosen: &Candidate,
    mtime: &Candidate,
) -> Option<(Warning, Confidence)> {
    let seconds = (chosen.at - mtime.at).num_seconds();
    let source = chosen.source;
    if seconds <= AFTER {
        None
    } else if is_zone_difference(seconds) {
        // FAT keeps local time: read in the wrong zone, it is off by the difference, and so proves nothing.
        let warning = Warning::ModificationOffset { source, seconds };
        Some((warning, Confidence::Medium))
    } else {
        let warning = Warning::AfterModification { source, seconds };
        Some((warning, Confidence::Low))
    }
}

/// Whether the file was written just after the moment.
pub(super) fn just_before(at: DateTime<FixedOffset>, mtime: &Candidate) -> bool {
    // FAT's moments are even seconds, and a writer may round.
    (-2..=WRITTEN_WITHIN).contains(&(mtime.at - at).num_seconds())
}

/// By how much a moment is still to come, where that is more than two clocks differ.
pub(super) fn to_come(chosen: &Candidate, now: DateTime<Utc>) -> Option<i64> {
    let ahead = (chosen.at.to_utc() - now).num_seconds();
    (ahead > AFTER).then_some(ahead)
}

/// Whether a difference is one that two zones have, or a zone with and without daylight saving.
fn is_zone_difference(seconds: i64) -> bool {
    let to_next = seconds.rem_euclid(HALF_HOUR);
    let off = to_next.min(HALF_HOUR - to_next);
    off <= GPS_AGREEMENT
        && (HALF_HOUR - GPS_AGREEMENT..=LARGEST_OFFSET + GPS_AGREEMENT).contains(&seconds.abs())
}

fn is_half_day(seconds: i64) -> bool {
    (seconds.abs() - HALF_DAY).abs() <= AGREEMENT
}
