//! The one inotify instance, and what its events mean.
//!
//! `notify` keeps the instance and a thread; this module sets every watch itself, one directory each,
//! because a watch set before a directory is read leaves no gap between `mkdir` and the first file.
//! The events arrive on the thread of `notify`: all that happens there is a note in the [`Inbox`].

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Cause;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, ErrorKind, Event, EventHandler, EventKind, RecursiveMode};
use notify::{INotifyWatcher, Watcher};

use super::Inbox;
use super::canary::{CANARY, WAKE};
use super::chores::Lost;
use super::roots::Places;
use super::tree::Tree;

/// Why a directory cannot be watched.
#[derive(Debug, thiserror::Error)]
pub(super) enum Blind {
    /// `fs.inotify.max_user_watches` is used up.
    #[error("no inotify watch left")]
    Limit,
    /// It is not there any more.
    #[error("gone")]
    Gone,
    /// Anything else; nothing about this watcher can be trusted when it ended.
    #[error("{0}")]
    Other(String),
}

/// Something that announces what happens in the directories it is told to watch.
pub(super) trait Eye: Send + Sync {
    /// Watches one directory, not those below it; again is no harm. Blocks shortly.
    fn watch(&self, directory: &Path) -> Result<(), Blind>;
    /// Stops watching; a directory that is not watched is no error.
    fn unwatch(&self, directory: &Path);
}

/// The inotify instance.
pub(super) struct Inotify {
    // `None` only while it is being dropped.
    watcher: Mutex<Option<INotifyWatcher>>,
}

impl Inotify {
    /// Opens the one instance; events go to `listener` from now on.
    ///
    /// # Errors
    /// The limit of instances or of open files is reached.
    pub(super) fn open(listener: Listener) -> io::Result<Self> {
        let config = Config::default().with_follow_symlinks(false);
        let watcher = INotifyWatcher::new(listener, config).map_err(|error| match error.kind {
            ErrorKind::Io(error) => error,
            _ => io::Error::other(error),
        })?;
        Ok(Self {
            watcher: Mutex::new(Some(watcher)),
        })
    }

    /// Runs `ask` on the watcher. `notify` panics when its thread has ended: here that is an answer.
    fn ask(
        &self,
        ask: impl FnOnce(&mut INotifyWatcher) -> notify::Result<()>,
    ) -> Result<(), Blind> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watcher) = watcher.as_mut() else {
            return Ok(());
        };
        match catch_unwind(AssertUnwindSafe(|| ask(watcher))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(match error.kind {
                ErrorKind::MaxFilesWatch => Blind::Limit,
                ErrorKind::PathNotFound | ErrorKind::WatchNotFound => Blind::Gone,
                ErrorKind::Io(error) if error.kind() == io::ErrorKind::NotFound => Blind::Gone,
                _ => Blind::Other(error.to_string()),
            }),
            Err(_) => Err(Blind::Other("the watcher's thread has ended".to_owned())),
        }
    }
}

impl Eye for Inotify {
    fn watch(&self, directory: &Path) -> Result<(), Blind> {
        self.ask(|watcher| watcher.watch(directory, RecursiveMode::NonRecursive))
    }

    fn unwatch(&self, directory: &Path) {
        // It fails when the kernel removed the watch together with the directory: just as well.
        let _ = self.ask(|watcher| watcher.unwatch(directory));
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        let watcher = self
            .watcher
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Dropping the watcher panics when its thread has ended, which is why it may be dropped here.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(watcher)));
    }
}

/// Hears the events and notes them.
pub(super) struct Listener {
    pub(super) places: Places,
    pub(super) tree: Arc<Tree>,
    pub(super) inbox: Inbox,
    pub(super) private: PathBuf,
}

impl EventHandler for Listener {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        let chores = self.inbox.chores();
        match event {
            Err(error) => chores.lost(Lost::Fault(error.to_string())),
            Ok(event) if event.need_rescan() => chores.lost(Lost::Overflow),
            Ok(event) => {
                if let (Some(meaning), Some(path)) = (meaning(event.kind), event.paths.last()) {
                    self.hear(meaning, path);
                }
            }
        }
    }
}

/// What an event says about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A writer closed the file.
    Closed,
    /// A name was moved here: a file or a directory, the event does not say.
    MovedIn,
    /// Bytes were written.
    Written,
    /// A name came to be (`open`, `link`) or its attributes changed: whole or not, nobody said.
    Named,
    /// A directory was made.
    Folder,
    /// The name was removed or moved away.
    Left,
}

/// The meaning of the events this agent cares about. Opening and reading are not among them: the agent
/// does both itself.
fn meaning(kind: EventKind) -> Option<Meaning> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Meaning::Closed),
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Some(Meaning::MovedIn),
        EventKind::Modify(ModifyKind::Data(_)) => Some(Meaning::Written),
        EventKind::Create(CreateKind::Folder) => Some(Meaning::Folder),
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Metadata(_)) => Some(Meaning::Named),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Some(Meaning::Left)
        }
        _ => None,
    }
}

impl Listener {
    fn hear(&self, meaning: Meaning, path: &Path) {
        if let Ok(name) = path.strip_prefix(&self.private) {
            return self.hear_private(meaning, name);
        }
        let moves = matches!(meaning, Meaning::Folder | Meaning::MovedIn | Meaning::Left);
        if moves && self.places.leads_to_a_root(path) {
            self.inbox.chores().roots_moved();
        }
        let Some(root) = self.places.root_of(path) else {
            return;
        };
        // The directory watched for the return of one root may lie in another that does not look there.
        if !path.parent().is_some_and(|parent| root.looks_into(parent)) {
            return;
        }
        match meaning {
            Meaning::Closed => self.inbox.announce(root.id, path, Cause::Closed),
            Meaning::Written => self.inbox.announce(root.id, path, Cause::Touched),
            Meaning::Folder => self.inbox.chores().appeared(path),
            Meaning::Left => {
                if self.tree.contains(path) {
                    self.inbox.chores().left(path);
                }
            }
            // One lstat of a name that was moved in this very moment: it comes from the cache.
            Meaning::MovedIn => match path.symlink_metadata() {
                Ok(now) if now.is_dir() => self.inbox.chores().appeared(path),
                Ok(now) if now.is_file() => self.inbox.announce(root.id, path, Cause::Closed),
                _ => {}
            },
            Meaning::Named => {
                // The attributes of a watched directory itself come without a name, as its own path.
                if !self.tree.contains(path) {
                    self.inbox.announce(root.id, path, Cause::Found);
                }
            }
        }
    }

    fn hear_private(&self, meaning: Meaning, name: &Path) {
        if meaning != Meaning::Closed {
            return;
        }
        if name == Path::new(CANARY) {
            self.inbox.chores().canary_heard();
        } else if name == Path::new(WAKE) {
            self.inbox.chores().woken();
        }
    }
}
