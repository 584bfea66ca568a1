//! What waits and what is parked, and when it is due.
//!
//! A refusal that reaches further than one image is probed by one image at a time, however many it parked:
//! a probe keeps its `refusal_scope` while it is queued, claimed or waiting, and until it has been parked
//! again or verified no other one of that refusal is due.

use rusqlite::Connection;
use weir_journey::queue::Move;
use weir_journey::upload::Scope;

use super::error::QueueError;
use super::image::{ImageId, SiteId};
use super::step::{as_indexed, step};

/// The longest delays that anybody sets. A moment further away than that was set before the clock stepped
/// back, and counts as past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longest {
    /// Of a delay, milliseconds.
    pub delay_ms: i64,
    /// Between two probes, milliseconds.
    pub probe_ms: i64,
}

/// The outcome of one step of promoting.
pub(super) struct Promoted {
    /// Whether there may be more that is due.
    pub(super) more: bool,
    /// When the next one is due, milliseconds since 1970.
    pub(super) next_ms: Option<i64>,
}

/// The most rows of one step, so that other operations get their turn.
const STEP: u32 = 500;

/// The moments that count as past.
#[derive(Clone, Copy)]
struct Past {
    now_ms: i64,
    /// Later than this cannot be meant.
    horizon_ms: i64,
}

impl Past {
    fn new(now_ms: i64, longest_ms: i64) -> Self {
        Self {
            now_ms,
            horizon_ms: now_ms.saturating_add(longest_ms),
        }
    }

    /// Both sides of the moments to come, as comparisons.
    fn sides(self) -> [(&'static str, i64); 2] {
        [("<=", self.now_ms), (">", self.horizon_ms)]
    }
}

pub(super) fn promote(
    conn: &Connection,
    now_ms: i64,
    longest: Longest,
) -> Result<Promoted, QueueError> {
    let probing = Past::new(now_ms, longest.probe_ms);
    let mut due = waiting_due(conn, Past::new(now_ms, longest.delay_ms))?;
    let refusals = refusals(conn)?;
    for refusal in &refusals {
        due.extend(refusal.due(conn, probing)?);
    }
    for &id in &due {
        as_indexed(step(conn, id, Move::Due, "next_at_ms = NULL", &[]))?;
    }
    let mut next_ms: Vec<i64> = next_waiting(conn)?.into_iter().collect();
    for refusal in &refusals {
        next_ms.extend(refusal.next_ms(conn)?);
    }
    Ok(Promoted {
        more: !due.is_empty(),
        next_ms: next_ms.into_iter().min(),
    })
}

/// Queues a step's worth of what a refusal has parked, because it is gone; gives how many were queued.
pub(super) fn release_parked(
    conn: &Connection,
    site: Option<SiteId>,
    scope: Scope,
) -> Result<u64, QueueError> {
    let mut released = 0;
    for refusal in refusals(conn)? {
        let covered = site.is_none_or(|site| refusal.sites == [site]) || scope == Scope::Account;
        if refusal.scope != scope || !covered {
            continue;
        }
        for id in refusal.parked(conn)? {
            let also = "next_at_ms = NULL, refusal_scope = NULL";
            as_indexed(step(conn, id, Move::Due, also, &[]))?;
            released += 1;
        }
    }
    Ok(released)
}

/// Whether anything waits or is parked, so that something can be due.
pub(super) fn any(conn: &Connection) -> Result<bool, QueueError> {
    let any = conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM images INDEXED BY images_due WHERE state = 1) \
             OR EXISTS (SELECT 1 FROM tally WHERE state = 4 AND images > 0)",
        )?
        .query_row((), |row| row.get(0))?;
    Ok(any)
}

fn waiting_due(conn: &Connection, past: Past) -> Result<Vec<ImageId>, QueueError> {
    let mut due = Vec::new();
    for (side, moment) in past.sides() {
        let sql = format!(
            "SELECT id FROM images INDEXED BY images_due WHERE state = 1 AND next_at_ms {side} ?1 LIMIT {STEP}"
        );
        let mut select = conn.prepare_cached(&sql)?;
        for id in select.query_map([moment], |row| row.get(0))? {
            due.push(id?);
        }
    }
    Ok(due)
}

