//! One door to SQLite: every connection is opened here, set up, and read back.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::QueueError;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Read and write.
    Write,
    /// Read; the file belongs to another process.
    Read,
    /// Read a file that nobody writes, leaving nothing beside it.
    Still,
}

/// How long a writer waits for another process (the command line beside the daemon).
const BUSY: Duration = Duration::from_secs(10);

/// Settings as SQLite spells them when asked, in the order in which they are made.
///
/// WAL with FULL: a commit is on the disk when it returns. A small cache, no mapping (a vanishing card would
/// be a SIGBUS) and no temporary files: memory and flash wear do not grow with the backlog. The cache holds the
/// upper pages of the indexes, and the kernel's the others; only a large transaction may fill 2 MiB before it writes
/// ahead of its commit, which would write pages twice. `cell_size_check` finds damaged pages before they are used.
const SETTINGS: [(&str, &str); 10] = [
    ("journal_mode", "wal"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("cache_size", "-128"),
    ("cache_spill", "512"),
    ("mmap_size", "0"),
    ("journal_size_limit", "8388608"),
    ("temp_store", "2"),
    ("cell_size_check", "1"),
    ("trusted_schema", "0"),
];

/// Opens `file`, which exists, and proves that the settings hold.
///
/// # Errors
/// [`QueueError::Damaged`] when the file is no sound database, [`QueueError::Pragma`] when SQLite does not
/// take a setting (WAL on a file system without shared memory, for one).
pub(super) fn connect(file: &Path, access: Access) -> Result<Connection, QueueError> {
    let flags = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read | Access::Still => OpenFlags::SQLITE_OPEN_READ_ONLY,
    } | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match access {
        Access::Still => {
            Connection::open_with_flags(immutable(file), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        Access::Write | Access::Read => Connection::open_with_flags(file, flags)?,
    };
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Otherwise every statement that might use a partial index is compiled anew whenever a value is bound to it,
    // which costs more than running it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    for (name, wanted) in SETTINGS {
        // The mode of the log belongs to whoever writes.
        if access == Access::Write || name != "journal_mode" {
            conn.pragma_update(None, name, wanted)?;
        }
        if access == Access::Still && name == "journal_mode" {
            continue;
        }
        expect(&conn, name, wanted)?;
    }
    expect(&conn, "busy_timeout", &BUSY.as_millis().to_string())?;
    Ok(conn)
}

/// The URI of a file that does not change (<https://www.sqlite.org/uri.html>): every byte but the plainest is escaped.
fn immutable(file: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri + "?immutable=1"
}

fn expect(conn: &Connection, name: &'static str, wanted: &str) -> Result<(), QueueError> {
    let found = conn.pragma_query_value(None, name, |row| {
        Ok(match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            other => other.as_str()?.to_owned(),
        })
    });
    // A build without memory mapping answers `mmap_size` with no row at all, which is as good as 0.
    let found = match found {
        Err(rusqlite::Error::QueryReturnedNoRows) if name == "mmap_size" => "0".to_owned(),
        other => other?,
    };
    if found == wanted {
        return Ok(());
    }
    Err(QueueError::Pragma {
        name,
        wanted: wanted.to_owned(),
        found,
    })
}

/// What a full check of the file's structure and indexes finds; empty when it is sound.
pub(super) fn damage(conn: &Connection) -> Result<Vec<String>, QueueError> {
    let mut found = Vec::new();
    conn.pragma_query(None, "integrity_check", |row| {
        found.push(row.get::<_, String>(0)?);
        Ok(())
    })?;
    found.retain(|line| line != "ok");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_does_not_hold_is_an_error() {
        let conn = Connection::open_in_memory().unwrap();
        // A database in memory cannot keep a write-ahead log, like a file on some network file systems.
        conn.pragma_update(None, "journal_mode", "wal").unwrap();
        let error = expect(&conn, "journal_mode", "wal").unwrap_err();
        assert_eq!(
            error.to_string(),
            "SQLite keeps journal_mode at memory instead of wal"
        );
    }

    #[test]
    fn settings_hold_on_every_connection() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("q");
        std::fs::write(&file, "").unwrap();
        let writer = connect(&file, Access::Write).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let reader = connect(&file, Access::Read).unwrap();
        for conn in [&writer, &reader] {
            for (name, wanted) in SETTINGS {
                expect(conn, name, wanted).unwrap();
            }
        }
        assert!(reader.execute_batch("CREATE TABLE u (x)").is_err());
    }
}
