//! **retain**: which local files go so that the disk never overflows, and why.
//!
//! Promises:
//! - a file goes only when its image is verified, unless the operator allowed to drop unverified ones;
//! - the oldest captures go first, flagged images and very fresh ones stay;
//! - no more goes than what a limit asks for, and that is a little more than the limit itself, so that the next
//!   image does not trip over it again;
//! - unverified images, where they may go, are thinned so that what is left stays even in time ([`Thinner`]).
//!
//! Everything works on pages of a list: what is still needed is carried from page to page in [`Needs`].

mod decide;
mod needs;
mod thin;

pub use decide::{Departure, Entry, decide};
pub use needs::{Level, Needs, Room, Want};
pub use thin::{Candidate, Thinner};

use std::fmt;
use std::time::Duration;

/// What may be deleted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// A verified image's file goes when it was verified this long ago; `None` for never.
    pub keep: Option<Duration>,
    /// Most bytes that images may take on the disk, all sites together.
    pub max_bytes: Option<u64>,
    /// What must stay free of a file system.
    pub min_free: Level,
    /// The same of its inodes.
    pub min_free_inodes: Level,
    /// Whether images that no store has yet may be given up when nothing else is left.
    pub drop_unverified: bool,
}

/// A file stays at least this long after its image was verified (accepted, for one that is not): whatever else
/// looks at fresh pictures gets to see them.
pub const GRACE: Duration = Duration::from_secs(2);

/// Why a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// It was kept for as long as it should be.
    Age,
    /// The images take more room than they may.
    Quota,
    /// The file system runs out of bytes.
    Space,
    /// The file system runs out of inodes.
    Inodes,
    /// It was a copy of our own, and the store has the image.
    Copy,
}

impl Why {
    /// The word that the queue records, stable.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Quota => "quota",
            Self::Space => "space",
            Self::Inodes => "inodes",
            Self::Copy => "copy",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests;
