//! The names by which an image is known: its site and the SHA-256 of its bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;

/// The SHA-256 of an image's bytes (FIPS 180-4); with the site, an image's identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Base64 as in the `x-amz-checksum-sha256` header.
    pub fn base64(&self) -> String {
        base64::engine::general_purpose::STANDARD.encode(self.0)
    }

    /// The digest named by an `x-amz-checksum-sha256` header, or `None` when it is not one.
    ///
    /// A composite checksum of a multipart object (`...-3`) is a checksum of checksums and so is none.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// Why a text is not a [`Sha256`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 is 64 hexadecimal digits")]
pub struct NotASha256;

impl FromStr for Sha256 {
    type Err = NotASha256;

    fn from_str(text: &str) -> Result<Self, NotASha256> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NotASha256);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |c: u8| (c as char).to_digit(16).ok_or(NotASha256);
            *byte = (nibble(pair[0])? * 16 + nibble(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

/// A site's name: 1 to 63 of `a-z`, `0-9`, `-` and `.`, beginning and ending with a letter or digit, so that
/// it can stand in a bucket's name (the rule of S3 bucket names).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteName(String);

/// Why a text is not a [`SiteName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a site's name is 1 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit"
)]
pub struct NotASiteName;

impl SiteName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SiteName {
    type Err = NotASiteName;

    fn from_str(text: &str) -> Result<Self, NotASiteName> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = text.as_bytes();
        let fits = (1..=63).contains(&bytes.len())
            && bytes.iter().all(|&b| inner(b))
            && edge(bytes.first())
            && edge(bytes.last())
            && !text.contains("..");
        fits.then(|| Self(text.to_owned())).ok_or(NotASiteName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_digest_survives_both_of_its_spellings(bytes: [u8; 32]) {
            let digest = Sha256(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            prop_assert_eq!(Sha256::from_base64(&digest.base64()), Some(digest));
        }

        #[test]
        fn no_text_breaks_the_parsers(text: String) {
            let _ = text.parse::<Sha256>();
            let _ = Sha256::from_base64(&text);
            if let Ok(site) = text.parse::<SiteName>() {
                prop_assert_eq!(site.as_str(), text);
            }
        }
    }

    #[test]
    fn a_composite_checksum_is_no_digest_of_the_image() {
        assert_eq!(
            Sha256::from_base64(&format!("{}-3", Sha256([7; 32]).base64())),
            None
        );
    }

    #[test]
    fn names_that_no_bucket_could_carry_are_refused() {
        for bad in [
            "",
            "Site1",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "a/b",
            &"x".repeat(64),
        ] {
            assert!(bad.parse::<SiteName>().is_err(), "{bad}");
        }
        assert!("first-dam".parse::<SiteName>().is_ok());
    }
}
