//! The S3 operations: from a checked request to the vault, and back into the words of the protocol.

mod buckets;
mod intake;
mod multipart;
mod read;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use crate::vault::Vault;

/// [`S3`] over a vault.
#[derive(Debug, Clone)]
pub(crate) struct Service(pub(crate) Arc<Vault>);

/// The one key pair that the store knows.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: SecretKey,
}

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key != self.access_key {
            return Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            ));
        }
        Ok(self.secret_key.clone())
    }
}

/// Passes each operation to the method of the same name plus `_op`.
macro_rules! operations {
    ($($name:ident, $op:ident: $input:ty => $output:ty;)*) => {
        #[async_trait]
        impl S3 for Service {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.$op(request).await.map(S3Response::new)
            })*
        }
    };
}

operations! {
    abort_multipart_upload, abort_upload_op: AbortMultipartUploadInput => AbortMultipartUploadOutput;
    complete_multipart_upload, complete_upload_op: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    copy_object, copy_object_op: CopyObjectInput => CopyObjectOutput;
    create_bucket, create_bucket_op: CreateBucketInput => CreateBucketOutput;
    create_multipart_upload, create_upload_op: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    delete_bucket, delete_bucket_op: DeleteBucketInput => DeleteBucketOutput;
    delete_object, delete_object_op: DeleteObjectInput => DeleteObjectOutput;
    delete_objects, delete_objects_op: DeleteObjectsInput => DeleteObjectsOutput;
    get_bucket_location, get_bucket_location_op: GetBucketLocationInput => GetBucketLocationOutput;
    get_object, get_object_op: GetObjectInput => GetObjectOutput;
    head_bucket, head_bucket_op: HeadBucketInput => HeadBucketOutput;
    head_object, head_object_op: HeadObjectInput => HeadObjectOutput;
    list_buckets, list_buckets_op: ListBucketsInput => ListBucketsOutput;
    list_multipart_uploads, list_uploads_op: ListMultipartUploadsInput => ListMultipartUploadsOutput;
    list_objects, list_objects_op: ListObjectsInput => ListObjectsOutput;
    list_objects_v2, list_objects_v2_op: ListObjectsV2Input => ListObjectsV2Output;
    list_parts, list_parts_op: ListPartsInput => ListPartsOutput;
    put_object, put_object_op: PutObjectInput => PutObjectOutput;
    upload_part, upload_part_op: UploadPartInput => UploadPartOutput;
}

/// An ETag as S3 gives it: strong.
fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// Sizes in the protocol are signed; ours stay far below the limit.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Page sizes: absent or too large is 1000, negative is refused.
fn page_size(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(1000).min(1000);
    usize::try_from(asked)
        .map_err(|_| s3_error!(InvalidArgument, "A page size must not be negative"))
}
