//! How the agent stands, as one document.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_journey::queue::State;

/// The whole of it; `GET /status` and `weir status --json` print this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The agent's version.
    pub version: String,
    /// Whether a daemon answered; `false` when the queue was read without one.
    pub running: bool,
    /// When the daemon started, by the board's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// Now, by the board's clock.
    pub now: DateTime<Utc>,
    /// What somebody should look at, a sentence each; empty is healthy.
    pub troubles: Vec<String>,
    /// The way to the store.
    pub link: LinkStatus,
    /// The board's clock.
    pub clock: ClockStatus,
    /// The watcher.
    pub watch: WatchStatus,
    /// The pipeline behind the buckets.
    #[serde(default)]
    pub pipeline: PipelineStatus,
    /// The sites.
    pub sites: Vec<SiteStatus>,
    /// Files that were refused, by reason.
    pub quarantined: BTreeMap<String, u64>,
    /// The file systems that the agent uses, that of its state directory first.
    #[serde(default)]
    pub disks: Vec<DiskStatus>,
    /// Whether the queue takes images: not while its disk is full or read-only.
    #[serde(default = "yes")]
    pub accepting: bool,
    /// The look at images; `None` while there is nothing to tell of it.
    #[serde(default)]
    pub infer: Option<InferStatus>,
}

/// The look at images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InferStatus {
    /// Images that are to be looked at, by site; sites without any are left out.
    pub due: BTreeMap<String, u64>,
    /// Sites whose images are not looked at for a while.
    pub off: BTreeMap<String, OffStatus>,
    /// How hot the board is, while nothing is looked at for that; degrees Celsius.
    pub hot_c: Option<f64>,
}

/// Why a site's images are not looked at, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffStatus {
    /// Why, as a sentence.
    pub because: String,
    /// When one is tried, by the board's clock.
    pub until: DateTime<Utc>,
}

/// The way to the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Since when the breaker is open; `None` while the link works.
    pub down_since: Option<DateTime<Utc>>,
    /// What the link last failed with.
    pub last_failure: Option<String>,
    /// Images on their way now.
    pub in_flight: usize,
    /// How many may be on their way at once now.
    pub width: usize,
}

/// The board's clock against the store's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// Seconds that the store's clock is ahead of the board's; `None` until the store was heard.
    pub store_ahead_s: Option<f64>,
    /// Whether the clock is right, as a time service or else the store's clock says; `None` when nobody can tell.
    #[serde(default)]
    pub synchronised: Option<bool>,
    /// The last time that the clock was set while an agent ran.
    #[serde(default)]
    pub last_step: Option<ClockStepStatus>,
}

/// A step of the board's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockStepStatus {
    /// What the clock showed afterwards.
    pub at: DateTime<Utc>,
    /// By how many seconds it went.
    pub by_s: f64,
    /// How many capture times were put right by it.
    pub images: u64,
}

/// The watcher.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WatchStatus {
    /// Whether the kernel's events are known or believed to arrive.
    pub events_arrive: bool,
    /// When the last scan of all directories ended.
    pub last_scan: Option<DateTime<Utc>>,
    /// Files that a rescan found and events should have announced.
    pub missed_events: u64,
    /// Files that were seen and are not settled yet.
    pub pending: usize,
}

/// The pipeline behind the buckets, as this process has let sites into it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineStatus {
    /// Sites in it.
    pub sites: usize,
    /// How many may be; 0 where that is not known.
    pub max_sites: usize,
    /// Images whose upload is over and whose site is held for them.
    pub held: usize,
    /// Sites of this agent that wait to be let in, the longest wait first.
    pub waiting: Vec<WaitingStatus>,
}

/// A site that waits to be let into the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingStatus {
    /// Its name.
    pub site: String,
    /// Since when, by the board's clock.
    pub since: DateTime<Utc>,
    /// It waits for an image of its own to be done, rather than for other sites.
    pub for_its_own: bool,
}

const fn yes() -> bool {
    true
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskStatus {
    /// The agent's folders on it.
    pub folders: Vec<String>,
    /// Its size.
    pub bytes: u64,
    /// What can still be written.
    pub free_bytes: u64,
    /// Its inodes; 0 where they cannot run out.
    pub inodes: u64,
    /// Files that can still be made.
    pub free_inodes: u64,
    /// Nothing can be written.
    pub read_only: bool,
    /// What is the matter; `None` when nothing is.
    pub trouble: Option<String>,
}

/// A camera directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryStatus {
    /// Where.
    pub path: String,
    /// Whether it is there.
    pub present: bool,
}

/// One site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteStatus {
    /// Its name.
    pub name: String,
    /// Its camera directories.
    pub directories: Vec<DirectoryStatus>,
    /// Images by state.
    pub images: BTreeMap<State, u64>,
    /// Bytes that are still owed.
    pub open_bytes: u64,
    /// Capture time of the oldest image that is still owed.
    pub oldest_open: Option<DateTime<Utc>>,
    /// Why nothing of it goes up now, when that is so.
    pub held: Option<String>,
}

impl Status {
    /// Whether nobody has to look.
    pub fn healthy(&self) -> bool {
        self.troubles.is_empty()
    }
}
