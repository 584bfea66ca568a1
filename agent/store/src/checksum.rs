//! Checksums of bodies, with the algorithms and the rules of Amazon S3.
//!
//! Format: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>. A checksum is base64;
//! a composite one (multipart) is the checksum of the parts' raw checksums, written `base64-N` for `N` parts. An upload
//! that names no algorithm gets CRC-64/NVME of the full object, as on AWS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};
use serde::{Deserialize, Serialize};

/// A checksum algorithm of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name in `x-amz-checksum-algorithm`, for example `CRC32C`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header (or trailer) that carries a checksum of this kind.
    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Length of the raw checksum in bytes.
    fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Base64 of the checksum of `data`.
    pub fn of(self, data: &[u8]) -> String {
        let mut hasher = self.hasher();
        hasher.update(data);
        self.take(hasher)
    }

    fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Self::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Self::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Self::Crc64nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Self::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Self::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
        hasher
    }

    fn take(self, hasher: ChecksumHasher) -> String {
        let sums = hasher.finalize();
        let sum = match self {
            Self::Crc32 => sums.checksum_crc32,
            Self::Crc32c => sums.checksum_crc32c,
            Self::Crc64nvme => sums.checksum_crc64nvme,
            Self::Sha1 => sums.checksum_sha1,
            Self::Sha256 => sums.checksum_sha256,
        };
        sum.unwrap_or_default()
    }
}

/// A checksum kept with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// What it was computed with.
    pub algorithm: Algorithm,
    /// Base64, or `base64-N` when composite.
    pub value: String,
    /// Whether it is the checksum of the parts' checksums rather than of the object's bytes.
    pub composite: bool,
}

/// Composite checksum of parts whose base64 checksums are `parts`.
pub(crate) fn composite<'a>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = &'a str>,
) -> Checksum {
    let mut raw = Vec::new();
    let mut count = 0_usize;
    for part in parts {
        // Parts carry checksums that this module computed, so they decode.
        raw.extend(STANDARD.decode(part).unwrap_or_default());
        count += 1;
    }
    Checksum {
        algorithm,
        value: format!("{}-{count}", algorithm.of(&raw)),
        composite: true,
    }
}

/// Everything that one pass over a body computes.
pub(crate) struct Digests {
    /// For the ETag and `Content-MD5`.
    pub(crate) md5: [u8; 16],
    /// Lower-case hex, for the oracle.
    pub(crate) sha256: String,
    /// Full-body checksum with the requested algorithm.
    pub(crate) checksum: Checksum,
}

/// Computes [`Digests`] chunk by chunk.
pub(crate) struct Hasher {
    md5: Md5,
    sha256: Sha256,
    algorithm: Algorithm,
    extra: ChecksumHasher,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        // SHA-256 is always taken; it is not computed twice.
        let extra = match algorithm {
            Algorithm::Sha256 => ChecksumHasher::default(),
            other => other.hasher(),
        };
        Self {
            md5: Md5::new(),
            sha256: Sha256::new(),
            algorithm,
            extra,
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.md5.update(data);
        self.sha256.update(data);
        self.extra.update(data);
    }

    pub(crate) fn finish(self) -> Digests {
        let sha256 = self.sha256.finalize();
        let value = match self.algorithm {
            Algorithm::Sha256 => STANDARD.encode(sha256),
            other => other.take(self.extra),
        };
        Digests {
            md5: self.md5.finalize(),
            sha256: hex(&sha256),
            checksum: Checksum {
                algorithm: self.algorithm,
                value,
                composite: false,
            },
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

/// The bytes of a hexadecimal text that [`hex`] wrote.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .unwrap_or(0)
    };
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| digit(&pair[0]) * 16 + digit(&pair[1]))
        .collect()
}

/// What a request promises about its body.
#[derive(Debug)]
pub(crate) struct Promise {
    checksum: Option<(Algorithm, Where)>,
    md5: Option<[u8; 16]>,
}

#[derive(Debug)]
enum Where {
    Header(String),
    Trailer,
}

impl Promise {
    /// Reads the checksum headers, the announced trailer and `Content-MD5`.
    ///
    /// # Errors
    /// `InvalidRequest` for a malformed or a second checksum, `InvalidDigest` for a malformed `Content-MD5`.
    pub(crate) fn read(headers: &HeaderMap, content_md5: Option<&str>) -> S3Result<Self> {
        let mut found = Vec::new();
        let trailers = headers
            .get("x-amz-trailer")
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        for algorithm in Algorithm::ALL {
            let name = algorithm.header();
            if let Some(value) = headers.get(name) {
                let value = value.to_str().unwrap_or("");
                if STANDARD.decode(value).map(|raw| raw.len()) != Ok(algorithm.length()) {
                    return Err(s3_error!(
                        InvalidRequest,
                        "Value for {name} header is invalid."
                    ));
                }
                found.push((algorithm, Where::Header(value.to_owned())));
            }
            if trailers
                .split(',')
                .any(|trailer| trailer.trim().eq_ignore_ascii_case(name))
            {
                found.push((algorithm, Where::Trailer));
            }
        }
        if found.len() > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let md5 = content_md5.map(decode_md5).transpose()?;
        Ok(Self {
            checksum: found.pop(),
            md5,
        })
    }

