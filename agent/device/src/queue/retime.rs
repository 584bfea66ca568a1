//! Capture times that are found anew after an image was accepted, and the steps of the device's clock.
//!
//! A row is read, judged and written in one transaction, so that no upload can give it a name in between. An image
//! that the store may know by its key ([`Image::is_named`]) keeps its time: only what is known of it is written down.
//! One whose key was decided and never used gets another with its next claim.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use weir_journey::queue::State;
use weir_journey::stamp::Neighbour;

use super::Queue;
use super::error::QueueError;
use super::filter::{Filter, page};
use super::image::{Held, Image, ImageId, SiteId, Synchronised};
use super::infer::{LookHold, look_again};
use super::operate::{Swept, retry_one};
use super::row::SELECT_IMAGE;

/// What a row is to say of its capture time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retimed {
    /// Capture time, milliseconds since 1970 UTC; not changed where the image is named.
    pub captured_ms: i64,
    /// Offset of the camera's clock from UTC, seconds east; likewise.
    pub offset_s: i32,
    /// Whether its key may state its capture time; likewise.
    pub dated: bool,
    /// How the capture time was found, as JSON.
    pub capture: String,
    /// Whether the clock of its acceptance counts as right from now on.
    pub synchronised: Synchronised,
    /// What a person has to judge still, of an image that is held; `None` queues such a one.
    pub held: Option<Held>,
}

/// Which rows are judged anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// Those accepted in a boot while the clock was not known to be right, behind a number.
    Boot([u8; 16], ImageId),
    /// Those of a filter.
    Filter(Filter),
}

/// A step of the device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStep {
    /// The boot in which it happened.
    pub boot: [u8; 16],
    /// What the clock showed afterwards, milliseconds since 1970.
    pub at_ms: i64,
    /// By how much it went, milliseconds.
    pub by_ms: i64,
    /// How many capture times were put right by it.
    pub images: u64,
}

/// The most rows of one step, so that other operations get their turn.
const STEP: u32 = 500;
/// Among so many of the newest rows the latest picture of a site is looked for.
const RECENT: i64 = 1000;

/// Judges a step's worth of rows; gives how many were changed, and where to go on.
pub(super) fn retime_some(
    conn: &Connection,
    among: &Among,
    at_ms: i64,
    judge: impl Fn(&Image) -> Option<Retimed>,
) -> Result<Swept, QueueError> {
    let images = match among {
        Among::Boot(boot, after) => of_boot(conn, boot, *after)?,
        Among::Filter(filter) => page(conn, filter, STEP)?,
    };
    let mut swept = Swept {
        changed: 0,
        next: images.last().map(|image| image.id),
    };
    for image in images {
        // A product's time is its image's; when that is put right, the product is made anew.
        let retimed = if image.products_of.is_none() {
            judge(&image)
        } else {
            None
        };
        if let Some(retimed) = retimed {
            write(conn, &image, &retimed, at_ms)?;
            swept.changed += 1;
        }
    }
    Ok(swept)
}

fn of_boot(conn: &Connection, boot: &[u8; 16], after: ImageId) -> Result<Vec<Image>, QueueError> {
    let images = conn
        .prepare_cached(&format!(
            "{SELECT_IMAGE} WHERE i.id IN (SELECT id FROM images INDEXED BY images_unsynchronised \
             WHERE clock = 2 AND boot = ?1 AND id > ?2 ORDER BY id LIMIT {STEP}) ORDER BY i.id"
        ))?
        .query_map((boot, after), Image::read)?
        .collect::<Result<_, _>>()?;
    Ok(images)
}

