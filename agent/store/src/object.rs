//! What the store knows about an object, an upload in parts, and a part.

use std::collections::BTreeMap;
use std::time::SystemTime;

use s3s::dto::Timestamp;
use serde::{Deserialize, Serialize};

use crate::backing::Blob;
use crate::checksum::Checksum;

/// Headers and user metadata that come back as they were sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    /// `x-amz-meta-*` without the prefix.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// One stored object; immutable, a new version is a new value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// Lower-case hex of the whole body.
    pub(crate) sha256: String,
    pub(crate) checksum: Checksum,
    pub(crate) attributes: Attributes,
    pub(crate) modified: SystemTime,
    /// The body in order; kept apart from the record.
    #[serde(skip)]
    pub(crate) body: Vec<Blob>,
}

/// A multipart upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) attributes: Attributes,
    pub(crate) initiated: SystemTime,
    /// The algorithm named at the start, if any.
    pub(crate) algorithm: Option<crate::checksum::Algorithm>,
    /// Whether the object's checksum is one of checksums.
    pub(crate) composite: bool,
    #[serde(skip)]
    pub(crate) parts: BTreeMap<i32, Part>,
}

/// One uploaded part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) size: u64,
    /// Hex MD5 of the part, without quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
    pub(crate) modified: SystemTime,
    #[serde(skip)]
    pub(crate) body: Vec<Blob>,
}

/// An object as an oracle sees it: read from the store itself, not through a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Bucket name.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex SHA-256 of the whole body.
    pub sha256: String,
    /// ETag without quotes.
    pub etag: String,
    /// User metadata (`x-amz-meta-*` without the prefix).
    pub metadata: BTreeMap<String, String>,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// The stored S3 checksum.
    pub checksum: Checksum,
    /// When it was stored, by the store's clock.
    pub modified: SystemTime,
}

impl ObjectInfo {
    pub(crate) fn new(bucket: &str, object: &Object) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: object.key.clone(),
            size: object.size,
            sha256: object.sha256.clone(),
            etag: object.etag.clone(),
            metadata: object.attributes.metadata.clone(),
            content_type: object.attributes.content_type.clone(),
            checksum: object.checksum.clone(),
            modified: object.modified,
        }
    }
}

/// Sent once for every object that came to be, after it was durably stored (`s3:ObjectCreated:*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// Bucket name.
    pub bucket: String,
    /// Object key, not URL-encoded.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// ETag without quotes.
    pub etag: String,
    /// Lower-case hex SHA-256 of the whole body.
    pub sha256: String,
    /// Hexadecimal of fixed width; for one key, the later event has the greater one.
    pub sequencer: String,
    /// When it was stored, by the store's clock.
    pub at: SystemTime,
}
