//! The second pass: every file is known already, or is settled, stamped and accepted.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir_journey::identity::Sha256;
use weir_journey::queue::State;
use weir_journey::settle::Reason;

use super::matching::{Fit, Matching};
use super::sources::Source;
use super::spool::{Made, Record, Spool};
use super::survey::fit_of;
use super::walk::{Found, Walk, Walked};
use crate::agent::register::{NotNow, Register, place};
use crate::exchange::Entry;
use crate::queue::{Accepted, Image, ImageId, Known, Queue, QueueError};
use crate::settle::{AtOnce, Register as _, Seen, Settled, Settling, seen_now};
use crate::watch::RootId;

/// Files looked up together.
const BATCH: usize = 64;
/// Files being read, made durable and accepted: as many may share one commit.
const WORKING: usize = 64;
/// Deaths with one file in hand after which it is set aside.
const STRIKES: u32 = 3;
/// Files in a row that cannot be read, after which the card counts as away although its folder shows.
const IN_VAIN: u32 = 16;
/// Between two tries to have the queue accept something while its disk is full.
const PAUSE: Duration = Duration::from_secs(2);

/// What the intake has done so far, for whoever looks on.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Files that have a record.
    pub(super) files: AtomicU64,
    /// Of these, files that nothing is left to be done for or with.
    pub(super) closed: AtomicU64,
    /// Bytes of them that were read.
    pub(super) bytes: AtomicU64,
}

/// What the intake works with; cheap to clone.
#[derive(Clone)]
pub(super) struct Intake {
    pub(super) sources: Arc<[Source]>,
    pub(super) matching: Arc<Matching>,
    pub(super) sites: usize,
    pub(super) queue: Queue,
    /// One folder for each source and site, in the order of [`Intake::root`].
    pub(super) register: Arc<Register>,
    pub(super) at_once: Arc<AtOnce>,
    pub(super) spool: Arc<Spool>,
    pub(super) counts: Arc<Counts>,
    /// Files that killed the process too often.
    pub(super) condemned: Arc<HashSet<PathBuf>>,
    /// Called when something was accepted.
    pub(super) accepted: Arc<dyn Fn() + Send + Sync>,
}

/// A file of a site, as it was found.
struct Job {
    found: Found,
    site: usize,
    seen: Seen,
}

/// Why the intake ends before the walk does.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    /// A card is away.
    #[error("{} is away: put it back and run the same command", .0.display())]
    Away(PathBuf),
    /// The import's own file cannot be written.
    #[error("cannot note what came of a file: {0}")]
    Spool(io::Error),
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// It was asked to.
    #[error("interrupted")]
    Stopped,
}

/// Counts a strike against each file that was in hand when an earlier import died; gives the hopeless ones.
pub(super) async fn strike(
    queue: &Queue,
    suspects: Vec<PathBuf>,
) -> Result<HashSet<PathBuf>, QueueError> {
    let mut condemned = HashSet::new();
    for suspect in suspects {
        if queue.strike(suspect.clone()).await? >= STRIKES {
            condemned.insert(suspect);
        }
    }
    Ok(condemned)
}

impl Intake {
    /// The number under which the register knows a source and a site.
    pub(super) const fn root(source: usize, site: usize, sites: usize) -> RootId {
        RootId(source * sites + site)
    }