    /// The algorithm to compute while the body arrives.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.checksum.as_ref().map(|(algorithm, _)| *algorithm)
    }

    /// Compares what arrived with what was promised; a body may be stored only after this.
    ///
    /// # Errors
    /// `BadDigest` when a checksum differs, `MalformedTrailerError` when the announced trailer did not come.
    pub(crate) fn keep(&self, digests: &Digests, trailers: Option<&TrailingHeaders>) -> S3Result {
        if self.md5.is_some_and(|md5| md5 != digests.md5) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        let Some((algorithm, place)) = &self.checksum else {
            return Ok(());
        };
        let promised = match place {
            Where::Header(value) => value.clone(),
            Where::Trailer => trailers
                .and_then(|trailers| {
                    trailers.read(|map| {
                        Some(
                            map.get(algorithm.header())?
                                .to_str()
                                .ok()?
                                .trim()
                                .to_owned(),
                        )
                    })
                })
                .flatten()
                .ok_or_else(|| malformed_trailer(algorithm.header()))?,
        };
        if promised != digests.checksum.value {
            let name = algorithm.name();
            return Err(s3_error!(
                BadDigest,
                "The {name} you specified did not match the calculated checksum."
            ));
        }
        Ok(())
    }
}

fn malformed_trailer(name: &str) -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::Custom("MalformedTrailerError".into()),
        format!(
            "The request contained trailing data that was not well-formed or did not conform to our published schema: {name}"
        ),
    );
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}

fn decode_md5(value: &str) -> S3Result<[u8; 16]> {
    let raw = STANDARD
        .decode(value)
        .ok()
        .and_then(|raw| raw.try_into().ok());
    raw.ok_or_else(|| s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid."))
}

/// Sets the checksum fields of an output structure.
macro_rules! echo_checksum {
    ($output:expr, $checksum:expr) => {{
        let value = Some($checksum.value.clone());
        match $checksum.algorithm {
            $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
            $crate::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
            $crate::checksum::Algorithm::Crc64nvme => $output.checksum_crc64nvme = value,
            $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
            $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
        }
    }};
}
pub(crate) use echo_checksum;

/// The checksum field of an input structure that belongs to an algorithm.
macro_rules! given_checksum {
    ($input:expr, $algorithm:expr) => {
        match $algorithm {
            $crate::checksum::Algorithm::Crc32 => $input.checksum_crc32.as_deref(),
            $crate::checksum::Algorithm::Crc32c => $input.checksum_crc32c.as_deref(),
            $crate::checksum::Algorithm::Crc64nvme => $input.checksum_crc64nvme.as_deref(),
            $crate::checksum::Algorithm::Sha1 => $input.checksum_sha1.as_deref(),
            $crate::checksum::Algorithm::Sha256 => $input.checksum_sha256.as_deref(),
        }
    };
}
pub(crate) use given_checksum;

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values of "123456789" from the CRC catalogue (<https://reveng.sourceforge.io/crc-catalogue/all.htm>) and
    /// from `printf 123456789 | sha1sum`, `sha256sum`.
    #[test]
    fn published_check_values() {
        let raw = |algorithm: Algorithm| hex(&STANDARD.decode(algorithm.of(b"123456789")).unwrap());
        assert_eq!(raw(Algorithm::Crc32), "cbf43926");
        assert_eq!(raw(Algorithm::Crc32c), "e3069283");
        assert_eq!(raw(Algorithm::Crc64nvme), "ae8b14860a799888");
        assert_eq!(
            raw(Algorithm::Sha1),
            "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
        );
        assert_eq!(
            raw(Algorithm::Sha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
    }

    #[test]
    fn one_pass_equals_the_whole_for_every_algorithm() {
        for algorithm in Algorithm::ALL {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"1234");
            hasher.update(b"56789");
            let digests = hasher.finish();
            assert_eq!(digests.checksum.value, algorithm.of(b"123456789"));
            assert_eq!(
                STANDARD.decode(&digests.checksum.value).unwrap().len(),
                algorithm.length()
            );
            assert_eq!(hex(&digests.md5), "25f9e794323b453885f5181f1b624d0b");
        }
    }

    #[test]
    fn two_checksums_and_malformed_ones_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-checksum-crc32", "AAAA".parse().unwrap());
        assert_eq!(
            Promise::read(&headers, None).unwrap_err().code(),
            &S3ErrorCode::InvalidRequest
        );
        headers.insert(
            "x-amz-checksum-crc32",
            Algorithm::Crc32.of(b"a").parse().unwrap(),
        );
        assert!(Promise::read(&headers, None).is_ok());
        headers.insert("x-amz-trailer", "x-amz-checksum-sha256".parse().unwrap());
        assert_eq!(
            Promise::read(&headers, None).unwrap_err().code(),
            &S3ErrorCode::InvalidRequest
        );
        let error = Promise::read(&HeaderMap::new(), Some("not base64")).unwrap_err();
        assert_eq!(error.code(), &S3ErrorCode::InvalidDigest);
    }
}
