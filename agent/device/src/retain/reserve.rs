//! Some room kept back, so that the queue can go on when the disk is full.
//!
//! It is a file beside the queue. When the queue cannot write for want of room, the file is made shorter, a step at a
//! time: each is enough to record hundreds of deletions, or to have images claimed and verified, so that their files
//! may go. A camera on the same disk may be quicker to use up what is given back; then the next step follows. The
//! file is made whole again when there is room to spare.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};

/// Bytes kept back.
pub(super) const SIZE: u64 = 4 << 20;

/// Bytes given back at once.
const STEP: u64 = 512 << 10;

/// The reserve of a state directory.
#[derive(Debug, Clone)]
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    pub(crate) fn of(state: &Path) -> Self {
        Self(state.join("reserve"))
    }

    /// Gives a part of the room back; whether there was any. Blocks.
    pub(crate) fn give_up(&self) -> bool {
        let shorter = OpenOptions::new()
            .write(true)
            .open(&self.0)
            .and_then(|file| {
                let left = file.metadata()?.len();
                file.set_len(left.saturating_sub(STEP))?;
                Ok(left > 0)
            });
        shorter.unwrap_or(false)
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
            .truncate(false)
            .mode(0o600)
            .open(&self.0)?;
        fill(&file).inspect_err(|_| {
            // Half a reserve would be taken for one that was given up in part.
            let _ = fs::remove_file(&self.0);
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
    fn the_reserve_takes_room_and_gives_it_back_step_by_step() {
        let state = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(state.path());
        reserve.keep().unwrap();
        reserve.keep().unwrap();
        let stat = fs::metadata(state.path().join("reserve")).unwrap();
        assert!(stat.blocks() * 512 >= SIZE, "it only looks large");
        for left in (0..SIZE / STEP).rev() {
            assert!(reserve.give_up());
            let stat = fs::metadata(state.path().join("reserve")).unwrap();
            assert_eq!(stat.len(), left * STEP);
        }
        assert!(!reserve.give_up());
        reserve.keep().unwrap();
        assert!(reserve.give_up());
    }
}
