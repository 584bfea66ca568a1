//! What stands against sending: refusals of a whole site or of everything, and the bytes already spent.

use rusqlite::{Connection, OptionalExtension as _};

use weir_journey::upload::Scope;

use super::error::QueueError;
use super::image::SiteId;

/// A refusal that holds a site, or everything, back. It outlives a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The site, or `None` for everything.
    pub site: Option<SiteId>,
    /// What was refused, in one line.
    pub reason: String,
    /// What to do, as a sentence.
    pub fix: String,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
    /// How often it was asked again in vain.
    pub probes: u32,
    /// When to ask again, milliseconds since 1970.
    pub next_probe_ms: i64,
}

impl Hold {
    /// How far it reaches: its site, or the account.
    pub const fn scope(&self) -> Scope {
        match self.site {
            Some(_) => Scope::Site,
            None => Scope::Account,
        }
    }
}

/// Writes a hold. One that stands already keeps its beginning.
pub(super) fn hold(conn: &Connection, hold: &Hold) -> Result<(), QueueError> {
    conn.prepare_cached(
        "INSERT INTO holds (site, scope, reason, fix, since_ms, probes, next_probe_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (ifnull(site, 0)) DO UPDATE SET reason = excluded.reason, fix = excluded.fix, \
             probes = excluded.probes, next_probe_ms = excluded.next_probe_ms",
    )?
    .execute((
        hold.site,
        hold.scope().code(),
        &hold.reason,
        &hold.fix,
        hold.since_ms,
        hold.probes,
        hold.next_probe_ms,
    ))?;
    Ok(())
}

pub(super) fn holds(conn: &Connection) -> Result<Vec<Hold>, QueueError> {
    let holds = conn
        .prepare_cached(
            "SELECT site, reason, fix, since_ms, probes, next_probe_ms FROM holds ORDER BY ifnull(site, 0)",
        )?
        .query_map((), |row| {
            Ok(Hold {
                site: row.get(0)?,
                reason: row.get(1)?,
                fix: row.get(2)?,
                since_ms: row.get(3)?,
                probes: row.get(4)?,
                next_probe_ms: row.get(5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(holds)
}

/// Takes a hold away; gives whether there was one.
pub(super) fn lift(conn: &Connection, site: Option<SiteId>) -> Result<bool, QueueError> {
    let lifted = conn
        .prepare_cached("DELETE FROM holds WHERE site IS ?1")?
        .execute([site])?;
    Ok(lifted > 0)
}

/// Makes every hold one to ask about now: somebody says that it is mended.
pub(super) fn ask_now(conn: &Connection) -> Result<(), QueueError> {
    conn.prepare_cached("UPDATE holds SET next_probe_ms = 0")?
        .execute(())?;
    Ok(())
}

/// How many days of use are kept.
const DAYS_KEPT: i64 = 62;

pub(super) fn spend(
    conn: &Connection,
    site: SiteId,
    day: i64,
    bytes: u64,
) -> Result<(), QueueError> {
    conn.prepare_cached(
        "INSERT INTO usage (day, site, bytes) VALUES (?1, ?2, ?3) \
         ON CONFLICT (day, site) DO UPDATE SET bytes = bytes + excluded.bytes",
    )?
    .execute((day, site, bytes.cast_signed()))?;
    conn.prepare_cached("DELETE FROM usage WHERE day < ?1")?
        .execute([day - DAYS_KEPT])?;
    Ok(())
}

pub(super) fn spent(conn: &Connection, site: Option<SiteId>, day: i64) -> Result<u64, QueueError> {
    let bytes: Option<i64> = conn
        .prepare_cached(
            "SELECT sum(bytes) FROM usage WHERE day = ?1 AND (?2 IS NULL OR site = ?2)",
        )?
        .query_row((day, site), |row| row.get(0))
        .optional()?
        .flatten();
    Ok(bytes.unwrap_or(0).cast_unsigned())
}
