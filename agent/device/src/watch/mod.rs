//! **watch**: every file that appears or is finished under a camera directory is announced, and when
//! the watcher cannot promise that any more it says so and a rescan follows.
//!
//! One inotify instance serves any number of camera directories. Every directory's watch is set before
//! the directory is read. Everything the kernel might not tell is covered by a scan: at the start, after
//! lost events, when a directory returns, when mounts change, and by a timer. A canary proves that events
//! still arrive. Between the timers an idle camera costs nothing.
//!
//! ```text
//! notify thread ─ Listener ─┬─ files ───────► Inbox ─► settle
//!                           └─ directories ─► Chores ─► watch task ─ Walk ─► Inbox (second lane)
//! ```
//!
//! In virtual time the kernel has no part: the simulated camera calls [`Inbox::announce`] and the same
//! task does the scans ([`Eyes::Announced`]).

mod canary;
mod chores;
mod inbox;
mod inotify;
mod mounts;
mod presence;
mod report;
mod roots;
mod scan;
mod task;
mod tree;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use canary::wake;
pub use inbox::{Inbox, Sighting};
pub use report::Report;
pub(crate) use roots::Places;
pub use roots::{Root, RootId};
pub use task::run;
pub use weir_journey::settle::Cause;

/// Who announces files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// The kernel.
    Inotify,
    /// Whoever holds the [`Inbox`]: a simulated camera. Scans are done all the same.
    Announced,
}

/// How to watch.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time between two scans of everything.
    pub rescan: Duration,
    /// Time between two proofs that events arrive; `None` for no proofs.
    pub canary: Option<Duration>,
    /// How long the canary's event may take.
    pub grace: Duration,
    /// The agent's state directory; the watcher keeps its private files in `watch/` below it.
    pub state: PathBuf,
}

impl Settings {
    /// The default grace for the canary's event: an idle kernel takes microseconds, a device that
    /// swaps may take seconds.
    pub const GRACE: Duration = Duration::from_secs(10);
}
