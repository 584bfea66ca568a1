//! How the agent stands: gathered for the status page, the metrics and the watchdog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use weir_journey::queue::State;

use super::looking;
use super::timekeeper::Timekeeper;
use crate::clock::Clock;
use crate::config::Config;
use crate::gate::{Gate, GateStanding};
use crate::infer;
use crate::queue::{ClockStep, Hold, QueueError, SiteStats, Stats, Synchronised, View};
use crate::retain::{self, DiskStanding};
use crate::serve::{
    self, ClockStatus, ClockStepStatus, DirectoryStatus, DiskStatus, LinkStatus, PipelineStatus,
    SiteStatus, Status, Vitals, WaitingStatus, WatchStatus,
};
use crate::systemd;
use crate::upload::{Destination, Progress};
use crate::watch::{Inbox, Report, Root, RootId};

/// A clock that is off by more than this is something to look at: names and logs are wrong by it.
const CLOCK_OFF: f64 = 60.0;

/// What the watcher and the settle step said last.
#[derive(Debug)]
pub(super) struct Live {
    clock: Clock,
    started_at: DateTime<Utc>,
    roots: Vec<Root>,
    gone: Mutex<BTreeSet<RootId>>,
    unscanned: Mutex<BTreeSet<RootId>>,
    last_scan: Mutex<Option<DateTime<Utc>>>,
    missed: AtomicU64,
    blind: AtomicBool,
    first_scan: AtomicBool,
    pending: AtomicUsize,
}

impl Live {
    pub(super) fn new(clock: Clock, roots: Vec<Root>) -> Self {
        Self {
            started_at: clock.now(),
            clock,
            unscanned: Mutex::new(roots.iter().map(|root| root.id).collect()),
            roots,
            gone: Mutex::default(),
            last_scan: Mutex::default(),
            missed: AtomicU64::new(0),
            blind: AtomicBool::new(false),
            first_scan: AtomicBool::new(true),
            pending: AtomicUsize::new(0),
        }
    }

    /// Files that are seen and not settled.
    pub(super) fn pending(&self, count: usize) {
        self.pending.store(count, Ordering::Relaxed);
    }

    /// Takes a report of the watcher in.
    pub(super) fn hear(&self, report: &Report) {
        match report {
            Report::RootGone { root, .. } => {
                lock(&self.gone).insert(*root);
            }
            Report::RootBack { root, .. } => {
                lock(&self.gone).remove(root);
            }
            Report::Scanned { root, .. } => {
                lock(&self.unscanned).remove(root);
                *lock(&self.last_scan) = Some(self.clock.now());
            }
            Report::Missed { files, .. } => {
                self.missed.fetch_add(*files, Ordering::Relaxed);
            }
            Report::NoWatcher { .. } | Report::WatcherDead { .. } => {
                self.blind.store(true, Ordering::Relaxed);
            }
            Report::EventsArrive => self.blind.store(false, Ordering::Relaxed),
            Report::WatchLimit { .. }
            | Report::Unreadable { .. }
            | Report::EventsLost { .. }
            | Report::Woken => {}
        }
    }

    /// Whether every camera folder was scanned and all that was found is settled: true once, when it is so for
    /// the first time.
    pub(super) fn first_scan_is_over(&self, inbox: &Inbox) -> bool {
        // The inbox is asked last: a scan hands in its last files before it says that it is over.
        let complete = lock(&self.unscanned).is_empty()
            && self.pending.load(Ordering::Relaxed) == 0
            && inbox.waiting() == 0;
        complete && self.first_scan.swap(false, Ordering::Relaxed)
    }

    fn watch(&self) -> WatchStatus {
        WatchStatus {
            events_arrive: !self.blind.load(Ordering::Relaxed),
            last_scan: *lock(&self.last_scan),
            missed_events: self.missed.load(Ordering::Relaxed),
            pending: self.pending.load(Ordering::Relaxed),
        }
    }

