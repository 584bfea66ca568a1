//! Products: results and pictures made of an image, as rows of the queue.
//!
//! The products of a site are the images of a site of their own, `<site>.products`, so that everything that holds
//! for images holds for them, and what is refused of one kind never holds the other up. Where a product differs: its
//! bucket and key are decided when it is made; its capture time is its image's, which no step of the clock changes
//! (it is made anew instead); and it can be made again.

use rusqlite::{Connection, OptionalExtension as _, named_params};
use weir_journey::identity::{Sha256, SiteName};
use weir_journey::queue::{Move, State};
use weir_journey::settle::Format;

use super::accept::{Judgement, find, insert, move_to, refresh, remember, site_id};
use super::error::QueueError;
use super::image::{Db, DeviceClock, Image, ImageId, NewImage, Place, SiteId};
use super::infer::{InferWish, Inferred, Urgency};
use super::open::is_rebuilding;
use super::retain::{drop_recorded, dropped_for_room};
use super::row::SELECT_IMAGE;
use super::step::step;
use super::{Queue, View};

/// What a products site's name ends with.
const SUFFIX: &str = ".products";

/// Why retention's log says that a product was given up whose image got another capture time.
const SUPERSEDED: &str = "superseded";

/// A file made of an image, durable on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Where they lie: below the site's folder of products.
    pub place: Place,
    /// What it is.
    pub content: Content,
    /// The bucket it goes to.
    pub bucket: String,
    /// The key it gets there.
    pub key: String,
}

/// What a product is, for the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// A result.
    Json,
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
}

/// JSON's number in the database, out of the way of those of [`Format`].
pub(super) const JSON: u8 = 128;

impl Content {
    /// The integer that stands for it in the database, among those of [`Format`].
    pub const fn code(self) -> u8 {
        match self {
            Self::Json => JSON,
            Self::Png => Format::Png.code(),
            Self::Jpeg => Format::Jpeg.code(),
        }
    }
}

/// The media type of a row's format, an image's or a product's.
pub(crate) fn content_type(format: u8) -> &'static str {
    match Format::from_code(format) {
        Some(format) => format.content_type(),
        None if format == JSON => "application/json",
        None => "application/octet-stream",
    }
}

/// The name of the site of a site's products.
///
/// # Errors
/// [`QueueError::NoProducts`] when it would be too long for one.
pub fn products_name(of: &SiteName) -> Result<SiteName, QueueError> {
    format!("{of}{SUFFIX}")
        .parse()
        .map_err(|_| QueueError::NoProducts(of.clone()))
}

/// The site of whose products a site of this name consists.
pub(super) fn site_of_products(name: &SiteName) -> Option<SiteName> {
    name.as_str().strip_suffix(SUFFIX)?.parse().ok()
}

/// The number of the site of a site's products, new or known.
pub(super) fn products_site(conn: &Connection, of: &SiteName) -> Result<SiteId, QueueError> {
    let name = products_name(of)?;
    let parent = site_id(conn, of)?;
    let id = site_id(conn, &name)?;
    conn.prepare_cached(
        "UPDATE sites SET products_of = ?2 WHERE id = ?1 AND products_of IS NOT ?2",
    )?
    .execute((id, parent))?;
    Ok(id)
}

/// Queues the products of an image; gives the positions of those whose files are not needed.
pub(super) fn insert_all(
    conn: &Connection,
    image: &Image,
    inferred: &Inferred,
) -> Result<Vec<usize>, QueueError> {
    if inferred.products.is_empty() {
        return Ok(Vec::new());
    }
    let site = products_site(conn, &image.site_name)?;
    let mut known = Vec::new();
    for (position, product) in inferred.products.iter().enumerate() {
        let row = NewImage {
            site,
            sha256: product.sha256,
            place: product.place.clone(),
            format: product.content.code(),
            captured_ms: image.captured_ms,
            offset_s: image.offset_s,
            capture: image.capture.clone(),
            accepted_ms: inferred.at_ms,
            // No step of the clock is to put its time right.
            clock: DeviceClock::default(),
            dated: image.dated,
            held: None,
            infer: InferWish::None,
        };
        let id = match find(conn, site, &product.sha256)? {
            None => insert(conn, &row, is_rebuilding(conn)?)?,
            Some((id, state)) if is_gone(conn, id, state)? => {
                come_back(conn, id, &row)?;
                id
            }
            Some((id, _)) => {
                if !refresh(conn, id, &product.place)? {
                    known.push(position);
                }
                continue;
            }
        };
        belong(conn, id, image, product, inferred.urgency)?;
        let judgement = Judgement::Image(id);
        remember(conn, site, &product.place, &judgement, inferred.at_ms)?;
    }
    Ok(known)
}

