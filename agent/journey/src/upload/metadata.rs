//! What an object says of itself: the user metadata sent with every image.

use chrono::{DateTime, FixedOffset};

use crate::identity::{Sha256, SiteName};

/// What is told of one image.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The site.
    pub site: &'a SiteName,
    /// The digest.
    pub sha256: Sha256,
    /// The capture time with its offset.
    pub captured: DateTime<FixedOffset>,
    /// Where the capture time comes from (`exif`, `filename`, `mtime`).
    pub source: &'a str,
    /// How far it can be trusted (`high`, `medium`, `low`).
    pub confidence: &'a str,
    /// The file's name as bytes; need not be UTF-8.
    pub name: &'a [u8],
    /// The agent's version.
    pub version: &'a str,
}

/// The names (without `x-amz-meta-`) and values of an object's metadata: ASCII only, as HTTP headers
/// demand; bytes of the file's name outside it, spaces and `%` are percent-encoded. Well under S3's limit of
/// 2 KB.
pub fn metadata(image: &Described<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("capture-time", image.captured.to_rfc3339()),
        ("capture-offset", image.captured.offset().to_string()),
        ("capture-source", image.source.to_owned()),
        ("capture-confidence", image.confidence.to_owned()),
        ("site", image.site.to_string()),
        ("sha256", image.sha256.to_string()),
        ("original-name", percent(image.name)),
        ("agent", format!("weir/{}", image.version)),
    ]
}

fn percent(name: &[u8]) -> String {
    // A file name has at most 255 bytes on Linux, so at most 765 characters here.
    name.iter()
        .take(255)
        .map(|&byte| match byte {
            b'!'..=b'~' if byte != b'%' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, TimeZone as _};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn metadata_fits_into_headers_whatever_the_file_is_called(name: Vec<u8>, digest: [u8; 32]) {
            let site = "first-dam".parse().unwrap();
            let captured = FixedOffset::west_opt(7 * 3600).unwrap().with_ymd_and_hms(2024, 8, 9, 14, 30, 0).unwrap();
            let pairs = metadata(&Described {
                site: &site, sha256: Sha256(digest), captured, source: "exif", confidence: "high", name: &name, version: "1.2.3",
            });
            let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
            prop_assert!(bytes <= 2048);
            prop_assert!(pairs.iter().all(|(_, value)| value.bytes().all(|b| (b' '..=b'~').contains(&b))));
            prop_assert!(pairs.contains(&("capture-time", "2024-08-09T14:30:00-07:00".to_owned())));
            prop_assert!(pairs.contains(&("sha256", Sha256(digest).to_string())));
        }
    }
}
