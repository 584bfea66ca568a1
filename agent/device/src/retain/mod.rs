//! **retain**: the disk never overflows, and nothing that the store does not have is deleted to that end unless the
//! operator allowed it.
//!
//! What goes is decided by [`weir_journey::retain`]; this part measures the file systems, deletes, and has the
//! queue record it. Promises:
//! - a verified image's files are deleted only after its row says durably that it is verified;
//! - an image that no store has is deleted only with `retain.drop_unverified`, and only after the drop is recorded;
//! - only files below a camera's folder or in our own spool are deleted, only while they hold the bytes that the
//!   queue knows, and no link is followed to them;
//! - a kill at any moment leaves nothing unrecorded: deletions that were begun are noted, and finished at the start;
//! - a full disk, one without inodes and one that became read-only are states: told, and left by themselves.
//!
//! A disk that has room is only measured, every ten minutes; what was accepted meanwhile raises the alarm when it could
//! have used up half of what was free above the limit.

mod disk;
mod erase;
mod oldest;
mod places;
mod products;
mod reserve;
mod standing;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_journey::retain::{Needs, Policy};

pub use disk::{Disk, Meter};
pub use places::{Folder, Kind};
pub use products::{products, remove_leftovers};
pub(crate) use reserve::Reserve;
pub use standing::{DiskStanding, Standing};

use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::queue::{Class, ImageId, Queue, QueueError};
use crate::s3::StoreTime;
use crate::serve::Vitals;
use places::Places;
use reserve::SIZE;
use sweep::Sweep;

/// What to keep, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What may be deleted, and when.
    pub policy: Policy,
    /// Rows of images that are over are kept this long; `None` for ever.
    pub history: Option<Duration>,
    /// The camera folders, and the spools.
    pub folders: Vec<Folder>,
    /// The state directory.
    pub state: PathBuf,
}

/// What retention works with.
#[derive(Debug, Clone)]
pub struct Means {
    /// The queue.
    pub queue: Queue,
    /// The time.
    pub clock: Clock,
    /// The time by which the age of what is kept is judged: a wrong clock of ours must not make it look old.
    pub time: StoreTime,
    /// The file systems.
    pub meter: Meter,
    /// Where it is told how the disks stand.
    pub standing: Arc<Standing>,
    /// What is counted.
    pub vitals: Arc<Vitals>,
    /// What is said.
    pub complaints: Arc<Complaints>,
}

/// Between two passes over disks that have room.
const IDLE: Duration = Duration::from_secs(3_600);
/// Between two looks at them meanwhile.
const GLANCE: Duration = Duration::from_secs(600);
/// Between two passes while something waits to be verified and then goes at once.
const COPIES: Duration = Duration::from_secs(30);
/// Between two passes over a disk that lacks room, first and at most.
const LACKING: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];
/// Between two passes, however often somebody raises the alarm.
const LEAST: Duration = Duration::from_secs(1);
/// Between two compactions of the queue.
const COMPACTION: Duration = Duration::from_secs(86_400);

/// Keeps the disks below their limits.
#[derive(Debug)]
pub struct Retention {
    means: Means,
    settings: Settings,
    reserve: Reserve,
    compacted: Option<Duration>,
    /// Until a file that is over its time is tried again.
    overdue: Duration,
}

/// What a pass came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pass {
    /// Files deleted.
    files: u64,
    /// Something is lacking still.
    lacking: bool,
}

impl Retention {
    /// Retention, not yet begun.
    pub fn new(means: Means, settings: Settings) -> Self {
        Self {
            reserve: Reserve::of(&settings.state),
            means,
            settings,
            compacted: None,
            overdue: COPIES,
        }
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// What the queue calls [`Class::Fatal`]; whatever passes is waited out.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), QueueError> {
        let mut lacking = LACKING[0];
        while !stop.is_cancelled() {
            let pass = match self.pass(&stop).await {
                Err(error) if error.class() == Class::Fatal => return Err(error),
                Err(error) => {
                    self.complain("retain", &format!("nothing can be deleted now: {error}"));
                    Pass {
                        files: 0,
                        lacking: true,
                    }
                }
                Ok(pass) => {
                    let over = "what is deleted can be recorded again";
                    self.means.complaints.over("retain", &over);
                    pass
                }
            };
            lacking = if pass.lacking && pass.files == 0 {
                (lacking * 2).min(LACKING[1])
            } else {
                LACKING[0]
            };
            let pause = if pass.lacking {
                lacking
            } else {
                self.idle(pass.files > 0).await
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.rest(pause) => {}
            }
        }
        Ok(())
    }

