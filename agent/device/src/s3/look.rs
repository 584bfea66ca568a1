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
    let (sha256, composite) = checksum(output.checksum_sha256(), output.e_tag());
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

/// The checksum in an answer: of the object, or of its parts' checksums.
///
/// S3 spells the latter `base64-parts`, as it does the ETag of an object sent in parts. Some stores leave the
/// number off the checksum but not off the ETag (seen: moto 5.2); SHA-256 of such an object is never one of its
/// bytes (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>).
pub(super) fn checksum(text: Option<&str>, etag: Option<&str>) -> (Option<Sha256>, Option<String>) {
    let parts = etag
        .and_then(|etag| etag.trim_matches('"').rsplit_once('-'))
        .and_then(|(_, parts)| parts.parse::<u32>().ok());
    match (text, parts) {
        (None, _) => (None, None),
        (Some(text), _) if text.contains('-') => (None, Some(text.to_owned())),
        (Some(text), Some(parts)) => (None, Some(format!("{text}-{parts}"))),
        (Some(text), None) => (Sha256::from_base64(text), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_of_parts_is_known_by_its_own_spelling_or_the_etags() {
        let digest = Sha256([7; 32]);
        let (plain, spelled) = (digest.base64(), format!("{}-3", digest.base64()));
        let one = Some("\"0a1554545d1692048edfc1607c411369\"");
        let parts = Some("\"0a1554545d1692048edfc1607c411369-3\"");
        assert_eq!(checksum(Some(&plain), one), (Some(digest), None));
        assert_eq!(checksum(Some(&plain), parts), (None, Some(spelled.clone())));
        assert_eq!(checksum(Some(&spelled), parts), (None, Some(spelled)));
        assert_eq!(checksum(None, parts), (None, None));
    }
}