    /// Takes everything in, until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), Cut> {
        let mut jobs: JoinSet<Result<Made, Cut>> = JoinSet::new();
        let mut walk = self.walk(stop.clone());
        let mut failed_in_a_row = 0;
        let mut outcome = Ok(());
        'walk: while let Some(batch) = walk.recv().await {
            for job in self.unknown(batch).await? {
                if stop.is_cancelled() {
                    outcome = Err(Cut::Stopped);
                    break 'walk;
                }
                while jobs.len() >= WORKING {
                    if let Err(cut) = self.after(jobs.join_next().await, &mut failed_in_a_row) {
                        outcome = Err(cut);
                        break 'walk;
                    }
                }
                let (this, stop) = (self.clone(), stop.clone());
                jobs.spawn(async move { this.work(job, stop).await });
            }
        }
        drop(walk);
        while let Some(ended) = jobs.join_next().await {
            outcome = outcome.and(self.after(Some(ended), &mut failed_in_a_row));
        }
        outcome?;
        self.everything_is_there(stop).await
    }

    /// A walk that ended because a card was pulled has seen only part of it.
    async fn everything_is_there(&self, stop: CancellationToken) -> Result<(), Cut> {
        if stop.is_cancelled() {
            return Err(Cut::Stopped);
        }
        let sources = Arc::clone(&self.sources);
        let looked = crate::blocking::spawn(move || {
            let away = sources.iter().find(|source| !source.is_there());
            away.map(|source| source.root.clone())
        });
        match looked.await {
            Ok(Some(away)) => Err(Cut::Away(away)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Walks all sources on a blocking thread, a batch at a time.
    fn walk(&self, stop: CancellationToken) -> mpsc::Receiver<Vec<(Found, usize)>> {
        let (to, batches) = mpsc::channel(2);
        let (sources, matching) = (Arc::clone(&self.sources), Arc::clone(&self.matching));
        let this = self.clone();
        crate::blocking::spawn(move || {
            let walks = sources
                .iter()
                .enumerate()
                .flat_map(|(number, source)| Walk::new(source, number));
            let mut batch = Vec::with_capacity(BATCH);
            for walked in walks.take_while(|_| !stop.is_cancelled()) {
                match walked {
                    Walked::Passed => {}
                    Walked::Fault(path, why) => this.fault(path, why),
                    // What came after the survey and fits nobody waits for the next time.
                    Walked::File(found) => {
                        if let Fit::Site(site) = fit_of(&found, &sources, &matching) {
                            batch.push((*found, site));
                        }
                    }
                }
                if batch.len() >= BATCH && to.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return;
                }
            }
            let _ = to.blocking_send(batch);
        });
        batches
    }

    /// A folder or file that the walk could not read.
    fn fault(&self, path: PathBuf, why: String) {
        let record = Record {
            path,
            source: 0,
            site: 0,
            made: Made::Failed(why),
        };
        if let Err(error) = self.note(&record) {
            tracing::error!(
                "cannot note what came of {}: {error}",
                record.path.display()
            );
        }
    }

    fn note(&self, record: &Record) -> io::Result<()> {
        let closed = match &record.made {
            Made::Image {
                before, identity, ..
            } => {
                self.counts
                    .bytes
                    .fetch_add(identity.size, Ordering::Relaxed);
                *before
            }
            Made::Refused(_) | Made::Failed(_) => true,
        };
        self.counts.files.fetch_add(1, Ordering::Relaxed);
        self.counts
            .closed
            .fetch_add(u64::from(closed), Ordering::Relaxed);
        self.spool.push(record)
    }

    /// Records what is known of a batch; gives what has to be read.
    async fn unknown(&self, batch: Vec<(Found, usize)>) -> Result<Vec<Job>, Cut> {
        let sites = self.sites;
        let looked = crate::blocking::spawn(move || {
            let look = |(found, site): (Found, usize)| {
                let seen = seen_now(Self::root(found.source, site, sites), &found.path);
                (found, site, seen)
            };
            batch.into_iter().map(look).collect::<Vec<_>>()
        });
        let mut jobs = Vec::new();
        for (found, site, seen) in looked.await.unwrap_or_default() {
            match seen {
                Ok(Some(seen)) => jobs.push(Job { found, site, seen }),
                // Gone since the walk came by: the end of the walk asks whether the card is.
                Ok(None) => {}
                Err(error) => self.fault(found.path, error.to_string()),
            }
        }
        let places = jobs
            .iter()
            .map(|job| place(&job.seen.path, job.seen.observation))
            .collect();
        let known = self.queue.view().known(places).await?;
        let (mut unknown, mut taken) = (Vec::new(), Vec::new());
        for (job, known) in jobs.into_iter().zip(known) {
            match known {
                Known::Taken { image } => taken.push((job, image)),
                Known::Quarantined { reason } => {
                    let why = format!("set aside before, and not changed since ({reason})");
                    self.record(job, Made::Refused(why)).map_err(Cut::Spool)?;
                }
                Known::New | Known::Changed { .. } => unknown.push(job),
            }
        }
        self.known_images(taken).await?;
        Ok(unknown)
    }

    async fn known_images(&self, taken: Vec<(Job, ImageId)>) -> Result<(), Cut> {
        if taken.is_empty() {
            return Ok(());
        }
        let ids = taken.iter().map(|(_, id)| *id).collect();
        let images = self.queue.resume(ids).await?;
        for ((job, id), image) in taken.into_iter().zip(images) {
            let identity = place(&job.seen.path, job.seen.observation).identity;
            let before = came_before(&image, &job.found.path);
            self.record(
                job,
                Made::Image {
                    id,
                    before,
                    identity,
                },
            )
            .map_err(Cut::Spool)?;
        }
        (self.accepted)();
        Ok(())
    }

    fn record(&self, job: Job, made: Made) -> io::Result<()> {
        self.note(&Record {
            path: job.found.path,
            source: job.found.source,
            site: job.site,
            made,
        })
    }

    /// One file: read, made durable, accepted; recorded whatever came of it.
    async fn work(&self, job: Job, stop: CancellationToken) -> Result<Made, Cut> {
        let made = self.make(&job, stop).await?;
        self.record(job, made.clone()).map_err(Cut::Spool)?;
        Ok(made)
    }

    async fn make(&self, job: &Job, stop: CancellationToken) -> Result<Made, Cut> {
        let path = &job.found.path;
        if self.condemned.contains(path) {
            return self.refuse(&job.seen, &Reason::FatalToAgent, &stop).await;
        }
        let Some(source) = self.sources.get(job.found.source) else {
            return Ok(Made::Failed("its source is not known".to_owned()));
        };
        match self.at_once.settle(job.seen.root, &source.base, path).await {
            Settling::Whole(settled) => self.accept(job, *settled, &stop).await,
            Settling::Refused(seen, reason) => self.refuse(&seen, &reason, &stop).await,
            Settling::Changing => Ok(Made::Failed("it is being written to".to_owned())),
            Settling::Gone => {
                self.unless_away(source, "it is not there any more".to_owned())
                    .await
            }
            Settling::Failed(error) => {
                let gone = [
                    Errno::NODEV,
                    Errno::NXIO,
                    Errno::STALE,
                    Errno::NOTCONN,
                    Errno::NOMEDIUM,
                ]
                .iter()
                .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
                if gone {
                    return Err(Cut::Away(source.root.clone()));
                }
                self.unless_away(source, format!("it cannot be read: {error}"))
                    .await
            }
        }
    }

    async fn unless_away(&self, source: &Source, why: String) -> Result<Made, Cut> {
        let owned = source.clone();
        let there = crate::blocking::spawn(move || owned.is_there()).await;
        if there.unwrap_or(true) {
            Ok(Made::Failed(why))
        } else {
            Err(Cut::Away(source.root.clone()))
        }
    }

    async fn refuse(
        &self,
        seen: &Seen,
        reason: &Reason,
        stop: &CancellationToken,
    ) -> Result<Made, Cut> {
        loop {
            match self.register.quarantine(seen, reason).await {
                Ok(()) => return Ok(Made::Refused(reason.to_string())),
                Err(error) => self.pause(&error, stop).await?,
            }
        }
    }

    async fn accept(
        &self,
        job: &Job,
        settled: Settled,
        stop: &CancellationToken,
    ) -> Result<Made, Cut> {
        let identity = place(&settled.seen.path, settled.seen.observation).identity;
        let stated = match &job.found.entry {
            Some(entry) => match agrees(entry, settled.sha256) {
                Ok(capture) => Some(capture),
                Err(why) => return Ok(Made::Failed(why)),
            },
            None => None,
        };
        let accepted = loop {
            match self.register.accept(settled.clone(), stated.clone()).await {
                Ok(accepted) => break accepted,
                Err(error) => self.pause(&error, stop).await?,
            }
        };
        (self.accepted)();
        let (id, before) = match accepted {
            Accepted::New(id) | Accepted::Returned(id) => (id, false),
            Accepted::Duplicate(id) => {
                let images = self.queue.resume(vec![id]).await?;
                let before = images
                    .first()
                    .is_some_and(|image| came_before(image, &job.found.path));
                (id, before)
            }
        };
        Ok(Made::Image {
            id,
            before,
            identity,
        })
    }

    /// The queue cannot take anything now: a full disk is waited out.
    async fn pause(&self, error: &NotNow, stop: &CancellationToken) -> Result<(), Cut> {
        tracing::debug!("waiting for the queue: {error}");
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Cut::Stopped),
            () = tokio::time::sleep(PAUSE) => Ok(()),
        }
    }

    fn after(
        &self,
        ended: Option<Result<Result<Made, Cut>, tokio::task::JoinError>>,
        failed_in_a_row: &mut u32,
    ) -> Result<(), Cut> {
        let made = match ended {
            None => return Ok(()),
            Some(Ok(made)) => made?,
            Some(Err(error)) => return Err(Cut::Spool(io::Error::other(error))),
        };
        *failed_in_a_row = match made {
            Made::Failed(_) => *failed_in_a_row + 1,
            Made::Image { .. } | Made::Refused(_) => 0,
        };
        match self.sources.first() {
            Some(source) if *failed_in_a_row >= IN_VAIN => Err(Cut::Away(source.root.clone())),
            _ => Ok(()),
        }
    }
}

/// Whether an image is stored already, or a file with its bytes that was there first will be.
fn came_before(image: &Image, path: &Path) -> bool {
    let first = &image.place.path;
    image.state == State::Verified || (first != path && first.symlink_metadata().is_ok())
}

/// The capture time that a manifest states, when it is of these bytes.
fn agrees(entry: &Entry, sha256: Sha256) -> Result<weir_journey::stamp::CaptureTime, String> {
    if entry.sha256.parse() == Ok(sha256) {
        return Ok(entry.capture.clone());
    }
    Err(format!(
        "its bytes are not those that the device exported (SHA-256 {sha256} instead of {}): export it again",
        entry.sha256
    ))
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}

/// Where notes of files in hand and the spool are, below the state directory.
pub(super) fn notes(state: &Path) -> PathBuf {
    state.join("import")
}
