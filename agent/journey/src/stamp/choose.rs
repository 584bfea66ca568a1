//! The choice among the moments that were found, and how far it can be trusted.
//!
//! The most trusted source that can be meant is taken, unless the others show that it is wrong: its moment is
//! after the file's modification and another's is not, two independent others agree against it, or the
//! modification time says which of two is the half of the day or the zone that was meant.

use chrono::{DateTime, Utc};

use super::Neighbour;
use super::capture::{Candidate, CaptureTime, Confidence, Precision, Source};
use super::checks;
use super::reading::PlacedCandidate;
pub(super) use super::reading::Reading;
use super::rules::Rules;
use super::warning::Warning;

/// All that was found of one picture.
pub(super) struct Case<'a> {
    /// Most trusted first.
    pub(super) stated: Vec<PlacedCandidate>,
    /// How many of these are read by the site's own patterns: the first.
    pub(super) own: usize,
    pub(super) mtime: Option<Candidate>,
    /// The device's clock, where it can be trusted.
    pub(super) now: Option<DateTime<Utc>>,
    pub(super) neighbour: Option<Neighbour>,
    pub(super) rules: &'a Rules,
    pub(super) warnings: Vec<Warning>,
}

/// The candidates that can be meant.
struct Field<'a> {
    possible: Vec<&'a Candidate>,
    /// The modification time, where it can be trusted to compare with.
    mtime: Option<&'a Candidate>,
}

/// Chooses.
pub(super) fn choose(mut case: Case<'_>) -> CaptureTime {
    settle_repeated_hours(&mut case);
    let stated: Vec<Candidate> = case.stated.iter().map(|p| p.candidate.clone()).collect();
    let mut warnings = std::mem::take(&mut case.warnings);
    let mut can_be_meant = |candidate: &&Candidate| {
        let why_not = checks::impossible(candidate, case.rules, case.now);
        let possible = why_not.is_none();
        warnings.extend(why_not);
        possible
    };
    let possible: Vec<_> = stated.iter().filter(&mut can_be_meant).collect();
    let mtime = case.mtime.as_ref().filter(&mut can_be_meant);
    let field = Field {
        possible,
        mtime: mtime.filter(|mtime| !mtime.unsure),
    };
    let own = case.own > 0
        && field
            .possible
            .first()
            .is_some_and(|first| **first == stated[0]);
    let chosen = field.pick(own).or(mtime).or(case.mtime.as_ref()).cloned();
    let confidence = match &chosen {
        Some(chosen) => Judge::new(&case, &field, own, &mut warnings).judge(chosen),
        None => Confidence::Low,
    };
    let candidates = stated.into_iter().chain(case.mtime).collect();
    CaptureTime {
        at: chosen.as_ref().map(|chosen| chosen.at),
        source: chosen.as_ref().map_or(Source::None, |chosen| chosen.source),
        precision: chosen.map_or(Precision::Day, |chosen| chosen.precision),
        confidence,
        warnings,
        candidates,
        history: Vec::new(),
    }
}

/// Of local times that occurred twice, takes the second where another source speaks for it and not for the first.
fn settle_repeated_hours(case: &mut Case<'_>) {
    let fixed: Vec<Candidate> = case
        .stated
        .iter()
        .map(|placed| placed.candidate.clone())
        .filter(|candidate| candidate.offset_stated)
        .collect();
    let mtime = case.mtime.clone().filter(|mtime| !mtime.unsure);
    for placed in &mut case.stated {
        let like = placed.candidate.clone();
        let speaks_for = |at| {
            let here = Candidate { at, ..like.clone() };
            fixed.iter().any(|other| checks::agree(&here, other))
                || mtime.as_ref().is_some_and(|m| checks::just_before(at, m))
        };
        case.warnings.extend(placed.settle(speaks_for));
    }
}

impl<'a> Field<'a> {
    /// The candidate to take; `own` says that the first was read by the site's own pattern, which wins.
    fn pick(&self, own: bool) -> Option<&'a Candidate> {
        let suspect = |c: &&&Candidate| checks::perhaps_reset(c, self.mtime);
        let trusted = self.possible.iter().find(|c| !suspect(c));
        let first = *trusted.or(self.possible.first())?;
        if own {
            return Some(self.finer(first));
        }
        let better = self
            .not_after_modification(first)
            .or_else(|| self.outvoted(first))
            .or_else(|| self.told_by_mtime(first));
        Some(self.finer(better.unwrap_or(first)))
    }

    fn others(&self, than: &Candidate) -> impl Iterator<Item = &'a Candidate> {
        let source = than.source;
        self.possible
            .iter()
            .copied()
            .filter(move |c| c.source != source)
    }

    /// Where a moment is proven to be later than its file, another one at which the file can have been written.
    fn not_after_modification(&self, first: &Candidate) -> Option<&'a Candidate> {
        let mtime = self.mtime?;
        let (_, most) = checks::after_modification(first, mtime)?;
        let fits = |c: &&Candidate| checks::just_before(c.at, mtime);
        self.others(first)
            .find(fits)
            .filter(|_| most == Confidence::Low)
    }

    /// Two sources that do not depend on each other, nor on the first, and agree with each other but not with it.
    fn outvoted(&self, first: &Candidate) -> Option<&'a Candidate> {
        let mut against = self
            .others(first)
            .filter(|c| checks::independent(c.source, first.source) && checks::far_apart(c, first));
        let one = against.next()?;
        against
            .any(|other| {
                checks::independent(one.source, other.source) && checks::confirms(one, other)
            })
            .then_some(one)
    }

    /// Where two differ by half a day or by what zones differ by, the one after which the file was written at once.
    fn told_by_mtime(&self, first: &Candidate) -> Option<&'a Candidate> {
        let mtime = self.mtime?;
        let differs = |c: &&Candidate| {
            !checks::agree(first, c)
                && !matches!(checks::weigh(first, c).0, Warning::Disagreement { .. })
        };
        self.others(first)
            .filter(differs)
            .find(|c| checks::just_before(c.at, mtime) && !checks::just_before(first.at, mtime))
    }

    /// Where the moment is coarse, one that says the same more finely.
    fn finer(&self, chosen: &'a Candidate) -> &'a Candidate {
        if chosen.precision >= Precision::Second {
            return chosen;
        }
        let finer = |c: &&Candidate| c.precision > chosen.precision && checks::agree(c, chosen);
        self.possible.iter().copied().find(finer).unwrap_or(chosen)
    }
}

