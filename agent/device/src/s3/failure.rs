//! What went wrong with the store, from the SDK's many shapes to the one that is judged.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use weir_journey::upload::{Answer, Transport, Verdict, judge};

use super::source::SourceFault;

/// Longest text of one answer in a log line or a row; stores and proxies can be long-winded.
const LONGEST: usize = 300;

/// Why an image is not shown to be in its bucket.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The store or the way to it: [`Failure::verdict`] says what follows.
    #[error(transparent)]
    Store(Box<Failure>),
    /// Other bytes stand under this key: take the next key, keep both.
    #[error("s3://{bucket}/{key} holds another image ({found}): this one needs another key")]
    Conflict {
        /// It says of itself that it is this image, which may have been sent before.
        ours: bool,
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// What the store says of it.
        found: String,
    },
    /// It was sent, and the store does not show the same bytes: send again, after a while.
    #[error(
        "s3://{bucket}/{key} is not what was sent ({found}): nothing is deleted here, it is tried again"
    )]
    Unproven {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// What the store says of it.
        found: String,
    },
    /// The local file: nothing to do with the link.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// The queue could not keep the record of a part: the upload can be taken up later.
    #[error("the parts of the upload cannot be recorded: {0}")]
    Log(#[source] LogFault),
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        Self::Store(Box::new(failure))
    }
}

/// Why the record of parts could not be written or read; the queue's own words.
pub type LogFault = Box<dyn Error + Send + Sync>;

/// A request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was asked for.
    pub doing: Doing,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What came back.
    pub answer: Answer,
}

/// The requests made here, by the names of the S3 API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Doing {
    PutObject,
    HeadObject,
    CreateMultipartUpload,
    UploadPart,
    ListParts,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    GetObject,
    DeleteObject,
}

impl Failure {
    /// What follows: try again, park, or look closer.
    pub fn verdict(&self) -> Verdict {
        judge(&self.answer)
    }

    /// Whether the store said that there is no such object or upload.
    pub(super) fn is_absent(&self) -> bool {
        self.answer.transport.is_none() && self.answer.status == Some(404)
    }

    /// Whether the store said that the bucket is there and the object is not.
    pub fn is_no_object(&self) -> bool {
        self.is_absent() && self.answer.code.as_deref() != Some("NoSuchBucket")
    }

    /// Whether a condition on a write did not hold.
    pub fn is_condition(&self) -> bool {
        self.is_status(412) || self.is_no_object()
    }

    /// Whether the store knows us and does not allow it.
    pub fn is_forbidden(&self) -> bool {
        self.is_status(403) && matches!(self.verdict(), Verdict::Park { .. })
    }

    /// Whether the store said that there is no such bucket.
    pub fn is_no_bucket(&self) -> bool {
        self.answer.code.as_deref() == Some("NoSuchBucket")
    }

    /// Whether the store lacks what was asked for.
    pub fn is_not_implemented(&self) -> bool {
        self.is_status(501)
    }

    /// Whether the store no longer knows the upload that parts belong to.
    pub(super) fn is_lost_upload(&self) -> bool {
        self.answer.code.as_deref() == Some("NoSuchUpload")
    }

    /// Whether a request that is well but for its signature's time may have failed so.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_status(403) || self.is_status(400)
    }

    /// An answer that no S3 would give.
    pub(super) fn garbled(doing: Doing, (bucket, key): (&str, &str), what: &str) -> Self {
        Self {
            doing,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            answer: garbled(what),
        }
    }

    pub(super) fn is_status(&self, status: u16) -> bool {
        self.answer.transport.is_none() && self.answer.status == Some(status)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            doing,
            bucket,
            key,
            answer,
        } = self;
        write!(f, "{doing:?} s3://{bucket}/{key}: {answer}")
    }
}

impl Error for Failure {}

/// The connection showed no progress for `limit`.
pub(super) fn stalled(limit: Duration) -> Answer {
    Answer {
        message: format!("no byte moved for {} s", limit.as_secs()),
        transport: Some(Transport::Timeout),
        ..Answer::default()
    }
}

/// Something answered, but not as S3 does: a captive portal or a proxy on the way.
fn garbled(what: &str) -> Answer {
    Answer {
        message: what.to_owned(),
        transport: Some(Transport::Garbled),
        ..Answer::default()
    }
}

/// The SDK's error as an answer that can be judged. Holds no secret: neither headers nor bodies are quoted.
pub(super) fn answer_of<E>(error: &SdkError<E, HttpResponse>) -> Answer
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => refusal(service.err(), service.raw()),
        SdkError::ResponseError(response) => Answer {
            status: Some(response.raw().status().as_u16()),
            ..garbled(&format!("an answer that is not S3's: {}", chain(error)))
        },
        _ => Answer {
            message: chain(error),
            transport: broken_by(error),
            ..Answer::default()
        },
    }
}

fn refusal(error: &(impl ProvideErrorMetadata + Error), raw: &HttpResponse) -> Answer {
    let status = raw.status().as_u16();
    let foreign = error.code().is_none()
        && (300..500).contains(&status)
        && status != 429
        && raw.body().bytes().is_some_and(|body| !body.is_empty());
    Answer {
        status: Some(status),
        code: error.code().map(str::to_owned),
        message: one_line(error.message().unwrap_or(if foreign {
            "an answer that is not S3's: a proxy or a login page is on the way"
        } else {
            "no message"
        })),
        retry_after: raw
            .headers()
            .get("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs),
        transport: foreign.then_some(Transport::Garbled),
    }
}

/// What broke below HTTP. `None` when it is not known and may pass: a `credential_process` that failed is
/// most often one that needs the same link that is down.
fn broken_by(error: &(dyn Error + 'static)) -> Option<Transport> {
    let layers = || layers(error);
    if let Some(error) = layers().find_map(|layer| layer.downcast_ref::<CredentialsError>()) {
        return match error {
            CredentialsError::ProviderTimedOut(_) => Some(Transport::Timeout),
            CredentialsError::ProviderError(_) => None,
            _ => Some(Transport::Credentials),
        };
    }
    let says = |word: &str| layers().any(|layer| layer.to_string().contains(word));
    // rustls' error types are the connector's private matter: its words are all there is.
    Some(if says("certificate") || says("TLS") || says("handshake") {
        Transport::Tls
    } else if says("(Connect)") || says("connect timeout") || says("dns error") {
        Transport::Connect
    } else if says("timeout") || says("timed out") {
        Transport::Timeout
    } else {
        Transport::Broken
    })
}

/// An error and what lies under it. `io::Error::source` skips its own payload, so it is asked for that.
fn layers<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&layer| {
        match layer.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => layer.source(),
        }
    })
}

/// The layers' words, each once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for layer in layers(error) {
        let words = layer.to_string();
        if !text.contains(&words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&words);
        }
    }
    one_line(&text)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}
