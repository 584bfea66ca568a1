//! A kept body, in memory, in a file, or thrown away with only its length known.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

/// A piece of a body. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) enum Blob {
    Memory(Bytes),
    File(Arc<BodyFile>),
    /// The bytes were checked and dropped; their number is kept.
    Discarded(u64),
}

impl Blob {
    /// Length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.len,
            Self::Discarded(len) => *len,
        }
    }

    /// Lets the bytes go once the last reader is done; call it when no record names them any more.
    pub(crate) fn doom(&self) {
        if let Self::File(file) = self {
            file.doomed.store(true, Ordering::Release);
        }
    }

    /// Reads `range`, which lies within the blob.
    pub(crate) async fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(position(range.start)?..position(range.end)?)),
            Self::Discarded(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this store discards bodies",
            )),
            Self::File(file) => {
                let file = Arc::clone(file);
                super::directory::blocking(move || file.read(range)).await
            }
        }
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

/// A body in a file. The file goes with the last handle, once it is doomed.
#[derive(Debug)]
pub(crate) struct BodyFile {
    path: PathBuf,
    len: u64,
    doomed: AtomicBool,
}

impl BodyFile {
    pub(crate) fn new(path: PathBuf, len: u64) -> Self {
        Self {
            path,
            len,
            doomed: AtomicBool::new(false),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self, range: Range<u64>) -> io::Result<Bytes> {
        let mut file = std::fs::File::open(&self.path)?;
        file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = vec![0; position(range.end - range.start)?];
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

impl Drop for BodyFile {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Acquire)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a deleted body stays behind until the next start");
        }
    }
}
