//! Forward-only migrations. A file that has been released is frozen: a change is a new file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, TransactionBehavior, ffi};

use super::error::QueueError;

/// Migration `n` leads from version `n` to `n + 1` (`PRAGMA user_version`).
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_the_queue.sql"),
    include_str!("migrations/0002_retention_review_and_clocks.sql"),
    include_str!("migrations/0003_deletion_and_its_books.sql"),
    include_str!("migrations/0004_imports_and_receipts.sql"),
    include_str!("migrations/0005_what_is_found_in_images.sql"),
];

/// "Weir", as the first migration writes it.
const APPLICATION: i32 = 0x5765_6972;

/// What the schema's version allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Current,
    Behind(usize),
}

/// What `sqlite_schema` says of a table, index or trigger. Where a bit has flipped it may be anything, so it is bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Definition {
    kind: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    table: Option<Vec<u8>>,
    sql: Option<Vec<u8>>,
}

/// Brings the database to the newest version; each migration is one transaction, and so is the making of a new one.
///
/// # Errors
/// [`QueueError::Newer`] when a newer agent wrote it, [`QueueError::Foreign`] when it is not ours.
pub(super) fn migrate(conn: &mut Connection, file: &Path) -> Result<(), QueueError> {
    loop {
        // Decided inside the write lock: another process may be migrating as well.
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let reached = match standing(&tx, file)? {
            Standing::Current => return expect_intact(&tx),
            Standing::Behind(0) => lay(&tx)?,
            Standing::Behind(version) => {
                tx.execute_batch(MIGRATIONS[version])?;
                version + 1
            }
        };
        tx.pragma_update(None, "user_version", number_of(reached))?;
        tx.commit()?;
    }
}

/// Makes everything that the migrations lead to, in an empty database; gives its version. They add and drop again,
/// which costs SQLite several times as much, and no migration has put a row anywhere.
fn lay(conn: &Connection) -> Result<usize, QueueError> {
    conn.pragma_update(None, "application_id", APPLICATION)?;
    for definition in newest()? {
        // What SQLite makes by itself has no text, or a name that nobody else may use.
        let own = definition.name.as_deref().unwrap_or_default();
        if let Some(sql) = &definition.sql
            && !own.starts_with(b"sqlite_")
        {
            conn.execute_batch(&String::from_utf8_lossy(sql))?;
        }
    }
    Ok(MIGRATIONS.len())
}

/// Compares the tables, indexes and triggers with those of a fresh database. They are text in a page like any
/// other, and where a bit of it has flipped SQLite only says that some name is unknown.
fn expect_intact(conn: &Connection) -> Result<(), QueueError> {
    let there: BTreeSet<_> = definitions(conn)?.into_iter().collect();
    let Some(broken) = newest()?.iter().find(|one| !there.contains(one)) else {
        return Ok(());
    };
    let name = broken.name.as_deref().unwrap_or_default();
    let words = format!(
        "the definition of {} is damaged",
        String::from_utf8_lossy(name)
    );
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(words)).into())
}

/// What the migrations lead to, in the order of its making; found out once a process.
fn newest() -> Result<&'static [Definition], QueueError> {
    static NEWEST: OnceLock<Vec<Definition>> = OnceLock::new();
    if let Some(known) = NEWEST.get() {
        return Ok(known);
    }
    let fresh = Connection::open_in_memory()?;
    MIGRATIONS
        .iter()
        .try_for_each(|sql| fresh.execute_batch(sql))?;
    let found = definitions(&fresh)?;
    Ok(NEWEST.get_or_init(|| found))
}

