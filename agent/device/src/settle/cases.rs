//! The files under way, each in one stage, with one deadline for the nearest of those that wait.
//!
//! No I/O and no clock: the caller brings the moment. Promises: a path is in at most one stage, so that it
//! is never worked on twice at a time; a sighting that comes meanwhile is not lost; the number of cases
//! is bounded; taking the nearest deadline costs a step in a tree, not a search.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;
use weir_journey::settle::{Cause, Now, Observation, Patience, Settling, Verdict};

use crate::watch::{RootId, Sighting};

/// The longest pause between two tries of what failed for a passing reason.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One file on its way.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) root: RootId,
    pub(super) settling: Option<Settling>,
    pub(super) overdue: bool,
    /// Came from a scan: yields to those that were announced.
    found: bool,
    failures: u32,
    stage: Stage,
    /// What the look under way, or the last one, was for.
    cause: Cause,
    /// How it was seen since that look began.
    again: Option<Cause>,
}

impl Case {
    /// Takes note of what a look showed, and says what to do.
    pub(super) fn observe(&mut self, seen: Observation, now: Now, patience: &Patience) -> Verdict {
        let cause = self.cause;
        let settling = match self.settling.take() {
            Some(mut settling) => {
                settling.observe(seen, cause, now);
                settling
            }
            None => Settling::new(seen, cause, now),
        };
        self.settling.insert(settling).verdict(now, patience)
    }

    /// A look begins, for everything seen since the last one.
    fn look(&mut self) {
        self.cause = self.again.take().unwrap_or(Cause::Found);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Being looked at, waiting to be read, or read.
    Busy,
    Waiting(Instant),
}

/// What became of a sighting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// To be judged now.
    Judge,
    /// It joins what is under way.
    Joined,
    /// Too many cases.
    Full,
}

/// All cases.
#[derive(Debug)]
pub(super) struct Cases {
    cases: HashMap<PathBuf, Case>,
    due: BTreeSet<(Instant, PathBuf)>,
    ready: VecDeque<PathBuf>,
    ready_found: VecDeque<PathBuf>,
    busy_found: usize,
    bound: usize,
}

impl Cases {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            cases: HashMap::new(),
            due: BTreeSet::new(),
            ready: VecDeque::new(),
            ready_found: VecDeque::new(),
            busy_found: 0,
            bound,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Cases that a scan found and that are being worked on.
    pub(super) fn busy_found(&self) -> usize {
        self.busy_found
    }

    pub(super) fn get(&mut self, path: &Path) -> Option<&mut Case> {
        self.cases.get_mut(path)
    }

    /// Takes note of a sighting.
    pub(super) fn admit(&mut self, sighting: &Sighting) -> Admitted {
        let full = self.cases.len() >= self.bound;
        let Some(case) = self.cases.get_mut(&sighting.path) else {
            if full {
                return Admitted::Full;
            }
            let found = sighting.cause == Cause::Found;
            self.busy_found += usize::from(found);
            let case = Case {
                root: sighting.root,
                settling: None,
                overdue: sighting.overdue,
                found,
                failures: 0,
                stage: Stage::Busy,
                cause: sighting.cause,
                again: None,
            };
            self.cases.insert(sighting.path.clone(), case);
            return Admitted::Judge;
        };
        case.again = Some(merged(case.again, sighting.cause));
        match (case.stage, sighting.cause) {
            // A file being written is looked at when its time comes, not at each write.
            (Stage::Busy, _) | (Stage::Waiting(_), Cause::Touched) => Admitted::Joined,
            (Stage::Waiting(due), Cause::Closed | Cause::Found) => {
                self.due.remove(&(due, sighting.path.clone()));
                case.stage = Stage::Busy;
                case.look();
                self.busy_found += usize::from(case.found);
                Admitted::Judge
            }
        }
    }

    /// The case is to be read when there is room.
    pub(super) fn ready(&mut self, path: PathBuf) {
        match self.cases.get(&path) {
            Some(case) if case.found => self.ready_found.push_back(path),
            Some(_) => self.ready.push_back(path),
            None => {}
        }
    }

    /// The next to read, announced ones first.
    pub(super) fn next_ready(&mut self) -> Option<PathBuf> {
        self.ready
            .pop_front()
            .or_else(|| self.ready_found.pop_front())
    }

    /// The case rests for `pause`. Returns false when it was seen closed or found meanwhile, and so is to
    /// be judged at once instead.
    pub(super) fn wait(&mut self, path: &Path, now: Instant, pause: Duration) -> bool {
        let Some(case) = self.cases.get_mut(path) else {
            return true;
        };
        if matches!(case.again, Some(Cause::Closed | Cause::Found)) {
            case.look();
            return false;
        }
        let due = now + pause;
        case.stage = Stage::Waiting(due);
        self.busy_found -= usize::from(case.found);
        self.due.insert((due, path.to_owned()));
        true
    }

