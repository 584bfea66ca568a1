//! An image of the queue as fields: the object of `--json`, and the columns of `weir queue export`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use serde_json::{Value, json};
use weir_journey::settle::Format;
use weir_journey::verify::Proof;

use super::output::moment;
use crate::queue::{Image, Urgency};
use crate::upload::captured;

/// The object of `weir queue list --json` and `weir queue show --json`.
pub(super) fn image_json(image: &Image) -> Value {
    let at = |ms: Option<i64>| ms.and_then(chrono::DateTime::from_timestamp_millis);
    let (bucket, key) = image.target.clone().unzip();
    json!({
        "id": image.id.0,
        "site": image.site_name.as_str(),
        "state": image.state,
        "sha256": image.sha256.to_string(),
        "path": image.place.path.to_string_lossy(),
        "bytes": image.place.identity.size,
        "captured_at": moment(captured(image)),
        "capture": serde_json::from_str::<Value>(&image.capture).ok(),
        "accepted_at": at(Some(image.accepted_ms)),
        "attempts": image.attempts,
        "next_at": at(image.next_at_ms),
        "bucket": bucket,
        "key": key,
        "etag": image.etag,
        "verified_at": at(image.verified_ms),
        "proof": image.proof,
        "flagged": image.flagged,
        "removed_at": at(image.removed.as_ref().map(|removed| removed.at_ms)),
        "removed_why": image.removed.as_ref().map(|removed| &removed.why),
        "failure": image.failure,
        "fix": image.fix,
        "parent": image.parent.map(|parent| parent.0),
        "look": image.infer.name(),
        "urgency": urgency(image),
        "findings": findings(image),
    })
}

/// A row of an export: a field is a column of CSV and a name of JSON, in this order. What is not known is empty
/// in CSV and null in JSON. Times are RFC 3339: capture times in the camera's offset, all others in UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Record<'a> {
    id: i64,
    site: &'a str,
    state: String,
    /// As text; U+FFFD stands for what is not UTF-8.
    path: Cow<'a, str>,
    /// The path's bytes in hexadecimal, where it is not UTF-8, so that nothing is lost.
    path_hex: Option<String>,
    bytes: u64,
    format: Option<&'static str>,
    sha256: String,
    captured_at: String,
    source: Option<String>,
    precision: Option<String>,
    confidence: Option<String>,
    /// Codes, with a space between two.
    warnings: String,
    dated: bool,
    held: bool,
    flagged: bool,
    accepted_at: Option<String>,
    attempts: u32,
    next_at: Option<String>,
    bucket: Option<&'a str>,
    key: Option<&'a str>,
    etag: Option<&'a str>,
    verified_at: Option<String>,
    proof: Option<Proof>,
    removed_at: Option<String>,
    removed_why: Option<&'a str>,
    failure: Option<&'a str>,
    fix: Option<&'a str>,
    /// The number of the image that a product was made of.
    parent: Option<i64>,
    /// How far the look at it has come.
    look: Option<&'static str>,
    urgency: Option<&'static str>,
    /// What was found in it, as JSON.
    findings: Option<&'a str>,
}

/// The names of a [`Record`]'s fields: the first line of CSV, which an export without rows has too.
pub(super) const COLUMNS: [&str; 32] = [
    "id",
    "site",
    "state",
    "path",
    "path_hex",
    "bytes",
    "format",
    "sha256",
    "captured_at",
    "source",
    "precision",
    "confidence",
    "warnings",
    "dated",
    "held",
    "flagged",
    "accepted_at",
    "attempts",
    "next_at",
    "bucket",
    "key",
    "etag",
    "verified_at",
    "proof",
    "removed_at",
    "removed_why",
    "failure",
    "fix",
    "parent",
    "look",
    "urgency",
    "findings",
];

impl<'a> Record<'a> {
    /// As JSON, in which the warnings are a list.
    pub(super) fn json(&self) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(self)?;
        value["warnings"] = self.warnings.split_whitespace().collect();
        value["findings"] = parsed(self.findings);
        Ok(value)
    }

    pub(super) fn of(image: &'a Image) -> Self {
        let capture: Value = serde_json::from_str(&image.capture).unwrap_or_default();
        let word = |name: &str| capture[name].as_str().map(str::to_owned);
        let warnings = capture["warnings"].as_array().into_iter().flatten();
        let codes: Vec<_> = warnings
            // The first agents called it `warning`.
            .filter_map(|warning| warning["code"].as_str().or(warning["warning"].as_str()))
            .collect();
        let target = image.target.as_ref();
        let removed = image.removed.as_ref();
        let path: &Path = &image.place.path;
        Self {
            id: image.id.0,
            site: image.site_name.as_str(),
            state: image.state.to_string(),
            path: path.to_string_lossy(),
            path_hex: path.to_str().is_none().then(|| hex(path)),
            bytes: image.place.identity.size,
            format: Format::from_code(image.format).map(Format::extension),
            sha256: image.sha256.to_string(),
            captured_at: moment(captured(image)),
            source: word("source"),
            precision: word("precision"),
            confidence: word("confidence"),
            warnings: codes.join(" "),
            dated: image.dated,
            held: image.held,
            flagged: image.flagged,
            accepted_at: utc(Some(image.accepted_ms)),
            attempts: image.attempts,
            next_at: utc(image.next_at_ms),
            bucket: target.map(|(bucket, _)| bucket.as_str()),
            key: target.map(|(_, key)| key.as_str()),
            etag: image.etag.as_deref(),
            verified_at: utc(image.verified_ms),
            proof: image.proof,
            removed_at: utc(removed.map(|removed| removed.at_ms)),
            removed_why: removed.map(|removed| removed.why.as_str()),
            failure: image.failure.as_deref(),
            fix: image.fix.as_deref(),
            parent: image.parent.map(|parent| parent.0),
            look: image.infer.name(),
            urgency: urgency(image),
            findings: image.findings.as_deref(),
        }
    }
}

/// When it goes up among those of its site; `None` by its capture time.
const fn urgency(image: &Image) -> Option<&'static str> {
    match image.urgency {
        Urgency::First => Some("first"),
        Urgency::Usual => None,
        Urgency::Later => Some("later"),
    }
}

fn findings(image: &Image) -> Value {
    parsed(image.findings.as_deref())
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn utc(ms: Option<i64>) -> Option<String> {
    let at = DateTime::from_timestamp_millis(ms?)?;
    Some(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn hex(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A text for a person's eyes: what a terminal would obey is shown, not sent.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A path for a person's eyes.
pub(super) fn shown(path: &Path) -> String {
    harmless(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_path_is_never_lost_and_never_obeyed() {
        let path = Path::new(OsStr::from_bytes(b"/c/\xff\x01.jpg"));
        assert_eq!(hex(path), "2f632fff012e6a7067");
        assert_eq!(shown(path), "/c/\u{fffd}\\u{1}.jpg");
        assert_eq!(shown(Path::new("/c/\x1b[31mé.jpg")), "/c/\\u{1b}[31mé.jpg");
    }
}
