//! A large file in parts: begun, taken up again, completed or given up.
//!
//! A part's digest must stand in the header that precedes its bytes, so every part is read twice: once to hash it,
//! once to send it (from the page cache, as a rule). The first pass also feeds the digest of the whole file,
//! over skipped parts too: only when that equals the accepted digest is the upload completed. What was sent of
//! each part is what was hashed, because the part's digest is signed. So the object is the accepted image,
//! whatever happened to the file between two attempts.
//!
//! A part is skipped when the store lists it with our size and our checksum, or, on a store that lists no
//! checksums, with the ETag that we recorded together with the digest that the file still has.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use sha2::Digest as _;
use weir_journey::identity::Sha256;
use weir_journey::upload::Verdict;
use weir_journey::verify::ObjectFacts;

use super::body::stream;
use super::conditional::Conditional;
use super::deliver::{Parcel, Written};
use super::look::checksum;
use super::part_log::{Part, Unfinished};
use super::signing::SignedDigest;
use super::source::{Source, SourceFault};
use super::stall::Watch;
use super::{Doing, Failure, SendError, Store};

/// Most parts of an upload
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
const MOST_PARTS: u64 = 10_000;

/// An upload under way, with the parts that it need not send again.
struct Upload {
    id: String,
    part_size: u64,
    recorded: Vec<Part>,
    listed: Vec<Listed>,
}

/// A part as the store lists it.
struct Listed {
    number: i32,
    size: u64,
    sha256: Option<Sha256>,
    etag: String,
}

impl Store {
    /// Sends the file in parts; also gives the checksum of checksums that the store should arrive at.
    pub(super) async fn send_parts(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
    ) -> Result<(Written, Option<String>), SendError> {
        let upload = match self.resume(parcel).await? {
            Some(upload) => upload,
            None => self.begin(parcel).await?,
        };
        let sent = match self.send_missing(parcel, source, &upload).await {
            Ok(parts) => self
                .complete(parcel, &upload.id, &parts)
                .await
                .map(|written| {
                    let composite = composite(&parts);
                    (written, Some(composite))
                }),
            Err(error) => Err(error),
        };
        match &sent {
            Ok((Written::Stored(_), _)) => self.end(parcel).await?,
            Ok((Written::Taken(_), _)) => self.give_up_parts(parcel).await?,
            // What may be of use to the next attempt stays; `deliver` clears the rest away.
            Err(_) => {}
        }
        sent
    }

    /// Ends an upload in parts whose parts are of no more use, if there is one. Where the store forbids that
    /// (`s3:AbortMultipartUpload`), the parts are left to the bucket's own lifecycle rules.
    ///
    /// # Errors
    /// [`SendError::Store`] when it has to be tried again, [`SendError::Log`] when the record cannot be kept.
    pub async fn give_up_parts(&self, parcel: &Parcel<'_>) -> Result<(), SendError> {
        let Some(unfinished) = parcel.parts.unfinished().await.map_err(SendError::Log)? else {
            return Ok(());
        };
        let aborted = self
            .timely(|| self.abort(parcel, &unfinished.upload_id))
            .await;
        match aborted {
            Err(SendError::Store(failure)) if failure.is_absent() => {}
            Err(SendError::Store(failure)) if matches!(failure.verdict(), Verdict::Park { .. }) => {
                tracing::warn!(%failure, "parts of an unfinished upload are left in the bucket");
            }
            aborted => aborted?,
        }
        self.end(parcel).await
    }

    async fn end(&self, parcel: &Parcel<'_>) -> Result<(), SendError> {
        parcel.parts.ended().await.map_err(SendError::Log)
    }

    async fn abort(&self, parcel: &Parcel<'_>, id: &str) -> Result<(), SendError> {
        let request = self
            .0
            .client
            .abort_multipart_upload()
            .bucket(parcel.bucket)
            .key(parcel.key)
            .upload_id(id)
            .send();
        let watch = Watch::new();
        self.ask(Doing::AbortMultipartUpload, parcel.place(), &watch, request)
            .await?;
        Ok(())
    }

    async fn begin(&self, parcel: &Parcel<'_>) -> Result<Upload, SendError> {
        let part_size = part_size(parcel.size, self.0.part_size);
        let id = self.timely(|| self.create(parcel)).await?;
        parcel
            .parts
            .begun(&id, part_size)
            .await
            .map_err(SendError::Log)?;
        Ok(Upload {
            id,
            part_size,
            recorded: Vec::new(),
            listed: Vec::new(),
        })
    }

