//! Conditional requests, decided from the ETag that is there now and nothing else.
//!
//! Writes: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>. Reads: RFC 9110, section 13.

use std::time::SystemTime;

use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

/// The conditions of a PUT, a CompleteMultipartUpload or a DELETE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WriteCondition {
    /// Write only over this ETag.
    pub(crate) if_match: Option<ETagCondition>,
    /// `*`: write only if nothing is there.
    pub(crate) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// Judges a write that would create or replace an object.
    ///
    /// # Errors
    /// `PreconditionFailed` (412); `NoSuchKey` (404) for `If-Match` where nothing is there; `NotImplemented` for an
    /// `If-None-Match` that is not `*`, which S3 does not take on writes.
    pub(crate) fn allows_write(&self, current: Option<&str>) -> S3Result {
        match &self.if_none_match {
            Some(ETagCondition::ETag(_)) => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented"
                ));
            }
            Some(ETagCondition::Any) if current.is_some() => return Err(failed()),
            Some(ETagCondition::Any) | None => {}
        }
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(condition), Some(etag)) => met(condition, etag).then_some(()).ok_or_else(failed),
        }
    }

    /// Judges a DELETE. Deleting what is not there succeeds without a condition and fails with one, so that the
    /// holder of a stale ETag never believes that it was the one who deleted.
    ///
    /// # Errors
    /// `PreconditionFailed` (412).
    pub(crate) fn allows_delete(&self, current: Option<&str>) -> S3Result {
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(condition), Some(etag)) if met(condition, etag) => Ok(()),
            (Some(_), _) => Err(failed()),
        }
    }
}

/// The conditions of a GET or a HEAD.
#[derive(Debug, Default)]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// Judges in the order of RFC 9110, section 13.2.2; dates have a resolution of one second.
    ///
    /// # Errors
    /// `PreconditionFailed` (412) or `NotModified` (304).
    pub(crate) fn allows(&self, etag: &str, modified: SystemTime) -> S3Result {
        let modified = whole_seconds(modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !met(condition, etag) => return Err(failed()),
            (None, Some(since)) if modified > *since => return Err(failed()),
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if met(condition, etag) => Err(s3_error!(NotModified)),
            (None, Some(since)) if modified <= *since => Err(s3_error!(NotModified)),
            _ => Ok(()),
        }
    }
}

fn met(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.weak_cmp(&ETag::Strong(etag.to_owned())),
    }
}

fn failed() -> s3s::S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

fn whole_seconds(time: SystemTime) -> Timestamp {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::S3ErrorCode::{self, NoSuchKey, NotImplemented, NotModified, PreconditionFailed};

    fn etag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::ETag(ETag::Strong(value.into())))
    }

    fn code(result: S3Result) -> Option<S3ErrorCode> {
        result.err().map(|error| error.code().clone())
    }

    #[test]
    fn the_table_of_write_conditions() {
        let any = Some(ETagCondition::Any);
        let rows = [
            (None, None, None, None),
            (None, None, Some("a"), None),
            (None, any.clone(), None, None),
            (None, any.clone(), Some("a"), Some(PreconditionFailed)),
            (None, etag("a"), Some("a"), Some(NotImplemented)),
            (etag("a"), None, Some("a"), None),
            (etag("a"), None, Some("b"), Some(PreconditionFailed)),
            (etag("a"), None, None, Some(NoSuchKey)),
            (any.clone(), None, Some("b"), None),
            (any, None, None, Some(NoSuchKey)),
        ];
        for (if_match, if_none_match, current, expected) in rows {
            let condition = WriteCondition {
                if_match,
                if_none_match,
            };
            assert_eq!(
                code(condition.allows_write(current)),
                expected,
                "{condition:?} over {current:?}"
            );
        }
    }

    #[test]
    fn a_conditional_delete_takes_only_the_named_etag() {
        let condition = WriteCondition {
            if_match: etag("a"),
            if_none_match: None,
        };
        assert_eq!(code(condition.allows_delete(Some("a"))), None);
        assert_eq!(
            code(condition.allows_delete(Some("b"))),
            Some(PreconditionFailed)
        );
        assert_eq!(
            code(condition.allows_delete(None)),
            Some(PreconditionFailed)
        );
        assert_eq!(code(WriteCondition::default().allows_delete(None)), None);
    }

    #[test]
    fn reads_follow_rfc_9110() {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(10_500);
        let second = |s: u64| {
            Some(Timestamp::from(
                SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(s),
            ))
        };
        let allows = |condition: ReadCondition| code(condition.allows("a", at));
        let none = ReadCondition::default;
        assert_eq!(allows(none()), None);
        assert_eq!(
            allows(ReadCondition {
                if_match: etag("b"),
                ..none()
            }),
            Some(PreconditionFailed)
        );
        assert_eq!(
            allows(ReadCondition {
                if_none_match: etag("a"),
                ..none()
            }),
            Some(NotModified)
        );
        assert_eq!(
            allows(ReadCondition {
                if_modified_since: second(10),
                ..none()
            }),
            Some(NotModified)
        );
        assert_eq!(
            allows(ReadCondition {
                if_modified_since: second(9),
                ..none()
            }),
            None
        );
        assert_eq!(
            allows(ReadCondition {
                if_unmodified_since: second(9),
                ..none()
            }),
            Some(PreconditionFailed)
        );
        assert_eq!(
            allows(ReadCondition {
                if_unmodified_since: second(10),
                ..none()
            }),
            None
        );
        let both = ReadCondition {
            if_match: etag("a"),
            if_unmodified_since: second(9),
            ..none()
        };
        assert_eq!(allows(both), None, "If-Match overrules If-Unmodified-Since");
    }
}
