//! What may leave the disk, and the record of what did.
//!
//! A deletion is written down twice. Before the first file goes, the image is noted in `leaving` (an unverified
//! one is dropped in the same commit, and the drop recorded); when its files are gone, the note is taken away
//! and a verified image's row says when and why. A start after a crash finds the notes and finishes.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::{Move, State};

use super::Queue;
use super::compact;
use super::error::QueueError;
use super::image::{Db, ImageId, SiteId, bytes_of};
use super::infer::Urgency;
use super::product::JSON;
use super::row::Columns;
use super::step::step;

/// An image whose file is on the disk, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// Its number.
    pub id: ImageId,
    /// Whose it is.
    pub site: SiteId,
    /// Where its file lies.
    pub path: PathBuf,
    /// Bytes of it.
    pub size: u64,
    /// Capture time, milliseconds since 1970.
    pub captured_ms: i64,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_ms: i64,
    /// When it was verified, milliseconds since 1970; `None` for one that is not.
    pub verified_ms: Option<i64>,
    /// Where it stands.
    pub state: State,
    /// It stays, whatever the disk says.
    pub flagged: bool,
    /// It is a picture or a video, not a result.
    pub is_picture: bool,
}

/// How far a list was read: the moment that it is sorted by, and the number.
pub type Behind = (i64, ImageId);

/// An image's files are gone, or stay after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departed {
    /// Which image.
    pub id: ImageId,
    /// The paths at which it lies no longer.
    pub gone: Vec<PathBuf>,
    /// Why it went, unless a file of it is left.
    pub why: Option<String>,
}

/// An image that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    /// The number of the record.
    pub id: i64,
    /// The image.
    pub image: ImageId,
    /// Its site.
    pub site: SiteName,
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// Where its file lay.
    pub path: PathBuf,
    /// Bytes of it; unknown of drops that an early version recorded.
    pub size: Option<u64>,
    /// Capture time, milliseconds since 1970; unknown likewise.
    pub captured_ms: Option<i64>,
    /// Where it stood.
    pub state: State,
    /// Why it was given up.
    pub why: String,
    /// `operator` or `retention`.
    pub by_whom: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

const LOCAL: &str =
    "id, site, path, size, captured_ms, accepted_ms, verified_ms, state, flagged, format";

impl Local {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut next = Columns::of(row);
        Ok(Self {
            id: next.take("id")?,
            site: next.take("site")?,
            path: next.value("path")?,
            size: next.unsigned("size")?,
            captured_ms: next.take("captured_ms")?,
            accepted_ms: next.take("accepted_ms")?,
            verified_ms: next.take("verified_ms")?,
            state: next.value("state")?,
            flagged: next.take("flagged")?,
            is_picture: next.take::<u8>("format")? != JSON,
        })
    }
}

/// Verified images of a site whose files are there, the oldest capture first.
pub(super) fn verified_page(
    conn: &Connection,
    site: SiteId,
    (ms, id): Behind,
    limit: u32,
) -> Result<Vec<Local>, QueueError> {
    let page = conn
        .prepare_cached(&format!(
            "SELECT {LOCAL} FROM images INDEXED BY images_local WHERE state = 3 AND removed_ms IS NULL \
             AND site = ?1 AND (captured_ms, id) > (?2, ?3) ORDER BY captured_ms, id LIMIT ?4"
        ))?
        .query_map((site, ms, id, limit), Local::read)?
        .collect::<Result<_, _>>()?;
    Ok(page)
}

/// Verified images whose files are there, not flagged, and verified at `until_ms` or before, the first of them first.
pub(super) fn kept_page(
    conn: &Connection,
    until_ms: i64,
    (ms, id): Behind,
    limit: u32,
) -> Result<Vec<Local>, QueueError> {
    let page = conn
        .prepare_cached(&format!(
            "SELECT {LOCAL} FROM images INDEXED BY images_kept WHERE state = 3 AND removed_ms IS NULL \
             AND flagged = 0 AND verified_ms <= ?1 AND (verified_ms, id) > (?2, ?3) \
             ORDER BY verified_ms, id LIMIT ?4"
        ))?
        .query_map((until_ms, ms, id, limit), Local::read)?
        .collect::<Result<_, _>>()?;
    Ok(page)
}

/// Images of a site that are still to be sent and whose files are there, the oldest capture first.
pub(super) fn unverified_page(
    conn: &Connection,
    site: SiteId,
    (ms, id): Behind,
    limit: u32,
) -> Result<Vec<Local>, QueueError> {
    // Each state and urgency is a range of the index, and of each no more than a page is read.
    let of_range = |state: State, urgency: Urgency| {
        let (state, urgency) = (state.code(), urgency.code());
        format!(
            "SELECT * FROM (SELECT {LOCAL} FROM images INDEXED BY images_open WHERE site = ?1 AND state = {state} \
             AND urgency = {urgency} AND (captured_ms, id) > (?2, ?3) ORDER BY captured_ms, id LIMIT ?4)"
        )
    };
    let of_state = |state| {
        Urgency::ALL
            .map(|urgency| of_range(state, urgency))
            .join(" UNION ALL ")
    };
    let states = [
        State::Queued,
        State::Waiting,
        State::Uploading,
        State::Parked,
    ];
    let sql = states.map(of_state).join(" UNION ALL ");
    let page = conn
        .prepare_cached(&format!("{sql} ORDER BY captured_ms, id LIMIT ?4"))?
        .query_map((site, ms, id, limit), Local::read)?
        .collect::<Result<_, _>>()?;
    Ok(page)
}

