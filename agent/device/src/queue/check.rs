//! Whether the database is sound and says nothing contradictory, and mending it.

use std::fmt;
use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, Row};
use weir_journey::identity::SiteName;
use weir_journey::queue::State;

use super::aside::Files;
use super::connect::{Access, connect, damage};
use super::error::QueueError;
use super::image::{Db, Image};
use super::open::{Rebuilt, rebuild, start_rebuilding};
use super::row::SELECT_IMAGE;
use super::schema;

/// Something that should not be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The file's structure, its indexes or a row's own rules are broken, in SQLite's words.
    Damage(String),
    /// A row refers to one that is not there.
    Dangling {
        /// The table of the row.
        table: String,
        /// The table that it refers to.
        parent: String,
    },
    /// The counts of a site's state are not what counting gives.
    Miscounted {
        /// The site's number.
        site: i64,
        /// The code of the state.
        state: i64,
    },
    /// Parts of an upload are noted for an image that has no upload under way.
    StrayParts {
        /// The image's number.
        image: i64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage(words) => write!(f, "damaged: {words}"),
            Self::Dangling { table, parent } => {
                write!(
                    f,
                    "a row of {table} refers to one of {parent} that is not there"
                )
            }
            Self::Miscounted { site, state } => {
                write!(f, "the counts of site {site} in state {state} are wrong")
            }
            Self::StrayParts { image } => {
                write!(f, "image #{image} has parts but no upload under way")
            }
        }
    }
}

/// What `weir queue repair` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repaired {
    /// Nothing was wrong.
    Sound,
    /// These were found, and mended in place.
    Mended(Vec<Finding>),
    /// It could not be mended: it was set aside, and a fresh one holds what could be read.
    Rebuilt(Rebuilt),
}

/// Reads everything and gives what is wrong; seconds for a million rows.
pub(super) fn check(conn: &Connection) -> Result<Vec<Finding>, QueueError> {
    let mut found: Vec<_> = damage(conn)?.into_iter().map(Finding::Damage).collect();
    found.extend(unreadable(conn)?);
    conn.pragma_query(None, "foreign_key_check", |row| {
        found.push(Finding::Dangling {
            table: row.get(0)?,
            parent: row.get(2)?,
        });
        Ok(())
    })?;
    let mut miscounted = conn.prepare(
        "WITH counted AS (SELECT site, state, count(*) images, sum(size) bytes FROM images NOT INDEXED \
             GROUP BY site, state), \
         kept AS (SELECT site, state, images, bytes FROM tally WHERE images > 0 OR bytes > 0) \
         SELECT DISTINCT site, state FROM \
             (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) \
              UNION ALL SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted))",
    )?;
    let rows = miscounted.query_map((), |row| {
        Ok(Finding::Miscounted {
            site: row.get(0)?,
            state: row.get(1)?,
        })
    })?;
    for row in rows {
        found.push(row?);
    }
    let mut misfreed = conn.prepare(
        "WITH counted AS (SELECT site, count(*) images, sum(size) bytes FROM images NOT INDEXED \
             WHERE removed_ms IS NOT NULL GROUP BY site), \
         kept AS (SELECT site, images, bytes FROM freed WHERE images > 0 OR bytes > 0) \
         SELECT DISTINCT site FROM \
             (SELECT * FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) \
              UNION ALL SELECT * FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted))",
    )?;
    for site in misfreed.query_map((), |row| row.get(0))? {
        let state = State::Verified.code().into();
        found.push(Finding::Miscounted { site: site?, state });
    }
    let mut stray = conn.prepare(
        "SELECT DISTINCT p.image FROM parts p JOIN images i ON i.id = p.image WHERE i.upload_id IS NULL",
    )?;
    for image in stray.query_map((), |row| row.get(0))? {
        found.push(Finding::StrayParts { image: image? });
    }
    Ok(found)
}

