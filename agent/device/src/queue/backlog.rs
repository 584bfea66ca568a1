//! What is owed and lies on this disk, in order of capture: for filling a stick. A page at a time.

use rusqlite::{Connection, named_params};
use weir_journey::queue::State;

use super::error::QueueError;
use super::image::{Dossier, ImageId, SiteId};
use super::infer::Urgency;
use super::upload::Order;

/// Where a reading of the backlog goes on: behind this capture time and number.
pub(super) type Mark = (i64, ImageId);

/// States of images that are owed and whose files should be there.
pub const OWED: [State; 4] = [
    State::Queued,
    State::Waiting,
    State::Uploading,
    State::Parked,
];

/// The images of a site in one of the states of [`OWED`], behind `after`, at most `limit`.
pub(super) fn page(
    conn: &Connection,
    site: SiteId,
    state: State,
    order: Order,
    after: Option<Mark>,
    limit: u32,
) -> Result<Vec<Dossier>, QueueError> {
    let freshest = order == Order::Freshest;
    let (side, way) = if freshest {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    let first = if freshest {
        (i64::MAX, ImageId(i64::MAX))
    } else {
        (i64::MIN, ImageId(i64::MIN))
    };
    let (captured_ms, id) = after.unwrap_or(first);
    // The number stands in the text so that the partial index serves.
    let code = state.code();
    // Each urgency is a range of the index, and of each no more than a page is read.
    let of_urgency = |urgency: Urgency| {
        let urgency = urgency.code();
        format!(
            "SELECT * FROM (SELECT captured_ms, id FROM images INDEXED BY images_open WHERE site = :site \
             AND state = {code} AND urgency = {urgency} AND (captured_ms, id) {side} (:captured, :id) \
             ORDER BY captured_ms {way}, id {way} LIMIT :limit)"
        )
    };
    let all = Urgency::ALL.map(of_urgency).join(" UNION ALL ");
    let ids: Vec<ImageId> = conn
        .prepare_cached(&format!(
            "{all} ORDER BY captured_ms {way}, id {way} LIMIT :limit"
        ))?
        .query_map(
            named_params! {":site": site, ":captured": captured_ms, ":id": id, ":limit": limit},
            |row| row.get("id"),
        )?
        .collect::<Result<_, _>>()?;
    ids.into_iter().map(|id| Dossier::load(conn, id)).collect()
}

/// The number of every site of images that the queue knows, with its name. Products are left out: what is taken away
/// on a stick and uploaded elsewhere is the images, of which they can be made again.
pub(super) fn sites(conn: &Connection) -> Result<Vec<(SiteId, String)>, QueueError> {
    let sites = conn
        .prepare_cached("SELECT id, name FROM sites WHERE products_of IS NULL ORDER BY name")?
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(sites)
}
