//! Buckets and the listing of their objects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as TOKEN;
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::{Service, etag, page_size, signed};
use crate::listing::{self, Query, url_encode};

/// A page of a listing in the words of the protocol.
struct Listed {
    contents: Vec<Object>,
    common_prefixes: Vec<CommonPrefix>,
    next: Option<String>,
}

impl Service {
    pub(super) async fn create_bucket_op(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let name = request.input.bucket;
        self.0.create_bucket(&name).await?;
        Ok(CreateBucketOutput {
            location: Some(format!("/{name}")),
        })
    }

    pub(super) async fn delete_bucket_op(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        self.0.delete_bucket(&request.input.bucket).await?;
        Ok(DeleteBucketOutput::default())
    }

    pub(super) async fn head_bucket_op(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<HeadBucketOutput> {
        self.0.catalog().bucket(&request.input.bucket)?;
        let bucket_region = Some(self.0.habits.region.clone());
        Ok(HeadBucketOutput {
            bucket_region,
            ..Default::default()
        })
    }

    pub(super) async fn get_bucket_location_op(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        self.0.catalog().bucket(&request.input.bucket)?;
        // The oldest region has no name here: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>.
        let region = Some(self.0.habits.region.clone()).filter(|region| region != "us-east-1");
        Ok(GetBucketLocationOutput {
            location_constraint: region.map(BucketLocationConstraint::from),
        })
    }

    pub(super) async fn list_buckets_op(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<ListBucketsOutput> {
        let prefix = request.input.prefix.as_deref().unwrap_or("");
        let catalog = self.0.catalog();
        let wanted = catalog
            .buckets
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        let bucket = |(name, bucket): (&String, &crate::catalog::Bucket)| Bucket {
            name: Some(name.clone()),
            creation_date: Some(bucket.created.into()),
            ..Default::default()
        };
        Ok(ListBucketsOutput {
            buckets: Some(wanted.map(bucket).collect()),
            ..Default::default()
        })
    }

    pub(super) async fn list_objects_op(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<ListObjectsOutput> {
        let input = request.input;
        let encode = encoder(input.encoding_type.as_ref());
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or(""),
            delimiter: input.delimiter.as_deref(),
            after: input.marker.as_deref(),
            max: page_size(input.max_keys)?,
        };
        let listed = self.list(&input.bucket, &query, encode)?;
        Ok(ListObjectsOutput {
            is_truncated: Some(listed.next.is_some()),
            next_marker: listed.next.as_deref().map(encode),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            contents: Some(listed.contents),
            common_prefixes: Some(listed.common_prefixes),
            prefix: input.prefix.as_deref().map(encode),
            delimiter: input.delimiter.as_deref().map(encode),
            marker: input.marker.as_deref().map(encode),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            ..Default::default()
        })
    }

    pub(super) async fn list_objects_v2_op(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let encode = encoder(input.encoding_type.as_ref());
        let token = input
            .continuation_token
            .as_deref()
            .map(read_token)
            .transpose()?;
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or(""),
            delimiter: input.delimiter.as_deref(),
            after: token.as_deref().or(input.start_after.as_deref()),
            max: page_size(input.max_keys)?,
        };
        let listed = self.list(&input.bucket, &query, encode)?;
        let count = listed.contents.len() + listed.common_prefixes.len();
        Ok(ListObjectsV2Output {
            is_truncated: Some(listed.next.is_some()),
            next_continuation_token: listed.next.map(|next| TOKEN.encode(next)),
            key_count: i32::try_from(count).ok(),
            max_keys: Some(input.max_keys.unwrap_or(1000)),
            contents: Some(listed.contents),
            common_prefixes: Some(listed.common_prefixes),
            continuation_token: input.continuation_token,
            prefix: input.prefix.as_deref().map(encode),
            delimiter: input.delimiter.as_deref().map(encode),
            start_after: input.start_after.as_deref().map(encode),
            encoding_type: input.encoding_type,
            name: Some(input.bucket),
            ..Default::default()
        })
    }

    fn list(
        &self,
        bucket: &str,
        query: &Query<'_>,
        encode: fn(&str) -> String,
    ) -> S3Result<Listed> {
        let catalog = self.0.catalog();
        let page = listing::page(&catalog.bucket(bucket)?.objects, query);
        let object = |(key, object): (&str, &std::sync::Arc<crate::object::Object>)| Object {
            key: Some(encode(key)),
            size: Some(signed(object.size)),
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(object.modified.into()),
            checksum_algorithm: Some(vec![ChecksumAlgorithm::from_static(
                object.checksum.algorithm.name(),
            )]),
            storage_class: Some(ObjectStorageClass::from_static(
                ObjectStorageClass::STANDARD,
            )),
            ..Default::default()
        };
        Ok(Listed {
            contents: page.contents.into_iter().map(object).collect(),
            common_prefixes: page
                .prefixes
                .iter()
                .map(|prefix| CommonPrefix {
                    prefix: Some(encode(prefix)),
                })
                .collect(),
            next: page.next,
        })
    }
}

fn encoder(asked: Option<&EncodingType>) -> fn(&str) -> String {
    match asked {
        Some(kind) if kind.as_str() == EncodingType::URL => url_encode,
        _ => str::to_owned,
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let decoded = TOKEN
        .decode(token)
        .ok()
        .and_then(|raw| String::from_utf8(raw).ok());
    decoded.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The continuation token provided is incorrect"
        )
    })
}
