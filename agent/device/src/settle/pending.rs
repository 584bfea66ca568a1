//! Files that are seen and not settled, and when each wants to be looked at again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weir_journey::settle::{Cause, Settling};

use crate::watch::RootId;

/// One file on its way.
#[derive(Debug)]
pub(super) struct File {
    pub(super) root: RootId,
    pub(super) settling: Settling,
    pub(super) stage: Stage,
}

/// What is being done about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits for a moment (monotonic).
    Waits(Duration),
    /// It waits for a hand.
    Ready,
    /// It is in hand; what was heard of it meanwhile.
    InHand(Option<Cause>),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    files: HashMap<Arc<Path>, File>,
    moments: BTreeSet<(Duration, Arc<Path>)>,
    /// Files that an event announced, before files that a scan found.
    fresh: VecDeque<Arc<Path>>,
    found: VecDeque<Arc<Path>>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn get_mut(&mut self, path: &Path) -> Option<&mut File> {
        self.files.get_mut(path)
    }

    /// Has a file wait until a moment.
    pub(super) fn wait(&mut self, path: PathBuf, mut file: File, until: Duration) {
        let path: Arc<Path> = path.into();
        self.forget_moment(&path);
        file.stage = Stage::Waits(until);
        self.moments.insert((until, Arc::clone(&path)));
        self.files.insert(path, file);
    }

    /// Has a file wait for a hand.
    pub(super) fn make_ready(&mut self, path: PathBuf, mut file: File, fresh: bool) {
        let path: Arc<Path> = path.into();
        self.forget_moment(&path);
        let lane = if fresh {
            &mut self.fresh
        } else {
            &mut self.found
        };
        // One that is ready already keeps its place.
        if self
            .files
            .get(&path)
            .is_none_or(|known| known.stage != Stage::Ready)
        {
            lane.push_back(Arc::clone(&path));
        }
        file.stage = Stage::Ready;
        self.files.insert(path, file);
    }

    /// The next file for a hand; it stays known as being in hand.
    pub(super) fn next_ready(&mut self) -> Option<(PathBuf, RootId, Settling)> {
        while let Some(path) = self.fresh.pop_front().or_else(|| self.found.pop_front()) {
            if let Some(file) = self
                .files
                .get_mut(&path)
                .filter(|file| file.stage == Stage::Ready)
            {
                file.stage = Stage::InHand(None);
                return Some((path.to_path_buf(), file.root, file.settling.clone()));
            }
        }
        None
    }

    /// How many wait for a hand.
    pub(super) fn ready(&self) -> usize {
        self.fresh.len() + self.found.len()
    }

    /// Takes a file out.
    pub(super) fn remove(&mut self, path: &Path) -> Option<File> {
        self.forget_moment(path);
        self.files.remove(path)
    }

    /// The moment at which the next file wants to be looked at.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        self.moments.first().map(|(moment, _)| *moment)
    }

    /// Files whose moment has come at `now`, at most `most`; they stay as they are.
    pub(super) fn due(&self, now: Duration, most: usize) -> Vec<(PathBuf, RootId)> {
        self.moments
            .iter()
            .take_while(|(moment, _)| *moment <= now)
            .take(most)
            .filter_map(|(_, path)| Some((path.to_path_buf(), self.files.get(path)?.root)))
            .collect()
    }

    fn forget_moment(&mut self, path: &Path) {
        if let Some((
            path,
            File {
                stage: Stage::Waits(moment),
                ..
            },
        )) = self.files.get_key_value(path)
        {
            let key = (*moment, Arc::clone(path));
            self.moments.remove(&key);
        }
    }
}
