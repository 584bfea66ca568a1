//! Playing faults on messages: what an answer looks like when it lies or refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

use super::Refusal;
use crate::checksum::Algorithm;

/// The connection is to be closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store closed the connection")]
pub(crate) struct Cut;

/// The error of a scripted refusal.
pub(crate) fn refusal(refusal: Refusal) -> S3Error {
    let (code, status, message) = match refusal {
        Refusal::InternalError => (
            "InternalError",
            500,
            "We encountered an internal error. Please try again.",
        ),
        Refusal::SlowDown => ("SlowDown", 503, "Please reduce your request rate."),
        Refusal::ServiceUnavailable => (
            "ServiceUnavailable",
            503,
            "Service is unable to handle request.",
        ),
        Refusal::TooManyRequests => ("TooManyRequests", 429, "Please reduce your request rate."),
        Refusal::AccessDenied => ("AccessDenied", 403, "Access Denied"),
        Refusal::InvalidAccessKeyId => (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        Refusal::SignatureDoesNotMatch => (
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided.",
        ),
    };
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut error = S3Error::with_message(code, message);
    error
        .set_status_code(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    error
}

/// Which part of an answer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Etag,
    Checksum,
}

/// Falsifies headers, and the XML of answers that carry ETag or checksum there.
pub(crate) fn falsify(lie: Lie, headers: &mut HeaderMap, xml: Option<Bytes>) -> Option<Bytes> {
    let fields: Vec<(&str, String)> = match lie {
        Lie::Etag => vec![("etag", "ETag".to_owned())],
        Lie::Checksum => {
            let element = |algorithm: Algorithm| format!("Checksum{}", algorithm.name());
            Algorithm::ALL
                .into_iter()
                .map(|algorithm| (algorithm.header(), element(algorithm)))
                .collect()
        }
    };
    let mut text = xml.map(|xml| String::from_utf8_lossy(&xml).into_owned());
    for (header, element) in fields {
        if let Some(value) = headers.get_mut(header) {
            let false_value = value
                .to_str()
                .map(|value| other_value(lie, value))
                .unwrap_or_default();
            *value =
                HeaderValue::from_str(&false_value).unwrap_or(HeaderValue::from_static("false"));
        }
        text = text.map(|text| replace_element(&text, &element, |value| other_value(lie, value)));
    }
    text.map(Bytes::from)
}

/// A value of the same form that is certainly another one.
fn other_value(lie: Lie, value: &str) -> String {
    match lie {
        Lie::Etag => value
            .chars()
            .map(|c| {
                c.to_digit(16)
                    .map_or(c, |digit| char::from_digit(15 - digit, 16).unwrap_or(c))
            })
            .collect(),
        Lie::Checksum => {
            let (sum, parts) = value
                .split_once('-')
                .map_or((value, None), |(sum, parts)| (sum, Some(parts)));
            let flipped: Vec<u8> = STANDARD
                .decode(sum)
                .unwrap_or_default()
                .iter()
                .map(|byte| !byte)
                .collect();
            let sum = STANDARD.encode(flipped);
            parts.map_or_else(|| sum.clone(), |parts| format!("{sum}-{parts}"))
        }
    }
}

fn replace_element(xml: &str, element: &str, with: impl Fn(&str) -> String) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let replaced = xml.split_once(&open).and_then(|(before, rest)| {
        let (value, after) = rest.split_once(&close)?;
        // An ETag's quotes are entities here, and the letters of an entity are no hexadecimal digits to flip.
        let value = with(&value.replace("&quot;", "\""));
        Some(format!("{before}{open}{value}{close}{after}"))
    });
    replaced.unwrap_or_else(|| xml.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_false_value_has_the_form_of_the_true_one_and_differs(bytes in prop::collection::vec(any::<u8>(), 16..33), parts in prop::option::of(1_u8..9)) {
            let tail = parts.map(|parts| format!("-{parts}")).unwrap_or_default();
            let sum = format!("{}{tail}", STANDARD.encode(&bytes));
            let lie = other_value(Lie::Checksum, &sum);
            prop_assert_ne!(&lie, &sum);
            prop_assert!(lie.ends_with(&tail));
            prop_assert_eq!(lie.len(), sum.len());
            let etag = format!("\"{}\"", crate::checksum::hex(&bytes));
            let lie = other_value(Lie::Etag, &etag);
            prop_assert_ne!(&lie, &etag);
            prop_assert_eq!(lie.len(), etag.len());
        }
    }

    #[test]
    fn both_headers_and_elements_lie() {
        let mut headers = HeaderMap::new();
        headers.insert("etag", HeaderValue::from_static("\"00ff\""));
        let xml = Bytes::from_static(
            b"<R><ETag>&quot;00ff&quot;</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></R>",
        );
        let xml = falsify(Lie::Etag, &mut headers, Some(xml)).unwrap();
        assert_eq!(headers["etag"], "\"ff00\"");
        assert_eq!(
            &xml[..],
            b"<R><ETag>\"ff00\"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></R>"
        );
        let xml = falsify(Lie::Checksum, &mut headers, Some(xml)).unwrap();
        assert_eq!(
            &xml[..],
            b"<R><ETag>\"ff00\"</ETag><ChecksumCRC32>/////w==</ChecksumCRC32></R>"
        );
    }
}
