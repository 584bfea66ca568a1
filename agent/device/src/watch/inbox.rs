//! Where every sighting of a file arrives, whoever saw it: inotify, a scan, or a simulated camera.
//!
//! Promises: memory is bounded whatever a camera does (beyond the bound an announcement becomes "rescan
//! this root"); a file announced twice before it is looked at is looked at once; files that an event
//! announced come out before those that a scan found, so that a fresh image does not wait for a start-up
//! scan of 100,000 old ones; a scan waits while its lane is full.
//!
//! One task consumes sightings ([`Inbox::next`]) and one does the chores; handing in is for anyone.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Cause;
use super::RootId;
use super::chores::Chores;

/// Announced files that may wait; a burst beyond it costs a rescan, not memory (about 1 MiB).
const FRESH_BOUND: usize = 8_192;
/// Found files that may wait; a scan pauses beyond it.
const FOUND_BOUND: usize = 1_024;

/// A file that may be worth taking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The camera directory it is in.
    pub root: RootId,
    /// Its absolute path; not necessarily UTF-8, not necessarily there any more.
    pub path: PathBuf,
    /// What is known about how it came.
    pub cause: Cause,
    /// Found by a routine rescan of a directory under watch: had it been new for a while, an event
    /// should have announced it.
    pub overdue: bool,
}

/// A cloneable handle to the place where sightings wait.
#[derive(Debug, Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lanes: Mutex<Lanes>,
    arrived: Notify,
    room: Notify,
    chores: Chores,
    fresh_bound: usize,
}

#[derive(Debug, Default)]
struct Lanes {
    order: VecDeque<PathBuf>,
    fresh: HashMap<PathBuf, (RootId, Cause)>,
    found: VecDeque<Sighting>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    /// An empty inbox.
    pub fn new() -> Self {
        Self::with_bound(FRESH_BOUND)
    }

    fn with_bound(fresh_bound: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                lanes: Mutex::default(),
                arrived: Notify::new(),
                room: Notify::new(),
                chores: Chores::default(),
                fresh_bound,
            }),
        }
    }

    /// Announces one file. Never blocks; when too many wait already, its root is rescanned instead.
    pub fn announce(&self, root: RootId, path: &Path, cause: Cause) {
        let mut lanes = self.lanes();
        if let Some((_, waiting)) = lanes.fresh.get_mut(path) {
            *waiting = latest(*waiting, cause);
            return;
        }
        if lanes.fresh.len() >= self.shared.fresh_bound {
            drop(lanes);
            self.rescan(root);
            return;
        }
        lanes.fresh.insert(path.to_owned(), (root, cause));
        lanes.order.push_back(path.to_owned());
        drop(lanes);
        self.shared.arrived.notify_one();
    }

    /// Asks for a scan of all of `root`. Asking again before it began changes nothing.
    pub fn rescan(&self, root: RootId) {
        self.shared.chores.rescan(root);
    }

    /// Says that `files` files of `root` were overdue and indeed new: no event had announced them.
    pub fn missed(&self, root: RootId, files: u64) {
        self.shared.chores.missed(root, files);
    }

    /// How many sightings wait.
    pub fn waiting(&self) -> usize {
        let lanes = self.lanes();
        lanes.fresh.len() + lanes.found.len()
    }

    /// The next sightings, announced ones first: at least one, at most `most`, and of those that a scan
    /// found at most `most_found`. Cancel-safe. For one consumer.
    pub async fn next(&self, most: usize, most_found: usize) -> Vec<Sighting> {
        loop {
            let batch = self.take(most, most_found);
            if !batch.is_empty() {
                return batch;
            }
            self.shared.arrived.notified().await;
        }
    }

    fn take(&self, most: usize, most_found: usize) -> Vec<Sighting> {
        let mut lanes = self.lanes();
        let mut batch = Vec::new();
        while batch.len() < most {
            let Some(path) = lanes.order.pop_front() else {
                break;
            };
            if let Some((root, cause)) = lanes.fresh.remove(&path) {
                batch.push(Sighting {
                    root,
                    path,
                    cause,
                    overdue: false,
                });
            }
        }
        let left = (most - batch.len()).min(most_found);
        let found = left.min(lanes.found.len());
        batch.extend(lanes.found.drain(..found));
        if lanes.found.len() < FOUND_BOUND {
            self.shared.room.notify_one();
        }
        batch
    }

    /// Hands in what a scan found. The scan asks for [`room`](Self::room) before it reads on.
    pub(super) fn found(&self, files: Vec<Sighting>) {
        if files.is_empty() {
            return;
        }
        self.lanes().found.extend(files);
        self.shared.arrived.notify_one();
    }

    /// Returns when a scan may hand in another batch. Cancel-safe.
    pub(super) async fn room(&self) {
        while self.lanes().found.len() >= FOUND_BOUND {
            self.shared.room.notified().await;
        }
    }

    pub(super) fn chores(&self) -> &Chores {
        &self.shared.chores
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // The lanes are whole between any two statements above: a panic elsewhere cannot tear them.
        self.shared
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What two announcements of one file mean together: the later event counts, and merely having found
/// the file says less than any event.
fn latest(earlier: Cause, later: Cause) -> Cause {
    match later {
        Cause::Found => earlier,
        Cause::Closed | Cause::Touched => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: RootId = RootId(0);

    fn found(name: &str) -> Sighting {
        Sighting {
            root: ROOT,
            path: PathBuf::from(name),
            cause: Cause::Found,
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
        /// Whatever is announced, in any order: each waiting file comes out once, oldest first, with
        /// its latest meaning, never more than the bound wait, and what did not fit asks for a rescan.
        #[test]
        fn announcements_coalesce_and_never_vanish(
            calls in prop::collection::vec((0_u8..12, causes()), 0..60),
        ) {
            let inbox = Inbox::with_bound(8);
            let mut model: Vec<(u8, Cause)> = Vec::new();
            let mut surplus = false;
            for (name, cause) in calls {
                inbox.announce(ROOT, Path::new(&name.to_string()), cause);
                let full = model.len() == 8;
                match model.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, waiting)) if cause != Cause::Found => *waiting = cause,
                    Some(_) => {}
                    None if full => surplus = true,
                    None => model.push((name, cause)),
                }
            }
            let out: Vec<_> = inbox.take(100, 100).into_iter().map(|s| (s.path, s.cause)).collect();
            let expected: Vec<_> =
                model.into_iter().map(|(name, cause)| (PathBuf::from(name.to_string()), cause)).collect();
            prop_assert_eq!(out, expected);
            prop_assert_eq!(inbox.chores().take().rescan.contains(&ROOT), surplus);
        }
    }

    #[tokio::test]
    async fn announced_files_overtake_found_ones() {
        let inbox = Inbox::new();
        inbox.found((0..10).map(|n| found(&format!("old{n}"))).collect());
        inbox.announce(ROOT, Path::new("fresh"), Cause::Closed);
        let batch = inbox.next(2, 2).await;
        assert_eq!(batch[0].path, Path::new("fresh"));
        assert_eq!(batch[1].path, Path::new("old0"));
    }

    #[tokio::test]
    async fn a_scan_waits_for_room_and_is_let_on() {
        let inbox = Inbox::new();
        inbox.found((0..FOUND_BOUND).map(|n| found(&n.to_string())).collect());
        let waiting = tokio::spawn({
            let inbox = inbox.clone();
            async move { inbox.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        inbox.next(1, 1).await;
        waiting.await.expect("let on");
    }
}
