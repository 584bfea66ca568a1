//! The durable record of an upload in parts, so that a crash costs one part and not the file.

use async_trait::async_trait;
use weir_journey::identity::Sha256;

use super::LogFault;

/// An upload in parts that was begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The store's name for it.
    pub upload_id: String,
    /// Size of its parts in bytes, but for the last.
    pub part_size: u64,
    /// The parts that the store acknowledged.
    pub parts: Vec<Part>,
}

/// A part that the store acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub number: i32,
    /// Bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// The store's entity tag for it.
    pub etag: String,
}

/// Where the record of one image's upload is kept. Each call is durable when it returns.
#[async_trait]
pub trait PartLog: Send + Sync {
    /// The upload that was begun, if one was.
    async fn unfinished(&self) -> Result<Option<Unfinished>, LogFault>;
    /// An upload was begun; whatever was recorded before is void.
    async fn begun(&self, upload_id: &str, part_size: u64) -> Result<(), LogFault>;
    /// The store acknowledged a part.
    async fn stored(&self, part: &Part) -> Result<(), LogFault>;
    /// The upload came to its end, or is given up: nothing of it is left in the store.
    async fn ended(&self) -> Result<(), LogFault>;
}