    fn is_present(&self, directory: &std::path::Path) -> bool {
        let gone = lock(&self.gone);
        !self
            .roots
            .iter()
            .any(|root| root.directory == directory && gone.contains(&root.id))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that can be told of a running agent.
pub(super) struct Standing {
    pub(super) view: View,
    pub(super) live: Arc<Live>,
    pub(super) progress: Arc<Mutex<Progress>>,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) timekeeper: Arc<Timekeeper>,
    pub(super) vitals: Arc<Vitals>,
    pub(super) disks: Arc<retain::Standing>,
    pub(super) looks: Arc<infer::Standing>,
    pub(super) sites: Vec<Destination>,
}

impl Standing {
    async fn gather(&self) -> Result<Status, QueueError> {
        let now = self.live.clock.now();
        let (stats, holds) = (self.view.stats().await?, self.view.holds().await?);
        let progress = lock(&self.progress).clone();
        let link = self.link(&progress, now);
        let gate = self.gate.standing();
        let ahead = self
            .timekeeper
            .store_ahead()
            .map(|offset| offset.as_seconds_f64());
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            running: true,
            started_at: Some(self.live.started_at),
            now,
            troubles: Vec::new(),
            link,
            clock: ClockStatus {
                store_ahead_s: ahead,
                synchronised: synchronised(self.timekeeper.trust()),
                last_step: self.view.last_clock_step().await?.as_ref().map(clock_step),
            },
            watch: self.live.watch(),
            pipeline: pipeline(&gate, now),
            sites: Vec::new(),
            quarantined: quarantined(&stats),
            disks: self.disks.disks().into_iter().map(disk_status).collect(),
            accepting: self.disks.accepting(),
            infer: looking::told(&self.view, &self.looks, &self.sites).await?,
        };
        for site in &self.sites {
            let directories = site.directories.iter().map(|directory| DirectoryStatus {
                path: directory.to_string_lossy().into_owned(),
                present: self.live.is_present(directory),
            });
            let held = held(site, &progress, &holds).or_else(|| waits(site, &gate));
            let counts = stats.sites.get(&site.name).cloned().unwrap_or_default();
            status.sites.push(site_status(
                site.name.as_str(),
                directories.collect(),
                &counts,
                held,
            ));
        }
        status.troubles = troubles(&status);
        status.troubles.extend(self.disks.troubles());
        Ok(status)
    }

    fn link(&self, progress: &Progress, now: DateTime<Utc>) -> LinkStatus {
        let ago = progress
            .down_since
            .map(|since| self.live.clock.monotonic().saturating_sub(since));
        LinkStatus {
            down_since: ago.and_then(|ago| Some(now - chrono::Duration::from_std(ago).ok()?)),
            last_failure: progress.last_failure.clone(),
            in_flight: progress.in_flight,
            width: progress.width,
        }
    }
}

#[async_trait::async_trait]
impl serve::Standing for Standing {
    async fn status(&self) -> Status {
        match self.gather().await {
            Ok(status) => status,
            Err(error) => {
                let mut status = blank(self.live.clock.now());
                status.running = true;
                status
                    .troubles
                    .push(format!("the queue cannot be read: {error}"));
                status
            }
        }
    }

    fn vitals(&self) -> &Vitals {
        &self.vitals
    }
}

const fn synchronised(trust: Synchronised) -> Option<bool> {
    match trust {
        Synchronised::Yes => Some(true),
        Synchronised::No => Some(false),
        Synchronised::Unknown => None,
    }
}

fn clock_step(step: &ClockStep) -> ClockStepStatus {
    ClockStepStatus {
        at: DateTime::from_timestamp_millis(step.at_ms).unwrap_or_default(),
        by_s: step.by_ms as f64 / 1000.0,
        images: step.images,
    }
}

fn held(site: &Destination, progress: &Progress, holds: &[Hold]) -> Option<String> {
    let refused = holds
        .iter()
        .find(|hold| hold.site.is_none_or(|id| id == site.id));
    refused
        .map(|hold| format!("{}; {}", hold.reason, hold.fix))
        .or_else(|| {
            progress
                .held
                .iter()
                .find(|(name, _)| *name == site.name)
                .map(|(_, why)| why.clone())
        })
}

/// What a site waits for at the gate.
fn waits(site: &Destination, gate: &GateStanding) -> Option<String> {
    let waiting = gate.waiting.iter().find(|one| one.site == site.name)?;
    let seconds = waiting.since.as_secs();
    Some(if waiting.for_its_own {
        format!("the pipeline is at an image of its own; the next waits for {seconds} s")
    } else {
        format!(
            "waits for a place in the pipeline for {seconds} s: {} of {} sites are in it",
            gate.sites, gate.most_sites
        )
    })
}

fn pipeline(gate: &GateStanding, now: DateTime<Utc>) -> PipelineStatus {
    let waiting = gate.waiting.iter().map(|one| WaitingStatus {
        site: one.site.to_string(),
        since: chrono::Duration::from_std(one.since).map_or(now, |since| now - since),
        for_its_own: one.for_its_own,
    });
    PipelineStatus {
        sites: gate.sites,
        max_sites: gate.most_sites,
        held: gate.held,
        waiting: waiting.collect(),
    }
}

fn site_status(
    name: &str,
    directories: Vec<DirectoryStatus>,
    stats: &SiteStats,
    held: Option<String>,
) -> SiteStatus {
    let open = || stats.states.iter().filter(|(state, _)| state.is_open());
    SiteStatus {
        name: name.to_owned(),
        directories,
        images: stats
            .states
            .iter()
            .map(|(state, count)| (*state, count.images))
            .collect(),
        open_bytes: open().map(|(_, count)| count.bytes).sum(),
        oldest_open: open()
            .filter_map(|(_, count)| count.oldest_ms)
            .min()
            .and_then(DateTime::from_timestamp_millis),
        held,
    }
}

