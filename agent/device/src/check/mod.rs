//! `weir check`: is everything in place that a site needs, found out before anybody leaves it?
//!
//! Promises:
//! - Every check ends, and ends in one finding: well, a warning, a failure, or not asked and why. Whatever is not
//!   well comes with what to do about it.
//! - It may be run beside a working agent: it takes no lock, changes no image and no row, and removes what it wrote.
//! - A bucket gets one small object of a known name (`bucket.rs`), and only unless that was forbidden.
//! - Its time does not grow with the number of sites times their delays: [`AT_ONCE`] of them are asked at once.
//!
//! The judgements are functions of values; what asks the system is apart from them, in the same module.

mod bucket;
mod clock;
mod credentials;
mod disk;
mod events;
mod finding;
mod folder;
mod link;
mod state;
mod tls;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinHandle;
use weir_journey::identity::SiteName;

pub use finding::{Finding, Outcome, Summary};

use crate::agent::store_config;
use crate::clock::Clock;
use crate::config::{Config, Site};
use crate::s3::Store;
use bucket::Trial;
use finding::{Check, Judgement};

/// Sites whose folders are read, and buckets that are tried, at the same time.
const AT_ONCE: usize = 16;
/// How long an answer is waited for when all that is asked is small.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Whether to ask the network.
    pub online: bool,
    /// Whether to write a small object into the buckets.
    pub write: bool,
    /// This site alone, and what is not a site's.
    pub site: Option<SiteName>,
}

/// Findings that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The site that all of them are about, if they are about one.
    pub site: Option<SiteName>,
    /// In the order in which they were made.
    pub findings: Vec<Finding>,
}

/// Asks everything, in an order that is always the same; calls `emit` with what is found as it is found.
pub async fn run(
    config: &Arc<Config>,
    http: SharedHttpClient,
    clock: Clock,
    inquiry: &Inquiry,
    emit: &mut dyn FnMut(Batch),
) {
    let mut tell = |findings| {
        emit(Batch {
            site: None,
            findings,
        })
    };
    tell(vec![configuration(config)]);
    tell(clock::alone(config, clock.now()).await);
    tell(state::check(&config.state.directory).await);
    let sites: Vec<_> = config
        .sites
        .iter()
        .filter(|site| inquiry.site.as_ref().is_none_or(|only| *only == site.name))
        .cloned()
        .collect();
    let reached = reach(config, http, &clock, inquiry, &sites).await;
    tell(reached.findings);
    of_sites(config, inquiry, sites, reached.store, emit).await;
}

fn configuration(config: &Config) -> Finding {
    let check = Check::begin("configuration", "configuration");
    match config.sites.len() {
        0 => check.fail(
            "no [[site]] is configured: there is nothing to watch",
            "add one (see `weir config init`)",
        ),
        1 => check.ok("1 site"),
        many => check.ok(format!("{many} sites")),
    }
}

/// What the way to the store showed.
struct Reached {
    findings: Vec<Finding>,
    /// The store, or why it is not worth asking for each site.
    store: Result<Store, &'static str>,
}

/// Asks the link, then whether there are keys and the store knows them.
async fn reach(
    config: &Config,
    http: SharedHttpClient,
    clock: &Clock,
    inquiry: &Inquiry,
    sites: &[Site],
) -> Reached {
    if !inquiry.online {
        let names = ["link", "clock.store", "credentials"];
        let findings =
            names.map(|name| Check::begin(name, "network").skipped("not asked (--offline)"));
        let store = Err("not asked (--offline)");
        return Reached {
            findings: findings.into(),
            store,
        };
    }
    let link = link::check(config, clock).await;
    let mut findings = link.findings;
    findings
        .push(Check::begin("clock.store", "clock").judged(clock::against_the_store(link.ahead)));
    let mut settings = store_config(config);
    settings.no_progress = settings.no_progress.min(PATIENCE);
    let keys = credentials::find(config, &settings, &http, clock).await;
    let found = keys.iter().all(|finding| finding.outcome != Outcome::Fail);
    findings.extend(keys);
    let store = Store::connect(&settings, http, clock.clone());
    let store = match sites.first() {
        _ if !link.works => Err("not asked: there is no way to the store"),
        _ if !found => Err("not asked: there are no keys"),
        None => Err("not asked: there is no site"),
        Some(site) => {
            let (known, finding) = credentials::accepted(&store, site.bucket.as_str()).await;
            findings.push(finding);
            known
                .then_some(store)
                .ok_or("not asked: the store does not let us in")
        }
    };
    Reached { findings, store }
}

/// What several sites may share: a bucket, tried once.
type Tried = Arc<OnceCell<Vec<Finding>>>;

