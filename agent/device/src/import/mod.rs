//! **import**: what somebody brought home on a card, a stick or in a folder goes the way of every image.
//!
//! Promises:
//! - Settling, stamping, queue, gate, upload and verification are the daemon's own; only the camera's quiet is not waited
//!   for. A daemon that works in the same state directory does the uploading, and this process looks on.
//! - Nothing begins before every file has its site: one that fits none is told, with what to do about it.
//! - Killed at any moment, it loses nothing; the same command again goes on where it was, without reading again what
//!   it knows.
//! - A card that is pulled costs no image: what is on it waits for it, and is told.
//! - A file is deleted only when its row is durably verified, and only while it is the file that was read.
//! - Memory does not grow with the number of files: what came of each stands in the queue and in a file without a
//!   name, not in memory.
//!
//! ```text
//! survey: walk ─► what is a picture, whose is it            (nothing is changed)
//! intake: walk ─► known? ─► settle at once ─► stamp, accept ─► spool
//! uploader (here or the daemon's) ─► queue
//! ending: spool + queue ─► what came of each file, in order ─► report, receipt, deletion
//! ```

mod course;
mod dry_run;
mod ending;
mod intake;
mod matching;
mod remove;
mod run;
mod sources;
mod spool;
mod survey;
mod walk;

use std::path::PathBuf;
use std::time::Duration;

use weir_journey::gate::Order;
use weir_journey::identity::SiteName;

use crate::agent::RunError;
use crate::config::TimeZoneName;
use crate::exchange::ExchangeError;
use crate::queue::QueueError;

pub use dry_run::{Plan, SitePlan, plan};
pub use ending::{Ended, Summary};
pub use remove::{Removal, remove};
pub use run::{Audience, Progress, run};
pub use survey::{Misfit, Unmatched};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Cards, folders and files.
    pub paths: Vec<PathBuf>,
    /// Whose all of it is.
    pub site: Option<SiteName>,
    /// The zone of that site's camera, where it differs from the configuration.
    pub timezone: Option<TimeZoneName>,
    /// In which order images go up; with one, all files are read first.
    pub order: Option<Order>,
    /// Delete what is verified.
    pub delete: bool,
    /// Where to write a receipt.
    pub receipt: Option<PathBuf>,
    /// How long nothing may move before the rest is given up for this time.
    pub give_up: Duration,
}

/// Why an import does not begin, or ends early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The command line or the configuration: nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// Files that fit no site: nothing was changed.
    #[error("{0}")]
    Unmatched(Unmatched),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The state directory, its lock, or a part of the agent that ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The receipt or a manifest.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The import's own file below the state directory.
    #[error("cannot write {}: {source}", path.display())]
    Notes {
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}
