//! What is asked of every site, many sites at once: their folders and buckets; and what the sites share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};
use tokio::task::{JoinError, JoinHandle};
use weir_journey::identity::SiteName;

use super::bucket::{self, Trial};
use super::finding::{Check, Finding, Judgement};
use super::folder::{self, Seen};
use super::{Batch, disk, models};
use crate::config::{Config, Site};
use crate::s3::Store;

/// Sites whose folders are read, and whose buckets are tried, at the same time.
const AT_ONCE: usize = 16;

/// What several sites may share: a bucket, tried once.
type Tried = Arc<OnceCell<Vec<Finding>>>;

/// Checks folders and buckets of every site and tells them in the order of the configuration; then what all of
/// them share. `store` is the store, or why it is not worth asking.
pub(super) async fn check(
    config: &Arc<Config>,
    write: bool,
    sites: Vec<Site>,
    store: Result<Store, &'static str>,
    emit: &mut dyn FnMut(Batch),
) {
    let mut shared = Shared::new(&config.state.directory);
    for (site, work) in begin(config, write, sites, &store) {
        let seen = work.await.unwrap_or_else(|ended| broken(&site, &ended));
        shared.add(seen.folders, seen.disks);
        emit(Batch {
            site: Some(site),
            findings: seen.findings,
        });
    }
    emit(Batch {
        site: None,
        findings: shared.findings(config),
    });
}

/// Has every site checked, as soon as there is room for it.
fn begin(
    config: &Arc<Config>,
    write: bool,
    sites: Vec<Site>,
    store: &Result<Store, &'static str>,
) -> Vec<(SiteName, JoinHandle<Seen>)> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut buckets: BTreeMap<String, Tried> = BTreeMap::new();
    let one = |site: Site| {
        let trials: Vec<_> = buckets_of(config, &site)
            .into_iter()
            .map(|(subject, bucket)| {
                let ordered = config.store.conditional_writes;
                let store = store.clone();
                let trial = store.map(|store| Trial::new(store, &bucket, ordered));
                let tried = Arc::clone(buckets.entry(bucket).or_default());
                (subject, trial, tried)
            })
            .collect();
        let (room, config, name) = (Arc::clone(&room), Arc::clone(config), site.name.clone());
        let work = tokio::spawn(async move {
            // Never closed, so there is always a permit in the end.
            let _permit = room.acquire_owned().await;
            let name = site.name.clone();
            let folders = crate::blocking::spawn(move || {
                let mut seen = folder::check(&config, &site);
                let models = models::check(&site.name, site.look.as_ref(), &config.infer.models);
                seen.findings.extend(models);
                seen
            });
            let mut seen = folders.await.unwrap_or_else(|ended| broken(&name, &ended));
            for (subject, trial, tried) in trials {
                let rights = of_bucket(&subject, trial, &tried, write).await;
                seen.findings.extend(rights);
            }
            seen
        });
        (name, work)
    };
    sites.into_iter().map(one).collect()
}

/// The buckets that a site sends to, each with what it is called: that of its images, and those of what is made of them.
fn buckets_of(config: &Config, site: &Site) -> Vec<(String, String)> {
    let images = (site.name.to_string(), site.bucket.as_str().to_owned());
    let Some(look) = &site.look else {
        return vec![images];
    };
    let infer = &config.infer;
    let results = (!look.models.is_empty()).then_some((" results", &infer.result_bucket));
    let derived =
        (!look.derivatives.is_empty()).then_some((" derivatives", &infer.derivative_bucket));
    let products = results
        .into_iter()
        .chain(derived)
        .filter_map(|(what, bucket)| {
            // The configuration has refused names that no bucket can have.
            let bucket = bucket.bucket_of(&site.name).ok()?;
            Some((format!("{}{what}", site.name), bucket.as_str().to_owned()))
        });
    std::iter::once(images).chain(products).collect()
}

/// A check that did not end by itself.
fn broken(site: &SiteName, ended: &JoinError) -> Seen {
    let finding = Check::begin("site", site).fail(
        format!("the check ended: {ended}"),
        "a fault of this program: please report it",
    );
    Seen {
        findings: vec![finding],
        ..Seen::default()
    }
}

/// What the sites together ask of the machine.
struct Shared {
    /// Folders to watch.
    folders: u64,
    /// File systems by device number, each with a folder on it.
    disks: BTreeMap<u64, PathBuf>,
}

impl Shared {
    fn new(state: &Path) -> Self {
        let of_state = folder::device(state).zip(Some(state.to_owned()));
        Self {
            folders: 0,
            disks: of_state.into_iter().collect(),
        }
    }

    fn add(&mut self, folders: u64, disks: Vec<(u64, PathBuf)>) {
        self.folders += folders;
        for (device, directory) in disks {
            self.disks.entry(device).or_insert(directory);
        }
    }

    fn findings(&self, config: &Config) -> Vec<Finding> {
        let disks = self.disks.values();
        let mut findings: Vec<_> = disks
            .filter_map(|directory| room(config, directory))
            .collect();
        if self.folders > 0 {
            let check = Check::begin("inotify.limit", "inotify");
            findings.push(check.judged(watches(self.folders, max_watches())));
        }
        findings
    }
}

/// The room on the file system of a folder.
fn room(config: &Config, directory: &Path) -> Option<Finding> {
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

/// The findings about a site's bucket: those of the bucket, with what the site calls it.
async fn of_bucket(
    subject: &str,
    trial: Result<Trial, &'static str>,
    tried: &Tried,
    write: bool,
) -> Vec<Finding> {
    let trial = match trial {
        Ok(trial) => trial,
        Err(why) => return bucket::not_asked(subject, why),
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
        finding.subject = subject.to_owned();
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

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn too_few_watches_fail_before_the_agent_meets_them() {
        assert_eq!(watches(10, Some(8192)).outcome, Outcome::Ok);
        assert_eq!(watches(8000, Some(8192)).outcome, Outcome::Warn);
        assert_eq!(watches(8193, Some(8192)).outcome, Outcome::Fail);
        assert_eq!(watches(8193, None).outcome, Outcome::Skipped);
    }
}
