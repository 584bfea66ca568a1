//! Walks a camera directory in small steps, setting each directory's watch before reading it.
//!
//! Promises: memory does not grow with the size of a directory (one open directory per level); symbolic
//! links are not followed; one unreadable directory costs only itself. Names stay bytes.

use std::fs::{self, ReadDir};
use std::io;
use std::path::{Path, PathBuf};

use super::inotify::{Blind, Eye};
use super::roots::{Places, Root};
use super::tree::{Place, Tree};

/// Directory entries read in one step: a step takes a millisecond or so.
const STEP: usize = 256;

/// Why a walk was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// A directory came; all in it is news.
    Appeared,
    /// The whole root: it came, events were lost, somebody asked.
    Whole,
    /// The whole root, by the timer: events should have announced everything.
    Routine,
}

/// What a walk has seen so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) directories: u64,
    /// Directories that could not be watched for want of inotify watches.
    pub(super) unwatched: u64,
    /// Directories that could not be read or watched for another reason.
    pub(super) faults: u64,
}

/// One step's worth of a walk.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) files: Vec<FoundFile>,
    pub(super) faults: Vec<(PathBuf, io::Error)>,
    pub(super) done: bool,
}

/// A regular file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// An event should have announced it, if it is new and not brand new.
    pub(super) overdue: bool,
}

/// A walk in progress.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) root: Root,
    pub(super) why: Why,
    /// Later walks have higher numbers.
    pub(super) number: u64,
    pub(super) tally: Tally,
    /// Where it begins, until it has begun.
    begin: Option<PathBuf>,
    /// The directories being read, outermost first.
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    entries: ReadDir,
    directory: PathBuf,
    watched: bool,
}

/// What a walk walks on.
pub(super) struct Ground<'a> {
    pub(super) places: &'a Places,
    pub(super) tree: &'a Tree,
    pub(super) eye: Option<&'a dyn Eye>,
}

impl Walk {
    /// A walk of `directory`, which is `root` or below it, and everything below.
    pub(super) fn new(root: Root, directory: PathBuf, why: Why, number: u64) -> Self {
        Self {
            root,
            why,
            number,
            tally: Tally::default(),
            begin: Some(directory),
            levels: Vec::new(),
        }
    }

    /// Whether any step was made.
    pub(super) fn has_begun(&self) -> bool {
        self.begin.is_none()
    }

    /// Walks on for at most [`STEP`] entries. Blocks on the file system.
    pub(super) fn step(&mut self, ground: &Ground<'_>) -> Step {
        let mut step = Step::default();
        if let Some(directory) = self.begin.take() {
            self.enter(directory, ground, &mut step);
        }
        for _ in 0..STEP {
            let Some(level) = self.levels.last_mut() else {
                step.done = true;
                break;
            };
            match level.entries.next() {
                None => {
                    self.levels.pop();
                }
                Some(Ok(entry)) => self.look_at(&entry, ground, &mut step),
                Some(Err(error)) => {
                    let directory = level.directory.clone();
                    // An error in the middle may come again for ever: leave the directory.
                    self.levels.pop();
                    self.fault(directory, error, &mut step);
                }
            }
        }
        step
    }

    fn look_at(&mut self, entry: &fs::DirEntry, ground: &Ground<'_>, step: &mut Step) {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => self.enter(path, ground, step),
            Ok(kind) if kind.is_file() => {
                self.tally.files += 1;
                let watched = self.levels.last().is_some_and(|level| level.watched);
                step.files.push(FoundFile {
                    path,
                    overdue: watched && self.why == Why::Routine,
                });
            }
            // Links, sockets and pipes are not images. A name that is gone already is nothing.
            Ok(_) | Err(_) => {}
        }
    }

    fn enter(&mut self, directory: PathBuf, ground: &Ground<'_>, step: &mut Step) {
        let mine = ground.places.root_of(&directory).map(|root| root.id) == Some(self.root.id);
        if !mine || !self.root.looks_into(&directory) {
            return;
        }
        match self.open(&directory, ground, step) {
            Ok(Some((entries, watched))) => {
                self.tally.directories += 1;
                self.levels.push(Level {
                    entries,
                    directory,
                    watched,
                });
            }
            Ok(None) => {}
            Err(error) => self.fault(directory, error, step),
        }
    }

    /// Sets the watch, then opens the directory for reading: a file that comes in between is seen
    /// twice rather than never. `None` when it is gone or not a directory of its own.
    fn open(
        &mut self,
        directory: &Path,
        ground: &Ground<'_>,
        step: &mut Step,
    ) -> io::Result<Option<(ReadDir, bool)>> {
        let is_root = directory == self.root.directory;
        let stat = if is_root {
            fs::metadata(directory)
        } else {
            fs::symlink_metadata(directory)
        };
        let place = match stat {
            Ok(stat) if stat.is_dir() => Place::from(&stat),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let watched = self.watch(directory, place, ground, step);
        match fs::read_dir(directory) {
            Ok(entries) => Ok(Some((entries, watched))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn watch(
        &mut self,
        directory: &Path,
        place: Place,
        ground: &Ground<'_>,
        step: &mut Step,
    ) -> bool {
        let Some(eye) = ground.eye else {
            return false;
        };
        if ground
            .tree
            .place(directory)
            .is_some_and(|before| before != place)
        {
            eye.unwatch(directory);
        }
        match eye.watch(directory) {
            Ok(()) => {
                ground.tree.confirm(directory, place, self.number);
                true
            }
            Err(Blind::Limit) => {
                self.tally.unwatched += 1;
                false
            }
            Err(Blind::Gone) => false,
            Err(Blind::Other(why)) => {
                self.fault(directory.to_owned(), io::Error::other(why), step);
                false
            }
        }
    }

    fn fault(&mut self, directory: PathBuf, error: io::Error, step: &mut Step) {
        self.tally.faults += 1;
        step.faults.push((directory, error));
    }
}
