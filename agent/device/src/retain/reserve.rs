//! Some room kept back, so that deletions can still be recorded when the disk is full.
//!
//! It is a file beside the queue. When the queue cannot write for want of room and something is to be deleted, the
//! file goes first; it is made again when there is room to spare.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

/// Bytes kept back: what the commits of a few hundred deletions take.
pub(super) const SIZE: u64 = 2 << 20;

/// The reserve of a state directory.
#[derive(Debug, Clone)]
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    pub(crate) fn of(state: &Path) -> Self {
        Self(state.join("reserve"))
    }

    /// Gives the room back; whether there was any.
    pub(crate) fn give_up(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }

    /// Makes it, unless it is there.
    ///
    /// # Errors
    /// The system's; nothing is left behind then.
    pub(super) fn keep(&self) -> io::Result<()> {
        if fs::metadata(&self.0).is_ok_and(|stat| stat.len() == SIZE) {
            return Ok(());
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.0)?;
        fill(&file).inspect_err(|_| {
            self.give_up();
        })
    }
}

/// Takes room for the file, by writing where the file system cannot promise it.
fn fill(mut file: &File) -> io::Result<()> {
    if fallocate(file, FallocateFlags::empty(), 0, SIZE).is_ok() {
        return Ok(());
    }
    file.set_len(0)?;
    let piece = vec![0; 64 << 10];
    for _ in 0..SIZE / piece.len() as u64 {
        file.write_all(&piece)?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn the_reserve_takes_room_and_gives_it_back_once() {
        let state = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(state.path());
        reserve.keep().unwrap();
        reserve.keep().unwrap();
        let stat = fs::metadata(state.path().join("reserve")).unwrap();
        assert!(stat.blocks() * 512 >= SIZE, "it only looks large");
        assert!(reserve.give_up());
        assert!(!reserve.give_up());
    }
}
