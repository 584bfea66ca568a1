//! Multipart uploads.
//!
//! Checksums follow <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>:
//! SHA-1 and SHA-256 are composite, CRC-64/NVME is of the full object, CRC-32 and CRC-32C are composite unless the upload
//! asked for `FULL_OBJECT`; without an algorithm the object gets CRC-64/NVME of the full object.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::intake::{self, Claims};
use super::read::checksum_type;
use super::write::{attributes, without_chunking};
use super::{Service, etag, page_size, signed};
use crate::backing;
use crate::checksum::{
    self, Algorithm, Checksum, Digests, Hasher, echo_checksum, given_checksum, hex,
};
use crate::object::{self, Object, Upload};
use crate::precondition::WriteCondition;
use crate::vault::broken;

impl Service {
    pub(super) async fn create_upload_op(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let mut input = request.input;
        self.0.admit(&input.bucket).await?;
        let algorithm = input.checksum_algorithm.as_ref().map(|algorithm| {
            Algorithm::from_name(algorithm.as_str()).ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "Checksum algorithm provided is unsupported."
                )
            })
        });
        let algorithm = algorithm.transpose()?;
        let composite = is_composite(algorithm, input.checksum_type.as_ref())?;
        let upload = Upload {
            id: String::new(),
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            attributes: attributes!(input),
            initiated: self.0.clock.now(),
            algorithm,
            composite,
            parts: Default::default(),
        };
        let id = self.0.begin_upload(upload).await?;
        Ok(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: algorithm.map(|_| checksum_type(composite)),
            ..Default::default()
        })
    }

    pub(super) async fn upload_part_op(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let upload_algorithm = self
            .0
            .catalog()
            .upload(&input.bucket, &input.key, &input.upload_id)?
            .algorithm;
        let claims = Claims {
            headers: &headers,
            trailers: trailing_headers.as_ref(),
            content_md5: input.content_md5.as_deref(),
            content_length: input.content_length,
            default: upload_algorithm.unwrap_or(Algorithm::Crc64nvme),
        };
        let taken = intake::take(input.body.take(), claims).await?;
        let sum = taken.digests.checksum.clone();
        same_algorithm(upload_algorithm, sum.algorithm)?;
        let part = object::Part {
            number: input.part_number,
            size: taken.body.len() as u64,
            etag: hex(&taken.digests.md5),
            checksum: sum.clone(),
            modified: self.0.clock.now(),
            body: vec![self.0.keep(taken.body).await?],
        };
        let mut output = UploadPartOutput {
            e_tag: Some(etag(&part.etag)),
            ..Default::default()
        };
        echo_checksum!(output, &sum);
        self.0
            .put_part(&input.bucket, &input.key, &input.upload_id, part)
            .await?;
        Ok(output)
    }

    pub(super) async fn complete_upload_op(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let input = request.input;
        let upload = self
            .0
            .catalog()
            .upload(&input.bucket, &input.key, &input.upload_id)?
            .clone();
        let named = input
            .multipart_upload
            .as_ref()
            .and_then(|parts| parts.parts.as_deref())
            .unwrap_or_default();
        let parts = chosen(&upload, named, self.0.habits.min_part_size)?;
        let object = self.assembled(&upload, &parts).await?;
        if let Some(given) = given_checksum!(input, object.checksum.algorithm)
            && object.checksum.value.split('-').next() != given.split('-').next()
        {
            return Err(s3_error!(
                BadDigest,
                "The checksum you specified did not match the calculated checksum."
            ));
        }
        if input
            .mpu_object_size
            .is_some_and(|size| signed(object.size) != size)
        {
            return Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header does not match what was computed."
            ));
        }
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let object = self.0.complete(&upload, object, &condition).await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(etag(&object.etag)),
            checksum_type: Some(checksum_type(object.checksum.composite)),
            ..Default::default()
        };
        echo_checksum!(output, &object.checksum);
        Ok(output)
    }

    /// The object that the parts make. Its ETag is the MD5 of the parts' MD5s, a dash and their number.
    async fn assembled(&self, upload: &Upload, parts: &[&object::Part]) -> S3Result<Object> {
        let mut md5s = Hasher::new(Algorithm::Sha256);
        let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64nvme);
        let mut whole = Hasher::new(algorithm);
        let mut body = Vec::new();
        for part in parts {
            let bytes = backing::read(&part.body, 0..part.size)
                .await
                .map_err(broken)?;
            whole.update(&bytes);
            md5s.update(&checksum::unhex(&part.etag));
            body.extend(part.body.iter().cloned());
        }
        let Digests {
            sha256,
            checksum: full,
            ..
        } = whole.finish();
        let checksum = if upload.composite {
            checksum::composite(
                algorithm,
                parts.iter().map(|part| part.checksum.value.as_str()),
            )
        } else {
            Checksum {
                composite: false,
                ..full
            }
        };
        Ok(Object {
            key: upload.key.clone(),
            size: parts.iter().map(|part| part.size).sum(),
            etag: format!("{}-{}", hex(&md5s.finish().md5), parts.len()),
            sha256,
            checksum,
            attributes: upload.attributes.clone(),
            modified: self.0.clock.now(),
            body,
        })
    }

    pub(super) async fn abort_upload_op(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<AbortMultipartUploadOutput> {
        let input = request.input;
        self.0
            .abort_upload(&input.bucket, &input.key, &input.upload_id)
            .await?;
        Ok(AbortMultipartUploadOutput::default())
    }

    pub(super) async fn list_parts_op(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<ListPartsOutput> {
        let input = request.input;
        let catalog = self.0.catalog();
        let upload = catalog.upload(&input.bucket, &input.key, &input.upload_id)?;
        let after = input.part_number_marker.unwrap_or(0);
        let max = page_size(input.max_parts)?;
        let mut rest = upload.parts.values().filter(|part| part.number > after);
        let parts: Vec<Part> = rest
            .by_ref()
            .take(max)
            .map(|part| listed_part(part, upload.algorithm))
            .collect();
        let truncated = rest.next().is_some();
        Ok(ListPartsOutput {
            is_truncated: Some(truncated),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            parts: Some(parts),
            max_parts: i32::try_from(max).ok(),
            part_number_marker: input.part_number_marker,
            checksum_algorithm: upload
                .algorithm
                .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            checksum_type: upload.algorithm.map(|_| checksum_type(upload.composite)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            ..Default::default()
        })
    }

    pub(super) async fn list_uploads_op(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let input = request.input;
        let max = page_size(input.max_uploads)?;
        let prefix = input.prefix.as_deref().unwrap_or("");
        let key_marker = input.key_marker.as_deref().unwrap_or("");
        let id_marker = input.upload_id_marker.as_deref();
        let catalog = self.0.catalog();
        catalog.bucket(&input.bucket)?;
        let is_after = |upload: &Upload| match id_marker {
            Some(id) if upload.key == key_marker => upload.id.as_str() > id,
            _ => upload.key.as_str() > key_marker,
        };
        let of_bucket = catalog
            .uploads
            .values()
            .filter(|upload| upload.bucket == input.bucket);
        let mut found: Vec<&Upload> = of_bucket
            .filter(|upload| upload.key.starts_with(prefix) && is_after(upload))
            .collect();
        found.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
        let truncated = found.len() > max;
        found.truncate(max);
        let last = found.last().filter(|_| truncated);
        Ok(ListMultipartUploadsOutput {
            is_truncated: Some(truncated),
            next_key_marker: last.map(|upload| upload.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            uploads: Some(found.into_iter().map(listed_upload).collect()),
            max_uploads: i32::try_from(max).ok(),
            bucket: Some(input.bucket),
            prefix: input.prefix,
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            ..Default::default()
        })
    }
}

/// Parts carry the algorithm that their upload named, if it named one.
fn same_algorithm(agreed: Option<Algorithm>, sent: Algorithm) -> S3Result {
    match agreed {
        Some(agreed) if agreed != sent => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            agreed.name(),
            sent.name()
        )),
        _ => Ok(()),
    }
}

fn is_composite(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let asked = asked.map(ChecksumType::as_str);
    match (algorithm, asked) {
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        )),
        (Some(Algorithm::Sha1 | Algorithm::Sha256), Some(ChecksumType::FULL_OBJECT))
        | (Some(Algorithm::Crc64nvme), Some(ChecksumType::COMPOSITE)) => Err(s3_error!(
            InvalidRequest,
            "The checksum type cannot be used with this checksum algorithm."
        )),
        (None | Some(Algorithm::Crc64nvme), _) => Ok(false),
        (Some(_), asked) => Ok(asked != Some(ChecksumType::FULL_OBJECT)),
    }
}

