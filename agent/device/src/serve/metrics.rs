//! The counters of the agent and their Prometheus text (OpenMetrics 1.0).

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::Status;
use super::looks::LookVitals;
use weir_journey::infer::Outcome;

/// Labels in order: name and value.
type Labels<const N: usize> = [(&'static str, String); N];

type SiteLabel = Labels<1>;

/// What is counted from the start of the process, and the gauges that a scrape fills in.
#[derive(Debug)]
pub struct Vitals {
    registry: Registry,
    accepted: Family<SiteLabel, Counter>,
    verified: Family<SiteLabel, Counter>,
    sent_bytes: Counter,
    failures: Family<Labels<1>, Counter>,
    accepted_to_verified: Histogram,
    images: Family<Labels<2>, Gauge>,
    removed: Family<Labels<2>, Counter>,
    removed_bytes: Counter,
    dropped: Family<Labels<2>, Counter>,
    overtaken: Counter,
    disk_free: Family<Labels<1>, Gauge>,
    disk_size: Family<Labels<1>, Gauge>,
    disk_free_inodes: Family<Labels<1>, Gauge>,
    accepting: Gauge,
    open_bytes: Family<SiteLabel, Gauge>,
    oldest_open: Family<SiteLabel, Gauge>,
    quarantined: Family<Labels<1>, Gauge>,
    in_flight: Gauge,
    pipeline_sites: Gauge,
    pipeline_sites_limit: Gauge,
    held_images: Gauge,
    waiting_sites: Gauge,
    longest_wait: Gauge,
    link_up: Gauge,
    healthy: Gauge,
    missed_events: Gauge,
    clock_offset: Gauge<f64, AtomicU64>,
    clock_synchronised: Gauge,
    clock_steps: Counter,
    times_corrected: Counter,
    looks: LookVitals,
}

impl Default for Vitals {
    fn default() -> Self {
        let mut vitals = Self {
            registry: Registry::with_prefix("weir"),
            accepted: Family::default(),
            verified: Family::default(),
            sent_bytes: Counter::default(),
            failures: Family::default(),
            // 10 ms to about 12 days in steps of 4.
            accepted_to_verified: Histogram::new(exponential_buckets(0.01, 4.0, 14)),
            images: Family::default(),
            removed: Family::default(),
            removed_bytes: Counter::default(),
            dropped: Family::default(),
            overtaken: Counter::default(),
            disk_free: Family::default(),
            disk_size: Family::default(),
            disk_free_inodes: Family::default(),
            accepting: Gauge::default(),
            open_bytes: Family::default(),
            oldest_open: Family::default(),
            quarantined: Family::default(),
            in_flight: Gauge::default(),
            pipeline_sites: Gauge::default(),
            pipeline_sites_limit: Gauge::default(),
            held_images: Gauge::default(),
            waiting_sites: Gauge::default(),
            longest_wait: Gauge::default(),
            link_up: Gauge::default(),
            healthy: Gauge::default(),
            missed_events: Gauge::default(),
            clock_offset: Gauge::default(),
            clock_synchronised: Gauge::default(),
            clock_steps: Counter::default(),
            times_corrected: Counter::default(),
            looks: LookVitals::default(),
        };
        vitals.describe();
        vitals.describe_disks();
        vitals.describe_pipeline();
        vitals.looks.describe(&mut vitals.registry);
        vitals
    }
}

fn site(name: &str) -> SiteLabel {
    [("site", name.to_owned())]
}

impl Vitals {
    fn describe(&mut self) {
        let registry = &mut self.registry;
        registry.register("accepted", "Images accepted", self.accepted.clone());
        registry.register(
            "verified",
            "Images verified in the store",
            self.verified.clone(),
        );
        registry.register_with_unit(
            "sent",
            "Image bytes sent",
            Unit::Bytes,
            self.sent_bytes.clone(),
        );
        registry.register(
            "failures",
            "Attempts that failed, by cause",
            self.failures.clone(),
        );
        registry.register_with_unit(
            "accepted_to_verified",
            "From acceptance to verification",
            Unit::Seconds,
            self.accepted_to_verified.clone(),
        );
        registry.register(
            "images",
            "Images in the queue, by site and state",
            self.images.clone(),
        );
        registry.register_with_unit(
            "open",
            "Image bytes still owed",
            Unit::Bytes,
            self.open_bytes.clone(),
        );
        registry.register_with_unit(
            "oldest_open_capture_timestamp",
            "Capture time of the oldest image still owed",
            Unit::Seconds,
            self.oldest_open.clone(),
        );
        registry.register(
            "quarantined_files",
            "Files refused, by reason",
            self.quarantined.clone(),
        );
        registry.register(
            "in_flight",
            "Images on their way now",
            self.in_flight.clone(),
        );
        registry.register("link_up", "1 while the store answers", self.link_up.clone());
        registry.register(
            "healthy",
            "1 while nobody has to look",
            self.healthy.clone(),
        );
        registry.register(
            "watch_missed_events",
            "Files that a rescan found and events should have announced",
            self.missed_events.clone(),
        );
        registry.register_with_unit(
            "clock_store_ahead",
            "How far the store's clock is ahead of the board's",
            Unit::Seconds,
            self.clock_offset.clone(),
        );
        registry.register(
            "clock_synchronised",
            "1 while the board's clock is known to be right",
            self.clock_synchronised.clone(),
        );
        registry.register(
            "clock_steps",
            "Times that the board's clock was set",
            self.clock_steps.clone(),
        );
        registry.register(
            "capture_times_corrected",
            "Capture times put right after the board's clock was set",
            self.times_corrected.clone(),
        );
    }

    fn describe_disks(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "removed",
            "Verified images whose local files were deleted, by site and reason",
            self.removed.clone(),
        );
        registry.register_with_unit(
            "removed_size",
            "Bytes of them",
            Unit::Bytes,
            self.removed_bytes.clone(),
        );
        registry.register(
            "given_up",
            "Images that no store has, given up for want of room, by site and reason",
            self.dropped.clone(),
        );
        registry.register(
            "snapshots_overtaken",
            "Copies of overwritten files that were thrown away because the camera had written on",
            self.overtaken.clone(),
        );
        registry.register_with_unit(
            "disk_free",
            "What can still be written to the file system of a folder",
            Unit::Bytes,
            self.disk_free.clone(),
        );
        registry.register_with_unit(
            "disk_size",
            "Size of that file system",
            Unit::Bytes,
            self.disk_size.clone(),
        );
        registry.register(
            "disk_free_inodes",
            "Files that can still be made in it",
            self.disk_free_inodes.clone(),
        );
        registry.register(
            "accepting",
            "1 while images can be accepted",
            self.accepting.clone(),
        );
    }

    fn describe_pipeline(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "pipeline_sites",
            "Sites that this process has in the pipeline",
            self.pipeline_sites.clone(),
        );
        registry.register(
            "pipeline_sites_limit",
            "How many may be",
            self.pipeline_sites_limit.clone(),
        );
        registry.register(
            "held_images",
            "Images whose upload is over and whose site is held for them",
            self.held_images.clone(),
        );
        registry.register(
            "gate_waiting_sites",
            "Sites that wait to be let into the pipeline",
            self.waiting_sites.clone(),
        );
        registry.register_with_unit(
            "gate_longest_wait",
            "How long the first of them has waited",
            Unit::Seconds,
            self.longest_wait.clone(),
        );
    }

    /// Counts copies of overwritten files that were thrown away because the camera had written on.
    pub fn overtaken(&self) -> Counter {
        self.overtaken.clone()
    }

    /// A verified image's files were deleted.
    pub fn removed(&self, name: &str, why: &str, bytes: u64) {
        let labels = [("site", name.to_owned()), ("why", why.to_owned())];
        self.removed.get_or_create(&labels).inc();
        self.removed_bytes.inc_by(bytes);
    }

    /// An image that no store has was given up.
    pub fn dropped(&self, name: &str, why: &str) {
        let labels = [("site", name.to_owned()), ("why", why.to_owned())];
        self.dropped.get_or_create(&labels).inc();
    }

    /// An image of a site was accepted.
    pub fn accepted(&self, name: &str) {
        self.accepted.get_or_create(&site(name)).inc();
    }

    /// An image of a site was verified, so long after it was accepted.
    pub fn verified(&self, name: &str, took: Duration) {
        self.verified.get_or_create(&site(name)).inc();
        self.accepted_to_verified.observe(took.as_secs_f64());
    }

    /// Bytes went out.
    pub fn sent(&self, bytes: u64) {
        self.sent_bytes.inc_by(bytes);
    }

    /// An attempt failed.
    pub fn failed(&self, cause: &str) {
        self.failures
            .get_or_create(&[("cause", cause.to_owned())])
            .inc();
    }

    /// An image of a site was looked at.
    pub fn looked(&self, name: &str, took: Duration) {
        self.looks.looked(name, took);
    }

    /// A look at an image of a site failed.
    pub fn look_failed(&self, name: &str, outcome: Outcome) {
        self.looks.failed(name, outcome);
    }

    /// The board's clock was set.
    pub fn clock_stepped(&self) {
        self.clock_steps.inc();
    }

    /// Capture times were put right.
    pub fn times_corrected(&self, images: u64) {
        self.times_corrected.inc_by(images);
    }

    /// Everything as Prometheus text.
    pub fn text(&self, status: &Status) -> String {
        self.fill(status);
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn fill(&self, status: &Status) {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.images.clear();
        self.open_bytes.clear();
        self.oldest_open.clear();
        self.quarantined.clear();
        for one in &status.sites {
            for (state, count) in &one.images {
                let labels = [("site", one.name.clone()), ("state", state.to_string())];
                self.images.get_or_create(&labels).set(whole(*count));
            }
            self.open_bytes
                .get_or_create(&site(&one.name))
                .set(whole(one.open_bytes));
            if let Some(oldest) = one.oldest_open {
                self.oldest_open
                    .get_or_create(&site(&one.name))
                    .set(oldest.timestamp());
            }
        }
        for (reason, count) in &status.quarantined {
            self.quarantined
                .get_or_create(&[("reason", reason.clone())])
                .set(whole(*count));
        }
        self.fill_disks(status);
        self.fill_pipeline(status);
        self.looks.fill(status);
        self.in_flight.set(whole(status.link.in_flight as u64));
        self.link_up
            .set(i64::from(status.link.down_since.is_none()));
        self.healthy.set(i64::from(status.healthy()));
        self.missed_events.set(whole(status.watch.missed_events));
        self.clock_synchronised
            .set(i64::from(status.clock.synchronised == Some(true)));
        self.clock_offset
            .set(status.clock.store_ahead_s.unwrap_or(0.0));
    }

    fn fill_pipeline(&self, status: &Status) {
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let pipeline = &status.pipeline;
        self.pipeline_sites.set(whole(pipeline.sites));
        self.pipeline_sites_limit.set(whole(pipeline.max_sites));
        self.held_images.set(whole(pipeline.held));
        self.waiting_sites.set(whole(pipeline.waiting.len()));
        let first = pipeline.waiting.first();
        let waited = first.map_or(0, |first| (status.now - first.since).num_seconds());
        self.longest_wait.set(waited);
    }

    fn fill_disks(&self, status: &Status) {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for family in [&self.disk_free, &self.disk_size, &self.disk_free_inodes] {
            family.clear();
        }
        for disk in &status.disks {
            let label = [("folder", disk.folders.first().cloned().unwrap_or_default())];
            self.disk_free
                .get_or_create(&label)
                .set(whole(disk.free_bytes));
            self.disk_size.get_or_create(&label).set(whole(disk.bytes));
            if disk.inodes > 0 {
                self.disk_free_inodes
                    .get_or_create(&label)
                    .set(whole(disk.free_inodes));
            }
        }
        self.accepting.set(i64::from(status.accepting));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::{
        ClockStatus, LinkStatus, PipelineStatus, SiteStatus, WaitingStatus, WatchStatus,
    };
    use std::collections::BTreeMap;
    use weir_journey::queue::State;

    fn status() -> Status {
        Status {
            version: "0".into(),
            running: true,
            started_at: None,
            now: chrono::DateTime::UNIX_EPOCH,
            troubles: vec!["the link is down".into()],
            link: LinkStatus {
                down_since: Some(chrono::DateTime::UNIX_EPOCH),
                ..LinkStatus::default()
            },
            clock: ClockStatus::default(),
            watch: WatchStatus::default(),
            pipeline: PipelineStatus {
                sites: 2,
                max_sites: 3,
                held: 1,
                waiting: vec![WaitingStatus {
                    site: "first-dam".into(),
                    since: chrono::DateTime::UNIX_EPOCH - chrono::TimeDelta::seconds(40),
                    for_its_own: false,
                }],
            },
            sites: vec![SiteStatus {
                name: "first-dam".into(),
                directories: Vec::new(),
                images: BTreeMap::from([(State::Queued, 7)]),
                open_bytes: 70,
                oldest_open: None,
                held: None,
            }],
            quarantined: BTreeMap::new(),
            disks: Vec::new(),
            accepting: true,
            infer: None,
        }
    }

    #[test]
    fn a_scrape_shows_counters_and_the_present_state() {
        let vitals = Vitals::default();
        vitals.accepted("first-dam");
        vitals.verified("first-dam", Duration::from_millis(30));
        let text = vitals.text(&status());
        for line in [
            "weir_accepted_total{site=\"first-dam\"} 1",
            "weir_images{site=\"first-dam\",state=\"queued\"} 7",
            "weir_open_bytes{site=\"first-dam\"} 70",
            "weir_link_up 0",
            "weir_healthy 0",
            "weir_accepted_to_verified_seconds_count 1",
            "weir_pipeline_sites 2",
            "weir_pipeline_sites_limit 3",
            "weir_held_images 1",
            "weir_gate_waiting_sites 1",
            "weir_gate_longest_wait_seconds 40",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        let mut after = status();
        after.sites[0].images.clear();
        assert!(
            !vitals.text(&after).contains("state=\"queued\""),
            "a state that emptied is still shown"
        );
    }
}
