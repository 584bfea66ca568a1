//! The one place that changes an image's state.

use rusqlite::{Connection, OptionalExtension as _, ToSql, ffi};
use weir_journey::queue::{Move, State};

use super::error::QueueError;
use super::image::{Db, ImageId};

/// Moves an image, and with it the columns that `also` assigns (`"unsure = :unsure"`), with their values.
/// Gives the state it leaves.
///
/// # Errors
/// [`QueueError::Illegal`] when [`State::after`] knows no such move: nothing is changed then.
pub(super) fn step(
    conn: &Connection,
    id: ImageId,
    step: Move,
    also: &str,
    values: &[(&str, &dyn ToSql)],
) -> Result<State, QueueError> {
    let from = state_of(conn, id)?;
    let Some(to) = from.after(step) else {
        return Err(QueueError::Illegal {
            id,
            state: from,
            step,
        });
    };
    let comma = if also.is_empty() { "" } else { ", " };
    // Whatever moves an image, it is not the look at it any more that keeps it where it was.
    let (to, was) = (to.code(), from.code());
    let mut all: Vec<(&str, &dyn ToSql)> = vec![(":id", &id), (":to", &to), (":from", &was)];
    all.extend_from_slice(values);
    conn.prepare_cached(&format!(
        "UPDATE images SET state = :to, look_hold = 0{comma}{also} WHERE id = :id AND state = :from"
    ))?
    .execute(all.as_slice())?;
    Ok(from)
}

/// The outcome of a move of an image that an index has named for the state that it is in. Where there is no
/// such move, or no such image, index and table disagree.
pub(super) fn as_indexed<T>(outcome: Result<T, QueueError>) -> Result<T, QueueError> {
    outcome.map_err(|error| match error {
        QueueError::Illegal { .. } | QueueError::NoSuchImage(_) => {
            let code = ffi::Error::new(ffi::SQLITE_CORRUPT_INDEX);
            rusqlite::Error::SqliteFailure(code, Some(error.to_string())).into()
        }
        other => other,
    })
}

/// Where an image stands.
pub(super) fn state_of(conn: &Connection, id: ImageId) -> Result<State, QueueError> {
    conn.prepare_cached("SELECT state FROM images WHERE id = ?1")?
        .query_row([id], |row| row.get::<_, Db<State>>(0))
        .optional()?
        .map(|db| db.0)
        .ok_or(QueueError::NoSuchImage(id))
}