/// The parts that a completion names, checked as AWS checks them.
fn chosen<'u>(
    upload: &'u Upload,
    named: &[CompletedPart],
    min_part_size: u64,
) -> S3Result<Vec<&'u object::Part>> {
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    let mut parts: Vec<&object::Part> = Vec::with_capacity(named.len());
    for name in named {
        let missing = || {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found."
            )
        };
        let number = name.part_number.ok_or_else(missing)?;
        if parts.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order."
            ));
        }
        let part = upload.parts.get(&number).ok_or_else(missing)?;
        let given = given_checksum!(name, part.checksum.algorithm);
        if name
            .e_tag
            .as_ref()
            .is_some_and(|etag| etag.value() != part.etag)
            || given.is_some_and(|given| given != part.checksum.value)
        {
            return Err(missing());
        }
        parts.push(part);
    }
    let all_but_last = &parts[..parts.len() - 1];
    if all_but_last.iter().any(|part| part.size < min_part_size) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    Ok(parts)
}

fn listed_part(part: &object::Part, algorithm: Option<Algorithm>) -> Part {
    let mut listed = Part {
        part_number: Some(part.number),
        size: Some(signed(part.size)),
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(part.modified.into()),
        ..Default::default()
    };
    if algorithm.is_some() {
        echo_checksum!(listed, &part.checksum);
    }
    listed
}

fn listed_upload(upload: &Upload) -> MultipartUpload {
    MultipartUpload {
        key: Some(upload.key.clone()),
        upload_id: Some(upload.id.clone()),
        initiated: Some(upload.initiated.into()),
        checksum_algorithm: upload
            .algorithm
            .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.algorithm.map(|_| checksum_type(upload.composite)),
        ..Default::default()
    }
}
