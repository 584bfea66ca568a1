//! What is stored, in memory: the index that every request reads and that a directory store reloads at its start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::object::{Object, Upload};

/// Buckets by name and uploads by id.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

/// One bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) created: SystemTime,
    #[serde(skip)]
    pub(crate) objects: BTreeMap<String, Arc<Object>>,
}

impl Catalog {
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets
            .get(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets
            .get_mut(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// # Errors
    /// `NoSuchBucket` or `NoSuchKey`.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<&Arc<Object>> {
        let objects = &self.bucket(bucket)?.objects;
        objects
            .get(key)
            .ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// The upload `id`, which must belong to `bucket` and `key`.
    ///
    /// # Errors
    /// `NoSuchBucket` or `NoSuchUpload`.
    pub(crate) fn upload(&self, bucket: &str, key: &str, id: &str) -> S3Result<&Upload> {
        self.bucket(bucket)?;
        let found = self
            .uploads
            .get(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key);
        found.ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The specified multipart upload does not exist."
            )
        })
    }
}