/// Finds how far a choice can be trusted, and says why not further.
struct Judge<'a> {
    case: &'a Case<'a>,
    field: &'a Field<'a>,
    own: bool,
    warnings: &'a mut Vec<Warning>,
    /// The most that what was found so far allows.
    most: Confidence,
}

impl<'a> Judge<'a> {
    fn new(
        case: &'a Case<'a>,
        field: &'a Field<'a>,
        own: bool,
        warnings: &'a mut Vec<Warning>,
    ) -> Self {
        Self {
            case,
            field,
            own,
            warnings,
            most: Confidence::High,
        }
    }

    fn judge(mut self, chosen: &Candidate) -> Confidence {
        if chosen.source == Source::Mtime {
            self.judge_mtime(chosen);
            return Confidence::Low;
        }
        let doubted = |w: &Warning| matches!(w, Warning::Repeated { source } | Warning::Skipped { source } if *source == chosen.source);
        if self.warnings.iter().any(doubted) || chosen.offset_inferred {
            self.most = Confidence::Medium;
        }
        self.judge_zone(chosen);
        let confirmed = self.compare(chosen);
        self.judge_by_clocks(chosen);
        let stated = chosen.source == Source::Exif && chosen.offset_stated;
        let base = if confirmed || stated {
            Confidence::High
        } else {
            Confidence::Medium
        };
        base.min(self.most)
    }

    fn judge_mtime(&mut self, chosen: &Candidate) {
        if chosen.unsure {
            self.warnings.push(Warning::DeviceClock);
        }
        if let Some(correction) = chosen.correction_ms {
            let seconds = correction / 1000;
            self.warnings
                .push(Warning::DeviceClockCorrected { seconds });
        }
    }

    fn judge_zone(&mut self, chosen: &Candidate) {
        let local = !chosen.offset_stated && !chosen.offset_inferred;
        if local && self.case.rules.zone.is_none() {
            let source = chosen.source;
            self.say(Warning::ZoneUnknown { source }, Confidence::Medium);
        }
    }

    /// Compares with the other sources; gives whether an independent one says the same.
    fn compare(&mut self, chosen: &Candidate) -> bool {
        let mut confirmed = false;
        for other in self.field.others(chosen) {
            if checks::agree(chosen, other) {
                confirmed |= checks::confirms(chosen, other)
                    && checks::independent(chosen.source, other.source);
            } else {
                let (warning, most) = checks::weigh(chosen, other);
                let resolved = self
                    .field
                    .mtime
                    .is_some_and(|m| checks::just_before(chosen.at, m));
                // The operator's own pattern, or the file's time, has decided between the two.
                let most = if self.own || resolved {
                    Confidence::Medium
                } else {
                    most
                };
                self.say(warning, most);
            }
        }
        confirmed
    }

    fn judge_by_clocks(&mut self, chosen: &Candidate) {
        let source = chosen.source;
        if checks::perhaps_reset(chosen, self.field.mtime) {
            self.say(Warning::PerhapsReset { source }, Confidence::Low);
        }
        let Some(mtime) = self.field.mtime else {
            return self.judge_future(chosen);
        };
        if let Some((warning, most)) = checks::after_modification(chosen, mtime) {
            self.say(warning, most);
        }
        if let Some(before) = self.case.neighbour
            && chosen.is_camera_clock()
            && let Some(seconds) = before.taken_after(chosen.at.to_utc(), mtime.at.to_utc())
        {
            self.say(Warning::Backwards { source, seconds }, Confidence::Low);
        }
        self.judge_future(chosen);
    }

    fn judge_future(&mut self, chosen: &Candidate) {
        let source = chosen.source;
        if let Some(seconds) = self.case.now.and_then(|now| checks::to_come(chosen, now)) {
            self.say(Warning::Future { source, seconds }, Confidence::Low);
        }
    }

    fn say(&mut self, warning: Warning, most: Confidence) {
        self.most = self.most.min(most);
        self.warnings.push(warning);
    }
}
