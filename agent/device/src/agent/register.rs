//! Where settled files become accepted images: stamped, then one durable row.

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use tokio::sync::{Notify, mpsc};
use weir_journey::settle::{Observation, Reason};
use weir_journey::stamp::{CaptureTime, Evidence, Neighbour, stamp};

use super::neighbours::Neighbours;
use super::timekeeper::Timekeeper;
use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::infer::Wish;
use crate::queue::{
    Accepted, Class, FileIdentity, Known, NewImage, Place, Quarantined, Queue, QueueError, SiteId,
    Synchronised,
};
use crate::retain;
use crate::serve::Vitals;
use crate::settle::{self, Seen, Settled};
use crate::stamping::{Stamping, columns, of_device_clock};

/// Whose a camera folder is.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) site: SiteId,
    pub(crate) name: String,
    pub(crate) stamping: Stamping,
    /// Whether its images are looked at.
    pub(crate) look: Option<Wish>,
}

/// The queue, as the settle step sees it.
#[derive(Debug)]
pub(crate) struct Register {
    pub(crate) queue: Queue,
    /// By the number of their root.
    pub(crate) folders: Vec<Folder>,
    pub(crate) clock: Clock,
    pub(crate) timekeeper: Arc<Timekeeper>,
    pub(crate) neighbours: Neighbours,
    pub(crate) vitals: Arc<Vitals>,
    /// Told whether images can be accepted, and how much room they take.
    pub(crate) disks: Arc<retain::Standing>,
    pub(crate) complaints: Arc<Complaints>,
    /// Rung when something was accepted: the uploader's bell.
    pub(crate) wake: Arc<Notify>,
    /// Rung then as well: that of the look at images.
    pub(crate) look: Arc<Notify>,
    /// Told of a failure after which the agent cannot go on.
    pub(crate) fatal: mpsc::Sender<QueueError>,
}

/// Why a file cannot be registered now, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotNow(String);

impl Register {
    fn folder(&self, root: crate::watch::RootId) -> Result<&Folder, NotNow> {
        // Roots are made from the same list as folders.
        self.folders
            .get(root.0)
            .ok_or_else(|| NotNow("no such folder".into()))
    }

    /// The site's picture before this one.
    async fn neighbour(&self, site: SiteId) -> Result<Option<Neighbour>, NotNow> {
        if let Some(known) = self.neighbours.of(site) {
            return Ok(known);
        }
        let found = self.queue.view().neighbour(site).await;
        let found = found.map_err(|error| self.sort(error))?;
        Ok(self.neighbours.begin(site, found))
    }

    fn sort(&self, error: QueueError) -> NotNow {
        let (words, full) = (error.to_string(), error.is_full());
        if error.class() == Class::Fatal {
            // One is enough to end the agent: there is room for it, or it was told already.
            let _ = self.fatal.try_send(error);
        } else {
            self.disks.refused(&words, full);
            let now = self.clock.monotonic();
            self.complaints.warn(
                "queue",
                now,
                &format!("images cannot be accepted now: {words}"),
            );
        }
        NotNow(words)
    }

