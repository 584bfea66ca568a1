//! The durable queue: one row an accepted image, in SQLite.
//!
//! Promises:
//! - What a call reports as done survives SIGKILL and a power cut: it is committed with `synchronous=FULL`
//!   before the call returns. Calls made at the same time share a commit.
//! - A row changes its state only along a move of [`weir_journey::queue::State`].
//! - A full disk costs the calls made meanwhile, each with an error that says "retry"; the queue works on when
//!   there is space again.
//! - A damaged database is set aside under a dated name, never deleted, and never a reason not to start.
//! - Memory does not grow with the number of rows, nor does the time to claim the next image.
//!
//! The database is `queue.db` in the state directory; `migrations/` documents its tables. A moment is an
//! argument of every call that wants one: nothing here reads a clock.

mod accept;
mod aside;
mod backlog;
mod check;
mod commit;
mod compact;
mod connect;
mod due;
mod error;
mod filter;
mod hold;
mod image;
mod import;
mod infer;
mod look;
mod open;
mod operate;
mod pace;
mod product;
mod retain;
mod retime;
mod row;
mod salvage;
mod schema;
mod step;
#[cfg(test)]
mod tests;
mod upload;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use weir_journey::identity::SiteName;
use weir_journey::upload::Scope;

pub use accept::{Accepted, Known, Quarantined};
pub use backlog::OWED;
pub use check::{Finding, Repaired};
pub use due::Longest;
pub use error::{Class, QueueError};
pub use filter::{Bound, Filter, Sorted};
pub use hold::Hold;
pub use image::{
    DeviceClock, Dossier, FileIdentity, Held, Image, ImageId, Multipart, NewImage, Part, Place,
    Removed, SiteId, Synchronised,
};
pub use import::{Receipt, Received, Unplugged};
pub use infer::{Infer, InferWish, Inferred, LookHold, LookOutcome, Recorded, Urgency};
pub use look::{Selector, SiteStats, StateStats, Stats};
pub use open::Rebuilt;
pub use operate::Retried;
pub(crate) use product::content_type;
pub use product::{Content, NewProduct, products_name};
pub use retain::{Behind, Departed, Drop, Local};
pub use retime::{Among, ClockStep, Retimed};
pub use upload::{Delayed, Order, Ready, Refused, Stored};
pub use view::View;

use commit::Committer;
use connect::Access;
use operate::Swept;
use view::blocking;

/// The queue, to be written. Cheap to clone; [`Queue::view`] reads.
///
/// Every method that changes something returns when the change is durable. Its errors say by
/// [`QueueError::class`] what to do; unless noted, [`Class::Retry`] and [`Class::Fatal`] are possible, and
/// [`QueueError::NoSuchImage`] where an image is named, and [`QueueError::Illegal`] where it is moved.
#[derive(Clone)]
pub struct Queue {
    // Closed first: the last connection tidies the write-ahead log away, which a reader cannot.
    view: View,
    committer: Arc<Committer>,
    interrupted: Arc<[ImageId]>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

/// An opened queue, and what had to be done for it.
pub struct Opened {
    /// The queue.
    pub queue: Queue,
    /// The old database was set aside; tell the operator.
    pub rebuilt: Option<Rebuilt>,
}

impl Queue {
    /// Opens or creates the queue of a state directory (0700, the database 0600) for the one daemon that owns
    /// it: the caller holds the directory's lock. Claims of a killed run are queued again and marked unsure.
    ///
    /// # Errors
    /// [`Class::Fatal`] when the directory cannot be used, or a newer agent or another program wrote the
    /// database; never because it is damaged.
    pub async fn open(dir: PathBuf, now: DateTime<Utc>) -> Result<Opened, QueueError> {
        blocking(move || {
            let (opened, rebuilt, interrupted) = open::as_owner(&dir, now)?;
            let mut queue = Self::new(opened, &dir);
            queue.interrupted = interrupted.into();
            Ok(Opened { queue, rebuilt })
        })
        .await
    }

