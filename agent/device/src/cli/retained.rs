//! `weir queue list --dropped` and `weir queue flag`: what was given up, and what must stay.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::output::Failed;
use super::queue::{report, selector};
use super::row::shown;
use crate::queue::{Drop, Queue};

/// One drop, as it is listed.
pub(super) fn drop_line(drop: &Drop) -> String {
    let time = |ms: Option<i64>| at(ms).map_or("unknown".to_owned(), |at| at.to_rfc3339());
    format!(
        "{} {:9} {} captured {} {}  {}\n",
        time(Some(drop.at_ms)),
        drop.by_whom,
        drop.site,
        time(drop.captured_ms),
        shown(&drop.path),
        drop.why,
    )
}

/// The object of `weir queue list --dropped --json`.
pub(super) fn drop_json(drop: &Drop) -> Value {
    json!({
        "at": at(Some(drop.at_ms)),
        "by": drop.by_whom,
        "why": drop.why,
        "id": drop.image.0,
        "site": drop.site.as_str(),
        "path": drop.path.to_string_lossy(),
        "sha256": drop.sha256.to_string(),
        "bytes": drop.size,
        "captured_at": at(drop.captured_ms),
        "state": drop.state,
    })
}

fn at(ms: Option<i64>) -> Option<DateTime<Utc>> {
    ms.and_then(DateTime::from_timestamp_millis)
}

/// Has retention leave images alone, or no longer.
pub(super) async fn flag(
    state: PathBuf,
    images: &[String],
    off: bool,
    json: bool,
) -> Result<ExitCode, Failed> {
    let queue = Queue::open_beside(state).await?;
    let (mut changed, mut failures) = (0, Vec::new());
    for image in images {
        let found = queue.view().show(selector(image)?).await?;
        if found.is_empty() {
            failures.push(format!("the queue has no image {image}"));
        }
        for dossier in found {
            match queue.flag(dossier.image.id, !off).await {
                Ok(()) => changed += 1,
                Err(error) => failures.push(error.to_string()),
            }
        }
    }
    let done = if off { "unflagged" } else { "flagged" };
    report(
        json,
        done,
        changed,
        &failures,
        Value::Object(Default::default()),
    )
}
