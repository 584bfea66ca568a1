//! The run in figures: `summary.json`.
//!
//! Whoever ran it tells what no record holds ([`Told`]); the rest is computed from the records, so that it can be
//! computed again, from the files of a folder or of many.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::outage::{Outage, outages};
use super::spread::Spread;
use crate::record::{ImageRecord, Sample, SiteRecord};

/// Which time a run was made in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClockKind {
    /// The time of the wall: a second takes a second.
    Real,
    /// Simulated time, as fast as the machine allows; the same seed gives the same run.
    #[default]
    Virtual,
}

/// Which part of a fleet a run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// Whether the promises were kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// All of them.
    pub ok: bool,
    /// What was found against them, one line each.
    pub failures: Vec<String>,
}

/// What the cloud would have charged, in dollars of the United States.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// By service, as the price list names them.
    pub by_service: BTreeMap<String, f64>,
    /// All of them.
    pub total: f64,
    /// Region and date of the prices: `us-west-1, 2026-03`.
    pub prices: String,
}

/// What of a run no record holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Name of the scenario.
    pub scenario: String,
    /// What made its chances.
    pub seed: u64,
    /// Which time it was made in.
    pub clock: ClockKind,
    /// How long it was to last, in hours of its clock.
    pub hours: f64,
    /// When it began, by its clock.
    pub start: DateTime<Utc>,
    /// When it ended, by its clock: after the last image was waited for.
    pub end: DateTime<Utc>,
    /// Version of Weir.
    pub version: String,
    /// The command that makes it again.
    pub command: String,
    /// Settings that a reader should know: shown in this order, and equal in all shards of a run.
    pub settings: BTreeMap<String, String>,
    /// False when it was ended early.
    pub completed: bool,
    /// Which part of the fleet it was.
    pub shard: Option<Shard>,
    /// Most sites that may be in the pipeline at once. Of a shard: its share.
    pub cap: Option<u32>,
    /// Moments at which more were, as the observer saw.
    pub cap_violations: u64,
    /// Whether the promises were kept.
    pub verdict: Verdict,
    /// Files that the agents set aside.
    pub quarantined: u64,
    /// Objects whose capture time is not the camera's truth.
    pub wrong_capture_time: u64,
    /// Objects in another bucket or under another key than is right.
    pub wrong_key: u64,
    /// Objects whose bytes are no image's.
    pub wrong_bytes: u64,
    /// Images of whose capture time the agent itself says that it is not sure.
    pub unsure: u64,
    /// Seconds from the end of the last fault until an image taken after it was stored; of the slowest site.
    /// `None` when there was no fault, or nothing was taken after it.
    pub fresh_after_fault_s: Option<f64>,
    /// How many seconds that may take; `None` where the run holds images back on purpose.
    #[serde(default)]
    pub fresh_within_s: Option<f64>,
    /// Events that the pipeline received.
    pub events: u64,
    /// Requests to the store by operation.
    pub requests_by_operation: BTreeMap<String, u64>,
    /// What the cloud would have charged.
    pub cost_usd: Option<Cost>,
    /// Seconds that the run took.
    pub wall_s: f64,
    /// The most memory that it held, in MiB.
    pub peak_rss_mib: f64,
}

/// The run in figures. All durations are in seconds of its clock, except `wall_s`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Sites.
    pub sites: u64,
    /// Images that cameras wrote.
    pub captured: u64,
    /// Images that agents accepted.
    pub accepted: u64,
    /// Accepted images that the store has.
    pub stored: u64,
    /// Accepted images that it does not have.
    pub lost: u64,
    /// Objects beyond one an image.
    pub duplicates: u64,
    /// The most sites in the pipeline at one moment. Of merged shards: at most this.
    pub max_concurrent_sites: u32,
    /// PUT requests beyond one an image.
    pub retries: u64,
    /// From capture to stored.
    pub latency_s: Option<Spread>,
    /// From stored to the end of the pipeline's work.
    pub event_to_done_s: Option<Spread>,
    /// From capture to the end of the pipeline's work.
    pub capture_to_done_s: Option<Spread>,
    /// The pipeline's last work on an image.
    pub execution_s: Option<Spread>,
    /// Executions begun on a new instance.
    pub cold: u64,
    /// Executions begun on an instance that was there.
    pub warm: u64,
    /// Executions begun.
    pub executions: u64,
    /// Events that were told to come again later.
    pub throttles: u64,
    /// Events that the pipeline gave up on.
    pub events_dropped: u64,
    /// Age of the oldest event that waited.
    pub event_age_max_s: f64,
    /// Starts of agents beyond the first.
    pub restarts: u64,
    /// After the worst outage: requests of the busiest minute over those of the mean one, until the queues were as
    /// before. `None` without an outage.
    pub peak_to_mean_requests: Option<f64>,
    /// The longest that it took, after an outage, until the queues were as before. `None` if they never were.
    pub drain_s: Option<f64>,
    /// Images stored in a second of the wall.
    pub images_per_s: f64,
    /// What no record holds.
    #[serde(flatten)]
    pub told: Told,
}

