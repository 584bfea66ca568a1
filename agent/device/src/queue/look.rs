//! What the operator is shown: counts, lists and single images. Nothing here grows with the backlog.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _};
use weir_journey::identity::SiteName;
use weir_journey::queue::State;

use super::accept::Quarantined;
use super::error::QueueError;
use super::image::{Db, Dossier, ImageId, SiteId, bytes_of};
use super::infer::Urgency;
use super::row::Columns;

/// Counts of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// By name of the site.
    pub sites: BTreeMap<SiteName, SiteStats>,
}

/// Counts of one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteStats {
    /// States that have rows.
    pub states: BTreeMap<State, StateStats>,
    /// Quarantined files by the code of their reason.
    pub quarantined: BTreeMap<String, u64>,
}

/// Counts of one state of one site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateStats {
    /// Rows.
    pub images: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Capture time of the oldest that is still owed, milliseconds since 1970.
    pub oldest_ms: Option<i64>,
}

pub(super) fn stats(conn: &Connection) -> Result<Stats, QueueError> {
    let mut stats = Stats::default();
    let mut counts = conn.prepare_cached(
        "SELECT s.name, t.state, t.images, t.bytes, t.site FROM tally t JOIN sites s ON s.id = t.site \
         WHERE t.images > 0",
    )?;
    let mut rows = counts.query(())?;
    while let Some(row) = rows.next()? {
        let state = row.get::<_, Db<State>>(1)?.0;
        let of_state = StateStats {
            images: row.get::<_, i64>(2)?.cast_unsigned(),
            bytes: row.get::<_, i64>(3)?.cast_unsigned(),
            oldest_ms: oldest(conn, row.get(4)?, state)?,
        };
        let site = stats
            .sites
            .entry(row.get::<_, Db<SiteName>>(0)?.0)
            .or_default();
        site.states.insert(state, of_state);
    }
    let mut reasons = conn.prepare_cached(
        "SELECT s.name, f.reason, count(*) FROM seen f INDEXED BY seen_reason JOIN sites s ON s.id = f.site \
         WHERE f.reason IS NOT NULL GROUP BY f.site, f.reason",
    )?;
    let mut rows = reasons.query(())?;
    while let Some(row) = rows.next()? {
        let site = stats
            .sites
            .entry(row.get::<_, Db<SiteName>>(0)?.0)
            .or_default();
        site.quarantined
            .insert(row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned());
    }
    Ok(stats)
}

fn oldest(conn: &Connection, site: SiteId, state: State) -> Result<Option<i64>, QueueError> {
    if !state.is_open() {
        return Ok(None);
    }
    // The number stands in the text so that the partial index serves; there are five such texts.
    let code = state.code();
    let of_urgency = |urgency: Urgency| {
        format!(
            "SELECT min(captured_ms) least FROM images INDEXED BY images_open \
             WHERE site = ?1 AND state = {code} AND urgency = {}",
            urgency.code()
        )
    };
    // Each is the first entry of a range of the index.
    let all = Urgency::ALL.map(of_urgency).join(" UNION ALL ");
    Ok(conn
        .prepare_cached(&format!("SELECT min(least) FROM ({all})"))?
        .query_row([site], |row| row.get(0))?)
}

/// Quarantined files in order of their paths, behind `after`, at most `limit`.
pub(super) fn quarantined_page(
    conn: &Connection,
    site: Option<&SiteName>,
    after: &Path,
    limit: u32,
) -> Result<Vec<Quarantined>, QueueError> {
    let files = conn
        .prepare_cached(
            "SELECT f.site, f.path, f.size, f.device, f.inode, f.mtime_ns, f.ctime_ns, f.reason, f.detail, \
                 f.at_ms FROM seen f JOIN sites s ON s.id = f.site \
             WHERE f.path > ?1 AND f.reason IS NOT NULL AND (?2 IS NULL OR s.name = ?2) \
             ORDER BY f.path LIMIT ?3",
        )?
        .query_map((bytes_of(after), site.map(SiteName::as_str), limit), |row| {
            let mut next = Columns::of(row);
            Ok(Quarantined {
                site: next.take("site")?,
                place: next.place()?,
                reason: next.take("reason")?,
                detail: next.take("detail")?,
                at_ms: next.take("at_ms")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(files)
}

/// How an operator names an image: `42` or `#42`, the beginning of its SHA-256, or a path of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By number.
    Id(ImageId),
    /// By the first hexadecimal digits of its SHA-256, 4 to 64, in lower case.
    Digest(String),
    /// By an absolute path: of an image, or of a quarantined file.
    Path(PathBuf),
}

impl FromStr for Selector {
    type Err = QueueError;

    /// Digits alone are a number, up to 18 of them, and a digest beyond.
    fn from_str(text: &str) -> Result<Self, QueueError> {
        if text.starts_with('/') {
            return Ok(Self::Path(text.into()));
        }
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() <= 18 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            let id = digits.parse();
            return id
                .map(|id| Self::Id(ImageId(id)))
                .map_err(|_| not_a_selector(text));
        }
        let hex = text.to_ascii_lowercase();
        if (4..=64).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self::Digest(hex));
        }
        Err(not_a_selector(text))
    }
}

fn not_a_selector(text: &str) -> QueueError {
    QueueError::NotASelector(text.to_owned())
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Digest(digits) => f.write_str(digits),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// The images that a selector names: none, one, or a few when digits are shared.
pub(super) fn select(conn: &Connection, selector: &Selector) -> Result<Vec<ImageId>, QueueError> {
    match selector {
        Selector::Id(id) => ids(conn, "SELECT id FROM images WHERE id = ?1", [id]),
        Selector::Digest(digits) => {
            let bound = |fill: &str| -> Vec<u8> {
                let full = format!("{digits}{}", fill.repeat(64 - digits.len()));
                full.parse::<weir_journey::identity::Sha256>()
                    .map(|digest| digest.0.to_vec())
                    .unwrap_or_default()
            };
            // One range in each site's part of the index.
            ids(
                conn,
                "SELECT i.id FROM sites s CROSS JOIN images i ON i.site = s.id \
                 WHERE i.sha256 BETWEEN ?1 AND ?2 LIMIT 100",
                [bound("0"), bound("f")],
            )
        }
        Selector::Path(path) => {
            let path = bytes_of(path);
            let seen: Option<ImageId> = conn
                .prepare_cached("SELECT image FROM seen WHERE path = ?1 AND image IS NOT NULL")?
                .query_row([path], |row| row.get(0))
                .optional()?;
            match seen {
                Some(id) => Ok(vec![id]),
                // Gone from the disk, so it lies in no index: the whole table is read.
                None => ids(
                    conn,
                    "SELECT id FROM images WHERE path = ?1 LIMIT 100",
                    [path],
                ),
            }
        }
    }
}

fn ids(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<ImageId>, QueueError> {
    let found = conn
        .prepare_cached(sql)?
        .query_map(values, |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

pub(super) fn show(conn: &Connection, selector: &Selector) -> Result<Vec<Dossier>, QueueError> {
    select(conn, selector)?
        .into_iter()
        .map(|id| Dossier::load(conn, id))
        .collect()
}