fn write(
    conn: &Connection,
    image: &Image,
    retimed: &Retimed,
    at_ms: i64,
) -> Result<(), QueueError> {
    let named = image.is_named();
    let held = retimed
        .held
        .as_ref()
        .filter(|_| image.held && image.look_hold != LookHold::Withheld);
    conn.prepare_cached(
        "UPDATE images SET capture = :capture, clock = :clock, \
             captured_ms = iif(:named, captured_ms, :captured_ms), \
             offset_s = iif(:named, offset_s, :offset_s), \
             dated = iif(:named, dated, :dated), \
             bucket = iif(:named, bucket, NULL), key = iif(:named, key, NULL), \
             failure = ifnull(:failure, failure), fix = ifnull(:fix, fix) WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": image.id,
        ":capture": retimed.capture,
        ":clock": retimed.synchronised.code(),
        ":named": named,
        ":captured_ms": retimed.captured_ms,
        ":offset_s": retimed.offset_s,
        ":dated": retimed.dated,
        ":failure": held.map(|held| &held.failure),
        ":fix": held.map(|held| &held.fix),
    })?;
    let told = (image.captured_ms, image.offset_s, image.dated);
    if !named && told != (retimed.captured_ms, retimed.offset_s, retimed.dated) {
        look_again(conn, image, at_ms)?;
    }
    // What was found in it is no question of its time.
    let of_time = image.held && image.look_hold != LookHold::Withheld;
    if of_time && image.state == State::Parked && retimed.held.is_none() {
        retry_one(conn, image.id)?;
    }
    Ok(())
}

/// Writes a step down.
pub(super) fn clock_stepped(conn: &Connection, step: &ClockStep) -> Result<(), QueueError> {
    conn.prepare_cached(
        "INSERT INTO clock_steps (boot, at_ms, by_ms, images) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((step.boot, step.at_ms, step.by_ms, step.images.cast_signed()))?;
    Ok(())
}

/// The last step that was written down.
pub(super) fn last_clock_step(conn: &Connection) -> Result<Option<ClockStep>, QueueError> {
    Ok(conn
        .prepare_cached(
            "SELECT boot, at_ms, by_ms, images FROM clock_steps ORDER BY id DESC LIMIT 1",
        )?
        .query_row((), |row| {
            Ok(ClockStep {
                boot: row.get(0)?,
                at_ms: row.get(1)?,
                by_ms: row.get(2)?,
                images: row.get::<_, i64>(3)?.cast_unsigned(),
            })
        })
        .optional()?)
}

/// Of the rows that were accepted last, the one of a site whose file was modified last, among those whose time a
/// camera's clock states beyond doubt.
pub(super) fn neighbour(conn: &Connection, site: SiteId) -> Result<Option<Neighbour>, QueueError> {
    let found: Option<(i64, i64)> = conn
        .prepare_cached(&format!(
            "SELECT mtime_ns, captured_ms FROM images \
             WHERE id > (SELECT max(id) FROM images) - {RECENT} AND site = ?1 \
             AND capture ->> '$.source' IN ('exif', 'filename', 'path') AND capture ->> '$.confidence' <> 'low' \
             ORDER BY mtime_ns DESC LIMIT 1"
        ))?
        .query_row([site], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let at = |ms| DateTime::<Utc>::from_timestamp_millis(ms);
    Ok(found.and_then(|(mtime_ns, captured_ms)| {
        Some(Neighbour {
            mtime: DateTime::from_timestamp_nanos(mtime_ns),
            at: at(captured_ms)?,
        })
    }))
}

impl Queue {
    /// Has `judge` find the capture times of rows anew; gives how many rows it changed. It is called inside of the
    /// transaction that writes what it gives, a step at a time. An image that the store may know keeps its time; one
    /// whose time changes is looked at again, if it was, and its products that nobody can have yet are given up at
    /// `at_ms` (now, milliseconds since 1970). Products themselves are never judged.
    pub async fn retime(
        &self,
        mut among: Among,
        at_ms: i64,
        judge: impl Fn(&Image) -> Option<Retimed> + Send + Sync + 'static,
    ) -> Result<u64, QueueError> {
        let judge = Arc::new(judge);
        let mut changed = 0;
        loop {
            let (asked, judge) = (among.clone(), Arc::clone(&judge));
            let swept = self
                .write(move |conn| retime_some(conn, &asked, at_ms, |image| judge(image)))
                .await?;
            changed += swept.changed;
            let Some(last) = swept.next else {
                return Ok(changed);
            };
            match &mut among {
                Among::Boot(_, after) => *after = last,
                Among::Filter(filter) => filter.after = Some(last),
            }
        }
    }

    /// Writes a step of the device's clock down.
    pub async fn clock_stepped(&self, step: ClockStep) -> Result<(), QueueError> {
        self.write(move |conn| clock_stepped(conn, &step)).await
    }
}