fn disk_status(standing: DiskStanding) -> DiskStatus {
    let room = standing.disk.room;
    DiskStatus {
        folders: standing
            .folders
            .iter()
            .map(|folder| folder.to_string_lossy().into_owned())
            .collect(),
        bytes: room.bytes,
        free_bytes: room.free_bytes,
        inodes: room.inodes,
        free_inodes: room.free_inodes,
        read_only: standing.disk.read_only,
        trouble: standing.trouble,
    }
}

fn quarantined(stats: &Stats) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (reason, count) in stats.sites.values().flat_map(|site| &site.quarantined) {
        *counts.entry(reason.clone()).or_insert(0) += count;
    }
    counts
}

/// What somebody should look at.
fn troubles(status: &Status) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Some(since) = status.link.down_since {
        let why = status
            .link
            .last_failure
            .as_deref()
            .unwrap_or("no reason given");
        troubles.push(format!(
            "the store does not answer since {}: {why}",
            since.to_rfc3339()
        ));
    }
    if let Some(ahead) = status
        .clock
        .store_ahead_s
        .filter(|ahead| ahead.abs() > CLOCK_OFF)
    {
        troubles.push(format!(
            "the board's clock is wrong: the store's is {ahead:.0} s ahead"
        ));
    }
    if status.running && !status.watch.events_arrive {
        troubles.push("file events do not arrive: images are found by rescans only".to_owned());
    }
    for (site, off) in status.infer.iter().flat_map(|infer| &infer.off) {
        troubles.push(format!(
            "{site}: images are not looked at until {}, and go up without results: {}",
            off.until.to_rfc3339(),
            off.because
        ));
    }
    if let Some(celsius) = status.infer.as_ref().and_then(|infer| infer.hot_c) {
        troubles.push(format!(
            "images are not looked at while the board has {celsius:.0} C: see infer.pause_above"
        ));
    }
    for site in &status.sites {
        for directory in site
            .directories
            .iter()
            .filter(|directory| !directory.present)
        {
            troubles.push(format!(
                "{}: the folder {} is not there",
                site.name, directory.path
            ));
        }
        let count = |state| site.images.get(&state).copied().unwrap_or(0);
        if count(State::Parked) > 0 {
            let why = site
                .held
                .as_deref()
                .unwrap_or("see `weir queue list --state parked`");
            troubles.push(format!(
                "{}: {} images are refused: {why}",
                site.name,
                count(State::Parked)
            ));
        }
        if count(State::Missing) > 0 {
            troubles.push(format!(
                "{}: {} images went away before they were uploaded: see `weir queue list --state missing`",
                site.name,
                count(State::Missing)
            ));
        }
    }
    troubles
}

fn blank(now: DateTime<Utc>) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        running: false,
        started_at: None,
        now,
        troubles: Vec::new(),
        link: LinkStatus::default(),
        clock: ClockStatus::default(),
        watch: WatchStatus::default(),
        pipeline: PipelineStatus::default(),
        sites: Vec::new(),
        quarantined: BTreeMap::new(),
        disks: Vec::new(),
        accepting: true,
        infer: None,
    }
}

/// How things stand when no agent answers: what the queue says, and why nobody answered.
///
/// # Errors
/// When the queue cannot be read.
pub async fn resting(config: &Config, why: &str) -> Result<Status, QueueError> {
    let mut status = blank(Utc::now());
    let stats = if config.state.directory.join("queue.db").exists() {
        View::open(config.state.directory.clone())
            .await?
            .stats()
            .await?
    } else {
        Stats::default()
    };
    status.quarantined = quarantined(&stats);
    for site in &config.sites {
        let directories = site.directories.iter().map(|directory| DirectoryStatus {
            path: directory.to_string_lossy().into_owned(),
            present: directory.is_dir(),
        });
        let counts = stats.sites.get(&site.name).cloned().unwrap_or_default();
        status.sites.push(site_status(
            site.name.as_str(),
            directories.collect(),
            &counts,
            None,
        ));
    }
    status.troubles = troubles(&status);
    status
        .troubles
        .insert(0, format!("the agent is not running: {why}"));
    Ok(status)
}

/// Tells systemd that the agent lives, as long as its queue answers; until `stop`.
pub(super) async fn beat(standing: Arc<Standing>, every: Duration, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        // A queue that hangs keeps the beat back, and systemd starts the agent anew; one that answers with an
        // error is waited for elsewhere.
        let answered = standing.view.holds().await;
        let in_flight = lock(&standing.progress).in_flight;
        let state = if answered.is_ok() {
            "the queue works"
        } else {
            "the queue fails"
        };
        systemd::alive(&format!("{state}, {in_flight} images on their way"));
    }
}
