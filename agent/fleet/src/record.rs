//! What a run leaves: one row an image, one a site, one a moment, and the summary.
//!
//! All moments are true time, whatever the clocks of cameras and boards showed. The files of a run's folder hold
//! exactly this: `images.csv`, `sites.csv`, `samples.csv` and `summary.json`; the report is made from them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One image that a camera wrote: a row of `images.csv`. Empty cells are what did not happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Number of the site, from 1.
    pub site: u32,
    /// Number of the shot at its site, from 1.
    pub shot: u64,
    /// Path below the camera's folder.
    pub file: String,
    /// When it was taken.
    pub captured_at: DateTime<Utc>,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// What the camera did wrong, by its name in scenarios.
    pub fault: Option<String>,
    /// Whether the agent must take it: a whole image that stayed where it was written.
    pub due: bool,
    /// When the queue had it.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the store had it: the first object with its bytes.
    pub stored_at: Option<DateTime<Utc>>,
    /// Where the store has it.
    pub bucket: Option<String>,
    /// Under which key.
    pub key: Option<String>,
    /// Whether the pipeline's work on it began on a new instance.
    pub cold: Option<bool>,
    /// When the pipeline's last work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the pipeline was done with it.
    pub done_at: Option<DateTime<Utc>>,
    /// How often the pipeline began with it.
    pub attempts: u32,
    /// Whether the pipeline dropped its event.
    pub dropped: bool,
}

/// What became of one site: a row of `sites.csv`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteRecord {
    /// Its number, from 1.
    pub site: u32,
    /// Its name.
    pub name: String,
    /// Images that its camera wrote.
    pub captured: u64,
    /// Images that its agent accepted.
    pub accepted: u64,
    /// Accepted images that the store has.
    pub stored: u64,
    /// Accepted images that the store does not have.
    pub lost: u64,
    /// Objects beyond one an image.
    pub duplicates: u64,
    /// PUT requests beyond one an image.
    pub retries: u64,
    /// Starts of its agent beyond the first.
    pub restarts: u64,
    /// Seconds without a link.
    pub offline_s: f64,
    /// Median and 95th percentile of the seconds from capture to stored.
    pub latency_p50_s: Option<f64>,
    /// See `latency_p50_s`.
    pub latency_p95_s: Option<f64>,
}

/// The fleet at one moment: a row of `samples.csv`. Counts that end in `_since` are since the last row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The moment.
    pub at: DateTime<Utc>,
    /// Agents that run.
    pub agents: u32,
    /// Sites whose link works.
    pub online: u32,
    /// Images captured since.
    pub captured_since: u64,
    /// Images stored since.
    pub stored_since: u64,
    /// Captured and not stored: the depth of all queues together.
    pub waiting: u64,
    /// Age of the oldest of them, in seconds.
    pub oldest_s: f64,
    /// Requests to the store since.
    pub requests_since: u64,
    /// Requests since that had no answer or an error for an answer.
    pub errors_since: u64,
    /// The most sites that were in the pipeline at one moment since, as the observer saw.
    pub sites_in_pipeline_max: u32,
    /// Executions that run in the pipeline.
    pub executions: u32,
    /// Events that wait in the pipeline.
    pub events_waiting: u64,
    /// Age of the oldest of them, in seconds.
    pub event_age_s: f64,
    /// Executions begun since on a new instance.
    pub cold_since: u64,
    /// Events throttled since.
    pub throttled_since: u64,
    /// Events dropped since.
    pub dropped_since: u64,
}
