//! **settle**: a file leaves this step exactly once, whole, hashed and durable on disk, or it is
//! quarantined with a reason.
//!
//! ```text
//! Inbox ─► admit ─► judge (stat, already known?) ─► wait ─► read (structure + SHA-256, one pass)
//!                                                    ▲        │ whole: fsync file and directories ─► take
//!                                                    └────────┤ changed, or not whole yet
//!                                                             └ not whole for long ─► quarantine
//! ```
//!
//! What to do is decided by [`weir_journey::settle`]; this module does it. A file that is read is noted
//! *in hand* on disk, so that one that kills the process is known at the next start and set aside after
//! three deaths. Everything is bounded: files under way, files open, readings at a time; what exceeds the
//! bounds is found again by a rescan. While nothing waits there is no timer.

mod at_once;
mod cases;
mod durable;
mod in_hand;
mod judge;
mod reading;
mod register;
mod report;
mod rewritten;
mod task;
mod work;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use weir_journey::settle::{Now, Patience};

use crate::snapshot::Spool;
use crate::watch::Root;

pub use at_once::{AtOnce, Glance, Settling, glance, seen_now};
pub use register::{Copied, Register, Seen, Settled};
pub use report::Report;
pub use task::run;

/// How to settle.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The camera folders.
    pub roots: Vec<Root>,
    /// How long to wait for what.
    pub patience: Patience,
    /// Files read at the same time.
    pub readers: NonZeroUsize,
    /// Of each folder, where files that the camera overwrites are copied to.
    pub spools: Vec<Spool>,
    /// The agent's state directory; the files in hand are noted in `in-hand/` below it.
    pub state: PathBuf,
}

/// Tells the moment on both clocks; asked before every decision.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;
