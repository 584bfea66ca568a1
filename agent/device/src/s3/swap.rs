//! Small objects that many write: conditional requests, each with the `Date` of its answer.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::Digest as _;
use weir_journey::identity::Sha256;

use super::signing::SignedDigest;
use super::stall::Watch;
use super::{Doing, Failure, SendError, Store};

/// More than such an object ever holds: a longer one is not ours, and is not read.
const LONGEST: usize = 64 * 1024;

/// What a write asks of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When<'a> {
    /// Nothing.
    Always,
    /// That there is no object (`If-None-Match: *`).
    Absent,
    /// That the object has this ETag (`If-Match`).
    Same(&'a str),
}

/// A small object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Small {
    /// Its ETag.
    pub etag: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// `Last-Modified`.
    pub modified: DateTime<Utc>,
}

/// The `Date` of the last answer to a request that was made with it.
#[derive(Debug, Clone, Default)]
pub struct Dated(Arc<Mutex<Option<DateTime<Utc>>>>);

impl Dated {
    /// What the answer said; `None` when there was no answer, or a cache gave it.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let date = headers
            .get("date")
            .filter(|_| headers.get("age").is_none())
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.to_utc());
        Ok(())
    }
}

impl Store {
    /// Writes a small object; gives its ETag.
    ///
    /// # Errors
    /// [`SendError::Store`]; 412 or 404 where the condition did not hold, 409 where another write was under way.
    pub async fn put_small(
        &self,
        (bucket, key): (&str, &str),
        bytes: Bytes,
        when: When<'_>,
        dated: &Dated,
    ) -> Result<String, SendError> {
        let digest = Sha256(sha2::Sha256::digest(&bytes).into());
        self.timely(|| async {
            let request = self
                .0
                .client
                .put_object()
                .bucket(bucket)
                .key(key)
                .body(ByteStream::from(bytes.clone()))
                .content_type("application/json")
                .checksum_sha256(digest.base64())
                .set_if_none_match((when == When::Absent).then(|| "*".to_owned()))
                .set_if_match(same(when))
                .customize()
                .interceptor(SignedDigest(digest))
                .interceptor(dated.clone())
                .send();
            let (doing, watch) = (Doing::PutObject, Watch::new());
            let output = self.ask(doing, (bucket, key), &watch, request).await?;
            let garbled = || Failure::garbled(doing, (bucket, key), "a write without an ETag");
            Ok(output.e_tag.ok_or_else(garbled)?)
        })
        .await
    }

    /// Reads a small object; `None` when there is none.
    ///
    /// # Errors
    /// [`SendError::Store`]. AWS answers 403 for an absent object to whoever may not list the bucket.
    pub async fn get_small(
        &self,
        (bucket, key): (&str, &str),
        dated: &Dated,
    ) -> Result<Option<Small>, SendError> {
        let read = self
            .timely(|| async {
                let request = self.0.client.get_object().bucket(bucket).key(key);
                let request = request.customize().interceptor(dated.clone()).send();
                let (doing, watch) = (Doing::GetObject, Watch::new());
                let output = self.ask(doing, (bucket, key), &watch, request).await?;
                let garbled = |what: &str| Failure::garbled(doing, (bucket, key), what);
                let short = |length| usize::try_from(length).is_ok_and(|length| length <= LONGEST);
                if !output.content_length().is_some_and(short) {
                    return Err(garbled("an object that was not written here").into());
                }
                let etag = output.e_tag.ok_or_else(|| garbled("no ETag"))?;
                let modified = output
                    .last_modified
                    .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()))
                    .ok_or_else(|| garbled("no Last-Modified"))?;
                let body = watch.over(self.0.no_progress, output.body.collect()).await;
                match body {
                    Ok(Ok(bytes)) => Ok(Small {
                        etag,
                        bytes: bytes.into_bytes(),
                        modified,
                    }),
                    Ok(Err(error)) => Err(garbled(&error.to_string()).into()),
                    Err(super::stall::Stalled) => Err(garbled("its bytes stopped coming").into()),
                }
            })
            .await;
        match read {
            Err(SendError::Store(failure)) if failure.is_no_object() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Deletes a small object, on a condition.
    ///
    /// # Errors
    /// [`SendError::Store`], as of a write.
    pub async fn delete_small(
        &self,
        (bucket, key): (&str, &str),
        when: When<'_>,
        dated: &Dated,
    ) -> Result<(), SendError> {
        self.timely(|| async {
            let request = self.0.client.delete_object().bucket(bucket).key(key);
            let request = request.set_if_match(same(when)).customize();
            let request = request.interceptor(dated.clone()).send();
            let watch = Watch::new();
            self.ask(Doing::DeleteObject, (bucket, key), &watch, request)
                .await?;
            Ok(())
        })
        .await
    }
}

fn same(when: When<'_>) -> Option<String> {
    match when {
        When::Same(etag) => Some(etag.to_owned()),
        When::Always | When::Absent => None,
    }
}