fn next_waiting(conn: &Connection) -> Result<Option<i64>, QueueError> {
    Ok(conn
        .prepare_cached("SELECT min(next_at_ms) FROM images INDEXED BY images_due WHERE state = 1")?
        .query_row((), |row| row.get(0))?)
}

/// What parks images: a scope, and the sites that it covers.
struct Refusal {
    scope: Scope,
    sites: Vec<SiteId>,
}

/// Every refusal under which images may be parked.
fn refusals(conn: &Connection) -> Result<Vec<Refusal>, QueueError> {
    let sites: Vec<SiteId> = conn
        .prepare_cached("SELECT site FROM tally WHERE state = 4 AND images > 0")?
        .query_map((), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let of_site = |scope| {
        move |&site: &SiteId| Refusal {
            scope,
            sites: vec![site],
        }
    };
    Ok(sites
        .iter()
        .map(of_site(Scope::Image))
        .chain(sites.iter().map(of_site(Scope::Site)))
        .chain([Refusal {
            scope: Scope::Account,
            sites: sites.clone(),
        }])
        .collect())
}

impl Refusal {
    /// Whether one asks for all of them, and is on its way.
    fn is_probed(&self, conn: &Connection) -> Result<bool, QueueError> {
        if self.scope == Scope::Image {
            return Ok(false);
        }
        let of_site = match self.scope {
            Scope::Site => " AND site = ?2",
            Scope::Image | Scope::Account => " AND ?2 IS NOT NULL",
        };
        Ok(conn
            .prepare_cached(&format!(
                "SELECT 1 FROM images INDEXED BY images_refused \
                 WHERE refusal_scope = ?1 AND held = 0 AND state IN (0, 1, 2){of_site} LIMIT 1"
            ))?
            .exists((self.scope.code(), self.sites.first()))?)
    }

    /// Its images that may ask again now: a step's worth of those refused for themselves, one of the others.
    fn due(&self, conn: &Connection, past: Past) -> Result<Vec<ImageId>, QueueError> {
        if self.is_probed(conn)? {
            return Ok(Vec::new());
        }
        let limit = if self.scope == Scope::Image { STEP } else { 1 };
        let mut due = Vec::new();
        for (side, moment) in past.sides() {
            let mut select = conn.prepare_cached(&format!(
                "SELECT id FROM images INDEXED BY images_refused WHERE refusal_scope = ?1 AND held = 0 AND state = 4 \
                 AND site = ?2 AND next_at_ms {side} ?3 ORDER BY next_at_ms LIMIT ?4"
            ))?;
            for site in &self.sites {
                for id in
                    select.query_map((self.scope.code(), site, moment, limit), |row| row.get(0))?
                {
                    due.push(id?);
                }
            }
        }
        if self.scope != Scope::Image {
            due.truncate(1);
        }
        Ok(due)
    }

    /// When the next of them asks, unless one is on its way.
    fn next_ms(&self, conn: &Connection) -> Result<Option<i64>, QueueError> {
        if self.is_probed(conn)? {
            return Ok(None);
        }
        let mut least = conn.prepare_cached(
            "SELECT min(next_at_ms) FROM images INDEXED BY images_refused \
             WHERE refusal_scope = ?1 AND held = 0 AND state = 4 AND site = ?2",
        )?;
        let mut next: Option<i64> = None;
        for site in &self.sites {
            let of_site: Option<i64> =
                least.query_row((self.scope.code(), site), |row| row.get(0))?;
            next = next.into_iter().chain(of_site).min();
        }
        Ok(next)
    }

    /// A step's worth of its parked images.
    fn parked(&self, conn: &Connection) -> Result<Vec<ImageId>, QueueError> {
        let mut select = conn.prepare_cached(
            "SELECT id FROM images INDEXED BY images_refused \
             WHERE refusal_scope = ?1 AND held = 0 AND state = 4 AND site = ?2 LIMIT ?3",
        )?;
        let mut parked = Vec::new();
        for site in &self.sites {
            for id in select.query_map((self.scope.code(), site, STEP), |row| row.get(0))? {
                parked.push(id?);
            }
        }
        Ok(parked)
    }
}
