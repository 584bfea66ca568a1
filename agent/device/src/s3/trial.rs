//! Requests that only `weir check` makes: what a bucket grants and honours, tried on one object of our own.
//!
//! They go the way of an upload's requests, with its signature, time and limits, so that what is found here is
//! what an upload meets. Nothing but the key that the caller names is touched.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use weir_journey::identity::Sha256;

use super::signing::SignedDigest;
use super::stall::Watch;
use super::{Doing, Failure, SendError, Store};

/// More than an object of a trial ever holds: a longer one is not ours, and is not read.
const LONGEST: usize = 64 * 1024;

impl Store {
    /// Writes `body` in one PUT that declares `digest` of it, as an upload does; with `condition` only where the
    /// key is free.
    ///
    /// # Errors
    /// [`SendError::Store`], as of an upload: 412 where the condition does not hold.
    pub async fn try_put(
        &self,
        (bucket, key): (&str, &str),
        body: &'static [u8],
        digest: Sha256,
        condition: bool,
    ) -> Result<(), SendError> {
        self.timely(|| async {
            let request = self
                .0
                .client
                .put_object()
                .bucket(bucket)
                .key(key)
                .body(ByteStream::from_static(body))
                .content_type("text/plain")
                .checksum_sha256(digest.base64())
                .set_if_none_match(condition.then(|| "*".to_owned()))
                .customize()
                .interceptor(SignedDigest(digest))
                .send();
            let watch = Watch::new();
            self.ask(Doing::PutObject, (bucket, key), &watch, request)
                .await?;
            Ok(())
        })
        .await
    }

    /// Reads an object of at most 64 KiB.
    ///
    /// # Errors
    /// [`SendError::Store`]; with a code, which a HEAD's answer has not.
    pub async fn try_get(&self, (bucket, key): (&str, &str)) -> Result<Bytes, SendError> {
        self.timely(|| async {
            let request = self.0.client.get_object().bucket(bucket).key(key).send();
            let (doing, watch) = (Doing::GetObject, Watch::new());
            let output = self.ask(doing, (bucket, key), &watch, request).await?;
            let garbled = |what: &str| Failure::garbled(doing, (bucket, key), what);
            if output.content_length().is_none_or(|length| {
                usize::try_from(length).map_or(true, |length| length > LONGEST)
            }) {
                return Err(garbled("an object that was not written here").into());
            }
            let body = watch.over(self.0.no_progress, output.body.collect()).await;
            match body {
                Ok(Ok(bytes)) => Ok(bytes.into_bytes()),
                Ok(Err(error)) => Err(garbled(&error.to_string()).into()),
                Err(super::stall::Stalled) => Err(garbled("its bytes stopped coming").into()),
            }
        })
        .await
    }

    /// Begins an upload in parts; gives the store's name for it.
    ///
    /// # Errors
    /// [`SendError::Store`].
    pub async fn try_parts(&self, (bucket, key): (&str, &str)) -> Result<String, SendError> {
        self.timely(|| async {
            let request = self
                .0
                .client
                .create_multipart_upload()
                .bucket(bucket)
                .key(key)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .send();
            let (doing, watch) = (Doing::CreateMultipartUpload, Watch::new());
            let output = self.ask(doing, (bucket, key), &watch, request).await?;
            output
                .upload_id
                .ok_or_else(|| Failure::garbled(doing, (bucket, key), "no upload id").into())
        })
        .await
    }

    /// Lists the parts of an upload, of which a trial's has none.
    ///
    /// # Errors
    /// [`SendError::Store`].
    pub async fn try_list_parts(
        &self,
        (bucket, key): (&str, &str),
        upload: &str,
    ) -> Result<(), SendError> {
        self.timely(|| async {
            let request = self
                .0
                .client
                .list_parts()
                .bucket(bucket)
                .key(key)
                .upload_id(upload)
                .send();
            let watch = Watch::new();
            self.ask(Doing::ListParts, (bucket, key), &watch, request)
                .await?;
            Ok(())
        })
        .await
    }

    /// Ends an upload in parts without an object.
    ///
    /// # Errors
    /// [`SendError::Store`].
    pub async fn try_abort(
        &self,
        (bucket, key): (&str, &str),
        upload: &str,
    ) -> Result<(), SendError> {
        self.timely(|| async {
            let request = self
                .0
                .client
                .abort_multipart_upload()
                .bucket(bucket)
                .key(key)
                .upload_id(upload)
                .send();
            let watch = Watch::new();
            self.ask(Doing::AbortMultipartUpload, (bucket, key), &watch, request)
                .await?;
            Ok(())
        })
        .await
    }

    /// Deletes an object: of a trial's own, which is the only deletion that this program asks a store for.
    ///
    /// # Errors
    /// [`SendError::Store`].
    pub async fn try_delete(&self, (bucket, key): (&str, &str)) -> Result<(), SendError> {
        self.timely(|| async {
            let request = self.0.client.delete_object().bucket(bucket).key(key).send();
            let watch = Watch::new();
            self.ask(Doing::DeleteObject, (bucket, key), &watch, request)
                .await?;
            Ok(())
        })
        .await
    }
}
