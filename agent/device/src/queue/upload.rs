//! An image on its way up: claimed, placed, and what came of it.

use rusqlite::{Connection, named_params};
use weir_journey::queue::{Move, State};
use weir_journey::upload::Scope;
use weir_journey::verify::Proof;

use super::error::QueueError;
use super::image::{Dossier, Image, ImageId, Multipart, Part, SiteId};
use super::infer::Urgency;
use super::step::{as_indexed, state_of, step};

/// Which of a site's queued images go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By urgency, then capture time, newest first.
    Freshest,
    /// By urgency, then capture time, oldest first.
    Oldest,
    /// Only the image that probes a refusal (see [`super::Queue::promote`]), whatever its age.
    Probe,
}

/// A site that has something queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Which site.
    pub site: SiteId,
    /// How many images are queued.
    pub images: u64,
}

/// The store holds the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What that rests on.
    pub proof: Proof,
    /// The store's entity tag, where it gave one.
    pub etag: Option<String>,
    /// Now, milliseconds since 1970.
    pub at_ms: i64,
}

/// Something passing went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delayed {
    /// When to try again, milliseconds since 1970.
    pub until_ms: i64,
    /// Whether it uses up an attempt.
    pub counts: bool,
    /// Whether the store may hold the bytes all the same (its answer was lost).
    pub unsure: bool,
    /// What went wrong, in one line.
    pub failure: String,
}

/// A refusal that trying again does not mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// How far it reaches.
    pub scope: Scope,
    /// When to ask again, milliseconds since 1970.
    pub next_probe_ms: i64,
    /// What was refused, in one line.
    pub failure: String,
    /// What to do, as a sentence.
    pub fix: String,
}

pub(super) fn claim(
    conn: &Connection,
    site: SiteId,
    order: Order,
    limit: u32,
    target: &dyn Fn(&Image) -> (String, String),
) -> Result<Vec<Dossier>, QueueError> {
    queued(conn, site, order, limit)?
        .into_iter()
        .map(|id| {
            as_indexed(step(conn, id, Move::Claim, "", &[]))?;
            let mut dossier = as_indexed(Dossier::load(conn, id))?;
            if dossier.image.target.is_none() {
                let (bucket, key) = target(&dossier.image);
                place(conn, id, &bucket, &key)?;
                dossier.image.target = Some((bucket, key));
            }
            Ok(dossier)
        })
        .collect()
}

/// The state is spelled out so that SQLite sees that the partial index serves.
pub(super) const FRESHEST: &str = "SELECT id FROM images INDEXED BY images_open \
    WHERE site = ?1 AND state = 0 AND urgency = ?3 ORDER BY captured_ms DESC, id DESC LIMIT ?2";
pub(super) const OLDEST: &str = "SELECT id FROM images INDEXED BY images_open \
    WHERE site = ?1 AND state = 0 AND urgency = ?3 ORDER BY captured_ms, id LIMIT ?2";
const PROBE: &str = "SELECT id FROM images INDEXED BY images_refused \
    WHERE refusal_scope IN (1, 2) AND held = 0 AND state = 0 AND site = ?1 LIMIT ?2";

