//! What is known of the files on the disk: taken as an image, quarantined, or neither yet.
//!
//! An image is its site and its SHA-256: the same bytes under another name are the same image at another
//! place. A file is known again by its path and what `stat(2)` says, so that a rescan reads nothing twice.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, named_params};
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::{Move, State};
use weir_journey::upload::Scope;

use super::error::QueueError;
use super::image::{Db, ImageId, NewImage, Place, SiteId, bytes_of};
use super::infer::{Infer, InferWish, LookHold};
use super::open::is_rebuilding;
use super::retain::{back, dropped_for_room};
use super::row::Columns;
use super::step::step;

/// What the queue knows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing: read it.
    New,
    /// It was taken as this image, and has not changed since.
    Taken {
        /// Which image.
        image: ImageId,
    },
    /// It was quarantined, and has not changed since.
    Quarantined {
        /// The short code of the reason.
        reason: String,
    },
    /// It was judged before, and is another file now: read it.
    Changed {
        /// The image that it was.
        image: Option<ImageId>,
    },
}

/// How an image was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is new, and queued.
    New(ImageId),
    /// These bytes of this site are known; the place was noted.
    Duplicate(ImageId),
    /// It was missing, or had been given up for want of room, and is queued again from this place.
    Returned(ImageId),
}

/// A file that is no image, or not a whole one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose it is.
    pub site: SiteId,
    /// Where it lies and what it was when it was judged.
    pub place: Place,
    /// A short, stable code.
    pub reason: String,
    /// The reason as a sentence.
    pub detail: String,
    /// When it was judged, milliseconds since 1970.
    pub at_ms: i64,
}

