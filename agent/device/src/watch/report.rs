//! What the watcher tells its surroundings: the log, the metrics and whoever listens.

use std::io;
use std::path::PathBuf;

use super::RootId;

/// Something about the watching itself that an operator or a metric should know.
#[derive(Debug, thiserror::Error)]
pub enum Report {
    /// A camera directory is not there (yet, or any more).
    #[error("{} is not there; watching {} for its return", directory.display(), awaited_at.display())]
    RootGone {
        /// Which one.
        root: RootId,
        /// Where it should be.
        directory: PathBuf,
        /// The nearest directory above that exists.
        awaited_at: PathBuf,
    },
    /// A camera directory is there again, or another one is in its place.
    #[error("{} is there again; scanning it", directory.display())]
    RootBack {
        /// Which one.
        root: RootId,
        /// Where it is.
        directory: PathBuf,
    },
    /// A walk of a whole camera directory ended.
    #[error("scanned {files} files in {directories} directories")]
    Scanned {
        /// Which one.
        root: RootId,
        /// Regular files seen, known ones included.
        files: u64,
        /// Directories seen.
        directories: u64,
    },
    /// The kernel has no inotify watch left.
    #[error(
        "{directories} directories cannot be watched: the limit of inotify watches is reached, their files \
         are found by rescans only. Raise it: sysctl -w fs.inotify.max_user_watches=524288"
    )]
    WatchLimit {
        /// Which camera directory they are in.
        root: RootId,
        /// How many are not watched.
        directories: u64,
    },
    /// A directory cannot be read or watched.
    #[error("cannot look into {}: {error}", directory.display())]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Events were lost; everything is scanned.
    #[error("events were lost ({why}): scanning every camera directory")]
    EventsLost {
        /// How.
        why: String,
    },
    /// Files were found that no event had announced.
    #[error(
        "{files} files came without an event from {}: a network or FUSE file system? relying on rescans",
        directory.display()
    )]
    Missed {
        /// The camera directory.
        root: RootId,
        /// Where it is.
        directory: PathBuf,
        /// New ones since the last such report.
        files: u64,
    },
    /// Events do not arrive any more, or never did. The watcher is built anew.
    #[error("the file watcher is dead: {why}; building a new one and scanning everything")]
    WatcherDead {
        /// How it showed.
        why: String,
    },
    /// There is no watcher; rescans do its work, more often.
    #[error(
        "no file watcher: {error}; relying on rescans. If it says too many open files: \
         sysctl -w fs.inotify.max_user_instances=512"
    )]
    NoWatcher {
        /// Why none could be opened.
        error: io::Error,
    },
    /// The canary was heard: events arrive.
    #[error("file events arrive")]
    EventsArrive,
    /// Somebody knocked ([`wake`](super::wake)): the queue was changed from outside.
    #[error("woken from the command line")]
    Woken,
}

impl Report {
    /// Writes the report to the log at the level it deserves.
    pub(super) fn log(&self) {
        match self {
            Self::Scanned { .. } | Self::EventsArrive | Self::Woken => tracing::debug!("{self}"),
            Self::RootBack { .. } => tracing::info!("{self}"),
            Self::WatcherDead { .. } => tracing::error!("{self}"),
            _ => tracing::warn!("{self}"),
        }
    }
}
