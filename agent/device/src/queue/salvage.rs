//! What is still owed, copied out of a damaged database as far as it reads.
//!
//! Only open images are taken, as queued and unsure: each is looked for in the bucket, and its file is
//! hashed again before it is sent, so that a flipped bit here can neither lose nor fake one. What was
//! verified or dropped is derived again from the camera directories and the bucket.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::accept::{Judgement, find, insert, remember, site_id};
use super::error::QueueError;
use super::image::{Held, Image, NewImage, SiteId};
use super::infer::{InferWish, LookHold, mark, salvaged};
use super::product;
use super::row::SELECT_IMAGE;

/// Copies what is owed from the database at `old`; gives how many images.
///
/// # Errors
/// Only those of the new database: the old one may hold anything.
pub(super) fn owed(old: &Path, new: &mut Connection) -> Result<u64, QueueError> {
    let Ok(old) = Connection::open_with_flags(old, OpenFlags::SQLITE_OPEN_READ_WRITE) else {
        return Ok(0);
    };
    let tx = new.transaction()?;
    let mut salvaged = 0;
    // From both ends towards the damage.
    for order in ["ASC", "DESC"] {
        salvaged += from_one_end(&old, &tx, order)?;
    }
    tx.commit()?;
    Ok(salvaged)
}

fn from_one_end(old: &Connection, new: &Connection, order: &str) -> Result<u64, QueueError> {
    let Ok(mut select) = old.prepare(&format!("{SELECT_IMAGE} ORDER BY i.id {order}")) else {
        return Ok(0);
    };
    let Ok(mut rows) = select.query(()) else {
        return Ok(0);
    };
    let (mut copied, mut last) = (0, None);
    while let Ok(Some(row)) = rows.next() {
        let Ok(id) = row.get::<_, i64>("id") else {
            continue;
        };
        // In a damaged tree pages can lead in circles: row numbers that do not go on end the walk.
        let goes_on = last.is_none_or(|last| if order == "ASC" { id > last } else { id < last });
        if !goes_on {
            break;
        }
        last = Some(id);
        if let Ok(image) = Image::read(row)
            && image.state.is_open()
        {
            copied += u64::from(copy(&image, new)?);
        }
    }
    Ok(copied)
}

/// Puts a row into the new database, unless it has that image. Its file is not noted as seen: the next scan
/// reads it again.
fn copy(old: &Image, new: &Connection) -> Result<bool, QueueError> {
    let site = site_of(new, old)?;
    if find(new, site, &old.sha256)?.is_some() {
        return Ok(false);
    }
    let image = NewImage {
        site,
        sha256: old.sha256,
        place: old.place.clone(),
        format: old.format,
        captured_ms: old.captured_ms,
        offset_s: old.offset_s,
        capture: old.capture.clone(),
        accepted_ms: old.accepted_ms,
        clock: old.clock,
        dated: old.dated,
        held: held(old),
        infer: InferWish::None,
    };
    let id = insert(new, &image, true)?;
    salvaged(new, id, old)?;
    if old.products_of.is_some() {
        // No scan finds a product's file again.
        remember(
            new,
            site,
            &old.place,
            &Judgement::Image(id),
            old.accepted_ms,
        )?;
    }
    if image.held.is_some() && old.look_hold == LookHold::Withheld {
        mark(new, id, LookHold::Withheld)?;
    }
    if let Some((bucket, key)) = &old.target {
        new.execute(
            "UPDATE images SET bucket = ?2, key = ?3 WHERE id = ?1",
            (id, bucket, key),
        )?;
    }
    Ok(true)
}

/// The site of an image, or of the products of the site that its name says. A product forgets the image that it was
/// made of, whose number is another one here.
fn site_of(new: &Connection, old: &Image) -> Result<SiteId, QueueError> {
    match old
        .products_of
        .and_then(|_| product::site_of_products(&old.site_name))
    {
        Some(of) => product::products_site(new, &of),
        None => site_id(new, &old.site_name),
    }
}

/// What a person was to judge, he still is.
fn held(old: &Image) -> Option<Held> {
    // A card that was away is looked for again.
    (old.held && !old.unplugged).then(|| Held {
        failure: old.failure.clone().unwrap_or_default(),
        fix: old.fix.clone().unwrap_or_default(),
    })
}
