//! What is told of an image that was looked at: one JSON object a result.

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde::Serialize;

use super::report::{Classified, Fault, Health, Label, Report, Size, Stage, Took, Water};
use crate::identity::{Sha256, SiteName};
use crate::stamp::{CaptureTime, Confidence, Precision, Source};

/// What is known of an image besides what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The site.
    pub site: &'a SiteName,
    /// Where the image is, or will be.
    pub image: Object<'a>,
    /// Where the overlay is, or will be, if there is one.
    pub overlay: Option<Object<'a>>,
    /// Where the derivatives are, or will be, by their names.
    pub derivatives: &'a [(&'a str, Object<'a>)],
    /// The address of the store, `https://store.example.org:9000`; `None` for Amazon's.
    pub endpoint: Option<&'a str>,
    /// The image's digest.
    pub sha256: Sha256,
    /// The MD5 of the image's bytes, which is the `ETag` of an object that was sent in one piece and not encrypted
    /// with a key of KMS.
    pub md5: [u8; 16],
    /// The image's bytes.
    pub bytes: u64,
    /// When it was taken; `None` where the site files doubtful times apart, and this is one.
    pub captured: Option<DateTime<FixedOffset>>,
    /// How that is known; `None` when it cannot be read any more.
    pub capture: Option<&'a CaptureTime>,
    /// When the agent accepted it.
    pub accepted: DateTime<FixedOffset>,
    /// When the store had it; `None` where the image is looked at before it is sent.
    pub uploaded: Option<DateTime<FixedOffset>>,
    /// When it was looked at.
    pub looked: DateTime<FixedOffset>,
    /// The agent's version.
    pub version: &'a str,
}

/// An object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
}

impl Object<'_> {
    fn path(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }

    /// Virtual-hosted at Amazon, as the pipeline writes it; in the path at any other store.
    fn url(&self, endpoint: Option<&str>) -> String {
        let key = escaped(self.key);
        match endpoint {
            None => format!("https://{}.s3.amazonaws.com/{key}", self.bucket),
            Some(endpoint) => format!("{}/{}/{key}", endpoint.trim_end_matches('/'), self.bucket),
        }
    }
}

/// The bytes of a key as a URL's path takes them.
fn escaped(key: &str) -> String {
    let mut path = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(byte as char);
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// The result of an image: the columns of the pipeline's table `images_segmented`, by their names, and what else is
/// known in `weir`.
///
/// Times are RFC 3339 to the second with their offset. The pipeline's own rows have neither `T` nor offset; the first
/// 19 characters of both are the same but for the `T`. What is not known is `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record<'a> {
    /// The site's name.
    pub site_id: &'a str,
    /// The image's bucket and key, `bucket/key`.
    pub image_path: String,
    /// When the image was taken, by the clock of the camera's zone.
    pub image_timestamp: Option<String>,
    /// MD5 of the image's bytes, hexadecimal.
    pub image_md5: String,
    /// When the image came: the pipeline's event is an upload, the agent's is its acceptance.
    pub event_timestamp: String,
    /// When the store had the image; not known where it is looked at before it is sent.
    pub upload_timestamp: Option<String>,
    /// The overlay's bucket and key, `bucket/key`.
    pub segmented_path: Option<String>,
    /// When the image was looked at.
    pub segmented_timestamp: String,
    /// Pixels of water in each region, in the order of the configuration, as PostgreSQL writes arrays: `{10448,20262}`.
    pub roi: Option<String>,
    /// Intersection over union with the ground truth (0 to 1), not rounded.
    pub iou_score: Option<f64>,
    /// Whether that is enough.
    pub segmentation_verification: Option<bool>,
    /// Where the image can be fetched from, by those who may.
    pub original_image_url: String,
    /// Where the overlay can be fetched from, by those who may.
    pub segmented_image_url: Option<String>,
    /// The stage in metres; `null` when there is none, or its unit is neither `m`, `cm` nor `ft`.
    pub stage_m: Option<f64>,
    /// What the table has no columns for.
    pub weir: Weir<'a>,
}

