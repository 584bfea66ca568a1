//! Where settled files become accepted images: stamped, then one durable row.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use tokio::sync::Notify;
use weir_journey::settle::{Observation, Reason, Structure};
use weir_journey::stamp::{Evidence, Zone, stamp};

use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::queue::{
    Accepted, Class, FileIdentity, Known, NewImage, Place, Quarantined, Queue, QueueError, SiteId,
};
use crate::serve::Vitals;
use crate::settle::{self, RegisterError, Seen, Settled};

/// A camera folder and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) site: SiteId,
    pub(super) name: String,
    pub(super) zone: Zone,
}

/// The queue, as the settle step sees it.
#[derive(Debug)]
pub(super) struct Register {
    pub(super) queue: Queue,
    /// By the number of their root.
    pub(super) folders: Vec<Folder>,
    pub(super) clock: Clock,
    pub(super) vitals: Arc<Vitals>,
    pub(super) complaints: Arc<Complaints>,
    /// Rung when something was accepted.
    pub(super) wake: Arc<Notify>,
}

impl Register {
    fn folder(&self, root: crate::watch::RootId) -> Result<&Folder, RegisterError> {
        // Roots are made from the same list as folders.
        self.folders
            .get(root.0)
            .ok_or_else(|| RegisterError::Passing("no such folder".into()))
    }

    fn sort(&self, error: QueueError) -> RegisterError {
        if error.class() == Class::Fatal {
            return RegisterError::Fatal(error);
        }
        let now = self.clock.monotonic();
        self.complaints.warn(
            "queue",
            now,
            &format!("images cannot be accepted now: {error}"),
        );
        RegisterError::Passing(error.to_string())
    }
}

#[async_trait::async_trait]
impl settle::Register for Register {
    async fn judged(&self, files: &[Seen]) -> Result<Vec<bool>, RegisterError> {
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

    async fn take(&self, settled: Settled) -> Result<(), RegisterError> {
        let folder = self.folder(settled.root)?;
        let Structure::Whole(format) = settled.inspection.structure else {
            return Err(RegisterError::Passing("only whole files are taken".into()));
        };
        let mtime_ns = i64::try_from(settled.observation.mtime_ns).unwrap_or(0);
        let capture = stamp(
            &Evidence {
                exif: settled.inspection.exif.as_deref(),
                path: settled
                    .path
                    .strip_prefix(&folder.path)
                    .unwrap_or(&settled.path),
                mtime: DateTime::from_timestamp_nanos(mtime_ns),
            },
            &folder.zone,
        );
        let image = NewImage {
            site: folder.site,
            sha256: settled.sha256,
            place: place(&settled.path, settled.observation),
            format: format.code(),
            captured_ms: capture.at.timestamp_millis(),
            offset_s: capture.at.offset().local_minus_utc(),
            capture: serde_json::to_string(&capture)
                .map_err(|error| RegisterError::Passing(error.to_string()))?,
            accepted_ms: self.clock.now_ms(),
        };
        let accepted = self
            .queue
            .accept(image)
            .await
            .map_err(|error| self.sort(error))?;
        self.complaints.over("queue", &"images are accepted again");
        match accepted {
            Accepted::New(id) | Accepted::Returned(id) => {
                self.vitals.accepted(&folder.name);
                tracing::debug!(site = folder.name, image = %id, path = %settled.path.display(), "accepted");
                self.wake.notify_one();
            }
            Accepted::Duplicate(id) => {
                tracing::debug!(site = folder.name, image = %id, path = %settled.path.display(), "known");
            }
        }
        Ok(())
    }

    async fn quarantine(&self, file: Seen, reason: &Reason) -> Result<(), RegisterError> {
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

    async fn strike(&self, path: &Path) -> Result<u32, RegisterError> {
        self.queue
            .strike(path.to_owned())
            .await
            .map_err(|error| self.sort(error))
    }
}

fn place(path: &Path, seen: Observation) -> Place {
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