    async fn create(&self, parcel: &Parcel<'_>) -> Result<String, SendError> {
        let request = self
            .0
            .client
            .create_multipart_upload()
            .bucket(parcel.bucket)
            .key(parcel.key)
            .content_type(parcel.content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_metadata(Some(parcel.metadata()))
            .send();
        let doing = Doing::CreateMultipartUpload;
        let watch = Watch::new();
        let output = self.ask(doing, parcel.place(), &watch, request).await?;
        output
            .upload_id
            .ok_or_else(|| Failure::garbled(doing, parcel.place(), "no upload id").into())
    }

    /// The upload that was begun, if the store still knows it.
    async fn resume(&self, parcel: &Parcel<'_>) -> Result<Option<Upload>, SendError> {
        let Some(unfinished) = parcel.parts.unfinished().await.map_err(SendError::Log)? else {
            return Ok(None);
        };
        let listed = match self
            .timely(|| self.list(parcel, &unfinished.upload_id))
            .await
        {
            Ok(listed) => listed,
            Err(SendError::Store(failure)) if failure.is_lost_upload() => return Ok(None),
            Err(error) => return Err(error),
        };
        let Unfinished {
            upload_id: id,
            part_size,
            parts: recorded,
        } = unfinished;
        // A store that cut parts to no size we know would only make a mess of it.
        Ok((part_size > 0).then_some(Upload {
            id,
            part_size,
            recorded,
            listed,
        }))
    }

    async fn list(&self, parcel: &Parcel<'_>, id: &str) -> Result<Vec<Listed>, SendError> {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let request = self
                .0
                .client
                .list_parts()
                .bucket(parcel.bucket)
                .key(parcel.key)
                .upload_id(id)
                .set_part_number_marker(after.take())
                .send();
            let watch = Watch::new();
            let page = self
                .ask(Doing::ListParts, parcel.place(), &watch, request)
                .await?;
            listed.extend(page.parts().iter().filter_map(|part| {
                Some(Listed {
                    number: part.part_number()?,
                    size: part.size()?.try_into().ok()?,
                    sha256: part.checksum_sha256().and_then(Sha256::from_base64),
                    etag: part.e_tag()?.to_owned(),
                })
            }));
            match page.next_part_number_marker {
                Some(marker) if page.is_truncated == Some(true) => after = Some(marker),
                _ => return Ok(listed),
            }
        }
    }

    /// Hashes every part, sends those that the store has not, and compares the whole with what was accepted.
    async fn send_missing(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
        upload: &Upload,
    ) -> Result<Vec<Part>, SendError> {
        let mut whole = sha2::Sha256::new();
        let mut parts = Vec::new();
        for (number, range) in (1..).zip(ranges(source.len(), upload.part_size)) {
            let sha256;
            (sha256, whole) = source.digest(range.clone(), whole).await?;
            let size = range.end - range.start;
            let etag = match upload.etag_of(number, size, sha256) {
                Some(etag) => etag.to_owned(),
                None => {
                    let put = || self.put_part(parcel, source, &upload.id, number, &range, sha256);
                    self.timely(put).await?
                }
            };
            let part = Part {
                number,
                size,
                sha256,
                etag,
            };
            if !upload.recorded.contains(&part) {
                parcel.parts.stored(&part).await.map_err(SendError::Log)?;
            }
            parts.push(part);
        }
        let found = Sha256(whole.finalize().into());
        if found == parcel.sha256 {
            Ok(parts)
        } else {
            let what = format!("SHA-256 {found} instead of {}", parcel.sha256);
            Err(SourceFault::Changed(what).into())
        }
    }

    async fn put_part(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
        id: &str,
        number: i32,
        range: &Range<u64>,
        sha256: Sha256,
    ) -> Result<String, SendError> {
        let meter = self.meter(parcel);
        let request = self
            .0
            .client
            .upload_part()
            .bucket(parcel.bucket)
            .key(parcel.key)
            .upload_id(id)
            .part_number(number)
            .body(stream(source, range.clone(), &meter))
            .checksum_sha256(sha256.base64())
            .customize()
            .interceptor(SignedDigest(sha256))
            .send();
        let doing = Doing::UploadPart;
        let answer = self.ask(doing, parcel.place(), &meter.watch, request).await;
        if let Some(fault) = source.take_fault() {
            return Err(fault.into());
        }
        answer?
            .e_tag
            .ok_or_else(|| Failure::garbled(doing, parcel.place(), "a part without an ETag").into())
    }

