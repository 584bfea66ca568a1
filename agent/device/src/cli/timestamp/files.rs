//! Of files: each is read once, and judged by its content, its name, its folders and its modification time. One that
//! cannot be read is judged by its name and folders, and the error is told with it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use weir_journey::settle::inspect;
use weir_journey::stamp::{CaptureTime, Evidence, Filed, Filing, Warning, stamp};

use super::{Sites, overridden, shown, walk};
use crate::cli::args::Timestamp;
use crate::cli::output::{Failed, json as print_json, moment, print};
use crate::cli::short;
use crate::clock::Clock;
use crate::config::Site;

/// Tells of every file; gives exit code 1 when one could not be read.
pub(super) fn tell(asked: &Timestamp, sites: &Sites, json: bool) -> Result<ExitCode, Failed> {
    let clock = Clock::system();
    let wrong = short(async { Ok(clock.synchronised().await == Some(false)) })?;
    let now = (!wrong).then(|| clock.now());
    let mut failed = false;
    for found in walk(&asked.files) {
        let (path, read) = match found {
            Ok(path) => {
                let read = read(&path);
                (path, read)
            }
            Err((path, error)) => (path, Err(error)),
        };
        let site = sites.of(&path);
        let (content, error) = match read {
            Ok(content) => (content, None),
            Err(error) => (Content::default(), Some(error)),
        };
        let filed = judge(&path, &content, site, asked, now);
        let more = if json {
            print_json(&line(&path, site, &filed, error.as_ref()))
        } else {
            print(&words(&path, site, &filed))
        };
        if let Some(error) = error {
            failed = true;
            eprintln!("weir: {}: {error}", shown(&path));
        }
        if !more? {
            break;
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// What a file itself says of its moment.
#[derive(Default)]
struct Content {
    exif: Option<Vec<u8>>,
    mtime: Option<DateTime<Utc>>,
}

fn read(path: &Path) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let mtime = file.metadata()?.modified().ok().map(DateTime::from);
    let exif = inspect(&mut file, |_| {})?.exif;
    Ok(Content { exif, mtime })
}

fn judge(
    path: &Path,
    content: &Content,
    site: Option<&Site>,
    asked: &Timestamp,
    now: Option<DateTime<Utc>>,
) -> Filed {
    let rules = overridden(
        site.map(|site| site.rules.clone()).unwrap_or_default(),
        asked,
    );
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folders = site
        .map(|site| site.directories.as_slice())
        .unwrap_or_default();
    let below = folders
        .iter()
        .find_map(|folder| absolute.strip_prefix(folder).ok());
    let evidence = Evidence {
        exif: content.exif.as_deref(),
        // Outside of a site's folder the path counts as it was given.
        path: below.unwrap_or(path),
        mtime: content.mtime.filter(|_| !asked.no_mtime),
        mtime_unsure: false,
        now,
        neighbour: None,
    };
    let capture = stamp(&evidence, &rules);
    match site {
        Some(site) => site.doubtful.file(capture),
        // Nobody's policy: what was found is told as it was found.
        None => Filed {
            capture,
            filing: Filing::Dated,
        },
    }
}

fn line(path: &Path, site: Option<&Site>, filed: &Filed, error: Option<&io::Error>) -> Value {
    let capture = &filed.capture;
    let mut line = facts(capture);
    if let Some(error) = error {
        line.insert("error".to_owned(), json!(error.to_string()));
    }
    line.insert("path".to_owned(), json!(shown(path)));
    if let Some(site) = site {
        line.insert("site".to_owned(), json!(site.name.as_str()));
        line.insert("filed".to_owned(), json!(filing(filed.filing)));
    }
    Value::Object(line)
}

const fn filing(filing: Filing) -> &'static str {
    match filing {
        Filing::Dated => "dated",
        Filing::Undated => "undated",
        Filing::Held => "held",
    }
}

/// A capture time as the command tells it.
fn facts(capture: &CaptureTime) -> Map<String, Value> {
    let candidates = capture.candidates.iter().map(|candidate| {
        let mut value = serde_json::to_value(candidate).unwrap_or_default();
        value["at"] = json!(moment(candidate.at));
        value
    });
    let warnings = capture.warnings.iter().map(told);
    let facts = json!({
        "captured_at": capture.at.map(moment),
        "source": capture.source,
        "precision": capture.at.map(|_| capture.precision),
        "confidence": capture.confidence,
        "warnings": warnings.collect::<Vec<_>>(),
        "candidates": candidates.collect::<Vec<_>>(),
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}

/// A warning: its code, its values, and the sentence.
fn told(warning: &Warning) -> Value {
    let mut value = serde_json::to_value(warning).unwrap_or_default();
    if let Some(values) = value.as_object_mut() {
        values.remove("warning");
    }
    value["code"] = json!(warning.code());
    value["text"] = json!(warning.to_string());
    value
}

fn words(path: &Path, site: Option<&Site>, filed: &Filed) -> String {
    let capture = &filed.capture;
    let at = capture.at.map_or("unknown".to_owned(), moment);
    let (source, confidence) = (capture.source.to_string(), capture.confidence.to_string());
    let precision = capture
        .at
        .map_or(String::new(), |_| capture.precision.to_string());
    let apart = match site.map(|_| filed.filing) {
        Some(Filing::Undated) => "  (filed under undated/)",
        Some(Filing::Held) => "  (held until somebody has looked)",
        Some(Filing::Dated) | None => "",
    };
    let mut text = format!(
        "{at:32} {source:8} {precision:9} {confidence:6} {}{apart}\n",
        path.display()
    );
    for warning in &capture.warnings {
        text.push_str(&format!("    {}: {warning}\n", warning.code()));
    }
    text
}