/// What the pipeline's table has no columns for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weir<'a> {
    /// The agent's version.
    pub version: &'a str,
    /// SHA-256 of the image's bytes, hexadecimal.
    pub sha256: String,
    /// The image's bytes.
    pub bytes: u64,
    /// Width and height of the picture as it is seen.
    pub size: Size,
    /// How the capture time is known.
    pub capture: Option<Capture>,
    /// What the picture says about its camera.
    pub health: &'a Health,
    /// The water: model, frame, share, every region with its name and pixels, the stage with its unit and, where
    /// there is none, the reason.
    pub water: Option<&'a Water>,
    /// What each classifying model says.
    pub classes: &'a [Classified],
    /// What they say together.
    pub together: &'a [Label],
    /// The pictures that were made of the image.
    pub derivatives: Vec<Derived<'a>>,
    /// Parts of the work that failed.
    pub faults: &'a [Fault],
    /// How long it took, milliseconds.
    pub took: Took,
}

/// How a capture time is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// What it was read from.
    pub source: Source,
    /// How fine it is.
    pub precision: Precision,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// Codes of what speaks against it.
    pub warnings: Vec<&'static str>,
}

/// A picture that was made of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Derived<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    /// Its bucket and key, `bucket/key`.
    pub path: String,
    /// Where it can be fetched from, by those who may.
    pub url: String,
}

/// The result of an image.
pub fn record<'a>(facts: &Facts<'a>, report: &'a Report) -> Record<'a> {
    let water = report.water.as_ref();
    Record {
        site_id: facts.site.as_str(),
        image_path: facts.image.path(),
        image_timestamp: facts.captured.map(told),
        image_md5: facts.md5.iter().map(|byte| format!("{byte:02x}")).collect(),
        event_timestamp: told(facts.accepted),
        upload_timestamp: facts.uploaded.map(told),
        segmented_path: facts.overlay.map(|overlay| overlay.path()),
        segmented_timestamp: told(facts.looked),
        roi: water.map(counts),
        iou_score: water.and_then(|water| water.iou),
        segmentation_verification: water.and_then(|water| water.verified),
        original_image_url: facts.image.url(facts.endpoint),
        segmented_image_url: facts.overlay.map(|overlay| overlay.url(facts.endpoint)),
        stage_m: water
            .and_then(|water| water.stage.as_ref())
            .and_then(metres),
        weir: Weir {
            version: facts.version,
            sha256: facts.sha256.to_string(),
            bytes: facts.bytes,
            size: report.size,
            capture: facts.capture.map(capture),
            health: &report.health,
            water,
            classes: &report.classes,
            together: &report.together,
            derivatives: facts
                .derivatives
                .iter()
                .map(|&(name, object)| Derived {
                    name,
                    path: object.path(),
                    url: object.url(facts.endpoint),
                })
                .collect(),
            faults: &report.faults,
            took: report.took,
        },
    }
}

fn told(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

fn counts(water: &Water) -> String {
    let counts: Vec<String> = water.rois.iter().map(|roi| roi.water.to_string()).collect();
    format!("{{{}}}", counts.join(","))
}

/// The stage in metres, where it has a value in a unit of length.
fn metres(stage: &Stage) -> Option<f64> {
    let unit = match stage.unit.as_str() {
        "m" => 1.0,
        "cm" => 0.01,
        // The international foot.
        "ft" => 0.3048,
        _ => return None,
    };
    stage.value.map(|value| value * unit)
}

fn capture(capture: &CaptureTime) -> Capture {
    let mut warnings: Vec<_> = capture
        .warnings
        .iter()
        .map(|warning| warning.code())
        .collect();
    // The same may be said of several sources.
    warnings.sort_unstable();
    warnings.dedup();
    Capture {
        source: capture.source,
        precision: capture.precision,
        confidence: capture.confidence,
        warnings,
    }
}

#[cfg(test)]
mod tests;