/// Whether the bytes of a product that is known are not on the disk any more, and were not given up by a person.
fn is_gone(conn: &Connection, id: ImageId, state: State) -> Result<bool, QueueError> {
    Ok(match state {
        State::Missing => true,
        State::Dropped => dropped_for_room(conn, id)?,
        _ => false,
    })
}

/// The bytes of a product that was gone were made again.
fn come_back(conn: &Connection, id: ImageId, row: &NewImage) -> Result<(), QueueError> {
    step(conn, id, Move::Return, "failure = NULL, fix = NULL", &[])?;
    move_to(conn, id, &row.place)?;
    // What was to be deleted is another file, which has no row any more.
    conn.prepare_cached("DELETE FROM leaving WHERE image = ?1")?
        .execute([id])?;
    conn.prepare_cached(
        "UPDATE images SET captured_ms = :captured_ms, offset_s = :offset_s, capture = :capture, dated = :dated, \
             accepted_ms = :accepted_ms WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":captured_ms": row.captured_ms,
        ":offset_s": row.offset_s,
        ":capture": row.capture,
        ":dated": row.dated,
        ":accepted_ms": row.accepted_ms,
    })?;
    Ok(())
}

/// Says whose product it is and where it goes.
fn belong(
    conn: &Connection,
    id: ImageId,
    parent: &Image,
    product: &NewProduct,
    urgency: Urgency,
) -> Result<(), QueueError> {
    conn.prepare_cached(
        "UPDATE images SET parent = :parent, bucket = :bucket, key = :key, urgency = :urgency WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":parent": parent.id,
        ":bucket": product.bucket,
        ":key": product.key,
        ":urgency": urgency.code(),
    })?;
    Ok(())
}

/// Gives up the products of an image that no store can have, because they are made anew: recorded, and noted so that
/// retention deletes their files.
pub(super) fn take_back(conn: &Connection, parent: ImageId, at_ms: i64) -> Result<(), QueueError> {
    let products: Vec<Image> = conn
        .prepare_cached(&format!("{SELECT_IMAGE} WHERE i.parent = ?1"))?
        .query_map([parent], Image::read)?
        .collect::<Result<_, _>>()?;
    for product in products {
        let unsent = product.state.after(Move::Drop).is_some() && !product.is_named();
        if unsent {
            drop_recorded(conn, product.id, SUPERSEDED, at_ms, "retention")?;
            conn.prepare_cached(
                "INSERT OR REPLACE INTO leaving (image, why, at_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute((product.id, SUPERSEDED, at_ms))?;
        }
    }
    Ok(())
}

/// The digest of the image that a product was made of, while its row is there.
fn parent_digest(conn: &Connection, parent: ImageId) -> Result<Option<Sha256>, QueueError> {
    Ok(conn
        .prepare_cached("SELECT sha256 FROM images WHERE id = ?1")?
        .query_row([parent], |row| Ok(row.get::<_, Db<Sha256>>(0)?.0))
        .optional()?)
}

impl View {
    /// The digest of the image that a product was made of, while its row is there.
    pub(crate) async fn parent_digest(
        &self,
        parent: ImageId,
    ) -> Result<Option<Sha256>, QueueError> {
        self.read(move |conn| parent_digest(conn, parent)).await
    }
}

impl Queue {
    /// The number of the site of a site's products, new or known.
    ///
    /// # Errors
    /// [`QueueError::NoProducts`] when the site's name is too long for that.
    pub async fn products_site(&self, of: SiteName) -> Result<SiteId, QueueError> {
        self.write(move |conn| products_site(conn, &of)).await
    }
}
