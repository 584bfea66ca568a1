//! What the watch task has to do next, collected from the notify thread and from everybody else.
//!
//! Pushing never blocks and never grows without bound: everything is a set of things to look at again
//! on the file system, so that order and repetition do not matter, and too many directories at once
//! become a rescan of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::RootId;

/// Directories that may wait to be looked into before "rescan everything" is the cheaper note.
const DIRECTORIES_BOUND: usize = 4_096;

/// Everything that happened since the list was last taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Todo {
    /// Directories that left their place; to be done before `appeared`.
    pub(super) left: BTreeSet<PathBuf>,
    /// Directories that came, or may have come.
    pub(super) appeared: BTreeSet<PathBuf>,
    /// Roots to scan as a whole.
    pub(super) rescan: BTreeSet<RootId>,
    /// Events were lost: every root must be scanned.
    pub(super) lost: Option<Lost>,
    /// Something came or went on the way to a root.
    pub(super) roots_moved: bool,
    /// The canary's event arrived.
    pub(super) canary_heard: bool,
    /// Somebody wants the daemon to look at its queue.
    pub(super) woken: bool,
    /// Files that no event had announced.
    pub(super) missed: BTreeMap<RootId, u64>,
}

/// Why events were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// The kernel's queue, or ours, was full.
    Overflow,
    /// Reading events failed, with the reason.
    Fault(String),
}

/// The list, shared between the notify thread and the watch task.
#[derive(Debug, Default)]
pub(super) struct Chores {
    todo: Mutex<Todo>,
    bell: Notify,
}

impl Chores {
    pub(super) fn appeared(&self, directory: &Path) {
        self.note(|todo| {
            if todo.appeared.len() < DIRECTORIES_BOUND {
                todo.appeared.insert(directory.to_owned());
            } else {
                todo.lost = Some(Lost::Overflow);
            }
        });
    }

    pub(super) fn left(&self, directory: &Path) {
        self.note(|todo| {
            if todo.left.len() < DIRECTORIES_BOUND {
                todo.left.insert(directory.to_owned());
            } else {
                todo.lost = Some(Lost::Overflow);
            }
        });
    }

    pub(super) fn rescan(&self, root: RootId) {
        self.note(|todo| {
            todo.rescan.insert(root);
        });
    }

    pub(super) fn lost(&self, why: Lost) {
        self.note(|todo| todo.lost = Some(why));
    }

    pub(super) fn roots_moved(&self) {
        self.note(|todo| todo.roots_moved = true);
    }

    pub(super) fn canary_heard(&self) {
        self.note(|todo| todo.canary_heard = true);
    }

    pub(super) fn woken(&self) {
        self.note(|todo| todo.woken = true);
    }

    pub(super) fn missed(&self, root: RootId, files: u64) {
        self.note(|todo| *todo.missed.entry(root).or_default() += files);
    }

    /// Everything to do, at once; waits until there is something. Cancel-safe, for one consumer.
    pub(super) async fn next(&self) -> Todo {
        loop {
            let todo = self.take();
            if todo != Todo::default() {
                return todo;
            }
            self.bell.notified().await;
        }
    }

    pub(super) fn take(&self) -> Todo {
        std::mem::take(&mut *self.lock())
    }

    fn note(&self, change: impl FnOnce(&mut Todo)) {
        change(&mut self.lock());
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Todo> {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_of_directories_becomes_one_rescan() {
        let chores = Chores::default();
        for n in 0..=DIRECTORIES_BOUND {
            chores.appeared(Path::new(&n.to_string()));
        }
        let todo = chores.next().await;
        assert_eq!(todo.appeared.len(), DIRECTORIES_BOUND);
        assert_eq!(todo.lost, Some(Lost::Overflow));
        assert_eq!(chores.take(), Todo::default());
    }

    #[tokio::test]
    async fn a_note_made_while_nobody_waits_is_not_lost() {
        let chores = Chores::default();
        chores.missed(RootId(3), 2);
        chores.missed(RootId(3), 5);
        assert_eq!(chores.next().await.missed, BTreeMap::from([(RootId(3), 7)]));
    }
}