    /// The pause while nothing is lacking: until the next file has been kept for long enough. One that is over its
    /// time came just now, or cannot be deleted: it is tried more and more rarely, until something could be.
    async fn idle(&mut self, deleted: bool) -> Duration {
        if deleted {
            self.overdue = COPIES;
        }
        let waits = self.means.standing.copies_wait() || self.means.standing.follows();
        let most = if waits { COPIES } else { IDLE };
        let Some(keep) = self.settings.policy.keep else {
            return most;
        };
        let first = (i64::MIN, ImageId(i64::MIN));
        let oldest = self.means.queue.view().kept_local(i64::MAX, first, 1).await;
        let verified_ms = oldest
            .ok()
            .and_then(|page| page.first().and_then(|image| image.verified_ms));
        let Some(verified_ms) = verified_ms else {
            return most;
        };
        let kept_ms = self.means.time.now_ms().saturating_sub(verified_ms).max(0);
        let left = keep.saturating_sub(Duration::from_millis(kept_ms.unsigned_abs()));
        if !left.is_zero() {
            return left.clamp(LEAST, most);
        }
        let pause = self.overdue.min(most);
        self.overdue = (self.overdue * 2).min(IDLE);
        pause
    }

    /// Where files are kept for less than the pause between two passes, every image that is owed is followed.
    async fn follow(&self) -> Result<(), QueueError> {
        if self.settings.policy.keep.is_some_and(|keep| keep < IDLE) {
            self.means.standing.keep_briefly();
            let stats = self.means.queue.view().stats().await?;
            let states = stats.sites.values().flat_map(|site| &site.states);
            let owed = states
                .filter(|(state, _)| state.is_open())
                .any(|(_, count)| count.images > 0);
            self.means.standing.followed_left(owed);
        }
        Ok(())
    }

    /// Until it is time again, or a disk was found full, by somebody or by a glance.
    async fn rest(&self, mut pause: Duration) {
        tokio::time::sleep(LEAST).await;
        while !pause.is_zero() {
            let next = pause.min(GLANCE);
            pause = pause.saturating_sub(next);
            tokio::select! {
                biased;
                () = self.means.standing.alarmed() => return,
                () = tokio::time::sleep(next) => {}
            }
            let standings = self
                .measure()
                .await
                .map(|places| places.standings(&self.settings.policy));
            if standings.is_ok_and(|all| all.iter().any(|one| one.trouble.is_some())) {
                return;
            }
        }
    }

    async fn pass(&mut self, stop: &CancellationToken) -> Result<Pass, QueueError> {
        let places = self.measure().await?;
        let mut sweep = Sweep::new(
            &self.means,
            &self.settings.policy,
            &self.reserve,
            &places,
            stop,
        );
        let deleted = Self::free(&mut sweep, &places).await;
        let pass = sweep.told();
        // The disks are told as they are, whether or not all could be done.
        let after = self.measure().await?;
        let used = match self.settings.policy.max_bytes {
            Some(_) => self.means.queue.view().local_bytes().await.ok(),
            None => None,
        };
        let lacking = self.tell(&after, used, &sweep.refusals());
        deleted?;
        self.keep_reserve(&after).await;
        if lacking && pass == 0 && self.means.standing.is_full() {
            // Nothing may be deleted: what is kept back lets the queue write, so that images go up and may go.
            self.reserve.give_up();
        }
        self.follow().await?;
        self.compact().await?;
        Ok(Pass {
            files: pass,
            lacking,
        })
    }

