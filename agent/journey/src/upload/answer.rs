//! From a store's answer to what happens next: try again, park, or look closer.
//!
//! The codes are those of the S3 API reference, "Error responses", with what SeaweedFS, Garage and MinIO
//! add. A code decides before a status, because several stores use one status for passing and for
//! permanent refusals alike.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What came back from a request that did not succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, when there was an answer at all.
    pub status: Option<u16>,
    /// The `Code` element of the error document.
    pub code: Option<String>,
    /// What the store or the network said, in one line, without secrets.
    pub message: String,
    /// The `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// What broke below HTTP, when something did.
    pub transport: Option<Transport>,
}

/// What can break below HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// No connection: unreachable, refused, or the name does not resolve.
    Connect,
    /// The TLS handshake failed (a wrong clock makes certificates look expired or not yet valid).
    Tls,
    /// Nothing moved for too long.
    Timeout,
    /// The connection ended in the middle.
    Broken,
    /// An answer, but not one of S3 (a captive portal, a proxy's error page).
    Garbled,
    /// No credentials could be had (`credential_process` failed, the profile is missing).
    Credentials,
}

/// Why trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The way to the store is broken: the breaker's business.
    Link,
    /// The store asks for less (503, 429): fewer requests at once, and no attempt used up.
    Busy,
    /// The store failed inside.
    Server,
    /// Our clock was wrong; the store's time is known now.
    Clock,
    /// Another write of the same key was under way.
    Race,
}

impl Cause {
    /// Whether a failure of this kind uses up an attempt, and so lengthens the next delay.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Link | Self::Server | Self::Race)
    }
}

/// How far a permanent refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Scope {
    /// This image only.
    Image = 0,
    /// Everything of its site: the bucket or the rights on it.
    Site = 1,
    /// Everything we send: the credentials.
    Account = 2,
}

impl Scope {
    /// The integer that stands for the scope in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The scope that an integer of the database stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Image),
            1 => Some(Self::Site),
            2 => Some(Self::Account),
            _ => None,
        }
    }
}

/// What follows from an [`Answer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passes: try again, not before `after` where the store said so.
    Retry {
        /// Why it passes.
        cause: Cause,
        /// The store's own wish.
        after: Option<Duration>,
    },
    /// It stays until somebody mends it.
    Park {
        /// How far it reaches.
        scope: Scope,
        /// What to do, as a sentence for the operator.
        fix: &'static str,
    },
    /// The key is taken (412 to `If-None-Match: *`): look whether by the same bytes.
    Exists,
    /// The store got other bytes than we signed for: read the file again before anything else.
    Changed,
}

const fn retry(cause: Cause) -> Verdict {
    Verdict::Retry { cause, after: None }
}

const fn park(scope: Scope, fix: &'static str) -> Verdict {
    Verdict::Park { scope, fix }
}

/// Judges an answer. Every answer gets a verdict; what nobody knows counts as passing when it is a 5xx or
/// has no status, and as this image's own fault when it is a 4xx.
pub fn judge(answer: &Answer) -> Verdict {
    let verdict = match answer.transport {
        Some(Transport::Credentials) => park(
            Scope::Account,
            "check store.profile, store.credential_process or store.credentials_file",
        ),
        Some(_) => retry(Cause::Link),
        None => answer
            .code
            .as_deref()
            .and_then(by_code)
            .unwrap_or_else(|| by_status(answer.status)),
    };
    match verdict {
        Verdict::Retry { cause, .. } => Verdict::Retry {
            cause,
            after: answer.retry_after,
        },
        other => other,
    }
}

fn by_code(code: &str) -> Option<Verdict> {
    Some(match code {
        "SlowDown"
        | "ServiceUnavailable"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDownWrite"
        | "SlowDownRead" => retry(Cause::Busy),
        "RequestTimeTooSkewed" | "RequestExpired" => retry(Cause::Clock),
        "PreconditionFailed" => Verdict::Exists,
        "ConditionalRequestConflict" | "OperationAborted" => retry(Cause::Race),
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch" => Verdict::Changed,
        "RequestTimeout" | "IncompleteBody" => retry(Cause::Link),
        // A part that was lost, or whose answer was garbled: the next attempt asks which parts there are.
        "InvalidPart" | "InvalidPartOrder" => retry(Cause::Server),
        "InternalError"
        | "NoSuchUpload"
        | "ExpiredToken"
        | "TokenRefreshRequired"
        | "XMinioStorageFull"
        | "QuotaExceeded"
        | "InsufficientStorage" => retry(Cause::Server),
        "NoSuchBucket" => park(
            Scope::Site,
            "create the bucket, or correct store.bucket or the site's bucket",
        ),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" => park(
            Scope::Site,
            "allow s3:PutObject and s3:GetObject on the site's bucket to these credentials",
        ),
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "InvalidClientTokenId"
        | "NotSignedUp"
        | "UnauthorizedAccess" => park(
            Scope::Account,
            "the store does not know these credentials: check the key and its secret",
        ),
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "InvalidRegion" => park(Scope::Site, "set store.region to the region of the bucket"),
        "InvalidBucketName" => park(
            Scope::Site,
            "correct store.bucket: no store takes this name",
        ),
        "NotImplemented" | "MethodNotAllowed" => park(
            Scope::Site,
            "this store lacks what is asked of it: check store.endpoint and store.conditional_writes",
        ),
        "EntityTooLarge" => park(
            Scope::Image,
            "larger than the store takes at once: lower upload.multipart_above",
        ),
        "KeyTooLongError" => park(
            Scope::Image,
            "shorten store.key: a key has at most 1024 bytes",
        ),
        "InvalidArgument" | "InvalidRequest" | "MalformedXML" | "MetadataTooLarge" => park(
            Scope::Image,
            "the store does not take this request: see its message, then `weir queue retry`",
        ),
        _ => return None,
    })
}

