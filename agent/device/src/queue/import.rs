//! What importing cards and folders needs of the queue: cards that go away and come back, receipts of another weir,
//! and the deletion of files whose images are stored.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, named_params};
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::{Move, State};
use weir_journey::upload::Scope;

use super::Queue;
use super::accept::find;
use super::error::QueueError;
use super::image::{Image, ImageId, SiteId, bytes_of};
use super::infer::LookHold;
use super::operate::retry_one;
use super::row::SELECT_IMAGE;
use super::step::{as_indexed, step};
use super::upload::{Stored, forget_parts};

/// A card or folder that images were imported from and that is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplugged {
    /// What is away, in one line.
    pub failure: String,
    /// What to do, as a sentence.
    pub fix: String,
}

/// The most rows of one step, so that other operations get their turn.
const STEP: u32 = 500;

/// With which columns an unplugged image is parked: held, so that nobody asks again before the card is back.
const PARKED: &str = "held = 1, unplugged = 1, next_at_ms = :never, refusal_scope = :scope, failure = :failure, fix = :fix";

/// Parks a claimed image whose card is away.
pub(super) fn unplug(conn: &Connection, id: ImageId, away: &Unplugged) -> Result<(), QueueError> {
    park(conn, id, Move::Park, away)
}

/// Parks a step's worth of a site's queued images whose files lie under `folder`; gives how many.
pub(super) fn unplug_under(
    conn: &Connection,
    site: SiteId,
    folder: &Path,
    away: &Unplugged,
) -> Result<u64, QueueError> {
    // '0' follows '/': every path below `folder` lies between the two, and none beside it.
    let below = [bytes_of(folder), b"/"].concat();
    let beside = [bytes_of(folder), b"0"].concat();
    let ids: Vec<ImageId> = conn
        .prepare_cached(
            "SELECT id FROM images INDEXED BY images_open \
             WHERE site = ?1 AND state = 0 AND path > ?2 AND path < ?3 LIMIT ?4",
        )?
        .query_map((site, below, beside, STEP), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for &id in &ids {
        as_indexed(park(conn, id, Move::Unplug, away))?;
    }
    Ok(ids.len() as u64)
}

fn park(conn: &Connection, id: ImageId, by: Move, away: &Unplugged) -> Result<(), QueueError> {
    step(
        conn,
        id,
        by,
        PARKED,
        named_params! {
            // It is in no index of what is due, and the table wants a moment of everything that is parked.
            ":never": i64::MAX,
            ":scope": Scope::Image.code(),
            ":failure": away.failure,
            ":fix": away.fix,
        },
    )?;
    Ok(())
}

/// Somebody gives files of these images to be uploaded now: queues those that wait, were refused, or whose card was
/// away, and gives all of them as they are then. What a person holds for another reason stays held.
pub(super) fn resume(conn: &Connection, ids: &[ImageId]) -> Result<Vec<Image>, QueueError> {
    let mut images = Vec::with_capacity(ids.len());
    for &id in ids {
        let mut image = load(conn, id)?;
        let again = match image.state {
            // What waits to be looked at does so for a moment, and not for anybody here.
            State::Waiting => image.look_hold == LookHold::None,
            State::Parked => !image.held || image.unplugged,
            _ => false,
        };
        if again {
            retry_one(conn, id)?;
            image = load(conn, id)?;
        }
        images.push(image);
    }
    Ok(images)
}

pub(super) fn load(conn: &Connection, id: ImageId) -> Result<Image, QueueError> {
    conn.prepare_cached(&format!("{SELECT_IMAGE} WHERE i.id = ?1"))?
        .query_row([id], Image::read)
        .optional()?
        .ok_or(QueueError::NoSuchImage(id))
}

/// The images of these numbers that there are, in their order.
pub(super) fn images(conn: &Connection, ids: &[ImageId]) -> Result<Vec<Image>, QueueError> {
    let mut select = conn.prepare_cached(&format!("{SELECT_IMAGE} WHERE i.id = ?1"))?;
    let mut images = Vec::with_capacity(ids.len());
    for id in ids {
        images.extend(select.query_row([id], Image::read).optional()?);
    }
    Ok(images)
}

/// The image of a site with these bytes, if there is one.
pub(super) fn image_of(
    conn: &Connection,
    site: &SiteName,
    sha256: &Sha256,
) -> Result<Option<Image>, QueueError> {
    Ok(conn
        .prepare_cached(&format!(
            "{SELECT_IMAGE} WHERE s.name = ?1 AND i.sha256 = ?2"
        ))?
        .query_row((site.as_str(), sha256.0), Image::read)
        .optional()?)
}

/// What another weir says that it has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Whose image.
    pub site: SiteName,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Their number.
    pub size: u64,
    /// Bucket and key.
    pub target: (String, String),
    /// The proof, the tag, and when.
    pub stored: Stored,
    /// Now, milliseconds since 1970.
    pub at_ms: i64,
}