    /// Stamps a settled file, unless its capture time is `stated` by who knows it, and has the queue accept it.
    pub(crate) async fn accept(
        &self,
        settled: Settled,
        stated: Option<CaptureTime>,
    ) -> Result<Accepted, NotNow> {
        let Seen {
            root,
            path,
            observation,
        } = settled.seen;
        let folder = self.folder(root)?;
        let seen = place(&path, observation);
        let clock = self.timekeeper.read();
        let accepted_ms = clock.wall.timestamp_millis();
        let own_time = of_device_clock(&seen.identity, clock.device, accepted_ms);
        let evidence = Evidence {
            exif: settled.inspection.exif.as_deref(),
            path: folder.stamping.below(&path),
            mtime: Some(DateTime::from_timestamp_nanos(seen.identity.mtime_ns)),
            mtime_unsure: own_time && clock.trust == Synchronised::No,
            now: (clock.trust == Synchronised::Yes).then_some(clock.wall),
            neighbour: self.neighbour(folder.site).await?,
        };
        let found = stated.unwrap_or_else(|| stamp(&evidence, &folder.stamping.rules));
        self.neighbours.note(folder.site, &found);
        let filed = folder.stamping.doubtful.file(found);
        let columns = columns(&filed, accepted_ms).map_err(|error| NotNow(error.to_string()))?;
        let look = folder.look.as_ref();
        let look = look.map(|look| look.image(folder.site, settled.format, accepted_ms));
        let image = NewImage {
            site: folder.site,
            sha256: settled.sha256,
            place: match &settled.copy {
                None => seen.clone(),
                Some(copy) => place(&copy.path, copy.observation),
            },
            format: settled.format.code(),
            captured_ms: columns.captured_ms,
            offset_s: columns.offset_s,
            capture: columns.capture,
            accepted_ms,
            clock: clock.device,
            dated: columns.dated,
            held: columns.held,
            infer: look.unwrap_or_default(),
        };
        let size = image.place.identity.size;
        let copied = settled.copy.is_some();
        let accepted = match settled.copy {
            None => self.queue.accept(image).await,
            Some(_) => self.queue.accept_copy(image, seen).await,
        };
        let accepted = accepted.map_err(|error| self.sort(error))?;
        self.disks.accepted(size);
        if copied {
            self.disks.copied();
        }
        self.complaints.over("queue", &"images are accepted again");
        match &accepted {
            Accepted::New(id) | Accepted::Returned(id) => {
                self.vitals.accepted(&folder.name);
                tracing::debug!(site = folder.name, image = %id, path = %path.display(), "accepted");
                self.wake.notify_one();
                self.look.notify_one();
            }
            Accepted::Duplicate(id) => {
                tracing::debug!(site = folder.name, image = %id, path = %path.display(), "known");
            }
        }
        Ok(accepted)
    }
}

impl settle::Register for Register {
    type Error = NotNow;

    async fn known(&self, files: &[Seen]) -> Result<Vec<bool>, NotNow> {
        let places = files
            .iter()
            .map(|seen| place(&seen.path, seen.observation))
            .collect();
        let known = self
            .queue
            .view()
            .known(places)
            .await
            .map_err(|error| self.sort(error))?;
        let judged =
            |known: &Known| matches!(known, Known::Taken { .. } | Known::Quarantined { .. });
        Ok(known.iter().map(judged).collect())
    }

    async fn take(&self, settled: Settled) -> Result<bool, NotNow> {
        let accepted = self.accept(settled, None).await?;
        Ok(!matches!(accepted, Accepted::Duplicate(_)))
    }

    async fn quarantine(&self, file: &Seen, reason: &Reason) -> Result<(), NotNow> {
        let folder = self.folder(file.root)?;
        let sentence = format!(
            "{}: {} is set aside: {reason}",
            folder.name,
            file.path.display()
        );
        self.complaints.warn(
            &format!("quarantine {}", reason.code()),
            self.clock.monotonic(),
            &sentence,
        );
        let quarantined = Quarantined {
            site: folder.site,
            place: place(&file.path, file.observation),
            reason: reason.code().to_owned(),
            detail: reason.to_string(),
            at_ms: self.clock.now_ms(),
        };
        self.queue
            .quarantine(quarantined)
            .await
            .map_err(|error| self.sort(error))
    }

    async fn strike(&self, path: &Path) -> Result<u32, NotNow> {
        self.queue
            .strike(path.to_owned())
            .await
            .map_err(|error| self.sort(error))
    }
}

pub(crate) fn place(path: &Path, seen: Observation) -> Place {
    let clamp = |ns: i128| i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX });
    Place {
        path: path.to_owned(),
        identity: FileIdentity {
            size: seen.size,
            device: seen.device,
            inode: seen.inode,
            mtime_ns: clamp(seen.mtime_ns),
            ctime_ns: clamp(seen.ctime_ns),
        },
    }
}