pub(super) fn site_id(conn: &Connection, name: &SiteName) -> Result<SiteId, QueueError> {
    let known = conn
        .prepare_cached("SELECT id FROM sites WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    conn.execute("INSERT INTO sites (name) VALUES (?1)", [name.as_str()])?;
    Ok(SiteId(conn.last_insert_rowid()))
}

pub(super) fn known(conn: &Connection, place: &Place) -> Result<Known, QueueError> {
    let judged = conn
        .prepare_cached(
            "SELECT path, size, device, inode, mtime_ns, ctime_ns, image, reason FROM seen WHERE path = ?1",
        )?
        .query_row([bytes_of(&place.path)], |row| {
            let mut next = Columns::of(row);
            let then = next.place()?.identity;
            Ok((then, next.take("image")?, next.take("reason")?))
        })
        .optional()?;
    let judged: Option<(_, Option<ImageId>, _)> = judged;
    Ok(match judged {
        Some((then, image, _)) if then != place.identity => Known::Changed { image },
        Some((_, Some(image), _)) => Known::Taken { image },
        Some((_, None, Some(reason))) => Known::Quarantined { reason },
        Some((_, None, None)) | None => Known::New,
    })
}

pub(super) fn accept(conn: &Connection, new: &NewImage) -> Result<Accepted, QueueError> {
    let accepted = match find(conn, new.site, &new.sha256)? {
        None => Accepted::New(insert(conn, new, is_rebuilding(conn)?)?),
        Some((id, State::Missing)) => {
            step(conn, id, Move::Return, "failure = NULL, fix = NULL", &[])?;
            move_to(conn, id, &new.place)?;
            wish(conn, id, new.infer)?;
            Accepted::Returned(id)
        }
        // Given up for want of room: that is over when the bytes come from somewhere else.
        Some((id, State::Dropped)) if dropped_for_room(conn, id)? => {
            step(conn, id, Move::Return, "failure = NULL, fix = NULL", &[])?;
            move_to(conn, id, &new.place)?;
            wish(conn, id, new.infer)?;
            Accepted::Returned(id)
        }
        Some((id, _)) => {
            if back(conn, id)? {
                move_to(conn, id, &new.place)?;
            }
            refresh(conn, id, &new.place)?;
            Accepted::Duplicate(id)
        }
    };
    let (Accepted::New(id) | Accepted::Duplicate(id) | Accepted::Returned(id)) = accepted;
    remember(
        conn,
        new.site,
        &new.place,
        &Judgement::Image(id),
        new.accepted_ms,
    )?;
    strikes_cleared(conn, &new.place.path)?;
    Ok(accepted)
}

/// As [`accept`], of a copy: known bytes are noted at the source alone.
pub(super) fn accept_copy(
    conn: &Connection,
    copy: &NewImage,
    source: &Place,
) -> Result<Accepted, QueueError> {
    let known = match find(conn, copy.site, &copy.sha256)? {
        Some((id, State::Dropped)) if dropped_for_room(conn, id)? => None,
        Some((_, State::Missing)) | None => None,
        Some((id, _)) => Some(Accepted::Duplicate(id)),
    };
    let accepted = match known {
        Some(known) => known,
        None => accept(conn, copy)?,
    };
    let (Accepted::New(id) | Accepted::Duplicate(id) | Accepted::Returned(id)) = accepted;
    let judgement = Judgement::Image(id);
    remember(conn, copy.site, source, &judgement, copy.accepted_ms)?;
    strikes_cleared(conn, &source.path)?;
    Ok(accepted)
}

/// The image of a site with these bytes, and where it stands.
pub(super) fn find(
    conn: &Connection,
    site: SiteId,
    sha256: &Sha256,
) -> Result<Option<(ImageId, State)>, QueueError> {
    Ok(conn
        .prepare_cached("SELECT id, state FROM images WHERE site = ?1 AND sha256 = ?2")?
        .query_row((site, sha256.0), |row| {
            Ok((row.get(0)?, row.get::<_, Db<State>>(1)?.0))
        })
        .optional()?)
}

/// Has an image that came back looked at, unless it was.
fn wish(conn: &Connection, id: ImageId, wish: InferWish) -> Result<(), QueueError> {
    conn.prepare_cached("UPDATE images SET infer = ?2 WHERE id = ?1 AND infer = ?3")?
        .execute((id, wish.state().code(), Infer::Unwanted.code()))?;
    Ok(())
}

/// Inserts a row as queued, as waiting to be looked at, or parked until a person has judged it.
pub(super) fn insert(
    conn: &Connection,
    new: &NewImage,
    unsure: bool,
) -> Result<ImageId, QueueError> {
    let Place { path, identity } = &new.place;
    let held = new.held.as_ref();
    let (state, look_hold, next_at_ms) = match (held, new.infer.hold_until_ms()) {
        // It is in no index of what is due, and the table wants a moment of everything that is parked.
        (Some(_), _) => (State::Parked, LookHold::None, Some(i64::MAX)),
        (None, Some(until_ms)) => (State::Waiting, LookHold::Awaits, Some(until_ms)),
        (None, None) => (State::Queued, LookHold::None, None),
    };
    conn.prepare_cached(
        "INSERT INTO images (site, sha256, path, size, device, inode, mtime_ns, ctime_ns, format, \
             captured_ms, offset_s, capture, accepted_ms, state, unsure, dated, boot, uptime_ms, clock, held, \
             next_at_ms, refusal_scope, failure, fix, infer, look_hold) \
         VALUES (:site, :sha256, :path, :size, :device, :inode, :mtime_ns, :ctime_ns, :format, \
             :captured_ms, :offset_s, :capture, :accepted_ms, :state, :unsure, :dated, :boot, :uptime_ms, :clock, :held, \
             :next_at, :scope, :failure, :fix, :infer, :look_hold)",
    )?
    .execute(named_params! {
        ":site": new.site,
        ":sha256": new.sha256.0,
        ":path": bytes_of(path),
        ":size": identity.size.cast_signed(),
        ":device": identity.device.cast_signed(),
        ":inode": identity.inode.cast_signed(),
        ":mtime_ns": identity.mtime_ns,
        ":ctime_ns": identity.ctime_ns,
        ":format": new.format,
        ":captured_ms": new.captured_ms,
        ":offset_s": new.offset_s,
        ":capture": new.capture,
        ":accepted_ms": new.accepted_ms,
        ":state": state.code(),
        ":unsure": unsure,
        ":dated": new.dated,
        ":boot": new.clock.boot,
        ":uptime_ms": new.clock.uptime_ms,
        ":clock": new.clock.synchronised.code(),
        ":held": held.is_some(),
        ":next_at": next_at_ms,
        ":scope": held.map(|_| Scope::Image.code()),
        ":failure": held.map(|held| &held.failure),
        ":fix": held.map(|held| &held.fix),
        ":infer": new.infer.state().code(),
        ":look_hold": look_hold.code(),
    })?;
    Ok(ImageId(conn.last_insert_rowid()))
}

/// The image's bytes lie here now.
pub(super) fn move_to(conn: &Connection, id: ImageId, place: &Place) -> Result<(), QueueError> {
    conn.prepare_cached(
        "UPDATE images SET path = :path, device = :device, inode = :inode, mtime_ns = :mtime_ns, \
         ctime_ns = :ctime_ns WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":path": bytes_of(&place.path),
        ":device": place.identity.device.cast_signed(),
        ":inode": place.identity.inode.cast_signed(),
        ":mtime_ns": place.identity.mtime_ns,
        ":ctime_ns": place.identity.ctime_ns,
    })?;
    Ok(())
}

