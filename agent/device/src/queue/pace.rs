//! The books of the pipeline's pace, kept through a restart: how many images were sent and not worked off.

use rusqlite::{Connection, OptionalExtension as _};

use super::error::QueueError;

/// The key in `meta`; its value is `level at_ms`.
const KEY: &str = "pipeline";

/// The level that was written last, and when, milliseconds since 1970.
pub(super) fn level(conn: &Connection) -> Result<Option<(f64, i64)>, QueueError> {
    let text: Option<String> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([KEY], |row| row.get(0))
        .optional()?;
    let parsed = text.and_then(|text| {
        let (level, at_ms) = text.split_once(' ')?;
        Some((level.parse().ok()?, at_ms.parse().ok()?))
    });
    Ok(parsed)
}

pub(super) fn note(conn: &Connection, level: f64, at_ms: i64) -> Result<(), QueueError> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute((KEY, format!("{level:.3} {at_ms}")))?;
    Ok(())
}
