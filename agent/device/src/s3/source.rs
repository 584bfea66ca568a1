//! The local file that is sent.
//!
//! Its faults are kept apart from the link's: a file that cannot be read, or is no longer what was accepted,
//! says nothing about the store, and must not open the breaker.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use sha2::Digest as _;
use weir_journey::identity::Sha256;

use super::limiter::LARGEST_PIECE;

/// Why a file could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum SourceFault {
    /// It is not what was accepted: read it again; if it is whole, it is a new image.
    #[error("the file changed since it was accepted: {0}")]
    Changed(String),
    /// The disk or card failed: try again later, the store has nothing to do with it.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[source] io::Error),
}

/// An opened file of known length, read at offsets; its own position is neither used nor moved.
#[derive(Debug)]
pub(super) struct Source {
    file: Arc<File>,
    len: u64,
    modified: SystemTime,
    /// Why a read in the middle of a request failed; there it cannot be told otherwise.
    fault: Mutex<Option<SourceFault>>,
}

impl Source {
    /// Takes `file`, which must have `len` bytes.
    pub(super) async fn open(file: Arc<File>, len: u64) -> Result<Arc<Self>, SourceFault> {
        blocking(move || {
            let metadata = file.metadata().map_err(SourceFault::Unreadable)?;
            expect_len(len, metadata.len())?;
            let modified = metadata.modified().map_err(SourceFault::Unreadable)?;
            Ok(Arc::new(Self {
                file,
                len,
                modified,
                fault: Mutex::new(None),
            }))
        })
        .await
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Compares length and time of change with those at [`Source::open`].
    pub(super) async fn check_unchanged(self: &Arc<Self>) -> Result<(), SourceFault> {
        let this = Arc::clone(self);
        blocking(move || {
            let metadata = this.file.metadata().map_err(SourceFault::Unreadable)?;
            expect_len(this.len, metadata.len())?;
            if metadata.modified().map_err(SourceFault::Unreadable)? != this.modified {
                return Err(SourceFault::Changed("written to while it was sent".into()));
            }
            Ok(())
        })
        .await
    }

    /// Hashes `range` by itself and as the continuation of `whole`, in one pass.
    pub(super) async fn digest(
        self: &Arc<Self>,
        range: Range<u64>,
        mut whole: sha2::Sha256,
    ) -> Result<(Sha256, sha2::Sha256), SourceFault> {
        let this = Arc::clone(self);
        blocking(move || {
            let mut part = sha2::Sha256::new();
            let mut buffer = vec![0; LARGEST_PIECE as usize];
            let mut at = range.start;
            while at < range.end {
                // At most the buffer's length, so it fits.
                let piece = &mut buffer[..LARGEST_PIECE.min(range.end - at) as usize];
                this.fill(piece, at)?;
                part.update(&*piece);
                whole.update(&*piece);
                at += piece.len() as u64;
            }
            Ok((Sha256(part.finalize().into()), whole))
        })
        .await
    }

    /// The `len` bytes from `offset` on; all of them or a fault.
    pub(super) async fn read(
        self: &Arc<Self>,
        offset: u64,
        len: usize,
    ) -> Result<Bytes, SourceFault> {
        let this = Arc::clone(self);
        blocking(move || {
            let mut piece = BytesMut::zeroed(len);
            this.fill(&mut piece, offset)?;
            Ok(piece.freeze())
        })
        .await
    }

    fn fill(&self, piece: &mut [u8], offset: u64) -> Result<(), SourceFault> {
        self.file
            .read_exact_at(piece, offset)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    SourceFault::Changed(format!("it ends before byte {}", self.len))
                }
                _ => SourceFault::Unreadable(error),
            })
    }

    /// Keeps a fault for whoever asks after the request failed.
    pub(super) fn blame(&self, fault: SourceFault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    /// The fault that broke a request, if it was the file's.
    pub(super) fn take_fault(&self) -> Option<SourceFault> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

fn expect_len(accepted: u64, found: u64) -> Result<(), SourceFault> {
    if accepted == found {
        Ok(())
    } else {
        Err(SourceFault::Changed(format!(
            "{found} bytes instead of {accepted}"
        )))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceFault> + Send + 'static,
) -> Result<T, SourceFault> {
    crate::blocking::spawn(work)
        .await
        .unwrap_or_else(|ended| Err(SourceFault::Unreadable(io::Error::other(ended))))
}