/// Reads every value as the agent does: SQLite takes any bytes for text, and any number for a code.
fn unreadable(conn: &Connection) -> Result<Vec<Finding>, QueueError> {
    fn texts(row: &Row<'_>) -> rusqlite::Result<()> {
        (0..row.as_ref().column_count())
            .try_for_each(|at| row.get::<_, Option<String>>(at).map(drop))
    }
    let mut found = Vec::new();
    let mut read = |sql: &str, value: fn(&Row<'_>) -> rusqlite::Result<()>| {
        let mut select = conn.prepare(sql)?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            if let Err(error) = value(row) {
                found.push(Finding::Damage(error.to_string()));
            }
        }
        Ok::<_, QueueError>(())
    };
    read(SELECT_IMAGE, |row| Image::read(row).map(drop))?;
    read("SELECT name FROM sites", |row| {
        row.get::<_, Db<SiteName>>(0).map(drop)
    })?;
    read("SELECT reason, detail FROM seen", texts)?;
    read("SELECT etag FROM parts", texts)?;
    read("SELECT reason, fix FROM holds", texts)?;
    Ok(found)
}

/// Checks the database of a state directory that no daemon uses, and mends or replaces it.
pub(super) fn repair(dir: &Path, now: DateTime<Utc>) -> Result<Repaired, QueueError> {
    let files = Files::of(dir);
    let reason = match opened_and_mended(&files) {
        Ok(Mended::All(found)) => {
            files.trust_it()?;
            return Ok(if found.is_empty() {
                Repaired::Sound
            } else {
                Repaired::Mended(found)
            });
        }
        Ok(Mended::Not(reason)) => reason,
        Err(QueueError::Damaged(error)) => error.to_string(),
        Err(other) => return Err(other),
    };
    let (_, rebuilt) = rebuild(&files, now, reason)?;
    files.trust_it()?;
    Ok(Repaired::Rebuilt(rebuilt))
}

fn opened_and_mended(files: &Files) -> Result<Mended, QueueError> {
    if let Some(oddity) = files.oddity()? {
        return Ok(Mended::Not(oddity.to_owned()));
    }
    let file = files.database();
    std::fs::metadata(&file).map_err(QueueError::io("open", &file))?;
    let mut conn = connect(&file, Access::Write)?;
    schema::migrate(&mut conn, &file)?;
    mend(&conn)
}

/// What came of mending.
pub(super) enum Mended {
    /// What was found is gone.
    All(Vec<Finding>),
    /// This is still there.
    Not(String),
}

/// Checks in full, and derives anew what can be derived: indexes, counts, and references to nothing.
pub(super) fn mend(conn: &Connection) -> Result<Mended, QueueError> {
    let found = check(conn)?;
    if found.is_empty() {
        return Ok(Mended::All(found));
    }
    start_rebuilding(conn, "repaired")?;
    let tx = conn.unchecked_transaction()?;
    let derived = tx.execute_batch(
        "REINDEX; \
         DELETE FROM parts WHERE image NOT IN (SELECT id FROM images WHERE upload_id IS NOT NULL); \
         DELETE FROM seen WHERE image IS NOT NULL AND image NOT IN (SELECT id FROM images); \
         DELETE FROM tally; \
         INSERT INTO tally (site, state, images, bytes) \
             SELECT site, state, count(*), sum(size) FROM images GROUP BY site, state; \
         DELETE FROM freed; \
         INSERT INTO freed (site, images, bytes) \
             SELECT site, count(*), sum(size) FROM images WHERE removed_ms IS NOT NULL GROUP BY site",
    );
    match derived {
        Ok(()) => tx.commit()?,
        // Rows that break the rules of the table cannot be indexed or counted.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            return Ok(Mended::Not(found[0].to_string()));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(match check(conn)?.into_iter().next() {
        None => Mended::All(found),
        Some(still) => Mended::Not(still.to_string()),
    })
}
