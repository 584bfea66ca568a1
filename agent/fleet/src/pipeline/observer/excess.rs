//! When a limit was exceeded, by how much, and by whom.

use std::collections::BTreeMap;
use std::time::Duration;

/// How many violations are told in full.
const TOLD: usize = 100;

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// The one on sites.
    Sites,
    /// The one on the images of this site.
    ImagesOf(u32),
}

/// One time that a limit was exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub breach: Breach,
    /// Since when.
    pub from: Duration,
    /// Until when; no later than `from` when it was over in the same moment.
    pub until: Duration,
    /// The most that there were.
    pub peak: u32,
    /// The sites that were in the pipeline then, rising.
    pub sites: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Excess {
    grace: Duration,
    open: BTreeMap<Breach, Violation>,
    over: u64,
    first: Vec<Violation>,
}

impl Excess {
    pub(super) const fn new(grace: Duration) -> Self {
        Self {
            grace,
            open: BTreeMap::new(),
            over: 0,
            first: Vec::new(),
        }
    }

    /// Takes note of a count; `who` is asked only where it exceeds the limit by more than before.
    pub(super) fn judge(
        &mut self,
        now: Duration,
        breach: Breach,
        count: u32,
        limit: u32,
        who: impl FnOnce() -> Vec<u32>,
    ) {
        let open = self.open.get_mut(&breach);
        if count > limit {
            match open {
                Some(open) if count > open.peak => (open.peak, open.sites) = (count, who()),
                Some(_) => {}
                None => {
                    let violation = Violation {
                        breach,
                        from: now,
                        until: now,
                        peak: count,
                        sites: who(),
                    };
                    self.open.insert(breach, violation);
                }
            }
        } else if let Some(mut violation) = self.open.remove(&breach) {
            violation.until = now;
            if self.counts(&violation) {
                self.over += 1;
                if self.first.len() < TOLD {
                    self.first.push(violation);
                }
            }
        }
    }

    /// All of them, those that last among them: how many, and the first.
    pub(super) fn until(&self, now: Duration) -> (u64, Vec<Violation>) {
        let lasting = self.open.values().cloned().map(|mut violation| {
            violation.until = now;
            violation
        });
        let lasting: Vec<_> = lasting.filter(|violation| self.counts(violation)).collect();
        let number = self.over + lasting.len() as u64;
        let mut first = self.first.clone();
        first.extend(lasting);
        first.sort_by_key(|violation| (violation.from, violation.breach));
        first.truncate(TOLD);
        (number, first)
    }

    fn counts(&self, violation: &Violation) -> bool {
        violation.until.saturating_sub(violation.from) >= self.grace
    }
}