fn by_status(status: Option<u16>) -> Verdict {
    match status {
        Some(429 | 503) => retry(Cause::Busy),
        Some(408) | None => retry(Cause::Link),
        Some(409) => retry(Cause::Race),
        Some(412) => Verdict::Exists,
        Some(301 | 307 | 308) => park(Scope::Site, "set store.region to the region of the bucket"),
        Some(401 | 403) => park(
            Scope::Site,
            "allow s3:PutObject and s3:GetObject on the site's bucket to these credentials",
        ),
        Some(404) => park(
            Scope::Site,
            "create the bucket, or correct store.bucket and store.endpoint",
        ),
        Some(413) => park(
            Scope::Image,
            "larger than the store takes at once: lower upload.multipart_above",
        ),
        Some(501) => park(
            Scope::Site,
            "this store lacks what is asked of it: check store.endpoint",
        ),
        Some(400..=499) => park(
            Scope::Image,
            "the store does not take this request: see its message, then `weir queue retry`",
        ),
        // 200..=399 with an error, or 5xx: something on the way answered for the store, or it is unwell.
        Some(200..=399) => retry(Cause::Link),
        Some(_) => retry(Cause::Server),
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.code.as_deref()) {
            (Some(status), Some(code)) => write!(f, "{status} {code}: {}", self.message),
            (Some(status), None) => write!(f, "{status}: {}", self.message),
            (None, _) => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(status: u16, code: &str) -> Answer {
        Answer {
            status: Some(status),
            code: (!code.is_empty()).then(|| code.to_owned()),
            ..Answer::default()
        }
    }

    #[test]
    fn throttling_uses_up_no_attempt_whatever_its_spelling() {
        for (status, code) in [
            (503, "SlowDown"),
            (503, ""),
            (429, ""),
            (400, "RequestLimitExceeded"),
        ] {
            let Verdict::Retry { cause, .. } = judge(&answer(status, code)) else {
                panic!("{status} {code} is not retried");
            };
            assert!(!cause.counts(), "{status} {code}");
        }
    }

    #[test]
    fn what_only_a_person_can_mend_is_parked_with_its_reach() {
        for (status, code, scope) in [
            (404, "NoSuchBucket", Scope::Site),
            (403, "AccessDenied", Scope::Site),
            (403, "", Scope::Site),
            (403, "InvalidAccessKeyId", Scope::Account),
            (403, "SignatureDoesNotMatch", Scope::Account),
            (301, "PermanentRedirect", Scope::Site),
            (400, "EntityTooLarge", Scope::Image),
            (400, "", Scope::Image),
        ] {
            assert!(
                matches!(judge(&answer(status, code)), Verdict::Park { scope: found, .. } if found == scope),
                "{status} {code}"
            );
        }
    }

    #[test]
    fn a_lost_part_is_sent_again() {
        for code in ["InvalidPart", "InvalidPartOrder", "NoSuchUpload"] {
            assert_eq!(judge(&answer(400, code)), retry(Cause::Server), "{code}");
        }
    }

    #[test]
    fn a_403_about_the_clock_is_not_a_403_about_rights() {
        assert_eq!(
            judge(&answer(403, "RequestTimeTooSkewed")),
            retry(Cause::Clock)
        );
    }

    proptest! {
        #[test]
        fn a_passing_status_is_never_parked(status in prop_oneof![500u16..=500, 502u16..=504, 200u16..=299]) {
            let retried = matches!(judge(&answer(status, "")), Verdict::Retry { .. });
            prop_assert!(retried);
        }

        #[test]
        fn whatever_breaks_below_http_passes(message: String, after in proptest::option::of(0u64..1000)) {
            for transport in [Transport::Connect, Transport::Tls, Transport::Timeout, Transport::Broken, Transport::Garbled] {
                let after = after.map(Duration::from_secs);
                let verdict = judge(&Answer { transport: Some(transport), message: message.clone(), retry_after: after, ..Answer::default() });
                prop_assert_eq!(verdict, Verdict::Retry { cause: Cause::Link, after });
            }
        }
    }
}
