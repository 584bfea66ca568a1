//! What the store says it holds.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use weir_journey::identity::Sha256;
use weir_journey::verify::ObjectFacts;

use super::stall::Watch;
use super::{Doing, Failure, SendError, Store};

impl Store {
    /// Asks for an object by HEAD; `None` when there is none.
    ///
    /// # Errors
    /// [`SendError::Store`]. AWS answers 403 for an absent object to whoever may not list the bucket.
    pub async fn look(&self, bucket: &str, key: &str) -> Result<Option<ObjectFacts>, SendError> {
        let found = self.timely(|| self.head(bucket, key)).await;
        match found {
            Err(SendError::Store(failure)) if failure.is_absent() => Ok(None),
            found => found.map(Some),
        }
    }

    async fn head(&self, bucket: &str, key: &str) -> Result<ObjectFacts, SendError> {
        let request = self
            .0
            .client
            .head_object()
            .bucket(bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send();
        let watch = Watch::new();
        let output = self
            .ask(Doing::HeadObject, (bucket, key), &watch, request)
            .await?;
        if output.e_tag().is_none() {
            // Every S3 gives one; a login page answers 200 to anything.
            let what = "an object without an ETag: a proxy or a login page is on the way";
            return Err(Failure::garbled(Doing::HeadObject, (bucket, key), what).into());
        }
        Ok(facts(&output))
    }
}

fn facts(output: &HeadObjectOutput) -> ObjectFacts {
    let (sha256, composite) = checksum(output.checksum_sha256());
    ObjectFacts {
        size: output
            .content_length()
            .and_then(|size| size.try_into().ok()),
        sha256,
        composite,
        claimed: output
            .metadata()
            .and_then(|metadata| metadata.get("sha256"))
            .and_then(|digest| digest.parse().ok()),
        etag: output.e_tag().map(str::to_owned),
    }
}

/// A checksum of the object, or one of its parts' checksums, by the spelling: `base64` or `base64-parts`.
pub(super) fn checksum(text: Option<&str>) -> (Option<Sha256>, Option<String>) {
    match text {
        Some(text) if text.contains('-') => (None, Some(text.to_owned())),
        Some(text) => (Sha256::from_base64(text), None),
        None => (None, None),
    }
}