/// The same bytes at the image's own path, touched since (`chmod`, a new hard link): the identity that the
/// upload compares with is the newer one. Gives whether it is the image's own path.
pub(super) fn refresh(conn: &Connection, id: ImageId, place: &Place) -> Result<bool, QueueError> {
    let own = conn
        .prepare_cached("SELECT 1 FROM images WHERE id = ?1 AND path = ?2")?
        .exists((id, bytes_of(&place.path)))?;
    if own {
        move_to(conn, id, place)?;
    }
    Ok(own)
}

pub(super) enum Judgement<'a> {
    Image(ImageId),
    Quarantine { reason: &'a str, detail: &'a str },
}

pub(super) fn remember(
    conn: &Connection,
    site: SiteId,
    place: &Place,
    judgement: &Judgement<'_>,
    at_ms: i64,
) -> Result<(), QueueError> {
    let (image, reason, detail) = match *judgement {
        Judgement::Image(id) => (Some(id), None, None),
        Judgement::Quarantine { reason, detail } => (None, Some(reason), Some(detail)),
    };
    conn.prepare_cached(
        "INSERT OR REPLACE INTO seen \
             (path, site, size, device, inode, mtime_ns, ctime_ns, image, reason, detail, at_ms) \
         VALUES (:path, :site, :size, :device, :inode, :mtime_ns, :ctime_ns, :image, :reason, :detail, :at_ms)",
    )?
    .execute(named_params! {
        ":path": bytes_of(&place.path),
        ":site": site,
        ":size": place.identity.size.cast_signed(),
        ":device": place.identity.device.cast_signed(),
        ":inode": place.identity.inode.cast_signed(),
        ":mtime_ns": place.identity.mtime_ns,
        ":ctime_ns": place.identity.ctime_ns,
        ":image": image,
        ":reason": reason,
        ":detail": detail,
        ":at_ms": at_ms,
    })?;
    Ok(())
}

pub(super) fn quarantine(conn: &Connection, file: &Quarantined) -> Result<(), QueueError> {
    let judgement = Judgement::Quarantine {
        reason: &file.reason,
        detail: &file.detail,
    };
    remember(conn, file.site, &file.place, &judgement, file.at_ms)
}

pub(super) fn strike(conn: &Connection, path: &Path) -> Result<u32, QueueError> {
    Ok(conn
        .prepare_cached(
            "INSERT INTO strikes (path, count) VALUES (?1, 1) \
             ON CONFLICT (path) DO UPDATE SET count = count + 1 RETURNING count",
        )?
        .query_row([bytes_of(path)], |row| row.get(0))?)
}

pub(super) fn strikes_cleared(conn: &Connection, path: &Path) -> Result<(), QueueError> {
    conn.prepare_cached("DELETE FROM strikes WHERE path = ?1")?
        .execute([bytes_of(path)])?;
    Ok(())
}

/// Forgets the judgement of a file, so that the next scan reads it. Gives whether there was one.
pub(super) fn forget(conn: &Connection, path: &Path) -> Result<bool, QueueError> {
    strikes_cleared(conn, path)?;
    let gone = conn
        .prepare_cached("DELETE FROM seen WHERE path = ?1")?
        .execute([bytes_of(path)])?;
    Ok(gone > 0)
}

/// Judged files under `dir`, whatever depth, in order of path, beginning after `after`.
pub(super) fn seen_under(
    conn: &Connection,
    dir: &Path,
    after: Option<&Path>,
    limit: u32,
) -> Result<Vec<PathBuf>, QueueError> {
    // '0' follows '/': every path below `dir` lies between the two, and none beside it.
    let below = [bytes_of(dir), b"/"].concat();
    let beside = [bytes_of(dir), b"0"].concat();
    let after = after.map_or(below.as_slice(), bytes_of);
    let paths = conn
        .prepare_cached(
            "SELECT path FROM seen WHERE path > ?1 AND path < ?2 ORDER BY path LIMIT ?3",
        )?
        .query_map((after, beside, limit), |row| {
            Ok(row.get::<_, Db<PathBuf>>(0)?.0)
        })?
        .collect::<Result<_, _>>()?;
    Ok(paths)
}
