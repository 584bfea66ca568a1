//! The database stays bounded: rows whose time is over become counts by day.
//!
//! What is compacted is settled: verified images whose files are gone, images that retention gave up, and missing
//! ones. What an operator gave up stays for good, and so does every image that has a file. Pages that become
//! free are used again by what comes, so the file grows to what `retain.history` needs and no further.

use rusqlite::{Connection, named_params};

use super::error::QueueError;
use super::image::ImageId;

/// Rows of one step, so that whoever wants to write beside it gets a turn.
const STEP: u32 = 200;

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Compacts rows that were over before `cutoff_ms`, some of each kind; gives how many. 0 when none are left.
pub(super) fn compact(conn: &Connection, cutoff_ms: i64) -> Result<u64, QueueError> {
    let verified = ids(
        conn,
        "SELECT id FROM images INDEXED BY images_removed \
         WHERE removed_ms IS NOT NULL AND verified_ms < ?1 AND flagged = 0 LIMIT ?2",
        cutoff_ms,
    )?;
    let dropped = ids(
        conn,
        "SELECT d.image FROM drops d JOIN images i ON i.id = d.image \
         WHERE d.by_whom = 'retention' AND d.at_ms < ?1 AND i.state = 6 LIMIT ?2",
        cutoff_ms,
    )?;
    let missing = ids(
        conn,
        "SELECT i.id FROM sites s CROSS JOIN images i INDEXED BY images_open \
         ON i.site = s.id AND i.state = 5 AND i.urgency IN (-1, 0, 1) AND i.captured_ms < ?1 \
         WHERE i.accepted_ms < ?1 LIMIT ?2",
        cutoff_ms,
    )?;
    for &id in &verified {
        into_day(conn, "daily", None, id)?;
    }
    for (what, list) in [("dropped", &dropped), ("missing", &missing)] {
        for &id in list {
            into_day(conn, "daily_unsent", Some(what), id)?;
        }
    }
    // A later drop of the same image, or an image that came back after it, has made the record history.
    conn.prepare_cached(
        "DELETE FROM drops WHERE id IN (SELECT id FROM drops INDEXED BY drops_retention \
         WHERE by_whom = 'retention' AND at_ms < ?1 AND NOT EXISTS \
         (SELECT 1 FROM images WHERE id = drops.image AND state = 6) LIMIT ?2)",
    )?
    .execute((cutoff_ms, STEP))?;
    conn.prepare_cached("DELETE FROM clock_steps WHERE at_ms < ?1")?
        .execute([cutoff_ms])?;
    Ok((verified.len() + dropped.len() + missing.len()) as u64)
}

fn ids(conn: &Connection, sql: &str, cutoff_ms: i64) -> Result<Vec<ImageId>, QueueError> {
    let found = conn
        .prepare_cached(sql)?
        .query_map((cutoff_ms, STEP), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Counts a row in its day and deletes it.
fn into_day(
    conn: &Connection,
    table: &'static str,
    what: Option<&str>,
    id: ImageId,
) -> Result<(), QueueError> {
    let (column, value, key) = match what {
        Some(_) => (", what", ", :what", "day, site, what"),
        None => ("", "", "day, site"),
    };
    let sql = format!(
        "INSERT INTO {table} (day, site{column}, images, bytes) \
         SELECT (captured_ms + 1000 * offset_s - ((captured_ms + 1000 * offset_s) % :day + :day) % :day) / :day, \
             site{value}, 1, size FROM images WHERE id = :id \
         ON CONFLICT ({key}) DO UPDATE SET images = images + 1, bytes = bytes + excluded.bytes"
    );
    let mut count = conn.prepare_cached(&sql)?;
    match what {
        Some(what) => count.execute(named_params! {":day": DAY_MS, ":id": id, ":what": what})?,
        None => count.execute(named_params! {":day": DAY_MS, ":id": id})?,
    };
    conn.prepare_cached("DELETE FROM images WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}