    async fn complete(
        &self,
        parcel: &Parcel<'_>,
        id: &str,
        parts: &[Part],
    ) -> Result<Written, SendError> {
        let condition = self.0.knowledge.of(parcel.bucket) != Conditional::Ignored;
        match self
            .timely(|| self.join(parcel, id, parts, condition))
            .await
        {
            Err(SendError::Store(failure)) if condition && failure.is_status(501) => {
                self.0.knowledge.learn(parcel.bucket, Conditional::Ignored);
                self.timely(|| self.join(parcel, id, parts, false)).await
            }
            // Unknown upload: it may well be complete already, the answer having been lost.
            Err(SendError::Store(failure))
                if failure.verdict() == Verdict::Exists || failure.is_lost_upload() =>
            {
                Ok(Written::Taken(*failure))
            }
            completed => completed,
        }
    }

    async fn join(
        &self,
        parcel: &Parcel<'_>,
        id: &str,
        parts: &[Part],
        condition: bool,
    ) -> Result<Written, SendError> {
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(part.number)
                .e_tag(&part.etag)
                .checksum_sha256(part.sha256.base64())
                .build()
        });
        let request = self
            .0
            .client
            .complete_multipart_upload()
            .bucket(parcel.bucket)
            .key(parcel.key)
            .upload_id(id)
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(parts.collect()))
                    .build(),
            )
            .set_if_none_match(condition.then(|| "*".to_owned()))
            .send();
        let doing = Doing::CompleteMultipartUpload;
        let watch = Watch::new();
        let output = self.ask(doing, parcel.place(), &watch, request).await?;
        let (sha256, composite) = checksum(output.checksum_sha256(), output.e_tag());
        Ok(Written::Stored(ObjectFacts {
            sha256,
            composite,
            etag: output.e_tag,
            ..ObjectFacts::default()
        }))
    }
}

impl Upload {
    /// The ETag of a part that the store holds as it should be.
    fn etag_of(&self, number: i32, size: u64, sha256: Sha256) -> Option<&str> {
        let listed = self
            .listed
            .iter()
            .find(|part| part.number == number && part.size == size)?;
        let same = match listed.sha256 {
            Some(theirs) => theirs == sha256,
            None => self.recorded.iter().any(|part| {
                part.number == number && part.sha256 == sha256 && part.etag == listed.etag
            }),
        };
        same.then_some(listed.etag.as_str())
    }
}

/// The size of parts, so that there are not too many: the wanted one, or the least whole MiB that does.
fn part_size(size: u64, wanted: u64) -> u64 {
    const MIB: u64 = 1024 * 1024;
    let least = size.div_ceil(MOST_PARTS);
    if least <= wanted {
        wanted
    } else {
        least.div_ceil(MIB) * MIB
    }
}

/// The parts of a file of `size` bytes, in order.
fn ranges(size: u64, part_size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(part_size))
        .map(move |index| index * part_size..size.min((index + 1) * part_size))
}

/// The checksum of checksums, as S3 computes and spells it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>).
fn composite(parts: &[Part]) -> String {
    let mut digest = sha2::Sha256::new();
    for part in parts {
        digest.update(part.sha256.0);
    }
    let digest = Sha256(digest.finalize().into());
    format!("{}-{}", digest.base64(), parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_cover_the_file_once_and_are_not_too_many(size in 1u64..5_000_000_000_000, wanted in 5u64 << 20..5 << 30) {
            let part = part_size(size, wanted);
            prop_assert!(part >= wanted && size.div_ceil(part) <= MOST_PARTS);
            let mut end = 0;
            for range in ranges(size, part) {
                prop_assert!(range.start == end && range.end > end && range.end - end <= part);
                end = range.end;
            }
            prop_assert_eq!(end, size);
        }

        #[test]
        fn only_a_part_that_the_store_holds_with_our_bytes_is_skipped(
            listed: bool, size in 1u64..3, theirs in proptest::option::of(0u8..2), recorded in proptest::option::of((0u8..2, 0u8..2)),
        ) {
            let upload = Upload {
                id: "u".into(),
                part_size: 1,
                listed: listed.then(|| Listed { number: 1, size, sha256: theirs.map(|byte| Sha256([byte; 32])), etag: "0".into() }).into_iter().collect(),
                recorded: recorded.map(|(byte, etag)| Part { number: 1, size, sha256: Sha256([byte; 32]), etag: etag.to_string() }).into_iter().collect(),
            };
            let vouched = theirs.map_or(recorded == Some((0, 0)), |byte| byte == 0);
            prop_assert_eq!(upload.etag_of(1, 1, Sha256([0; 32])).is_some(), listed && size == 1 && vouched);
            prop_assert_eq!(upload.etag_of(2, 1, Sha256([0; 32])), None);
        }
    }
}