    async fn measure(&self) -> Result<Places, QueueError> {
        let (meter, folders) = (self.means.meter.clone(), self.settings.folders.clone());
        let state = self.settings.state.clone();
        crate::blocking::spawn(move || Places::measure(&meter, folders, state))
            .await
            .map_err(|_| QueueError::Closed)
    }

    /// Deletes what is to go, in the order in which it hurts least.
    async fn free(sweep: &mut Sweep<'_>, places: &Places) -> Result<(), QueueError> {
        sweep.finish_begun().await?;
        let copies = sweep.copies().await?;
        sweep.standing().copies_left(copies);
        sweep.aged().await?;
        for device in places.devices() {
            let mut needs = Needs::of_room(&device.room, sweep.policy());
            if !device.read_only && !needs.met() {
                sweep.verified(&mut needs, Some(device.device)).await?;
                sweep.pictures(&mut needs, Some(device.device)).await?;
                sweep.unverified(&mut needs, Some(device.device)).await?;
            }
        }
        if sweep.policy().max_bytes.is_none() {
            return Ok(());
        }
        let mut needs = Needs::of_quota(sweep.used().await?, sweep.policy());
        sweep.verified(&mut needs, None).await?;
        sweep.pictures(&mut needs, None).await?;
        sweep.unverified(&mut needs, None).await
    }

    /// Tells how the disks stand; gives whether one is lacking.
    fn tell(&self, places: &Places, used: Option<u64>, refusals: &[String]) -> bool {
        let policy = &self.settings.policy;
        let disks = places.standings(policy);
        let over = used
            .zip(policy.max_bytes)
            .filter(|(used, most)| used > most);
        let mut troubles: Vec<_> = refusals.to_vec();
        if let Some((used, most)) = over {
            troubles.push(format!(
                "images take {} MiB and retain.max_bytes is {} MiB, but none of them may be deleted: {}",
                used >> 20,
                most >> 20,
                places::remedy(policy)
            ));
        }
        let lacking = over.is_some() || disks.iter().any(|one| one.trouble.is_some());
        for trouble in disks.iter().filter_map(|one| one.trouble.as_ref()) {
            self.complain("disk", trouble);
        }
        if !lacking {
            self.means
                .complaints
                .over("disk", &"there is room on the disk again");
        }
        self.means.standing.measured(disks, used, policy);
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        self.means.standing.troubled(trouble);
        lacking
    }

    /// Makes the reserve where there is room to spare for it.
    async fn keep_reserve(&self, places: &Places) {
        let spare = places.of_state().is_some_and(|disk| {
            let limit = self.settings.policy.min_free.of(disk.room.bytes);
            !disk.read_only && disk.room.free_bytes >= limit.saturating_add(4 * SIZE)
        });
        if spare {
            let reserve = self.reserve.clone();
            let kept = crate::blocking::spawn(move || reserve.keep()).await;
            if let Ok(Err(error)) = kept {
                tracing::debug!(%error, "no room is kept back for records of deletions");
            }
        }
    }

    /// Compacts the queue once a day, and at the start.
    async fn compact(&mut self) -> Result<(), QueueError> {
        let now = self.means.clock.monotonic();
        let due = self
            .compacted
            .is_none_or(|last| now.saturating_sub(last) >= COMPACTION);
        let Some(history) = self.settings.history.filter(|_| due) else {
            return Ok(());
        };
        let history_ms = i64::try_from(history.as_millis()).unwrap_or(i64::MAX);
        let cutoff_ms = self.means.time.now_ms().saturating_sub(history_ms);
        let compacted = self.means.queue.compact(cutoff_ms).await?;
        if compacted > 0 {
            tracing::info!("{compacted} rows of images long over became counts by day");
        }
        self.compacted = Some(now);
        Ok(())
    }

    fn complain(&self, about: &str, sentence: &dyn std::fmt::Display) {
        let now = self.means.clock.monotonic();
        self.means.complaints.warn(about, now, sentence);
    }
}