fn definitions(conn: &Connection) -> Result<Vec<Definition>, QueueError> {
    let mut select =
        conn.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")?;
    let found = select.query_map((), |row| {
        let text = |at| -> rusqlite::Result<_> {
            Ok(match row.get_ref(at)? {
                ValueRef::Null => None,
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
                ValueRef::Integer(_) | ValueRef::Real(_) => Some(Vec::new()),
            })
        };
        Ok(Definition {
            kind: text(0)?,
            name: text(1)?,
            table: text(2)?,
            sql: text(3)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// A count of migrations as SQLite holds it.
fn number_of(version: usize) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

/// Refuses a database that is not of the newest version.
///
/// # Errors
/// As [`migrate`], and [`QueueError::Older`].
pub(super) fn expect_current(conn: &Connection, file: &Path) -> Result<(), QueueError> {
    match standing(conn, file)? {
        Standing::Current => Ok(()),
        Standing::Behind(found) => Err(QueueError::Older {
            found,
            known: MIGRATIONS.len(),
        }),
    }
}

fn standing(conn: &Connection, file: &Path) -> Result<Standing, QueueError> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version = number("user_version")?;
    // Reads the schema itself, so that damage there is found now.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    if (version, tables) == (0, 0) {
        return Ok(Standing::Behind(0));
    }
    let known = MIGRATIONS.len();
    match usize::try_from(version) {
        Ok(found) if found > 0 && number("application_id")? == APPLICATION => match found {
            _ if found == known => Ok(Standing::Current),
            _ if found > known => Err(QueueError::Newer { found, known }),
            _ => Ok(Standing::Behind(found)),
        },
        _ => Err(QueueError::Foreign(file.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;

    #[test]
    fn released_migrations_are_frozen() {
        let frozen = [
            "507710e42bab63eaedcb2cee3524969f87374c7238bc0025801a804daa267f8d",
            "80e123a28c34ec1301a593a4e6a81cb5fe465226a699581bec2f63f28184851e",
            "37bfee1cd7c159d5f2ad8e2e274ae085e234bc96640e162b671f5b13cb2d2122",
            "35d0ae8d28bec417cb8b950ddf07383afd0b9951362fac7696f490ddf7b82adb",
            "01663cd8b44872da50e92f8752b07ac8625a40fefab2b421d3be783b2d3d7da6",
        ];
        let now = MIGRATIONS.map(|sql| {
            let digest = sha2::Sha256::digest(sql.as_bytes());
            weir_journey::identity::Sha256(digest.into()).to_string()
        });
        assert_eq!(now, frozen, "add a migration instead of changing one");
    }

    #[test]
    fn a_newer_or_foreign_database_is_refused_and_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        let file = Path::new("queue.db");
        migrate(&mut conn, file).unwrap();
        migrate(&mut conn, file).unwrap();
        conn.pragma_update(None, "user_version", number_of(MIGRATIONS.len() + 1))
            .unwrap();
        let error = migrate(&mut conn, file).unwrap_err();
        assert!(matches!(error, QueueError::Newer { found, known } if found == known + 1));

        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE filestatus (x)").unwrap();
        assert!(matches!(
            migrate(&mut conn, file),
            Err(QueueError::Foreign(_))
        ));
        conn.pragma_update(None, "user_version", 1).unwrap();
        assert!(matches!(
            migrate(&mut conn, file),
            Err(QueueError::Foreign(_))
        ));
    }

    #[test]
    fn a_new_database_is_what_the_migrations_lead_to() {
        let mut migrated = Connection::open_in_memory().unwrap();
        migrated.execute_batch(MIGRATIONS[0]).unwrap();
        let mut made = Connection::open_in_memory().unwrap();
        let file = Path::new("queue.db");
        migrated.pragma_update(None, "user_version", 1).unwrap();
        for conn in [&mut migrated, &mut made] {
            migrate(conn, file).unwrap();
        }
        let sorted = |conn: &Connection| definitions(conn).unwrap().into_iter().collect();
        let (one, other): (BTreeSet<_>, BTreeSet<_>) = (sorted(&migrated), sorted(&made));
        assert_eq!(one, other);
        for name in ["user_version", "application_id"] {
            let number = |conn: &Connection| {
                conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                    .unwrap()
            };
            assert_eq!(number(&migrated), number(&made), "{name}");
        }
        // A migration that writes rows would need them written into a new database as well.
        for definition in one
            .iter()
            .filter(|one| one.kind.as_deref() == Some(b"table"))
        {
            let table = String::from_utf8(definition.name.clone().unwrap()).unwrap();
            let rows: i64 = migrated
                .query_row(&format!("SELECT count(*) FROM \"{table}\""), (), |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(rows, 0, "{table}");
        }
    }

    #[test]
    fn rows_of_the_version_before_looks_are_owed_as_they_were() {
        let mut conn = Connection::open_in_memory().unwrap();
        for sql in &MIGRATIONS[..4] {
            conn.execute_batch(sql).unwrap();
        }
        conn.pragma_update(None, "user_version", 4).unwrap();
        conn.execute_batch(
            "INSERT INTO sites (name) VALUES ('first-dam');
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
             INSERT INTO images (site, sha256, path, size, device, inode, mtime_ns, ctime_ns, format, captured_ms,
                 offset_s, capture, accepted_ms, state, unsure, next_at_ms, refusal_scope, failure, verified_ms, proof)
             SELECT 1, randomblob(32), x'61', 7, 1, 1, 1, 1, 0, i * 1000, 0, '{}', 2000, i, 0,
                 iif(i IN (1, 4), 3000, NULL), iif(i = 4, 0, NULL), iif(i = 4, 'refused', NULL),
                 iif(i = 3, 9, NULL), iif(i = 3, 0, NULL) FROM n;",
        )
        .unwrap();
        migrate(&mut conn, Path::new("queue.db")).unwrap();
        let mut select = conn
            .prepare(&format!(
                "{} ORDER BY i.id",
                crate::queue::row::SELECT_IMAGE
            ))
            .unwrap();
        let images: Vec<_> = select
            .query_map((), crate::queue::Image::read)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(images.len(), 7);
        for (image, state) in images.iter().zip(weir_journey::queue::State::ALL) {
            assert_eq!(image.state, state);
            assert_eq!(image.infer, crate::queue::Infer::Unwanted);
            assert_eq!((image.parent, image.products_of), (None, None));
        }
        let sound = crate::queue::check::check(&conn).unwrap();
        assert_eq!(sound, []);
    }

    #[test]
    fn rows_of_an_older_version_are_kept() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(MIGRATIONS[0]).unwrap();
        conn.pragma_update(None, "user_version", 1).unwrap();
        conn.execute_batch(
            "INSERT INTO sites (name) VALUES ('first-dam');
             INSERT INTO images (site, sha256, path, size, device, inode, mtime_ns, ctime_ns, format, captured_ms,
                 offset_s, capture, accepted_ms, state, unsure, next_at_ms, refusal_scope, failure)
             VALUES (1, zeroblob(32), x'61', 7, 1, 1, 1, 1, 0, 1000, 0, '{}', 2000, 4, 0, 3000, 0, 'refused');
             INSERT INTO seen (path, site, size, device, inode, mtime_ns, ctime_ns, image, at_ms)
             VALUES (x'61', 1, 7, 1, 1, 1, 1, 1, 2000);",
        )
        .unwrap();
        migrate(&mut conn, Path::new("queue.db")).unwrap();
        let image = conn
            .query_row(crate::queue::row::SELECT_IMAGE, (), |row| {
                crate::queue::Image::read(row)
            })
            .unwrap();
        assert_eq!(image.failure.as_deref(), Some("refused"));
        assert!(image.dated && !image.held && image.removed.is_none());
        let counted: (i64, i64) = conn
            .query_row("SELECT state, images FROM tally", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(counted, (4, 1));
    }
}
