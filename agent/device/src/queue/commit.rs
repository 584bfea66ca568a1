//! Group commit: operations that arrive while a commit is on its way to the disk share the next one.
//!
//! Promises: an operation is answered only after its `COMMIT` returned, so that what it did survives a power
//! cut. One that fails or panics is undone alone: those that share a commit run in a savepoint each, and the only one
//! of a transaction ends that. A commit that fails fails all of its operations, none of which has then changed
//! anything.
//!
//! There is no thread of our own: whoever finds nobody committing starts a blocking task of the runtime,
//! which goes on until nothing waits. (A paused tokio clock stands still for such a task, not for a thread.)

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ffi};
use tokio::sync::oneshot;

use super::error::QueueError;

/// Says to whoever waits for one operation how the commit went.
type Answer = Box<dyn FnOnce(Result<(), QueueError>) + Send>;
/// Runs one operation, unless there is no transaction to run it in, and keeps its result until the commit.
type Operation = Box<dyn FnOnce(Result<&Connection, QueueError>, Company) -> Done + Send>;

/// Whether others share the transaction of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    None,
    Others,
}

/// An operation that ran.
struct Done {
    answer: Answer,
    /// Its changes are in the transaction and must not be committed.
    spoils: bool,
}

/// The most operations of one commit: enough to share an fsync among, few enough to answer soon.
const SHARED_BY: usize = 256;

/// The connection that writes, and the operations that wait for it.
pub(super) struct Committer {
    conn: Mutex<Connection>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Operation>,
    /// Whether a task is committing. It looks into `waiting` once more before it ends.
    led: bool,
}

impl Committer {
    pub(super) fn new(conn: Connection) -> Arc<Self> {
        Arc::new(Self {
            conn: Mutex::new(conn),
            line: Mutex::default(),
        })
    }

    /// Does `op` in a transaction and returns when it is durable. Dropping the future does not undo it.
    pub(super) async fn write<T, F>(self: &Arc<Self>, op: F) -> Result<T, QueueError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let leads = {
            let mut line = lock(&self.line);
            line.waiting.push(Box::new(move |conn, company| {
                let result = conn.and_then(|conn| match company {
                    Company::None => caught(conn, op),
                    Company::Others => apart(conn, op),
                });
                Done {
                    spoils: company == Company::None && result.is_err(),
                    answer: Box::new(move |committed| {
                        // Nobody listens when the caller was cancelled: the operation is done all the same.
                        let _ = tell.send(result.and_then(|value| committed.map(|()| value)));
                    }),
                }
            }));
            !std::mem::replace(&mut line.led, true)
        };
        if leads {
            let committer = Arc::clone(self);
            crate::blocking::spawn(move || committer.lead());
        }
        told.await.map_err(|_| QueueError::Closed)?
    }

    fn lead(&self) {
        let conn = lock(&self.conn);
        loop {
            let batch: Vec<_> = {
                let mut line = lock(&self.line);
                let count = line.waiting.len().min(SHARED_BY);
                line.led = count > 0;
                line.waiting.drain(..count).collect()
            };
            if batch.is_empty() {
                return;
            }
            commit(&conn, batch);
        }
    }
}

/// Runs the operations in one transaction, commits it and answers them all.
fn commit(conn: &Connection, batch: Vec<Operation>) {
    let begin = || {
        conn.prepare_cached("BEGIN IMMEDIATE")?
            .execute(())
            .map(|_| ())
    };
    let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
    let company = match batch.len() {
        1 => Company::None,
        _ => Company::Others,
    };
    let mut begun = begin();
    let mut spoilt = false;
    for operation in batch {
        let transaction = begun.as_ref().map(|()| conn);
        let done = operation(transaction.map_err(QueueError::of_commit), company);
        answers.push(done.answer);
        spoilt |= done.spoils;
        // A full disk can end the whole transaction: all before it is undone then, and says so.
        if begun.is_ok() && conn.is_autocommit() {
            for answer in answers.drain(..) {
                answer(Err(QueueError::of_commit(&rolled_back())));
            }
            begun = begin();
        }
    }
    let committed = match begun {
        Ok(()) if !spoilt => conn
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute(()))
            .map(|_| ()),
        // What spoilt it has its own answer.
        other => other,
    };
    if !conn.is_autocommit() {
        // Should this fail as well, then SQLite keeps refusing `BEGIN`, which every caller is told.
        let _ = conn.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(committed.as_ref().copied().map_err(QueueError::of_commit));
    }
}

/// Runs one operation; a panic is an error.
fn caught<T>(
    conn: &Connection,
    op: impl FnOnce(&Connection) -> Result<T, QueueError>,
) -> Result<T, QueueError> {
    catch_unwind(AssertUnwindSafe(|| op(conn)))
        .unwrap_or_else(|panic| Err(QueueError::Panicked(words_of(panic.as_ref()))))
}

/// Runs one operation in its savepoint; its changes stay only when it succeeds.
fn apart<T>(
    conn: &Connection,
    op: impl FnOnce(&Connection) -> Result<T, QueueError>,
) -> Result<T, QueueError> {
    conn.prepare_cached("SAVEPOINT alone")?.execute(())?;
    let result = caught(conn, op);
    if !conn.is_autocommit() {
        if result.is_err() {
            conn.prepare_cached("ROLLBACK TO alone")?.execute(())?;
        }
        conn.prepare_cached("RELEASE alone")?.execute(())?;
    }
    result
}

/// What a panic said.
pub(super) fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned())
}

/// What the operations of a transaction get that another one's failure ended.
fn rolled_back() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK), None)
}

/// Locks, whoever panicked before: what these locks guard is never left half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