/// Checks folders and buckets of every site, many at once, and tells them in the order of the configuration; then
/// what all of them share.
async fn of_sites(
    config: &Arc<Config>,
    inquiry: &Inquiry,
    sites: Vec<Site>,
    store: Result<Store, &'static str>,
    emit: &mut dyn FnMut(Batch),
) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut buckets: BTreeMap<String, Tried> = BTreeMap::new();
    let mut under_way: Vec<(SiteName, JoinHandle<folder::Seen>)> = Vec::new();
    for site in sites {
        let bucket = site.bucket.as_str().to_owned();
        let trial = store
            .clone()
            .map(|store| Trial::new(store, &bucket, config.store.conditional_writes));
        let tried = Arc::clone(buckets.entry(bucket).or_default());
        let (room, config, write) = (Arc::clone(&room), Arc::clone(config), inquiry.write);
        let name = site.name.clone();
        let work = async move {
            // Never closed, so there is always a permit in the end.
            let _permit = room.acquire_owned().await;
            let name = site.name.clone();
            let folders = tokio::task::spawn_blocking(move || folder::check(&config, &site));
            let mut seen = folders.await.unwrap_or_default();
            seen.findings
                .extend(of_bucket(&name, trial, &tried, write).await);
            seen
        };
        under_way.push((name, tokio::spawn(work)));
    }
    let mut folders = 0;
    let mut disks = BTreeMap::new();
    let state = &config.state.directory;
    disks.extend(folder::device(state).zip(Some(state.clone())));
    for (site, work) in under_way {
        let seen = work.await.unwrap_or_else(|ended| folder::Seen {
            findings: vec![Check::begin("site", &site).fail(
                format!("the check ended: {ended}"),
                "a fault of this program: please report it",
            )],
            ..folder::Seen::default()
        });
        folders += seen.folders;
        for (device, directory) in seen.disks {
            disks.entry(device).or_insert(directory);
        }
        let findings = seen.findings;
        emit(Batch {
            site: Some(site),
            findings,
        });
    }
    let mut findings: Vec<_> = disks
        .values()
        .filter_map(|directory| disk(config, directory))
        .collect();
    let limit = Check::begin("inotify.limit", "inotify");
    findings.extend((folders > 0).then(|| limit.judged(watches(folders, max_watches()))));
    emit(Batch {
        site: None,
        findings,
    });
}

/// The room on the file system of a folder.
fn disk(config: &Config, directory: &std::path::Path) -> Option<Finding> {
    let kept = disk::Kept {
        bytes: config.retain.policy.min_free,
        inodes: config.retain.policy.min_free_inodes,
    };
    let check = Check::begin("disk", directory.display());
    let found = disk::FileSystem::of(directory).ok()?;
    let judgement = disk::room(&found, kept);
    let detail = format!("{}: {}", directory.display(), judgement.detail);
    Some(check.judged(Judgement {
        detail,
        ..judgement
    }))
}

/// The findings about a site's bucket: those of the bucket, with the site's name.
async fn of_bucket(
    site: &SiteName,
    trial: Result<Trial, &'static str>,
    tried: &Tried,
    write: bool,
) -> Vec<Finding> {
    let trial = match trial {
        Ok(trial) => trial,
        Err(why) => return bucket::not_asked(site.as_str(), why),
    };
    let asked = || async {
        if write {
            trial.all().await
        } else {
            trial.read_only().await
        }
    };
    let mut findings = tried.get_or_init(asked).await.clone();
    for finding in &mut findings {
        finding.subject = site.to_string();
    }
    findings
}

fn max_watches() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    text.trim().parse().ok()
}

/// Whether the kernel lets one user watch so many folders.
fn watches(folders: u64, most: Option<u64>) -> Judgement {
    let Some(most) = most else {
        return Judgement::skipped(format!("{folders} folders; the limit is not known"));
    };
    let detail = format!("{folders} to watch, {most} may be");
    let fix =
        "raise it: sysctl -w fs.inotify.max_user_watches=524288, and in /etc/sysctl.d to keep it";
    if folders > most {
        Judgement::fail(detail, fix)
    } else if folders > most / 10 * 8 {
        Judgement::warn(detail, fix)
    } else {
        Judgement::ok(detail)
    }
}

/// Bytes in the unit of their size.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    UNITS.iter().find(|(_, unit)| bytes >= *unit).map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{:.1} {name}", bytes as f64 / *unit as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_watches_fail_before_the_agent_meets_them() {
        assert_eq!(watches(10, Some(8192)).outcome, Outcome::Ok);
        assert_eq!(watches(8000, Some(8192)).outcome, Outcome::Warn);
        assert_eq!(watches(8193, Some(8192)).outcome, Outcome::Fail);
        assert_eq!(watches(8193, None).outcome, Outcome::Skipped);
    }
}
