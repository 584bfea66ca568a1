//! What can go wrong with the queue, and what to do about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ffi;
use rusqlite::{Error as Sqlite, ErrorCode};
use weir_journey::identity::SiteName;
use weir_journey::queue::{Move, State};

use super::image::ImageId;

/// A failure of the queue. [`QueueError::class`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The disk is full, an I/O error, or another process is writing: nothing was changed.
    #[error("the queue cannot be used at the moment: {0}")]
    Passing(#[source] Sqlite),
    /// The database is damaged; the next start checks it, and sets it aside when it must.
    #[error("the queue's database is damaged, restart to have it checked and rebuilt: {0}")]
    Damaged(#[source] Sqlite),
    /// The image is in a state that this move does not leave.
    #[error("image {id} is {state}: no way from there to {step} it")]
    Illegal {
        /// Which image.
        id: ImageId,
        /// Where it stands.
        state: State,
        /// What was asked.
        step: Move,
    },
    /// There is no such image.
    #[error("the queue has no image {0}")]
    NoSuchImage(ImageId),
    /// An answer about a multipart upload that the image no longer has.
    #[error("image {0} has no such multipart upload any more")]
    NoSuchUpload(ImageId),
    /// A site whose name leaves no room for that of its products.
    #[error(
        "site {0} can have no results: its name is longer than 54 characters, so give it a shorter one"
    )]
    NoProducts(SiteName),
    /// Something that names no image: neither a number, nor a digest's beginning, nor a path.
    #[error(
        "{0:?} is neither an image's number, nor 4 or more digits of its SHA-256, nor an absolute path"
    )]
    NotASelector(String),
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// A verb: "create", "open".
        doing: &'static str,
        /// What was touched.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A newer agent has written this database.
    #[error(
        "the queue is of version {found} and this weir knows {known}: install the newer weir again"
    )]
    Newer {
        /// The version of the file.
        found: usize,
        /// The newest that this binary knows.
        known: usize,
    },
    /// An older agent has written this database, and it may not be changed here.
    #[error("the queue is of version {found} and this weir wants {known}: start `weir run` once")]
    Older {
        /// The version of the file.
        found: usize,
        /// The newest that this binary knows.
        known: usize,
    },
    /// Some other program's database lies where the queue belongs.
    #[error("{} is the database of another program: move it away, or set another state directory", .0.display())]
    Foreign(PathBuf),
    /// SQLite did not take a setting.
    #[error("SQLite keeps {name} at {found} instead of {wanted}")]
    Pragma {
        /// The pragma.
        name: &'static str,
        /// What was set.
        wanted: String,
        /// What was read back.
        found: String,
    },
    /// The operation panicked; its changes were undone.
    #[error("a fault of this program: a queue operation panicked ({0}); its changes were undone")]
    Panicked(String),
    /// The runtime ended before the answer.
    #[error("the queue was closed before it answered")]
    Closed,
    /// A statement that SQLite refuses: a fault of this program.
    #[error("a fault of this program: SQLite refused a statement: {0}")]
    Fault(#[source] Sqlite),
}

/// What to do about a [`QueueError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try again later: nothing was changed, and the queue goes on working.
    Retry,
    /// This request makes no sense (any more): leave it.
    Refused,
    /// End the process and say why; a restart checks the database.
    Fatal,
}

impl QueueError {
    /// What to do.
    pub fn class(&self) -> Class {
        match self {
            Self::Passing(_) | Self::Closed => Class::Retry,
            Self::Illegal { .. }
            | Self::NoSuchImage(_)
            | Self::NoSuchUpload(_)
            | Self::NotASelector(_)
            | Self::NoProducts(_)
            | Self::Panicked(_)
            | Self::Fault(_) => Class::Refused,
            Self::Damaged(_)
            | Self::Io { .. }
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Foreign(_)
            | Self::Pragma { .. } => Class::Fatal,
        }
    }

    /// Whether it is for want of room that nothing could be written.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Passing(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            Self::Io { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            _ => false,
        }
    }

    pub(super) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// The same failure once more, for another operation of the same commit.
    pub(super) fn of_commit(failure: &Sqlite) -> Self {
        match failure {
            Sqlite::SqliteFailure(code, text) => Sqlite::SqliteFailure(*code, text.clone()).into(),
            other => Self::Panicked(other.to_string()),
        }
    }
}

impl From<Sqlite> for QueueError {
    fn from(error: Sqlite) -> Self {
        match &error {
            Sqlite::SqliteFailure(code, _) => match code.code {
                _ if code.extended_code == ffi::SQLITE_IOERR_CORRUPTFS => Self::Damaged(error),
                // A reference to nothing is the caller's fault. The other rules cannot be broken by a value
                // of our types, nor, since we look before we insert, a key be there twice: a row or an index
                // was damaged before.
                _ if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::Fault(error),
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation => Self::Damaged(error),
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::OperationAborted
                | ErrorCode::ReadOnly => Self::Passing(error),
                _ => Self::Fault(error),
            },
            // The schema allows no value that does not decode: whoever finds one has found damage.
            Sqlite::FromSqlConversionFailure(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::InvalidColumnType(..)
            | Sqlite::Utf8Error(..) => Self::Damaged(error),
            _ => Self::Fault(error),
        }
    }
}
