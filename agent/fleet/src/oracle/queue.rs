//! What a site's queue says, read beside its agent or after it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use weir::clock::BootId;
use weir::queue::{Filter, QueueError, View};

/// An image as a queue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
    /// Capture time, milliseconds since 1970.
    pub captured_ms: i64,
    /// Offset of the camera's clock from UTC, seconds east.
    pub offset_s: i32,
    /// Boot and milliseconds since it, when it was accepted.
    pub accepted: Option<(BootId, i64)>,
    /// When it was accepted, by the board's clock, milliseconds since 1970.
    pub accepted_ms: i64,
    /// Whether it is still to be uploaded.
    pub open: bool,
    /// Whether the queue holds it to be proven in the store.
    pub verified: bool,
    /// Bucket and key, once decided.
    pub target: Option<(String, String)>,
    /// Failed tries that count.
    pub attempts: u32,
    /// Whether its key may state its capture time.
    pub dated: bool,
    /// How the capture time was found, as JSON.
    pub capture: String,
}

/// Everything that the queue in `state` has accepted, and how many files it has set aside.
///
/// # Errors
/// Those of the queue.
pub async fn rows(state: &Path) -> Result<(Vec<Row>, u64), QueueError> {
    let view = View::open(state.to_owned()).await?;
    let mut rows = Vec::new();
    let all = view.list(Filter::default(), |image| {
        rows.push(Row {
            sha256: image.sha256.to_string(),
            captured_ms: image.captured_ms,
            offset_s: image.offset_s,
            accepted: image.clock.boot.zip(image.clock.uptime_ms),
            accepted_ms: image.accepted_ms,
            open: image.state.is_open(),
            verified: image.verified_ms.is_some(),
            target: image.target,
            attempts: image.attempts,
            dated: image.dated,
            capture: image.capture,
        });
        ControlFlow::Continue(())
    });
    all.await?;
    let mut quarantined = 0;
    view.quarantined(None, |_| {
        quarantined += 1;
        ControlFlow::Continue(())
    })
    .await?;
    Ok((rows, quarantined))
}

/// The digests of what the queue in `state` has accepted; none where there is no queue yet.
pub async fn accepted(state: &Path) -> BTreeSet<String> {
    rows(state).await.map_or_else(
        |_| BTreeSet::new(),
        |(rows, _)| rows.into_iter().map(|row| row.sha256).collect(),
    )
}
