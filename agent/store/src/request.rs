//! Which S3 operation a request is, read from its line and headers alone, before any check.
//!
//! Routing table: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>.

use http::request::Parts;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

/// The S3 operations that the store tells apart, under their AWS names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the S3 API")]
pub enum Operation {
    AbortMultipartUpload,
    CompleteMultipartUpload,
    CopyObject,
    CreateBucket,
    CreateMultipartUpload,
    DeleteBucket,
    DeleteObject,
    DeleteObjects,
    GetBucketLocation,
    GetObject,
    HeadBucket,
    HeadObject,
    ListBuckets,
    ListMultipartUploads,
    ListObjects,
    ListObjectsV2,
    ListParts,
    PutObject,
    UploadPart,
    /// Anything else.
    Other,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) operation: Operation,
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
}

impl Target {
    /// Reads a path-style request.
    pub(crate) fn of(head: &Parts) -> Self {
        let path = percent_decode(head.uri.path());
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
        };
        let (bucket, key) = (part(), part());
        let query: Vec<(&str, &str)> = head
            .uri
            .query()
            .unwrap_or("")
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let operation = match (&bucket, &key) {
            (None, _) => on_service(&head.method),
            (Some(_), None) => on_bucket(&head.method, &query),
            (Some(_), Some(_)) => on_object(&head.method, &query, &head.headers),
        };
        Self {
            operation,
            bucket,
            key,
        }
    }
}

fn has(query: &[(&str, &str)], name: &str) -> bool {
    query.iter().any(|(key, _)| *key == name)
}

fn on_service(method: &Method) -> Operation {
    match *method {
        Method::GET => Operation::ListBuckets,
        _ => Operation::Other,
    }
}

fn on_bucket(method: &Method, query: &[(&str, &str)]) -> Operation {
    match *method {
        Method::PUT => Operation::CreateBucket,
        Method::DELETE => Operation::DeleteBucket,
        Method::HEAD => Operation::HeadBucket,
        Method::POST if has(query, "delete") => Operation::DeleteObjects,
        Method::GET if has(query, "location") => Operation::GetBucketLocation,
        Method::GET if has(query, "uploads") => Operation::ListMultipartUploads,
        Method::GET if query.contains(&("list-type", "2")) => Operation::ListObjectsV2,
        Method::GET => Operation::ListObjects,
        _ => Operation::Other,
    }
}

fn on_object(method: &Method, query: &[(&str, &str)], headers: &HeaderMap) -> Operation {
    let upload = has(query, "uploadId");
    match *method {
        Method::PUT if upload => Operation::UploadPart,
        Method::PUT if headers.contains_key("x-amz-copy-source") => Operation::CopyObject,
        Method::PUT => Operation::PutObject,
        Method::GET if upload => Operation::ListParts,
        Method::GET => Operation::GetObject,
        Method::HEAD => Operation::HeadObject,
        Method::DELETE if upload => Operation::AbortMultipartUpload,
        Method::DELETE => Operation::DeleteObject,
        Method::POST if upload => Operation::CompleteMultipartUpload,
        Method::POST if has(query, "uploads") => Operation::CreateMultipartUpload,
        _ => Operation::Other,
    }
}

/// Decodes `%XX`; what is not UTF-8 afterwards is replaced, for it will match no rule and be refused later.
fn percent_decode(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits =
            (byte == b'%').then(|| Some((hex_digit(ahead.next()?)?, hex_digit(ahead.next()?)?)));
        match digits.flatten() {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                bytes = ahead;
            }
            None => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(method: &str, uri: &str) -> Target {
        Target::of(
            &http::Request::builder()
                .method(method)
                .uri(uri)
                .body(())
                .unwrap()
                .into_parts()
                .0,
        )
    }

    #[test]
    fn requests_are_told_apart() {
        use Operation as O;
        let rows = [
            ("GET", "/", O::ListBuckets),
            ("PUT", "/b", O::CreateBucket),
            ("PUT", "/b/", O::CreateBucket),
            ("GET", "/b?list-type=2&prefix=uploads", O::ListObjectsV2),
            ("GET", "/b?prefix=x", O::ListObjects),
            ("GET", "/b?uploads", O::ListMultipartUploads),
            ("GET", "/b?location", O::GetBucketLocation),
            ("POST", "/b?delete", O::DeleteObjects),
            ("PUT", "/b/k", O::PutObject),
            ("PUT", "/b/k?partNumber=1&uploadId=u", O::UploadPart),
            ("POST", "/b/k?uploads", O::CreateMultipartUpload),
            ("POST", "/b/k?uploadId=u", O::CompleteMultipartUpload),
            ("DELETE", "/b/k?uploadId=u", O::AbortMultipartUpload),
            ("DELETE", "/b/k?x-id=DeleteObject", O::DeleteObject),
            ("GET", "/b/k?uploadId=u", O::ListParts),
            ("PATCH", "/b/k", O::Other),
        ];
        for (method, uri, operation) in rows {
            assert_eq!(target(method, uri).operation, operation, "{method} {uri}");
        }
    }

    proptest! {
        #[test]
        fn bucket_and_key_survive_encoding(key in "[ -~é水]{1,20}") {
            prop_assume!(!key.starts_with('/'));
            let target = target("PUT", &format!("/bucket/{}", crate::listing::url_encode(&key)));
            prop_assert_eq!(target.bucket.as_deref(), Some("bucket"));
            prop_assert_eq!(target.key, Some(key));
        }
    }
}
