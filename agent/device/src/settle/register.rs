//! What settle needs to know from, and hands over to, whoever keeps the images.

use std::fmt::Display;
use std::future::Future;
use std::path::{Path, PathBuf};

use weir_journey::identity::Sha256;
use weir_journey::settle::{Format, Inspection, Observation, Reason};

use crate::watch::RootId;

/// A file as `stat` showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The camera directory it is in.
    pub root: RootId,
    /// Its absolute path; not necessarily UTF-8.
    pub path: PathBuf,
    /// Which content it had.
    pub observation: Observation,
}

/// A whole file, durable on disk under its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which file, and the content that was read.
    pub seen: Seen,
    /// What it is.
    pub format: Format,
    /// What the reading found, EXIF included.
    pub inspection: Inspection,
    /// SHA-256 of its content.
    pub sha256: Sha256,
    /// Where its bytes lie, when that is a copy: the camera is about to overwrite its own file.
    pub copy: Option<Copied>,
}

/// A copy of a camera's file, in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its absolute path.
    pub path: PathBuf,
    /// The copy itself, as `stat` shows it.
    pub observation: Observation,
}

/// The keeper of images. Up to 64 calls run at the same time, so that a burst can be committed together.
///
/// Every error is a passing one to this module: the file stays pending and is tried again, less and less
/// often. An error after which the agent cannot go on is for the implementation to raise elsewhere.
pub trait Register: Send + Sync + 'static {
    /// Why something could not be written or read now.
    type Error: Display + Send;

    /// For each of `files`, whether it was taken or quarantined with just this observation.
    fn known(&self, files: &[Seen]) -> impl Future<Output = Result<Vec<bool>, Self::Error>> + Send;

    /// Accepts a file: durable when it returns. Its strikes are forgotten. Whether a copy of it is needed: not
    /// when its bytes are known.
    fn take(&self, file: Settled) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Sets a file aside until its observation changes. Its strikes are forgotten.
    fn quarantine(
        &self,
        file: &Seen,
        reason: &Reason,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Notes durably that the agent died with the file in hand, and returns how often it has.
    fn strike(&self, path: &Path) -> impl Future<Output = Result<u32, Self::Error>> + Send;
}