/// The queued images of a site that go first, at most `limit`.
fn queued(
    conn: &Connection,
    site: SiteId,
    order: Order,
    limit: u32,
) -> Result<Vec<ImageId>, QueueError> {
    let by_time = match order {
        Order::Freshest => FRESHEST,
        Order::Oldest => OLDEST,
        Order::Probe => {
            let probes = conn
                .prepare_cached(PROBE)?
                .query_map((site, limit), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            return Ok(probes);
        }
    };
    // One urgency after the other: each is a range of the index in order of time, whichever way.
    let mut ids = Vec::new();
    let mut select = conn.prepare_cached(by_time)?;
    for urgency in Urgency::ALL {
        let left = limit.saturating_sub(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        for id in select.query_map((site, left, urgency.code()), |row| row.get(0))? {
            ids.push(id?);
        }
    }
    Ok(ids)
}

pub(super) fn ready(conn: &Connection) -> Result<Vec<Ready>, QueueError> {
    let ready = conn
        .prepare_cached(
            "SELECT site, images FROM tally WHERE state = 0 AND images > 0 ORDER BY site",
        )?
        .query_map((), |row| {
            Ok(Ready {
                site: row.get(0)?,
                images: row.get::<_, i64>(1)?.cast_unsigned(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(ready)
}

pub(super) fn place(
    conn: &Connection,
    id: ImageId,
    bucket: &str,
    key: &str,
) -> Result<(), QueueError> {
    expect_claimed(conn, id)?;
    let moved = conn
        .prepare_cached(
            "UPDATE images SET bucket = ?2, key = ?3, upload_id = NULL \
             WHERE id = ?1 AND (bucket IS NOT ?2 OR key IS NOT ?3)",
        )?
        .execute((id, bucket, key))?;
    if moved > 0 {
        // An upload in parts belongs to its key.
        forget_parts(conn, id)?;
    }
    Ok(())
}

pub(super) fn verified(conn: &Connection, id: ImageId, stored: &Stored) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Verify,
        "verified_ms = :at, proof = :proof, etag = :etag, unsure = 0, next_at_ms = NULL, upload_id = NULL, \
         refusal_scope = NULL, failure = NULL, fix = NULL",
        named_params! {":at": stored.at_ms, ":proof": stored.proof.code(), ":etag": stored.etag},
    )?;
    forget_parts(conn, id)
}

/// The images of a site that were verified after a moment, the last first; those that are flagged are in neither of
/// the indexes that know when.
pub(super) fn verified_since(
    conn: &Connection,
    site: SiteId,
    since_ms: i64,
    limit: u32,
) -> Result<Vec<ImageId>, QueueError> {
    const KEPT: &str =
        "images INDEXED BY images_kept WHERE state = 3 AND removed_ms IS NULL AND flagged = 0";
    const REMOVED: &str =
        "images INDEXED BY images_removed WHERE state = 3 AND removed_ms IS NOT NULL";
    let mut found: Vec<(i64, ImageId)> = Vec::new();
    for rows in [KEPT, REMOVED] {
        let sql = format!(
            "SELECT verified_ms, id FROM {rows} AND verified_ms > ?1 AND site = ?2 \
             ORDER BY verified_ms DESC LIMIT ?3"
        );
        let mut select = conn.prepare_cached(&sql)?;
        let of_index = select.query_map((since_ms, site, limit), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        found.extend(of_index.collect::<Result<Vec<_>, _>>()?);
    }
    found.sort_by_key(|(at_ms, _)| std::cmp::Reverse(*at_ms));
    found.truncate(limit as usize);
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

pub(super) fn delay(conn: &Connection, id: ImageId, delayed: &Delayed) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Delay,
        "next_at_ms = :until, attempts = attempts + :counts, unsure = unsure OR :unsure, failure = :failure, \
         fix = NULL",
        named_params! {
            ":until": delayed.until_ms,
            ":counts": delayed.counts,
            ":unsure": delayed.unsure,
            ":failure": delayed.failure,
        },
    )?;
    Ok(())
}

pub(super) fn park(conn: &Connection, id: ImageId, refused: &Refused) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Park,
        "next_at_ms = :next, refusal_scope = :scope, failure = :failure, fix = :fix",
        named_params! {
            ":next": refused.next_probe_ms,
            ":scope": refused.scope.code(),
            ":failure": refused.failure,
            ":fix": refused.fix,
        },
    )?;
    Ok(())
}

/// Its files are forgotten as well: should the same bytes come back, even as the same inode (a card that is
/// mounted again), a scan takes them for new and accepts the image again.
pub(super) fn lose(conn: &Connection, id: ImageId, reason: &str) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Lose,
        "failure = :reason, fix = NULL, upload_id = NULL, refusal_scope = NULL",
        named_params! {":reason": reason},
    )?;
    conn.prepare_cached("DELETE FROM seen WHERE image = ?1")?
        .execute([id])?;
    forget_parts(conn, id)
}

pub(super) fn release(conn: &Connection, id: ImageId, unsure: bool) -> Result<(), QueueError> {
    step(
        conn,
        id,
        Move::Release,
        "unsure = unsure OR :unsure",
        named_params! {":unsure": unsure},
    )?;
    Ok(())
}

pub(super) fn multipart_started(
    conn: &Connection,
    id: ImageId,
    multipart: &Multipart,
) -> Result<(), QueueError> {
    expect_claimed(conn, id)?;
    forget_parts(conn, id)?;
    conn.prepare_cached("UPDATE images SET upload_id = ?2, part_size = ?3 WHERE id = ?1")?
        .execute((id, &multipart.upload_id, multipart.part_size.cast_signed()))?;
    Ok(())
}

pub(super) fn part_done(
    conn: &Connection,
    id: ImageId,
    upload_id: &str,
    part: &Part,
) -> Result<(), QueueError> {
    let noted = conn
        .prepare_cached(
            "INSERT OR REPLACE INTO parts (image, number, size, sha256, etag) \
             SELECT id, ?3, ?4, ?5, ?6 FROM images WHERE id = ?1 AND upload_id = ?2",
        )?
        .execute((
            id,
            upload_id,
            part.number,
            part.size.cast_signed(),
            part.sha256.0,
            &part.etag,
        ))?;
    if noted == 0 {
        return Err(QueueError::NoSuchUpload(id));
    }
    Ok(())
}

pub(super) fn multipart_forgotten(conn: &Connection, id: ImageId) -> Result<(), QueueError> {
    conn.prepare_cached("UPDATE images SET upload_id = NULL WHERE id = ?1")?
        .execute([id])?;
    forget_parts(conn, id)
}

pub(super) fn forget_parts(conn: &Connection, id: ImageId) -> Result<(), QueueError> {
    conn.prepare_cached("DELETE FROM parts WHERE image = ?1")?
        .execute([id])?;
    Ok(())
}

fn expect_claimed(conn: &Connection, id: ImageId) -> Result<(), QueueError> {
    match state_of(conn, id)? {
        State::Uploading => Ok(()),
        // What an upload may write is what it may end with.
        state => Err(QueueError::Illegal {
            id,
            state,
            step: Move::Verify,
        }),
    }
}
