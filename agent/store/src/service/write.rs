//! PUT, COPY and DELETE of whole objects.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::intake::{self, Claims};
use super::read::checksum_type;
use super::{Service, etag};
use crate::backing;
use crate::checksum::{Algorithm, Checksum, Hasher, echo_checksum, hex};
use crate::object::{Attributes, Object};
use crate::precondition::{ReadCondition, WriteCondition};
use crate::vault::broken;

/// The attributes that a PUT, a COPY or a CreateMultipartUpload sets.
macro_rules! attributes {
    ($input:expr) => {
        $crate::object::Attributes {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take().and_then(without_chunking),
            content_language: $input.content_language.take(),
            content_disposition: $input.content_disposition.take(),
            cache_control: $input.cache_control.take(),
            expires: $input.expires.take(),
            metadata: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}
pub(super) use attributes;

/// `aws-chunked` is the encoding of the transfer, not of the object.
pub(super) fn without_chunking(encoding: String) -> Option<String> {
    let kept: Vec<&str> = encoding
        .split(',')
        .map(str::trim)
        .filter(|part| *part != "aws-chunked")
        .collect();
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

impl Service {
    pub(super) async fn put_object_op(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<PutObjectOutput> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        self.0.admit(&input.bucket).await?;
        let claims = Claims {
            headers: &headers,
            trailers: trailing_headers.as_ref(),
            content_md5: input.content_md5.as_deref(),
            content_length: input.content_length,
            default: Algorithm::Crc64nvme,
        };
        let taken = intake::take(input.body.take(), claims).await?;
        let object = Object {
            size: taken.body.len() as u64,
            etag: hex(&taken.digests.md5),
            sha256: taken.digests.sha256,
            checksum: taken.digests.checksum,
            attributes: attributes!(input),
            modified: self.0.clock.now(),
            body: vec![self.0.keep(taken.body).await?],
            key: input.key,
        };
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        let object = self.0.put(&input.bucket, object, &condition).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(etag(&object.etag)),
            checksum_type: Some(checksum_type(false)),
            ..Default::default()
        };
        echo_checksum!(output, &object.checksum);
        Ok(output)
    }

    /// Copies an object, also onto itself with other metadata.
    pub(super) async fn copy_object_op(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let mut input = request.input;
        self.0.admit(&input.bucket).await?;
        let replace = input
            .metadata_directive
            .as_ref()
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        let source = self.copy_source(&mut input, replace)?;
        let attributes = if replace {
            attributes!(input)
        } else {
            source.attributes.clone()
        };
        let asked = input
            .checksum_algorithm
            .as_ref()
            .and_then(|algorithm| Algorithm::from_name(algorithm.as_str()));
        let object = self.copied(&source, input.key, attributes, asked).await?;
        let object = self
            .0
            .put(&input.bucket, object, &WriteCondition::default())
            .await?;
        let mut result = CopyObjectResult {
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(object.modified.into()),
            checksum_type: Some(checksum_type(object.checksum.composite)),
            ..Default::default()
        };
        echo_checksum!(result, &object.checksum);
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            ..Default::default()
        })
    }

    /// The object to copy, if the request's conditions hold and the copy would change anything.
    fn copy_source(&self, input: &mut CopyObjectInput, replace: bool) -> S3Result<Arc<Object>> {
        let condition = ReadCondition {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            if_modified_since: input.copy_source_if_modified_since.take(),
            if_unmodified_since: input.copy_source_if_unmodified_since.take(),
        };
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(
                NotImplemented,
                "Only a bucket and a key can be copied from"
            ));
        };
        if !replace && **bucket == *input.bucket && **key == *input.key {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing anything."
            ));
        }
        let source = Arc::clone(self.0.catalog().object(bucket, key)?);
        // A copy has no 304: a source that was not modified is a condition that did not hold.
        let held = condition.allows(&source.etag, source.modified);
        held.map_err(|_| s3_error!(PreconditionFailed))
            .map(|()| source)
    }

    /// The copy as an object of its own; its body is one piece with the MD5 as ETag, also where the source had parts.
    async fn copied(
        &self,
        source: &Object,
        key: String,
        attributes: Attributes,
        asked: Option<Algorithm>,
    ) -> S3Result<Object> {
        let mut copy = Object {
            key,
            attributes,
            modified: self.0.clock.now(),
            ..source.clone()
        };
        if self.0.habits.discard_bodies {
            return Ok(copy);
        }
        let body = backing::read(&source.body, 0..source.size)
            .await
            .map_err(broken)?;
        let mut hasher = Hasher::new(asked.unwrap_or(source.checksum.algorithm));
        hasher.update(&body);
        let digests = hasher.finish();
        copy.etag = hex(&digests.md5);
        copy.checksum = Checksum {
            composite: false,
            ..digests.checksum
        };
        copy.body = vec![self.0.keep(body).await?];
        Ok(copy)
    }

    pub(super) async fn delete_object_op(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        let condition = WriteCondition {
            if_match: input.if_match,
            if_none_match: None,
        };
        self.0.delete(&input.bucket, &input.key, &condition).await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(super) async fn delete_objects_op(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let input = request.input;
        self.0.catalog().bucket(&input.bucket)?;
        if input.delete.objects.len() > 1000 {
            return Err(s3_error!(
                MalformedXML,
                "At most 1000 keys can be deleted in one request"
            ));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            let condition = WriteCondition {
                if_match: object.e_tag.map(ETagCondition::ETag),
                if_none_match: None,
            };
            let key = Some(object.key.clone());
            match self.0.delete(&input.bucket, &object.key, &condition).await {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key,
                    ..Default::default()
                }),
                Err(error) => errors.push(Error {
                    key,
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    ..Default::default()
                }),
            }
        }
        let some = |list: Vec<_>| Some(list).filter(|list| !list.is_empty());
        Ok(DeleteObjectsOutput {
            deleted: some(deleted),
            errors: Some(errors),
            ..Default::default()
        })
    }
}