/// What came of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It was owed, and counts as stored from now on.
    Verified(ImageId),
    /// It was known to be stored.
    Already(ImageId),
    /// It is on its way at this moment: its own upload will tell.
    Uploading,
    /// The operator gave it up.
    Dropped,
    /// There is no such image.
    Unknown,
    /// The image with this digest has another size: the receipt is wrong.
    Differs,
}

pub(super) fn receive(conn: &Connection, receipt: &Receipt) -> Result<Received, QueueError> {
    let site: Option<SiteId> = conn
        .prepare_cached("SELECT id FROM sites WHERE name = ?1")?
        .query_row([receipt.site.as_str()], |row| row.get(0))
        .optional()?;
    let found = match site {
        Some(site) => find(conn, site, &receipt.sha256)?,
        None => None,
    };
    let Some((id, state)) = found else {
        return Ok(Received::Unknown);
    };
    let size: i64 = conn
        .prepare_cached("SELECT size FROM images WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    if size.cast_unsigned() != receipt.size {
        return Ok(Received::Differs);
    }
    match state {
        State::Verified => return Ok(Received::Already(id)),
        State::Uploading => return Ok(Received::Uploading),
        State::Dropped => return Ok(Received::Dropped),
        State::Queued | State::Waiting | State::Parked | State::Missing => {}
    }
    step(
        conn,
        id,
        Move::Receipt,
        "verified_ms = :at, proof = :proof, etag = :etag, bucket = :bucket, key = :key, receipt_ms = :now, \
         unsure = 0, held = 0, unplugged = 0, next_at_ms = NULL, upload_id = NULL, refusal_scope = NULL, \
         failure = NULL, fix = NULL",
        named_params! {
            ":at": receipt.stored.at_ms,
            ":proof": receipt.stored.proof.code(),
            ":etag": receipt.stored.etag,
            ":bucket": receipt.target.0,
            ":key": receipt.target.1,
            ":now": receipt.at_ms,
        },
    )?;
    forget_parts(conn, id)?;
    Ok(Received::Verified(id))
}

/// Notes that files of a verified image were deleted, and forgets the judgement of `path`. The image counts as removed
/// when none of its files is known any more.
pub(super) fn removed(
    conn: &Connection,
    id: ImageId,
    path: &Path,
    why: &str,
    at_ms: i64,
) -> Result<(), QueueError> {
    conn.prepare_cached("DELETE FROM seen WHERE path = ?1 AND image = ?2")?
        .execute((bytes_of(path), id))?;
    let left = conn
        .prepare_cached("SELECT 1 FROM seen WHERE image = ?1")?
        .exists([id])?;
    if !left {
        conn.prepare_cached(
            "UPDATE images SET removed_ms = ?2, removed_why = ?3 WHERE id = ?1 AND state = 3",
        )?
        .execute((id, at_ms, why))?;
    }
    Ok(())
}

impl Queue {
    /// The card or folder that a claimed image was imported from is away: it waits for a person.
    pub async fn unplug(&self, id: ImageId, away: Unplugged) -> Result<(), QueueError> {
        self.write(move |conn| unplug(conn, id, &away)).await
    }

    /// The same for every queued image of a site that lies under `folder`; gives how many.
    pub async fn unplug_under(
        &self,
        site: SiteId,
        folder: PathBuf,
        away: Unplugged,
    ) -> Result<u64, QueueError> {
        let mut parked = 0;
        loop {
            let (folder, away) = (folder.clone(), away.clone());
            match self
                .write(move |conn| unplug_under(conn, site, &folder, &away))
                .await?
            {
                0 => return Ok(parked),
                some => parked += some,
            }
        }
    }

    /// Somebody gives files of these images to be uploaded now: those that wait, were refused or whose card was away
    /// are queued. Gives all of them as they are then, in their order.
    pub async fn resume(&self, ids: Vec<ImageId>) -> Result<Vec<Image>, QueueError> {
        self.write(move |conn| resume(conn, &ids)).await
    }

    /// Another weir says that it has stored an image: one that is owed here counts as verified from now on.
    pub async fn receive(&self, receipt: Receipt) -> Result<Received, QueueError> {
        self.write(move |conn| receive(conn, &receipt)).await
    }

    /// Notes that a file of a verified image was deleted, and why (a short, stable code).
    pub async fn removed(
        &self,
        id: ImageId,
        path: PathBuf,
        why: &'static str,
        at_ms: i64,
    ) -> Result<(), QueueError> {
        self.write(move |conn| removed(conn, id, &path, why, at_ms))
            .await
    }
}
