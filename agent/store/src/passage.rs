//! What a judge at the store's door sees: when each request that brings an object enters and leaves.

use tokio::time::Instant;

use crate::request::Operation;

/// A PutObject, UploadPart or CompleteMultipartUpload enters or leaves. Those of one store come in the order in which
/// they happened, also where their times are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Number of the request, from 1; the same when it enters and when it leaves.
    pub number: u64,
    /// When, by tokio's clock.
    pub at: Instant,
    /// What it asks for.
    pub operation: Operation,
    /// Bucket name.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// Which way.
    pub edge: Edge,
}

/// Which way a request passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its head arrived.
    Began,
    /// It is answered, or its connection is closed, or the client left.
    Ended {
        /// HTTP status of the answer; `None` when none was sent.
        status: Option<u16>,
        /// Whether the store did what was asked: true also when the answer was lost, or a lie.
        done: bool,
    },
}
