//! Which directories are under watch, and which directory (device and inode) each name was when the
//! watch was set: a card mounted over a name leaves the watch on what lies beneath it.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and inode of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    device: u64,
    inode: u64,
}

impl From<&Metadata> for Place {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

#[derive(Debug)]
struct Watched {
    place: Place,
    /// Number of the last walk that saw it.
    walk: u64,
}

/// The directories under watch. `Path` orders by components, so a subtree is one range.
#[derive(Debug, Default)]
pub(super) struct Tree {
    directories: Mutex<BTreeMap<PathBuf, Watched>>,
}

impl Tree {
    pub(super) fn contains(&self, directory: &Path) -> bool {
        self.lock().contains_key(directory)
    }

    /// What `directory` was when its watch was set.
    pub(super) fn place(&self, directory: &Path) -> Option<Place> {
        self.lock().get(directory).map(|watched| watched.place)
    }

    /// `directory` was seen by walk number `walk` and is under watch.
    pub(super) fn confirm(&self, directory: &Path, place: Place, walk: u64) {
        self.lock()
            .insert(directory.to_owned(), Watched { place, walk });
    }

    /// Takes `directory` and everything below it out, and returns what was there.
    pub(super) fn forget(&self, directory: &Path) -> Vec<PathBuf> {
        let mut directories = self.lock();
        let below = subtree(&directories, directory, |_| true);
        for gone in &below {
            directories.remove(gone);
        }
        below
    }

    /// The directories below `root` that no walk from number `walk` on has seen.
    pub(super) fn unseen_since(&self, root: &Path, walk: u64) -> Vec<PathBuf> {
        subtree(&self.lock(), root, |watched| watched.walk < walk)
    }

    /// The directories whose name leads to another directory by now, or to none.
    pub(super) fn displaced(&self) -> Vec<PathBuf> {
        let known: Vec<_> = self
            .lock()
            .iter()
            .map(|(path, watched)| (path.clone(), watched.place))
            .collect();
        known
            .into_iter()
            .filter(|(path, place)| {
                std::fs::metadata(path).map_or(true, |now| Place::from(&now) != *place)
            })
            .map(|(path, _)| path)
            .collect()
    }

    /// Nothing is under watch any more: the watcher is gone.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Watched>> {
        self.directories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn subtree(
    directories: &BTreeMap<PathBuf, Watched>,
    top: &Path,
    wanted: impl Fn(&Watched) -> bool,
) -> Vec<PathBuf> {
    directories
        .range(top.to_owned()..)
        .take_while(|(path, _)| path.starts_with(top))
        .filter(|(_, watched)| wanted(watched))
        .map(|(path, _)| path.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place {
        device: 1,
        inode: 1,
    };

    #[test]
    fn a_subtree_leaves_without_its_neighbours() {
        let tree = Tree::default();
        for name in ["/a", "/a/b", "/a/b/c", "/a/b.c", "/a/bc", "/a/b/d"] {
            tree.confirm(Path::new(name), HERE, 1);
        }
        assert_eq!(
            tree.forget(Path::new("/a/b")),
            ["/a/b", "/a/b/c", "/a/b/d"].map(PathBuf::from)
        );
        assert!(tree.contains(Path::new("/a/b.c")));
        tree.confirm(Path::new("/a"), HERE, 2);
        assert_eq!(
            tree.unseen_since(Path::new("/a"), 2),
            ["/a/b.c", "/a/bc"].map(PathBuf::from)
        );
    }

    #[test]
    fn another_directory_under_the_same_name_is_noticed() {
        let room = tempfile::tempdir().expect("tempdir");
        let (kept, swapped) = (room.path().join("kept"), room.path().join("swapped"));
        let tree = Tree::default();
        for directory in [&kept, &swapped] {
            std::fs::create_dir(directory).expect("created");
            let place = Place::from(&std::fs::metadata(directory).expect("stat"));
            tree.confirm(directory, place, 1);
        }
        assert!(tree.displaced().is_empty());
        std::fs::rename(&swapped, room.path().join("elsewhere")).expect("renamed");
        std::fs::create_dir(&swapped).expect("created");
        assert_eq!(tree.displaced(), [swapped]);
    }
}
