//! What the operator may do to images: try them now, or give them up.

use rusqlite::Connection;
use weir_journey::queue::Move;

use super::accept::forget;
use super::error::QueueError;
use super::filter::{Filter, page};
use super::image::{ImageId, bytes_of};
use super::look::{Selector, select};
use super::retain::drop_recorded;
use super::step::step;

/// What `weir queue retry` did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// Images that are queued again.
    pub images: u64,
    /// Quarantined files whose judgement was forgotten, so that the next scan reads them.
    pub files: u64,
}

/// The most rows of one step, so that the daemon gets its turn.
const STEP: u32 = 500;

/// One step through the images of a filter: how many were changed, and where to go on.
pub(super) struct Swept {
    pub(super) changed: u64,
    pub(super) next: Option<ImageId>,
}

pub(super) fn retry(conn: &Connection, selector: &Selector) -> Result<Retried, QueueError> {
    let mut retried = Retried::default();
    if let Selector::Path(path) = selector {
        let quarantined = conn
            .prepare_cached("SELECT 1 FROM seen WHERE path = ?1 AND reason IS NOT NULL")?
            .exists([bytes_of(path)])?;
        if quarantined && forget(conn, path)? {
            retried.files = 1;
        }
    }
    for id in select(conn, selector)? {
        retry_one(conn, id)?;
        retried.images += 1;
    }
    Ok(retried)
}

/// Retries what a filter names, as far as its state allows, a step at a time.
pub(super) fn retry_some(conn: &Connection, filter: &Filter) -> Result<Swept, QueueError> {
    sweep(conn, filter, Move::Retry, |id| retry_one(conn, id))
}

/// Queues an image again, now.
pub(super) fn retry_one(conn: &Connection, id: ImageId) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Retry,
        "next_at_ms = NULL, refusal_scope = NULL, held = 0, unplugged = 0, attempts = 0, failure = NULL, fix = NULL",
        &[],
    )?;
    Ok(())
}

/// Gives an image up and writes it into the log of drops; its file is left where it is.
pub(super) fn drop_image(
    conn: &Connection,
    id: ImageId,
    why: &str,
    at_ms: i64,
) -> Result<(), QueueError> {
    drop_recorded(conn, id, why, at_ms, "operator")
}

/// Drops what a filter names, as far as its state allows, a step at a time.
pub(super) fn drop_some(
    conn: &Connection,
    filter: &Filter,
    why: &str,
    at_ms: i64,
) -> Result<Swept, QueueError> {
    sweep(conn, filter, Move::Drop, |id| {
        drop_image(conn, id, why, at_ms)
    })
}

fn sweep(
    conn: &Connection,
    filter: &Filter,
    step: Move,
    mut each: impl FnMut(ImageId) -> Result<(), QueueError>,
) -> Result<Swept, QueueError> {
    let images = page(conn, filter, STEP)?;
    let mut swept = Swept {
        changed: 0,
        next: images.last().map(|image| image.id),
    };
    for image in images {
        if image.state.after(step).is_some() {
            each(image.id)?;
            swept.changed += 1;
        }
    }
    Ok(swept)
}
