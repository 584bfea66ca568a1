//! A file as one PUT.

use std::sync::Arc;

use weir_journey::upload::Verdict;
use weir_journey::verify::ObjectFacts;

use super::body::stream;
use super::conditional::Conditional;
use super::deliver::{Parcel, Written};
use super::look::checksum;
use super::signing::SignedDigest;
use super::source::Source;
use super::{Doing, SendError, Store};

impl Store {
    /// Sends the file in one request, on the condition that its key is free where the bucket may have that.
    pub(super) async fn send_whole(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
    ) -> Result<Written, SendError> {
        let condition = self.0.knowledge.of(parcel.bucket) != Conditional::Ignored;
        let sent = self.timely(|| self.put(parcel, source, condition)).await;
        match sent {
            Err(SendError::Store(failure)) if condition && failure.is_status(501) => {
                self.0.knowledge.learn(parcel.bucket, Conditional::Ignored);
                self.timely(|| self.put(parcel, source, false)).await
            }
            Err(SendError::Store(failure)) if failure.verdict() == Verdict::Exists => {
                Ok(Written::Taken(*failure))
            }
            sent => sent,
        }
    }

    async fn put(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
        condition: bool,
    ) -> Result<Written, SendError> {
        let meter = self.meter(parcel);
        let request = self
            .0
            .client
            .put_object()
            .bucket(parcel.bucket)
            .key(parcel.key)
            .body(stream(source, 0..source.len(), &meter))
            .content_type(parcel.content_type)
            .checksum_sha256(parcel.sha256.base64())
            .set_metadata(Some(parcel.metadata()))
            .set_if_none_match(condition.then(|| "*".to_owned()))
            .customize()
            .interceptor(SignedDigest(parcel.sha256))
            .send();
        let answer = self
            .ask(Doing::PutObject, parcel.place(), &meter.watch, request)
            .await;
        if let Some(fault) = source.take_fault() {
            return Err(fault.into());
        }
        let output = answer?;
        let (sha256, composite) = checksum(output.checksum_sha256(), output.e_tag());
        Ok(Written::Stored(ObjectFacts {
            sha256,
            composite,
            etag: output.e_tag().map(str::to_owned),
            ..ObjectFacts::default()
        }))
    }
}
