//! Reads a file that its camera overwrites: copied first, and then the copy is read. Blocks.

use std::path::Path;

use super::reading::{Fault, Reading, look, read};
use crate::snapshot::{NotCopied, Snapshot, Spool};
use crate::upload::holds;

/// A copy with its reading, which has the observations of the camera's file: before it was copied, and after the
/// copy was read.
pub(super) fn read_copy(path: &Path, spool: &Spool) -> Result<(Reading, Snapshot), Fault> {
    let before = look(path)?;
    let snapshot = spool.copy(path).map_err(|error| match error {
        NotCopied::Source(error) => Fault::from(error),
        spool @ NotCopied::Spool { .. } => Fault::NotCopied(spool),
    })?;
    let mut reading = read(snapshot.path())?;
    // Stamps are no finer than the kernel's tick: what was written within one shows in the bytes alone.
    let same = holds(snapshot.source(), reading.sha256).map_err(Fault::Passing)?;
    let after = look(path)?;
    if !same || before != after {
        spool.overtaken.inc();
    }
    if !same && before == after {
        let torn = std::io::Error::new(std::io::ErrorKind::Interrupted, "it is being written");
        return Err(Fault::Passing(torn));
    }
    reading.before = before;
    reading.after = after;
    Ok((reading, snapshot))
}
