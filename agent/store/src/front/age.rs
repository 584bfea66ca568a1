//! Whether a signature is fresh, by the store's clock.
//!
//! S3 refuses a request whose time differs from its own by more than 15 minutes
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>, `RequestTimeTooSkewed`), and a presigned one
//! after its `X-Amz-Expires` seconds. The times are covered by the signature, which is checked afterwards.

use std::time::{Duration, SystemTime};

use chrono::NaiveDateTime;
use http::request::Parts;
use s3s::{S3Result, s3_error};

/// The largest difference allowed, either way.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// Judges the time of a request against `now`. A request without a time goes on, to be refused as unsigned.
///
/// # Errors
/// `RequestTimeTooSkewed`; `AccessDenied` for a presigned request that has expired.
pub(crate) fn check(head: &Parts, now: SystemTime) -> S3Result {
    if let Some(time) = head
        .headers
        .get("x-amz-date")
        .and_then(|value| parse(value.to_str().ok()?))
    {
        return within(time, now, MAX_SKEW);
    }
    let query = head.uri.query().unwrap_or("");
    let value = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let Some(time) = value("X-Amz-Date").and_then(parse) else {
        return Ok(());
    };
    let lifetime = value("X-Amz-Expires")
        .and_then(|seconds| seconds.parse().ok())
        .map(Duration::from_secs);
    if now > time {
        let expired = lifetime.is_some_and(|lifetime| now > time + lifetime);
        return if expired {
            Err(s3_error!(AccessDenied, "Request has expired"))
        } else {
            Ok(())
        };
    }
    within(time, now, MAX_SKEW)
}

fn within(time: SystemTime, now: SystemTime, skew: Duration) -> S3Result {
    let difference = now
        .duration_since(time)
        .unwrap_or_else(|early| early.duration());
    if difference > skew {
        return Err(s3_error!(
            RequestTimeTooSkewed,
            "The difference between the request time and the server's time is too large."
        ));
    }
    Ok(())
}

/// Reads `20240809T143000Z`.
fn parse(value: &str) -> Option<SystemTime> {
    Some(
        NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%SZ")
            .ok()?
            .and_utc()
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use s3s::S3ErrorCode;

    fn judge(header: Option<&str>, uri: &str, now: SystemTime) -> Option<S3ErrorCode> {
        let mut request = http::Request::builder().uri(uri);
        if let Some(header) = header {
            request = request.header("x-amz-date", header);
        }
        check(&request.body(()).unwrap().into_parts().0, now)
            .err()
            .map(|error| error.code().clone())
    }

    proptest! {
        #[test]
        fn a_header_is_good_for_fifteen_minutes_either_way(off in -2_000_i64..2_000) {
            let signed = parse("20240809T143000Z").unwrap();
            let by = Duration::from_secs(off.unsigned_abs());
            let now = if off < 0 { signed - by } else { signed + by };
            let refused = judge(Some("20240809T143000Z"), "/b/k", now);
            prop_assert_eq!(refused, (off.abs() > 900).then_some(S3ErrorCode::RequestTimeTooSkewed));
        }

        #[test]
        fn a_presigned_url_is_good_from_fifteen_minutes_before_until_it_expires(off in -2_000_i64..8_000, life in 1_i64..7_000) {
            let signed = parse("20240809T143000Z").unwrap();
            let by = Duration::from_secs(off.unsigned_abs());
            let now = if off < 0 { signed - by } else { signed + by };
            let refused = judge(None, &format!("/b/k?X-Amz-Date=20240809T143000Z&X-Amz-Expires={life}"), now);
            let expected = match off {
                off if off < -900 => Some(S3ErrorCode::RequestTimeTooSkewed),
                off if off > life => Some(S3ErrorCode::AccessDenied),
                _ => None,
            };
            prop_assert_eq!(refused, expected);
        }
    }
}