    /// Opens an existing queue for writing while a daemon may own it: for the command line.
    ///
    /// # Errors
    /// As [`View::open`].
    pub async fn open_beside(dir: PathBuf) -> Result<Self, QueueError> {
        blocking(move || Ok(Self::new(open::beside(&dir, Access::Write)?, &dir))).await
    }

    /// Checks the database of a state directory that no daemon uses; mends it in place, or sets it aside and
    /// copies what is still owed into a fresh one.
    ///
    /// # Errors
    /// As [`Queue::open`].
    pub async fn repair(dir: PathBuf, now: DateTime<Utc>) -> Result<Repaired, QueueError> {
        blocking(move || check::repair(&dir, now)).await
    }

    fn new(opened: open::Connections, dir: &Path) -> Self {
        Self {
            committer: Committer::new(opened.writer),
            view: View::new(opened.reader, dir),
            interrupted: Arc::default(),
        }
    }

    /// Images that were on their way when the owner before this one died; none where the queue is opened beside one.
    pub fn interrupted(&self) -> &[ImageId] {
        &self.interrupted
    }

    /// Reads the queue.
    pub fn view(&self) -> &View {
        &self.view
    }

    async fn write<T, F>(&self, op: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    {
        let result = self.committer.write(op).await;
        if !matches!(result, Err(QueueError::Damaged(_))) {
            return result;
        }
        let view = self.view.clone();
        blocking(move || view.note(result)).await
    }

    /// The number of a site, new or known.
    pub async fn site_id(&self, name: SiteName) -> Result<SiteId, QueueError> {
        self.write(move |conn| accept::site_id(conn, &name)).await
    }

    /// Accepts an image whose file and directory are durable. From the return of this call on it is the
    /// queue's duty to have it stored. Bytes that are known are noted at their further place; those of a
    /// missing image bring it back; those of a dropped one do not.
    pub async fn accept(&self, image: NewImage) -> Result<Accepted, QueueError> {
        self.write(move |conn| accept::accept(conn, &image)).await
    }

    /// Accepts a durable copy of the file at `source`, which its camera is about to overwrite. The file is noted as
    /// read. [`Accepted::Duplicate`] means that the bytes were known, and the copy is not needed.
    pub async fn accept_copy(&self, copy: NewImage, source: Place) -> Result<Accepted, QueueError> {
        self.write(move |conn| accept::accept_copy(conn, &copy, &source))
            .await
    }

    /// Notes a file that is not to be uploaded, until it changes.
    pub async fn quarantine(&self, file: Quarantined) -> Result<(), QueueError> {
        self.write(move |conn| accept::quarantine(conn, &file))
            .await
    }

    /// Counts a death of the process with this file in hand; gives how many there were. Accepting the file
    /// clears them.
    pub async fn strike(&self, path: PathBuf) -> Result<u32, QueueError> {
        self.write(move |conn| accept::strike(conn, &path)).await
    }

    /// Forgets the strikes of a file.
    pub async fn clear_strikes(&self, path: PathBuf) -> Result<(), QueueError> {
        self.write(move |conn| accept::strikes_cleared(conn, &path))
            .await
    }

    /// Forgets the judged files under `dir` that `exists` denies; gives how many. It is called on a blocking
    /// thread. A directory that is itself not there (a card taken out) is left alone.
    pub async fn forget_absent(
        &self,
        dir: PathBuf,
        exists: impl Fn(&Path) -> bool + Send + Sync + 'static,
    ) -> Result<u64, QueueError> {
        const BATCH: u32 = 500;
        let exists = Arc::new(exists);
        let mut forgotten = 0;
        let mut after = None;
        loop {
            let paths = self.view.seen_under(dir.clone(), after, BATCH).await?;
            after = paths.last().cloned();
            if after.is_none() {
                return Ok(forgotten);
            }
            let (exists, dir) = (Arc::clone(&exists), dir.clone());
            let absent: Vec<_> = blocking(move || {
                let absent = paths.into_iter().filter(|path| !exists(path)).collect();
                // Asked last: a card taken out in between has made all of them absent.
                Ok(if exists(&dir) { absent } else { Vec::new() })
            })
            .await?;
            if !absent.is_empty() {
                forgotten += self
                    .write(move |conn| {
                        absent.iter().try_fold(0, |count, path| {
                            Ok(count + u64::from(accept::forget(conn, path)?))
                        })
                    })
                    .await?;
            }
        }
    }

    /// Everything on the disk has been scanned since the queue was rebuilt: images accepted from now on are
    /// new to the store. No-op when nothing was rebuilt.
    pub async fn rebuilt_done(&self) -> Result<(), QueueError> {
        self.write(open::rebuilt_done).await
    }

    /// Claims up to `limit` queued images of a site. One that has no bucket and key yet gets those that
    /// `target` names, in the same commit: they are its own from then on.
    pub async fn claim(
        &self,
        site: SiteId,
        order: Order,
        limit: u32,
        target: impl Fn(&Image) -> (String, String) + Send + 'static,
    ) -> Result<Vec<Dossier>, QueueError> {
        self.write(move |conn| upload::claim(conn, site, order, limit, &target))
            .await
    }

    /// Decides bucket and key of a claimed image; another key than before forgets the multipart upload.
    pub async fn place(&self, id: ImageId, bucket: String, key: String) -> Result<(), QueueError> {
        self.write(move |conn| upload::place(conn, id, &bucket, &key))
            .await
    }

    /// The store has shown that it holds the bytes of a claimed image.
    pub async fn verified(&self, id: ImageId, stored: Stored) -> Result<(), QueueError> {
        self.write(move |conn| upload::verified(conn, id, &stored))
            .await
    }

    /// A claimed image has to wait.
    pub async fn delay(&self, id: ImageId, delayed: Delayed) -> Result<(), QueueError> {
        self.write(move |conn| upload::delay(conn, id, &delayed))
            .await
    }

    /// A claimed image was refused.
    pub async fn park(&self, id: ImageId, refused: Refused) -> Result<(), QueueError> {
        self.write(move |conn| upload::park(conn, id, &refused))
            .await
    }

    /// The bytes of a claimed image are at none of its places. Its places are forgotten, so that a scan that
    /// finds the bytes again brings it back.
    pub async fn lose(&self, id: ImageId, reason: String) -> Result<(), QueueError> {
        self.write(move |conn| upload::lose(conn, id, &reason))
            .await
    }

    /// Keeps how many images were sent and not worked off by the pipeline, through a restart.
    pub async fn note_pipeline(&self, level: f64, at_ms: i64) -> Result<(), QueueError> {
        self.write(move |conn| pace::note(conn, level, at_ms)).await
    }

    /// A claim ends without an outcome; `unsure` when something may have been sent.
    pub async fn release(&self, id: ImageId, unsure: bool) -> Result<(), QueueError> {
        self.write(move |conn| upload::release(conn, id, unsure))
            .await
    }

    /// A multipart upload of a claimed image was begun; parts of an earlier one are forgotten.
    pub async fn multipart_started(
        &self,
        id: ImageId,
        multipart: Multipart,
    ) -> Result<(), QueueError> {
        self.write(move |conn| upload::multipart_started(conn, id, &multipart))
            .await
    }

    /// The store has acknowledged a part.
    ///
    /// # Errors
    /// [`QueueError::NoSuchUpload`] when the image has no such upload any more.
    pub async fn part_done(
        &self,
        id: ImageId,
        upload_id: String,
        part: Part,
    ) -> Result<(), QueueError> {
        self.write(move |conn| upload::part_done(conn, id, &upload_id, &part))
            .await
    }

    /// The multipart upload of an image was finished, aborted, or is gone from the store.
    pub async fn multipart_forgotten(&self, id: ImageId) -> Result<(), QueueError> {
        self.write(move |conn| upload::multipart_forgotten(conn, id))
            .await
    }

    /// Queues what is due at `now_ms`; gives when the next one will be, if any waits. Of a refusal of a whole
    /// site or account one image is queued, as its probe, and no other before that one has been parked again
    /// or verified.
    pub async fn promote(&self, now_ms: i64, longest: Longest) -> Result<Option<i64>, QueueError> {
        // Mostly nothing waits, and that is seen without the lock for writing.
        if !self.view.any_due().await? {
            return Ok(None);
        }
        loop {
            let promoted = self
                .write(move |conn| due::promote(conn, now_ms, longest))
                .await?;
            if !promoted.more {
                return Ok(promoted.next_ms);
            }
        }
    }

    /// A refusal is gone: queues all that it has parked, of a site or (`None`) of every site; gives how many.
    pub async fn release_parked(
        &self,
        site: Option<SiteId>,
        scope: Scope,
    ) -> Result<u64, QueueError> {
        let mut released = 0;
        loop {
            match self
                .write(move |conn| due::release_parked(conn, site, scope))
                .await?
            {
                0 => return Ok(released),
                some => released += some,
            }
        }
    }

    /// Holds a site, or everything, back; one that stands already keeps its beginning.
    pub async fn hold(&self, hold: Hold) -> Result<(), QueueError> {
        self.write(move |conn| hold::hold(conn, &hold)).await
    }

    /// Takes a hold away; gives whether there was one.
    pub async fn lift(&self, site: Option<SiteId>) -> Result<bool, QueueError> {
        self.write(move |conn| hold::lift(conn, site)).await
    }

    /// Has every hold asked about now instead of at its own moment: somebody says that it is mended.
    pub async fn ask_now(&self) -> Result<(), QueueError> {
        self.write(hold::ask_now).await
    }

    /// Adds to the bytes that a site sent on a day (days since 1970-01-01). Two months are kept.
    pub async fn spend(&self, site: SiteId, day: i64, bytes: u64) -> Result<(), QueueError> {
        self.write(move |conn| hold::spend(conn, site, day, bytes))
            .await
    }

    /// Queues what a selector names, now; a quarantined file is forgotten, so that the next scan reads it.
    pub async fn retry(&self, selector: Selector) -> Result<Retried, QueueError> {
        self.write(move |conn| operate::retry(conn, &selector))
            .await
    }

    /// Queues every image of a filter that can be retried; gives how many.
    pub async fn retry_all(&self, filter: Filter) -> Result<u64, QueueError> {
        self.sweep(filter, operate::retry_some).await
    }

    /// Gives an image up; its file stays, and the drop is recorded with its reason.
    pub async fn drop_image(&self, id: ImageId, why: String, at_ms: i64) -> Result<(), QueueError> {
        self.write(move |conn| operate::drop_image(conn, id, &why, at_ms))
            .await
    }

    /// Gives up every image of a filter that can be dropped; gives how many.
    pub async fn drop_all(
        &self,
        filter: Filter,
        why: String,
        at_ms: i64,
    ) -> Result<u64, QueueError> {
        self.sweep(filter, move |conn, filter| {
            operate::drop_some(conn, filter, &why, at_ms)
        })
        .await
    }

    async fn sweep<F>(&self, mut filter: Filter, step: F) -> Result<u64, QueueError>
    where
        F: Fn(&Connection, &Filter) -> Result<Swept, QueueError> + Send + Sync + 'static,
    {
        let step = Arc::new(step);
        let mut changed = 0;
        loop {
            let (asked, step) = (filter.clone(), Arc::clone(&step));
            let swept = self.write(move |conn| step(conn, &asked)).await?;
            changed += swept.changed;
            if swept.next.is_none() {
                return Ok(changed);
            }
            filter.after = swept.next;
        }
    }
}