/// Verified images that lie below `dir`, a folder of our own, at most `limit`.
pub(super) fn verified_below(
    conn: &Connection,
    dir: &Path,
    limit: u32,
) -> Result<Vec<Local>, QueueError> {
    let below = [bytes_of(dir), b"/"].concat();
    let beside = [bytes_of(dir), b"0"].concat();
    let page = conn
        .prepare_cached(
            "SELECT i.id, i.site, i.path, i.size, i.captured_ms, i.accepted_ms, i.verified_ms, i.state, i.flagged, i.format \
             FROM seen f JOIN images i ON i.id = f.image \
             WHERE f.path > ?1 AND f.path < ?2 AND i.state = 3 AND i.removed_ms IS NULL AND i.flagged = 0 \
             ORDER BY f.path LIMIT ?3",
        )?
        .query_map((below, beside, limit), Local::read)?
        .collect::<Result<_, _>>()?;
    Ok(page)
}

/// Bytes that images take on the disk.
pub(super) fn local_bytes(conn: &Connection) -> Result<u64, QueueError> {
    let bytes: i64 = conn
        .prepare_cached(
            "SELECT (SELECT ifnull(sum(bytes), 0) FROM tally WHERE state NOT IN (5, 6)) \
             - (SELECT ifnull(sum(bytes), 0) FROM freed)",
        )?
        .query_row((), |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Deletions that were begun and not finished, and why they were.
pub(super) fn leaving(conn: &Connection, limit: u32) -> Result<Vec<(ImageId, String)>, QueueError> {
    let begun = conn
        .prepare_cached("SELECT image, why FROM leaving ORDER BY image LIMIT ?1")?
        .query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(begun)
}

/// Notes that the files of verified images are about to go; gives those for which this still holds.
pub(super) fn depart(
    conn: &Connection,
    going: &[(ImageId, &'static str)],
    at_ms: i64,
) -> Result<Vec<ImageId>, QueueError> {
    let mut note = conn.prepare_cached(
        "INSERT OR IGNORE INTO leaving (image, why, at_ms) SELECT id, ?2, ?3 FROM images \
         WHERE id = ?1 AND state = 3 AND removed_ms IS NULL AND flagged = 0",
    )?;
    let mut noted = Vec::with_capacity(going.len());
    for (id, why) in going {
        if note.execute((id, why, at_ms))? > 0 {
            noted.push(*id);
        }
    }
    Ok(noted)
}

/// Gives up images that no store has, for want of room: recorded, and noted as about to go. Gives those that
/// could be given up; one that is being sent cannot.
pub(super) fn give_up(
    conn: &Connection,
    going: &[(ImageId, &'static str)],
    at_ms: i64,
) -> Result<Vec<ImageId>, QueueError> {
    let mut given_up = Vec::with_capacity(going.len());
    for (id, why) in going {
        let flagged = conn
            .prepare_cached("SELECT flagged FROM images WHERE id = ?1")?
            .query_row([id], |row| row.get::<_, bool>(0))
            .optional()?;
        if flagged != Some(false) {
            continue;
        }
        match drop_recorded(conn, *id, why, at_ms, "retention") {
            Ok(()) => given_up.push(*id),
            Err(QueueError::Illegal { .. }) => continue,
            Err(error) => return Err(error),
        }
        conn.prepare_cached("INSERT INTO leaving (image, why, at_ms) VALUES (?1, ?2, ?3)")?
            .execute((id, why, at_ms))?;
    }
    Ok(given_up)
}

/// Gives an image up and writes it into the log of drops.
pub(super) fn drop_recorded(
    conn: &Connection,
    id: ImageId,
    why: &str,
    at_ms: i64,
    by_whom: &str,
) -> Result<(), QueueError> {
    let was = step(
        conn,
        id,
        Move::Drop,
        "next_at_ms = NULL, refusal_scope = NULL, held = 0, unplugged = 0, upload_id = NULL",
        &[],
    )?;
    conn.prepare_cached("DELETE FROM parts WHERE image = ?1")?
        .execute([id])?;
    conn.prepare_cached(
        "INSERT INTO drops (image, site, sha256, path, state, why, at_ms, captured_ms, size, by_whom) \
         SELECT id, site, sha256, path, :was, :why, :at, captured_ms, size, :by FROM images WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id, ":was": was.code(), ":why": why, ":at": at_ms, ":by": by_whom,
    })?;
    Ok(())
}

/// Whether an image was last given up by retention, not by a person.
pub(super) fn dropped_for_room(conn: &Connection, id: ImageId) -> Result<bool, QueueError> {
    let by_whom: Option<String> = conn
        .prepare_cached("SELECT by_whom FROM drops WHERE image = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(by_whom.as_deref() == Some("retention"))
}

/// Records what became of images that were leaving.
pub(super) fn departed(
    conn: &Connection,
    departed: &[Departed],
    at_ms: i64,
) -> Result<(), QueueError> {
    for one in departed {
        for path in &one.gone {
            conn.prepare_cached("DELETE FROM seen WHERE path = ?1 AND image = ?2")?
                .execute((bytes_of(path), one.id))?;
        }
        if let Some(why) = &one.why {
            conn.prepare_cached(
                "UPDATE images SET removed_ms = ?2, removed_why = ?3 \
                 WHERE id = ?1 AND state = 3 AND removed_ms IS NULL",
            )?
            .execute((one.id, at_ms, why))?;
        }
        conn.prepare_cached("DELETE FROM leaving WHERE image = ?1")?
            .execute([one.id])?;
    }
    Ok(())
}

/// The bytes of an image that left lie on the disk again.
pub(super) fn back(conn: &Connection, id: ImageId) -> Result<bool, QueueError> {
    let back = conn
        .prepare_cached(
            "UPDATE images SET removed_ms = NULL, removed_why = NULL WHERE id = ?1 AND removed_ms IS NOT NULL",
        )?
        .execute([id])?;
    Ok(back > 0)
}

/// Has retention leave an image's file alone, or no longer.
pub(super) fn flag(conn: &Connection, id: ImageId, on: bool) -> Result<(), QueueError> {
    let flagged = conn
        .prepare_cached("UPDATE images SET flagged = ?2 WHERE id = ?1")?
        .execute((id, on))?;
    if flagged == 0 {
        return Err(QueueError::NoSuchImage(id));
    }
    Ok(())
}

/// What was given up, by site or all of it, behind a number, the first first.
pub(super) fn drops_page(
    conn: &Connection,
    site: Option<&SiteName>,
    after: i64,
    limit: u32,
) -> Result<Vec<Drop>, QueueError> {
    let page = conn
        .prepare_cached(
            "SELECT d.id, d.image, s.name, d.sha256, d.path, d.size, d.captured_ms, d.state, d.why, d.by_whom, d.at_ms \
             FROM drops d JOIN sites s ON s.id = d.site \
             WHERE d.id > ?1 AND (?2 IS NULL OR s.name = ?2) ORDER BY d.id LIMIT ?3",
        )?
        .query_map((after, site.map(SiteName::as_str), limit), |row| {
            Ok(Drop {
                id: row.get("id")?,
                image: row.get("image")?,
                site: row.get::<_, Db<SiteName>>("name")?.0,
                sha256: row.get::<_, Db<Sha256>>("sha256")?.0,
                path: row.get::<_, Db<PathBuf>>("path")?.0,
                size: row.get::<_, Option<i64>>("size")?.map(i64::cast_unsigned),
                captured_ms: row.get("captured_ms")?,
                state: row.get::<_, Db<State>>("state")?.0,
                why: row.get("why")?,
                by_whom: row.get("by_whom")?,
                at_ms: row.get("at_ms")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(page)
}

impl Queue {
    /// Notes that the files of verified images are about to be deleted; gives those for which this is still
    /// right. None of them may be touched before this returns, unless nothing can be written at all.
    pub async fn depart(
        &self,
        going: Vec<(ImageId, &'static str)>,
        at_ms: i64,
    ) -> Result<Vec<ImageId>, QueueError> {
        self.write(move |conn| depart(conn, &going, at_ms)).await
    }

    /// Gives images up whose files are about to be deleted, and records it; gives those that could be given up.
    pub async fn give_up(
        &self,
        going: Vec<(ImageId, &'static str)>,
        at_ms: i64,
    ) -> Result<Vec<ImageId>, QueueError> {
        self.write(move |conn| give_up(conn, &going, at_ms)).await
    }

    /// Records what became of the files of images that were about to be deleted.
    pub async fn departed(&self, those: Vec<Departed>, at_ms: i64) -> Result<(), QueueError> {
        self.write(move |conn| departed(conn, &those, at_ms)).await
    }

    /// Has retention leave the file of an image alone, or no longer.
    pub async fn flag(&self, id: ImageId, on: bool) -> Result<(), QueueError> {
        self.write(move |conn| flag(conn, id, on)).await
    }

    /// Turns rows that were over before `cutoff_ms` (milliseconds since 1970) into counts by day; gives how many.
    pub async fn compact(&self, cutoff_ms: i64) -> Result<u64, QueueError> {
        let mut compacted = 0;
        loop {
            match self
                .write(move |conn| compact::compact(conn, cutoff_ms))
                .await?
            {
                0 => return Ok(compacted),
                some => compacted += some,
            }
        }
    }
}
