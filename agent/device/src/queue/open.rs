//! Opening: a start never fails for ever on a damaged file.
//!
//! A sound database opens without being read through. One that an earlier run found damaged (a marker lies
//! beside it) is checked in full; one that is unsound, or not readable at all, is renamed to a dated name
//! and a fresh one takes its place. What is still owed is copied over where it reads, and until the camera
//! directories have been scanned again every image is taken for one that the store may hold, so that it is
//! looked for there before it is sent.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use weir_journey::queue::{Move, State};

use super::aside::Files;
use super::check::{Mended, mend};
use super::connect::{Access, connect};
use super::error::QueueError;
use super::image::ImageId;
use super::step::{as_indexed, step};
use super::{salvage, schema};

impl std::fmt::Display for Rebuilt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the queue was damaged ({}) and is rebuilt: {} images were copied",
            self.reason, self.salvaged
        )?;
        match &self.aside {
            Some(aside) => write!(f, ", the old one lies at {}", aside.display()),
            None => Ok(()),
        }
    }
}

/// A database that was set aside, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where the old database lies now, unless there was only its log.
    pub aside: Option<PathBuf>,
    /// What was wrong with it.
    pub reason: String,
    /// How many images still owed were copied out of it.
    pub salvaged: u64,
}

/// The key in `meta` that says that a rebuild is not over.
const REBUILDING: &str = "rebuilding";

/// The connections of an opened queue.
pub(super) struct Connections {
    pub(super) writer: Connection,
    pub(super) reader: Connection,
}

/// Opens the queue for the daemon, and takes back the claims of a run that was killed: the images that it gives.
pub(super) fn as_owner(
    dir: &Path,
    now: DateTime<Utc>,
) -> Result<(Connections, Option<Rebuilt>, Vec<ImageId>), QueueError> {
    let files = Files::of(dir);
    let (writer, rebuilt, claimed) = match sound(&files) {
        Ok((writer, claimed)) => (writer, None, claimed),
        Err(Unsound::Because(reason)) => {
            let (writer, rebuilt) = rebuild(&files, now, reason)?;
            (writer, Some(rebuilt), Vec::new())
        }
        Err(Unsound::Failed(error)) => return Err(error),
    };
    files.trust_it()?;
    let reader = connect(&files.database(), Access::Read)?;
    Ok((Connections { writer, reader }, rebuilt, claimed))
}

/// Opens the queue beside a running daemon: nothing is created, migrated or recovered.
pub(super) fn beside(dir: &Path, access: Access) -> Result<Connections, QueueError> {
    let file = Files::of(dir).database();
    std::fs::metadata(&file).map_err(QueueError::io("open", &file))?;
    let writer = connect(&file, access)?;
    schema::expect_current(&writer, &file)?;
    let reader = connect(&file, Access::Read)?;
    Ok(Connections { writer, reader })
}

/// Opens the queue so that nothing in its directory changes: while its log is there (an agent runs, or was killed)
/// as any reader, else as a file that nobody writes.
pub(super) fn glance(dir: &Path) -> Result<Option<Connection>, QueueError> {
    let file = Files::of(dir).database();
    if !file.exists() {
        return Ok(None);
    }
    let log = file.with_extension("db-wal");
    let access = if log.exists() {
        Access::Read
    } else {
        Access::Still
    };
    let conn = connect(&file, access)?;
    schema::expect_current(&conn, &file)?;
    Ok(Some(conn))
}

/// Whether an image accepted now may be in the store already, because the queue forgot.
pub(super) fn is_rebuilding(conn: &Connection) -> Result<bool, QueueError> {
    let mut found = conn.prepare_cached("SELECT 1 FROM meta WHERE key = ?1")?;
    Ok(found.exists([REBUILDING])?)
}

/// Ends the rebuild: everything on the disk is known again.
pub(super) fn rebuilt_done(conn: &Connection) -> Result<(), QueueError> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [REBUILDING])?;
    Ok(())
}

enum Unsound {
    /// The file has to go, and why.
    Because(String),
    /// Something else: the file stays where it is.
    Failed(QueueError),
}

impl From<QueueError> for Unsound {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Damaged(source) => Self::Because(source.to_string()),
            other => Self::Failed(other),
        }
    }
}

/// Opens and migrates the database that is there, or makes one where none ever was.
fn sound(files: &Files) -> Result<(Connection, Vec<ImageId>), Unsound> {
    let suspicion = files.suspicion();
    if let Some(reason) = &suspicion
        && !files.database().exists()
    {
        // An earlier start set it aside and was killed before the new one stood.
        return Err(Unsound::Because(reason.clone()));
    }
    if let Some(oddity) = files.oddity()? {
        return Err(Unsound::Because(oddity.to_owned()));
    }
    files.prepare()?;
    let mut conn = connect(&files.database(), Access::Write)?;
    schema::migrate(&mut conn, &files.database())?;
    if let Some(reason) = suspicion {
        match mend(&conn)? {
            Mended::Not(reason) => return Err(Unsound::Because(reason)),
            Mended::All(found) => {
                for finding in found {
                    tracing::warn!(%finding, "mended in the queue");
                }
            }
        }
        // Sound now, but rows may be gone (a rebuild that was killed half-way, a log that lost its end).
        start_rebuilding(&conn, &reason)?;
    }
    // Damage that this meets is still met before anybody relies on the database.
    let claimed = recover(&conn)?;
    Ok((conn, claimed))
}

/// From now on an image that is accepted may be in the store already.
pub(super) fn start_rebuilding(conn: &Connection, reason: &str) -> Result<(), QueueError> {
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
        [REBUILDING, reason],
    )?;
    Ok(())
}

/// Sets the database aside and puts a fresh one in its place, which knows that it is one.
pub(super) fn rebuild(
    files: &Files,
    now: DateTime<Utc>,
    reason: String,
) -> Result<(Connection, Rebuilt), QueueError> {
    // Should we be killed on the way, the next start finds the marker and finishes.
    files.suspect_it(&reason)?;
    let aside = files.set_aside(now)?;
    files.prepare()?;
    let mut conn = connect(&files.database(), Access::Write)?;
    schema::migrate(&mut conn, &files.database())?;
    start_rebuilding(&conn, &reason)?;
    let salvaged = match &aside {
        Some(old) => salvage::owed(old, &mut conn)?,
        None => 0,
    };
    let rebuilt = Rebuilt {
        aside,
        reason,
        salvaged,
    };
    Ok((conn, rebuilt))
}

/// Claims of a process that is gone go back into the queue; the store may hold what they sent.
fn recover(conn: &Connection) -> Result<Vec<ImageId>, QueueError> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let claimed: Vec<ImageId> = conn
        .prepare(
            "SELECT i.id FROM tally t JOIN images i INDEXED BY images_open \
             ON i.site = t.site AND i.state = 2 WHERE t.state = ?1 AND t.images > 0",
        )?
        .query_map([State::Uploading.code()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for &id in &claimed {
        as_indexed(step(conn, id, Move::Release, "unsure = 1", &[]))?;
    }
    conn.execute_batch("COMMIT")?;
    Ok(claimed)
}
