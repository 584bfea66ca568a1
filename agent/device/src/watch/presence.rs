//! Whether the camera directories are there, and where to wait for those that are not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::RootId;
use super::inotify::Eye;
use super::roots::Root;
use super::tree::{Place, Tree};

/// What is known of each root.
#[derive(Debug, Default)]
pub(super) struct Presence {
    known: BTreeMap<RootId, Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    There(Place),
    /// Awaited at this directory, the nearest that exists.
    Absent(PathBuf),
}

/// What has changed about a root since it was last looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing worth a word.
    None,
    /// It is there for the first time.
    Came,
    /// It is there again, or another directory took its place: scan it.
    Returned,
    /// It is not there; awaited at this directory.
    Left(PathBuf),
}

impl Presence {
    /// Looks whether `root` is there. Watches of what is gone are given up, and the nearest existing
    /// directory above an absent root is watched. Blocks on the file system.
    pub(super) fn look(&mut self, root: &Root, tree: &Tree, eye: Option<&dyn Eye>) -> Change {
        let before = self.known.get(&root.id).cloned();
        let now = match place_of(&root.directory) {
            Some(place) => Seen::There(place),
            None => await_return(&root.directory, eye),
        };
        let change = match (&before, &now) {
            (None, Seen::There(_)) => Change::Came,
            (Some(Seen::There(old)), Seen::There(new)) if old == new => Change::None,
            (Some(_), Seen::There(_)) => Change::Returned,
            (Some(Seen::Absent(_)), Seen::Absent(_)) => Change::None,
            (_, Seen::Absent(at)) => Change::Left(at.clone()),
        };
        self.known.insert(root.id, now);
        if matches!(change, Change::Returned | Change::Left(_)) {
            let mut unwanted = tree.forget(&root.directory);
            if let Some(Seen::Absent(at)) = before {
                unwanted.push(at);
            }
            self.unwatch(unwanted, tree, eye);
        } else if let (Some(Seen::Absent(old)), Some(Seen::Absent(new))) =
            (&before, self.known.get(&root.id))
            && old != new
        {
            self.unwatch(vec![old.clone()], tree, eye);
        }
        change
    }

    /// Whether `root` was absent when last looked at.
    pub(super) fn is_absent(&self, root: RootId) -> bool {
        matches!(self.known.get(&root), Some(Seen::Absent(_)))
    }

    /// Gives up watches, but those that another absent root or a watched tree still needs.
    fn unwatch(&self, directories: Vec<PathBuf>, tree: &Tree, eye: Option<&dyn Eye>) {
        let Some(eye) = eye else { return };
        for directory in directories {
            let awaited_here = Seen::Absent(directory);
            if self.known.values().any(|seen| *seen == awaited_here) {
                continue;
            }
            if let Seen::Absent(directory) = awaited_here
                && !tree.contains(&directory)
            {
                eye.unwatch(&directory);
            }
        }
    }
}

fn place_of(directory: &Path) -> Option<Place> {
    match fs::metadata(directory) {
        Ok(stat) if stat.is_dir() => Some(Place::from(&stat)),
        _ => None,
    }
}

/// Watches the nearest existing directory above `directory`, or finds that it came meanwhile.
fn await_return(directory: &Path, eye: Option<&dyn Eye>) -> Seen {
    loop {
        let at = nearest_above(directory);
        if let Some(eye) = eye {
            // Without this watch (limit reached) the timer still finds the root.
            let _ = eye.watch(&at);
        }
        if let Some(place) = place_of(directory) {
            return Seen::There(place);
        }
        // Something on the way may have come between the look and the watch: then watch that instead.
        if nearest_above(directory) == at {
            return Seen::Absent(at);
        }
    }
}

fn nearest_above(directory: &Path) -> PathBuf {
    directory
        .ancestors()
        .skip(1)
        .find(|above| above.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned()
}
