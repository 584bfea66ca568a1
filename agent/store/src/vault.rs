//! The rules of S3 over a catalogue and a backing.
//!
//! Every change has the same order: keep the body, stage the record, then in one critical section judge the condition,
//! publish the record and change the catalogue; then make the publication durable, announce it, answer. So a race has
//! exactly one winner, and nothing is announced or answered that a power cut could take back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::{S3Error, S3Result, s3_error};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::backing::{Backing, Blob, Slot};
use crate::catalog::{Bucket, Catalog};
use crate::clock::Clock;
use crate::object::{Object, ObjectCreated, ObjectInfo, Part, Upload};
use crate::precondition::WriteCondition;

/// Bodies up to so many bytes are kept even where bodies are discarded: records, not images.
const KEPT: u64 = 1024;

/// How this store deviates from Amazon S3, if at all.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    pub(crate) region: String,
    pub(crate) conditional_writes: bool,
    pub(crate) auto_create_buckets: bool,
    pub(crate) discard_bodies: bool,
    /// Smallest part but the last, in bytes.
    pub(crate) min_part_size: u64,
}

/// The state of a store.
#[derive(Debug)]
pub(crate) struct Vault {
    catalog: Mutex<Catalog>,
    backing: Backing,
    counter: AtomicU64,
    listeners: Mutex<Vec<UnboundedSender<ObjectCreated>>>,
    pub(crate) clock: Clock,
    pub(crate) habits: Habits,
}

/// An object that requests can see and a power cut could still take back.
struct Published {
    object: Arc<Object>,
    sequencer: String,
}

impl Vault {
    pub(crate) fn new(backing: Backing, catalog: Catalog, clock: Clock, habits: Habits) -> Self {
        Self {
            catalog: Mutex::new(catalog),
            backing,
            counter: AtomicU64::new(0),
            listeners: Mutex::default(),
            clock,
            habits,
        }
    }

    /// The catalogue, locked. No lock is held over an await, and no critical section panics half-way.
    pub(crate) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> UnboundedReceiver<ObjectCreated> {
        let (sender, receiver) = unbounded_channel();
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        receiver
    }

    /// A name that never repeats; of fixed width and growing.
    fn next_name(&self) -> String {
        format!(
            "{:06x}{:010x}",
            self.backing.run(),
            self.counter.fetch_add(1, Ordering::Relaxed)
        )
    }

    pub(crate) async fn create_bucket(&self, name: &str) -> S3Result {
        let bucket = Bucket {
            created: self.clock.now(),
            objects: Default::default(),
        };
        let slot = Slot::Bucket(name);
        let staged = self
            .backing
            .stage(slot, &bucket, &[])
            .await
            .map_err(broken)?;
        {
            let mut catalog = self.catalog();
            if catalog.buckets.contains_key(name) {
                return Err(s3_error!(
                    BucketAlreadyOwnedByYou,
                    "The bucket you tried to create already exists, and you own it."
                ));
            }
            self.backing.publish(staged).map_err(broken)?;
            catalog.buckets.insert(name.to_owned(), bucket);
        }
        self.backing.settle(slot).await.map_err(broken)
    }

    pub(crate) async fn delete_bucket(&self, name: &str) -> S3Result {
        let slot = Slot::Bucket(name);
        {
            let mut catalog = self.catalog();
            if !catalog.bucket(name)?.objects.is_empty() {
                return Err(s3_error!(
                    BucketNotEmpty,
                    "The bucket you tried to delete is not empty"
                ));
            }
            self.backing.retract(slot).map_err(broken)?;
            catalog.buckets.remove(name);
        }
        self.backing.settle(slot).await.map_err(broken)
    }

