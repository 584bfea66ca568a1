//! Taking a body in: every byte is hashed as it comes, and nothing is passed on that is not what was promised.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, s3_error};

use crate::checksum::{Algorithm, Digests, Hasher, Promise};

/// The largest body of one PUT or part: 5 GiB, as on AWS.
const MAX_BODY: u64 = 5 << 30;
/// A promised length reserves at most this much before bytes come.
const MAX_RESERVE: u64 = 64 << 20;

/// A body that is whole and what its sender said it is.
pub(super) struct Taken {
    pub(super) body: Bytes,
    pub(super) digests: Digests,
}

/// What a PUT says about its body, besides the body itself.
pub(super) struct Claims<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) trailers: Option<&'a TrailingHeaders>,
    pub(super) content_md5: Option<&'a str>,
    pub(super) content_length: Option<i64>,
    /// What to compute when the request promises no checksum.
    pub(super) default: Algorithm,
}

/// Reads a body to its end and compares it with the claims.
///
/// # Errors
/// `BadDigest`, `InvalidDigest`, `InvalidRequest`, `XAmzContentSHA256Mismatch`, `SignatureDoesNotMatch` (of a chunk),
/// `IncompleteBody`, `EntityTooLarge`, `MalformedTrailerError`.
pub(super) async fn take(body: Option<StreamingBlob>, claims: Claims<'_>) -> S3Result<Taken> {
    let promise = Promise::read(claims.headers, claims.content_md5)?;
    let length = claims
        .content_length
        .and_then(|length| u64::try_from(length).ok());
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    let mut hasher = Hasher::new(promise.algorithm().unwrap_or(claims.default));
    let body = match body {
        Some(body) => collect(Body::from(body), length, &mut hasher).await?,
        None => Bytes::new(),
    };
    if length.is_some_and(|length| length != body.len() as u64) {
        return Err(incomplete());
    }
    let digests = hasher.finish();
    promise.keep(&digests, claims.trailers)?;
    Ok(Taken { body, digests })
}

/// Gathers the frames; a body that came in one frame is not copied.
async fn collect(mut body: Body, length: Option<u64>, hasher: &mut Hasher) -> S3Result<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| read_error(&error))?.into_data() else {
            continue;
        };
        if (whole.len() + data.len()) as u64 > MAX_BODY {
            return Err(s3_error!(
                EntityTooLarge,
                "Your proposed upload exceeds the maximum allowed size"
            ));
        }
        hasher.update(&data);
        if first.is_none() && whole.is_empty() {
            first = Some(data);
            continue;
        }
        if let Some(first) = first.take() {
            let reserve = length.unwrap_or(0).min(MAX_RESERVE);
            whole.reserve(usize::try_from(reserve).unwrap_or(0));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

/// s3s checks payload hashes and chunk signatures while the body flows, with private error types: their texts are what
/// can be told apart. The tests over both entrances hold every one of them.
fn read_error(error: &StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        let mut error = S3Error::with_message(code, message);
        error.set_status_code(StatusCode::BAD_REQUEST);
        return error;
    }
    if text.contains("SignatureMismatch") {
        return s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk does not match its content."
        );
    }
    if text.contains("FormatError") || text.contains("TooLarge") || text.contains("TooMany") {
        return s3_error!(InvalidRequest, "The chunked body is malformed.");
    }
    incomplete()
}
