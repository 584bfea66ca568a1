//! GET and HEAD.

use std::ops;
use std::sync::Arc;

use s3s::dto::*;
use s3s::{Body, S3Request, S3Result, s3_error};

use super::{Service, etag, signed};
use crate::backing;
use crate::checksum::echo_checksum;
use crate::object::Object;
use crate::precondition::ReadCondition;
use crate::vault::broken;

/// Fields that GET and HEAD answers have in common.
macro_rules! describe {
    ($output:ident, $object:expr, $with_checksum:expr) => {{
        let object: &Object = $object;
        let attributes = &object.attributes;
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(
                attributes
                    .content_type
                    .clone()
                    .unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            content_encoding: attributes.content_encoding.clone(),
            content_language: attributes.content_language.clone(),
            content_disposition: attributes.content_disposition.clone(),
            cache_control: attributes.cache_control.clone(),
            expires: attributes.expires.clone(),
            metadata: Some(attributes.metadata.clone().into_iter().collect()),
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(object.modified.into()),
            content_length: Some(signed(object.size)),
            ..Default::default()
        };
        if $with_checksum {
            echo_checksum!(output, &object.checksum);
            output.checksum_type = Some(checksum_type(object.checksum.composite));
        }
        output
    }};
}

impl Service {
    pub(super) async fn head_object_op(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<HeadObjectOutput> {
        let input = request.input;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let object = self.find(&input.bucket, &input.key, &condition)?;
        let mut output = describe!(
            HeadObjectOutput,
            &object,
            is_enabled(input.checksum_mode.as_ref())
        );
        if let Some(range) = satisfied(input.range, object.size)? {
            output.content_length = Some(signed(range.end - range.start));
            output.content_range = Some(content_range(&range, object.size));
        }
        Ok(output)
    }

    pub(super) async fn get_object_op(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<GetObjectOutput> {
        let input = request.input;
        let condition = ReadCondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        let object = self.find(&input.bucket, &input.key, &condition)?;
        let range = satisfied(input.range, object.size)?;
        // The stored checksum is the whole object's: it does not go with a part of it.
        let with_checksum = range.is_none() && is_enabled(input.checksum_mode.as_ref());
        let mut output = describe!(GetObjectOutput, &object, with_checksum);
        if let Some(range) = &range {
            output.content_length = Some(signed(range.end - range.start));
            output.content_range = Some(content_range(range, object.size));
        }
        let body = backing::read(&object.body, range.unwrap_or(0..object.size))
            .await
            .map_err(broken)?;
        output.body = Some(StreamingBlob::from(Body::from(body)));
        Ok(output)
    }

    fn find(&self, bucket: &str, key: &str, condition: &ReadCondition) -> S3Result<Arc<Object>> {
        let object = Arc::clone(self.0.catalog().object(bucket, key)?);
        condition.allows(&object.etag, object.modified)?;
        Ok(object)
    }
}

pub(super) fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(if composite {
        ChecksumType::COMPOSITE
    } else {
        ChecksumType::FULL_OBJECT
    })
}

fn is_enabled(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

fn satisfied(range: Option<Range>, size: u64) -> S3Result<Option<ops::Range<u64>>> {
    let check = |range: Range| {
        range
            .check(size)
            .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))
    };
    range.map(check).transpose()
}

fn content_range(range: &ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end - 1)
}