    /// As [`wait`](Self::wait), after a failure: each pause twice the last.
    pub(super) fn wait_after_failure(&mut self, path: &Path, now: Instant) {
        let Some(case) = self.cases.get_mut(path) else {
            return;
        };
        let pause = Duration::from_secs(1 << case.failures.min(16)).min(LONGEST_PAUSE);
        case.failures += 1;
        // What comes meanwhile does not hurry a disk that fails.
        let again = case.again.take();
        self.wait(path, now, pause);
        if let Some(case) = self.cases.get_mut(path) {
            case.again = again;
        }
    }

    /// The case is closed. Returns false when the file was seen again meanwhile: then it goes on as a new
    /// one, to be judged.
    pub(super) fn close(&mut self, path: &Path) -> bool {
        let Some(case) = self.cases.get_mut(path) else {
            return true;
        };
        if case.again.is_some() {
            case.settling = None;
            case.failures = 0;
            case.look();
            return false;
        }
        self.busy_found -= usize::from(case.found);
        self.cases.remove(path);
        true
    }

    /// The nearest deadline.
    pub(super) fn nearest(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Those whose time has come; they are busy from now on.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<PathBuf> {
        let mut out = Vec::new();
        while let Some((due, _)) = self.due.first()
            && *due <= now
            && let Some((_, path)) = self.due.pop_first()
        {
            if let Some(case) = self.cases.get_mut(&path) {
                case.stage = Stage::Busy;
                case.look();
                self.busy_found += usize::from(case.found);
                out.push(path);
            }
        }
        out
    }
}

fn merged(earlier: Option<Cause>, later: Cause) -> Cause {
    match (earlier, later) {
        (Some(earlier), Cause::Found) => earlier,
        _ => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sighting(name: u8, cause: Cause) -> Sighting {
        Sighting {
            root: RootId(0),
            path: PathBuf::from(name.to_string()),
            cause,
            overdue: false,
        }
    }

    fn causes() -> impl Strategy<Value = Cause> {
        prop_oneof![
            Just(Cause::Closed),
            Just(Cause::Found),
            Just(Cause::Touched)
        ]
    }

    proptest! {
        /// Under any order of sightings, waits, ends and passing time: one path is never handed out twice
        /// without coming back in between, a sighting is followed by a look that begins after it,
        /// and in the end nothing is left counted as busy.
        #[test]
        fn one_file_is_in_one_place(
            steps in prop::collection::vec((0_u8..4, 0_u8..4, causes()), 0..80),
        ) {
            let mut cases = Cases::new(3);
            let mut now = Instant::now();
            let mut busy: Vec<PathBuf> = Vec::new();
            let mut unheard: BTreeSet<PathBuf> = BTreeSet::new();
            for (step, name, cause) in steps {
                let path = PathBuf::from(name.to_string());
                match step {
                    0 => match cases.admit(&sighting(name, cause)) {
                        Admitted::Judge => {
                            prop_assert!(!busy.contains(&path));
                            unheard.remove(&path);
                            busy.push(path);
                        }
                        Admitted::Joined => { unheard.insert(path); }
                        Admitted::Full => prop_assert_eq!(cases.len(), 3),
                    },
                    1 if busy.contains(&path) => {
                        if cases.close(&path) {
                            prop_assert!(!unheard.contains(&path));
                            busy.retain(|other| *other != path);
                        } else {
                            prop_assert!(unheard.contains(&path));
                            unheard.remove(&path);
                        }
                    }
                    2 if busy.contains(&path) => {
                        if cases.wait(&path, now, Duration::from_secs(u64::from(name))) {
                            busy.retain(|other| *other != path);
                        } else {
                            unheard.remove(&path);
                        }
                    }
                    3 => {
                        now += Duration::from_secs(1);
                        for due in cases.take_due(now) {
                            prop_assert!(!busy.contains(&due));
                            unheard.remove(&due);
                            busy.push(due);
                        }
                    }
                    _ => {}
                }
            }
            busy.extend(cases.take_due(now + LONGEST_PAUSE));
            for path in busy {
                // At most one more look, for what was seen meanwhile.
                prop_assert!(cases.close(&path) || cases.close(&path));
            }
            prop_assert_eq!((cases.len(), cases.busy_found(), cases.nearest()), (0, 0, None));
        }
    }

    #[test]
    fn failures_pause_longer_each_time_and_not_for_ever() {
        let mut cases = Cases::new(1);
        let now = Instant::now();
        cases.admit(&sighting(0, Cause::Closed));
        let mut last = Duration::ZERO;
        for _ in 0..40 {
            cases.wait_after_failure(Path::new("0"), now);
            let due = cases.nearest().expect("waits");
            assert!(due - now >= last && due - now <= LONGEST_PAUSE);
            last = due - now;
            assert_eq!(cases.take_due(due).len(), 1);
        }
        assert_eq!(last, LONGEST_PAUSE);
    }

    #[test]
    fn announced_files_are_read_before_found_ones() {
        let mut cases = Cases::new(9);
        for (name, cause) in [(0, Cause::Found), (1, Cause::Closed)] {
            cases.admit(&sighting(name, cause));
            cases.ready(PathBuf::from(name.to_string()));
        }
        assert_eq!(cases.next_ready(), Some(PathBuf::from("1")));
        assert_eq!(cases.next_ready(), Some(PathBuf::from("0")));
    }
}
