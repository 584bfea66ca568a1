//! What an object says of itself: the user metadata sent with every image.

use chrono::{DateTime, FixedOffset};

use crate::identity::{Sha256, SiteName};
use crate::stamp::{CaptureTime, Source};

/// What is told of one image.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The site.
    pub site: &'a SiteName,
    /// The digest.
    pub sha256: Sha256,
    /// The capture time with its offset; `None` where the site files doubtful ones apart, and this is one.
    pub captured: Option<DateTime<FixedOffset>>,
    /// How the capture time is known; `None` when that cannot be read any more.
    pub capture: Option<&'a CaptureTime>,
    /// The file's name as bytes; need not be UTF-8.
    pub name: &'a [u8],
    /// The digest of the image that it was made of, if it is a product and that is known.
    pub parent: Option<Sha256>,
    /// The agent's version.
    pub version: &'a str,
}

/// The most bytes of a source's text that are told: EXIF dates and the names of cameras are shorter.
const RAW: usize = 120;
/// The most bytes of the warnings' codes.
const WARNINGS: usize = 240;

/// The names (without `x-amz-meta-`) and values of an object's metadata: ASCII only, as HTTP headers
/// demand; bytes of texts outside it, spaces and `%` are percent-encoded. Well under S3's limit of 2 KB. An object
/// that is filed without a date has no `capture-time`; what was found is in `capture-raw` all the same.
pub fn metadata(image: &Described<'_>) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let Some(at) = image.captured {
        pairs.push(("capture-time", at.to_rfc3339()));
        pairs.push(("capture-offset", at.offset().to_string()));
    }
    if let Some(capture) = image.capture {
        pairs.extend(provenance(capture));
    }
    if let Some(parent) = image.parent {
        pairs.push(("parent-sha256", parent.to_string()));
    }
    pairs.extend([
        ("site", image.site.to_string()),
        ("sha256", image.sha256.to_string()),
        ("original-name", percent(image.name, 255)),
        ("agent", format!("weir/{}", image.version)),
    ]);
    pairs
}

/// How a capture time is known.
fn provenance(capture: &CaptureTime) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("capture-source", capture.source.to_string()),
        ("capture-precision", capture.precision.to_string()),
        ("capture-confidence", capture.confidence.to_string()),
    ];
    let mut codes = String::new();
    for warning in &capture.warnings {
        let code = warning.code();
        let known = codes.split(' ').any(|said| said == code);
        if !known && codes.len() + 1 + code.len() <= WARNINGS {
            let space = if codes.is_empty() { "" } else { " " };
            codes = codes + space + code;
        }
    }
    if !codes.is_empty() {
        pairs.push(("capture-warnings", codes));
    }
    // Where nothing was chosen, the most trusted that was found.
    if let Some(candidate) = capture.chosen().or(capture.candidates.first()) {
        pairs.push(("capture-raw", percent(candidate.raw.as_bytes(), RAW)));
        if let Some(correction) = candidate.correction_ms {
            let seconds = correction as f64 / 1000.0;
            let name = match candidate.source {
                Source::Mtime => "device-clock-offset",
                _ => "camera-clock-offset",
            };
            pairs.push((name, format!("{seconds:+}s")));
        }
    }
    pairs
}

/// A file name has at most 255 bytes on Linux, so at most 765 characters here.
fn percent(text: &[u8], most: usize) -> String {
    text.iter()
        .take(most)
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

    use crate::stamp::{CameraClock, Evidence, Rules, stamp};
    use std::path::Path;

    fn told(
        name: &[u8],
        digest: [u8; 32],
        dated: bool,
        rules: &Rules,
        parent: Option<Sha256>,
    ) -> Vec<(&'static str, String)> {
        let site = "first-dam".parse().unwrap();
        let captured = FixedOffset::west_opt(7 * 3600)
            .unwrap()
            .with_ymd_and_hms(2024, 8, 9, 14, 30, 0)
            .unwrap();
        let text = String::from_utf8_lossy(name).replace('/', "-");
        let mtime = "2020-01-01T00:00:00Z".parse().ok();
        let capture = stamp(
            &Evidence {
                mtime,
                ..Evidence::of(Path::new(&text))
            },
            rules,
        );
        metadata(&Described {
            site: &site,
            sha256: Sha256(digest),
            captured: dated.then_some(captured),
            capture: Some(&capture),
            name,
            parent,
            version: "1.2.3",
        })
    }

    proptest! {
        #[test]
        fn metadata_fits_into_headers_whatever_the_file_is_called(
            name: Vec<u8>,
            digest: [u8; 32],
            dated: bool,
            parent: Option<[u8; 32]>,
        ) {
            let parent = parent.map(Sha256);
            let pairs = told(&name, digest, dated, &Rules::default(), parent);
            let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
            prop_assert!(bytes <= 2048);
            prop_assert!(pairs.iter().all(|(_, value)| value.bytes().all(|b| (b' '..=b'~').contains(&b))));
            let time = ("capture-time", "2024-08-09T14:30:00-07:00".to_owned());
            prop_assert_eq!(pairs.contains(&time), dated);
            prop_assert_eq!(pairs.iter().any(|(name, _)| *name == "capture-offset"), dated);
            prop_assert!(pairs.contains(&("sha256", Sha256(digest).to_string())));
            let told = pairs.iter().find(|(name, _)| *name == "parent-sha256").map(|(_, value)| value.clone());
            prop_assert_eq!(told, parent.map(|parent| parent.to_string()));
        }
    }

    #[test]
    fn an_object_tells_how_its_time_is_known() {
        let rules = Rules {
            camera_clock: CameraClock::fixed(chrono::TimeDelta::minutes(-63)),
            ..Rules::default()
        };
        let pairs = told(
            b"image_capture_2024-08-09_14-30-00.jpg",
            [7; 32],
            false,
            &rules,
            None,
        );
        for pair in [
            ("capture-source", "filename"),
            ("capture-precision", "second"),
            ("capture-confidence", "low"),
            ("capture-warnings", "zone-unknown after-modification"),
            ("capture-raw", "image_capture_2024-08-09_14-30-00.jpg"),
            ("camera-clock-offset", "-3780s"),
        ] {
            assert!(
                pairs.contains(&(pair.0, pair.1.to_owned())),
                "{pair:?} is not in {pairs:?}"
            );
        }
    }
}