    /// Refuses an unknown bucket before its body is read, or makes it where that is wanted.
    pub(crate) async fn admit(&self, bucket: &str) -> S3Result {
        if self.catalog().buckets.contains_key(bucket) {
            return Ok(());
        }
        if !self.habits.auto_create_buckets {
            return self.catalog().bucket(bucket).map(|_| ());
        }
        match self.create_bucket(bucket).await {
            Err(error) if *error.code() != s3s::S3ErrorCode::BucketAlreadyOwnedByYou => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) async fn keep(&self, body: bytes::Bytes) -> S3Result<Blob> {
        self.backing.keep(body).await.map_err(broken)
    }

    /// Stores an object whose body is kept already; the body of a refused one is let go.
    pub(crate) async fn put(
        &self,
        bucket: &str,
        object: Object,
        condition: &WriteCondition,
    ) -> S3Result<Arc<Object>> {
        let body = object.body.clone();
        let published = self.publish(bucket, object, condition, None).await;
        let published = published.inspect_err(|_| body.iter().for_each(Blob::doom))?;
        self.settle(bucket, published).await
    }

    /// Stores an object made of the parts of `upload`, which ends with it; a refusal leaves the upload as it was.
    pub(crate) async fn complete(
        &self,
        upload: &Upload,
        object: Object,
        condition: &WriteCondition,
    ) -> S3Result<Arc<Object>> {
        let bucket = &upload.bucket;
        let published = self
            .publish(bucket, object, condition, Some(upload))
            .await?;
        self.settle(bucket, published).await
    }

    /// The critical section of a write. After an error nothing names the object.
    async fn publish(
        &self,
        bucket: &str,
        mut object: Object,
        condition: &WriteCondition,
        upload: Option<&Upload>,
    ) -> S3Result<Published> {
        if self.habits.discard_bodies {
            object.body = object
                .body
                .iter()
                .map(|blob| match blob.len() {
                    small if small <= KEPT => blob.clone(),
                    large => Blob::Discarded(large),
                })
                .collect();
        }
        let object = Arc::new(object);
        let key = &object.key;
        let staged = self
            .backing
            .stage(Slot::Object { bucket, key }, &*object, &object.body);
        let staged = staged.await.map_err(broken)?;
        let mut catalog = self.catalog();
        if let Some(upload) = upload {
            catalog.upload(bucket, key, &upload.id)?;
        }
        let objects = &mut catalog.bucket_mut(bucket)?.objects;
        if self.habits.conditional_writes {
            condition.allows_write(objects.get(key).map(|object| object.etag.as_str()))?;
        }
        self.backing.publish(staged).map_err(broken)?;
        self.backing.show(bucket, key, Some(&object.body));
        if let Some(old) = objects.insert(key.clone(), Arc::clone(&object)) {
            forget(&old.body, &object.body);
        }
        if let Some(upload) = upload {
            self.end_upload(&mut catalog, &upload.id, &object.body);
        }
        // Still under the lock: for one key, events are numbered in the order of its versions.
        let sequencer = self.next_name();
        drop(catalog);
        Ok(Published { object, sequencer })
    }

    /// Makes a published object durable, and only then announces it.
    async fn settle(&self, bucket: &str, published: Published) -> S3Result<Arc<Object>> {
        let Published { object, sequencer } = published;
        let slot = Slot::Object {
            bucket,
            key: &object.key,
        };
        self.backing.settle(slot).await.map_err(broken)?;
        self.announce(bucket, &object, sequencer);
        Ok(object)
    }

    pub(crate) async fn delete(
        &self,
        bucket: &str,
        key: &str,
        condition: &WriteCondition,
    ) -> S3Result {
        let slot = Slot::Object { bucket, key };
        {
            let mut catalog = self.catalog();
            let objects = &mut catalog.bucket_mut(bucket)?.objects;
            if self.habits.conditional_writes {
                condition.allows_delete(objects.get(key).map(|object| object.etag.as_str()))?;
            }
            let Some(old) = objects.get(key).cloned() else {
                return Ok(());
            };
            self.backing.retract(slot).map_err(broken)?;
            self.backing.show(bucket, key, None);
            objects.remove(key);
            forget(&old.body, &[]);
        }
        self.backing.settle(slot).await.map_err(broken)
    }

    /// Begins a multipart upload and returns its id. `id` in `upload` is ignored.
    pub(crate) async fn begin_upload(&self, mut upload: Upload) -> S3Result<String> {
        let id = self.next_name();
        upload.id.clone_from(&id);
        let slot = Slot::Upload(&id);
        let staged = self
            .backing
            .stage(slot, &upload, &[])
            .await
            .map_err(broken)?;
        {
            let mut catalog = self.catalog();
            catalog.bucket(&upload.bucket)?;
            self.backing.publish(staged).map_err(broken)?;
            catalog.uploads.insert(id.clone(), upload);
        }
        self.backing.settle(slot).await.map_err(broken)?;
        Ok(id)
    }

    /// Adds or replaces a part.
    pub(crate) async fn put_part(&self, bucket: &str, key: &str, id: &str, part: Part) -> S3Result {
        let slot = Slot::Part {
            upload: id,
            number: part.number,
        };
        let staged = self
            .backing
            .stage(slot, &part, &part.body)
            .await
            .map_err(broken)?;
        {
            let mut catalog = self.catalog();
            catalog
                .upload(bucket, key, id)
                .inspect_err(|_| part.body.iter().for_each(Blob::doom))?;
            self.backing.publish(staged).map_err(broken)?;
            let parts = catalog.uploads.get_mut(id).map(|upload| &mut upload.parts);
            if let Some(old) = parts.and_then(|parts| parts.insert(part.number, part)) {
                forget(&old.body, &[]);
            }
        }
        self.backing.settle(slot).await.map_err(broken)
    }

    pub(crate) async fn abort_upload(&self, bucket: &str, key: &str, id: &str) -> S3Result {
        {
            let mut catalog = self.catalog();
            catalog.upload(bucket, key, id)?;
            self.end_upload(&mut catalog, id, &[]);
        }
        self.backing.settle(Slot::Upload(id)).await.map_err(broken)
    }

    /// Drops an upload and the parts that are not in `used`. A folder that stays behind is swept at the next start.
    fn end_upload(&self, catalog: &mut Catalog, id: &str, used: &[Blob]) {
        if let Some(upload) = catalog.uploads.remove(id) {
            upload
                .parts
                .values()
                .for_each(|part| forget(&part.body, used));
        }
        if let Err(error) = self.backing.retract(Slot::Upload(id)) {
            tracing::warn!(upload = id, %error, "an ended upload stays behind until the next start");
        }
    }

    fn announce(&self, bucket: &str, object: &Object, sequencer: String) {
        let event = ObjectCreated {
            bucket: bucket.to_owned(),
            key: object.key.clone(),
            size: object.size,
            etag: object.etag.clone(),
            sha256: object.sha256.clone(),
            sequencer,
            at: object.modified,
        };
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }

    pub(crate) fn objects(&self) -> Vec<ObjectInfo> {
        let catalog = self.catalog();
        let of_bucket = |(name, bucket): (&String, &Bucket)| {
            bucket
                .objects
                .values()
                .map(|object| ObjectInfo::new(name, object))
                .collect::<Vec<_>>()
        };
        catalog.buckets.iter().flat_map(of_bucket).collect()
    }

    pub(crate) fn objects_in(&self, bucket: &str) -> Vec<ObjectInfo> {
        let catalog = self.catalog();
        let found = catalog.buckets.get(bucket).into_iter();
        found
            .flat_map(|found| found.objects.values())
            .map(|object| ObjectInfo::new(bucket, object))
            .collect()
    }
}

/// Dooms the blobs of a record that is gone, but not those that `kept` still names (a copy onto itself).
fn forget(gone: &[Blob], kept: &[Blob]) {
    let is_kept = |blob: &Blob| kept.iter().any(|other| same_file(blob, other));
    gone.iter()
        .filter(|blob| !is_kept(blob))
        .for_each(Blob::doom);
}

fn same_file(one: &Blob, other: &Blob) -> bool {
    matches!((one, other), (Blob::File(one), Blob::File(other)) if Arc::ptr_eq(one, other))
}

/// A failure of the backing's file system, as the client sees it.
pub(crate) fn broken(error: std::io::Error) -> S3Error {
    S3Error::internal_error(error)
}
