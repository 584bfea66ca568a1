//! Where bodies and records rest: nowhere but memory, or a directory.
//!
//! The rules of S3 live in [`crate::vault`], once. A backing only makes bytes durable, makes a record visible in one
//! atomic step ([`Backing::publish`]) and takes it away again. The memory backing does all of it without blocking, so
//! that it runs on a paused tokio clock.

mod body;
mod directory;
mod recovery;

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use serde::Serialize;

pub(crate) use self::body::{Blob, BodyFile};
pub(crate) use self::directory::Directory;

/// Names one record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'a> {
    Bucket(&'a str),
    Object { bucket: &'a str, key: &'a str },
    Upload(&'a str),
    Part { upload: &'a str, number: i32 },
}

/// A record that is written but not yet visible: where it lies and where it belongs. Dropping it forgets it.
#[derive(Debug)]
pub(crate) struct Staged(Option<(PathBuf, PathBuf)>);

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some((from, _)) = self.0.take()
            && let Err(error) = std::fs::remove_file(&from)
        {
            tracing::debug!(path = %from.display(), %error, "an unwanted record stays behind until the next start");
        }
    }
}

/// The place where a store keeps its state.
#[derive(Debug, Clone)]
pub(crate) enum Backing {
    Memory,
    Directory(Directory),
}

impl Backing {
    /// How often this store was started; 0 in memory. With a counter it makes names that never repeat.
    pub(crate) fn run(&self) -> u64 {
        match self {
            Self::Memory => 0,
            Self::Directory(directory) => directory.run(),
        }
    }

    /// Keeps a body; durable when this returns.
    pub(crate) async fn keep(&self, body: Bytes) -> io::Result<Blob> {
        match self {
            Self::Memory => Ok(Blob::Memory(body)),
            Self::Directory(directory) => directory.keep(body).await,
        }
    }

    /// Writes `record` and the names of its `body` where nothing reads it yet.
    pub(crate) async fn stage(
        &self,
        slot: Slot<'_>,
        record: &impl Serialize,
        body: &[Blob],
    ) -> io::Result<Staged> {
        match self {
            Self::Memory => Ok(Staged(None)),
            Self::Directory(directory) => directory.stage(slot, record, body).await,
        }
    }

    /// Makes a staged record the current one, atomically. Fast: called under the catalogue's lock.
    pub(crate) fn publish(&self, mut staged: Staged) -> io::Result<()> {
        if let Some((from, to)) = &staged.0 {
            std::fs::rename(from, to)?;
        }
        staged.0 = None;
        Ok(())
    }

    /// Takes a record away. Fast: called under the catalogue's lock.
    pub(crate) fn retract(&self, slot: Slot<'_>) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::Directory(directory) => directory.retract(slot),
        }
    }

    /// Makes what [`Backing::publish`] or [`Backing::retract`] did to `slot` survive a power cut.
    pub(crate) async fn settle(&self, slot: Slot<'_>) -> io::Result<()> {
        match self {
            Self::Memory => Ok(()),
            Self::Directory(directory) => directory.settle(slot).await,
        }
    }

    /// Shows (`Some`) or hides (`None`) an object as a plain file for people to look at; never read by the store.
    pub(crate) fn show(&self, bucket: &str, key: &str, body: Option<&[Blob]>) {
        if let Self::Directory(directory) = self {
            directory.show(bucket, key, body);
        }
    }
}

/// Reads bytes `range` of a body that lies in `blobs`. One blob in memory is shared, not copied.
///
/// # Errors
/// An error of the file system, or `Unsupported` when the body was discarded.
pub(crate) async fn read(blobs: &[Blob], range: Range<u64>) -> io::Result<Bytes> {
    let mut start = 0;
    let mut slices = Vec::new();
    for blob in blobs {
        let end = start + blob.len();
        let from = range.start.max(start);
        let to = range.end.min(end);
        if from < to {
            slices.push(blob.read(from - start..to - start).await?);
        }
        start = end;
    }
    match slices.len() {
        1 => Ok(slices.remove(0)),
        _ => {
            let mut whole = BytesMut::with_capacity(slices.iter().map(Bytes::len).sum());
            slices
                .iter()
                .for_each(|slice| whole.extend_from_slice(slice));
            Ok(whole.freeze())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_over_blobs_equals_the_range_of_their_concatenation(
            blobs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
            a in 0_u64..120, b in 0_u64..120,
        ) {
            let whole: Vec<u8> = blobs.concat();
            let len = whole.len() as u64;
            let (start, end) = (a.min(b).min(len), a.max(b).min(len));
            let blobs: Vec<Blob> = blobs.into_iter().map(|blob| Blob::Memory(blob.into())).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(read(&blobs, start..end)).unwrap();
            prop_assert_eq!(&read[..], &whole[start as usize..end as usize]);
        }
    }
}