impl Summary {
    /// Of what was told and recorded. Samples are in order of time.
    #[must_use]
    pub fn of(
        told: Told,
        images: &[ImageRecord],
        sites: &[SiteRecord],
        samples: &[Sample],
    ) -> Self {
        let over = |of: fn(&SiteRecord) -> u64| sites.iter().map(of).sum::<u64>();
        let during = |of: fn(&Sample) -> u64| samples.iter().map(of).sum::<u64>();
        let executions = images.iter().map(|image| u64::from(image.attempts)).sum();
        let cold = during(|sample| sample.cold_since).min(executions);
        let outages = outages(samples, u32::try_from(sites.len()).unwrap_or(u32::MAX));
        let stored = over(|site| site.stored);
        Self {
            sites: sites.len() as u64,
            captured: over(|site| site.captured),
            accepted: over(|site| site.accepted),
            stored,
            lost: over(|site| site.lost),
            duplicates: over(|site| site.duplicates),
            max_concurrent_sites: samples
                .iter()
                .map(|sample| sample.sites_in_pipeline_max)
                .max()
                .unwrap_or(0),
            retries: over(|site| site.retries),
            latency_s: spread(images, ImageRecord::latency_s),
            event_to_done_s: spread(images, ImageRecord::event_to_done_s),
            capture_to_done_s: spread(images, ImageRecord::capture_to_done_s),
            execution_s: spread(images, ImageRecord::execution_s),
            cold,
            warm: executions - cold,
            executions,
            throttles: during(|sample| sample.throttled_since),
            events_dropped: images.iter().filter(|image| image.dropped).count() as u64,
            event_age_max_s: samples
                .iter()
                .fold(0.0, |most, sample| sample.event_age_s.max(most)),
            restarts: over(|site| site.restarts),
            peak_to_mean_requests: outages
                .iter()
                .map(|one| thousandths(one.peak_to_mean))
                .reduce(f64::max),
            drain_s: drain_s(&outages),
            images_per_s: rate(stored, told.wall_s),
            told,
        }
    }
}

/// The longest return, if every outage's queues were as before in the end.
fn drain_s(outages: &[Outage]) -> Option<f64> {
    let drained = outages.iter().all(|one| one.drained);
    let longest = outages.iter().map(|one| one.returned - one.to).max();
    longest
        .filter(|_| drained)
        .map(|drain| drain.as_seconds_f64())
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        thousandths(count as f64 / seconds)
    } else {
        0.0
    }
}

/// More digits would say more than is known, and not all of them survive being written and read.
fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn spread(images: &[ImageRecord], of: fn(&ImageRecord) -> Option<f64>) -> Option<Spread> {
    Spread::of(images.iter().filter_map(of).collect())
}

/// To the millisecond.
fn seconds(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Option<f64> {
    Some((to? - from?).num_milliseconds() as f64 / 1000.0)
}

impl ImageRecord {
    /// From capture to stored, in seconds.
    #[must_use]
    pub fn latency_s(&self) -> Option<f64> {
        seconds(Some(self.captured_at), self.stored_at)
    }

    /// From stored to the end of the pipeline's work, in seconds.
    #[must_use]
    pub fn event_to_done_s(&self) -> Option<f64> {
        seconds(self.stored_at, self.done_at)
    }

    /// From capture to the end of the pipeline's work, in seconds.
    #[must_use]
    pub fn capture_to_done_s(&self) -> Option<f64> {
        seconds(Some(self.captured_at), self.done_at)
    }

    /// The pipeline's last work on it, in seconds.
    #[must_use]
    pub fn execution_s(&self) -> Option<f64> {
        seconds(self.started_at, self.done_at)
    }
}
