//! The note of which files are being read, for the next start in case this process does not survive one.
//!
//! One slot a reader: a file that begins with the path's bytes and a NUL while the reader is at work, and with
//! a NUL otherwise: one small write each, in place. Written without fsync: what matters is the death of the process, not of the machine.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The slots of all readers.
#[derive(Debug, Default)]
pub(super) struct InHand {
    free: Mutex<Vec<File>>,
}

/// One file in hand; dropped when it no longer is, whatever way the reading ended short of death.
#[derive(Debug)]
pub(super) struct Note<'a> {
    slots: &'a InHand,
    slot: Option<File>,
}

/// What a start finds.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) slots: InHand,
    /// The files in hand when the last process ended without clearing its notes.
    pub(super) suspects: Vec<PathBuf>,
}

impl InHand {
    /// Opens `readers` slots below `state`, and reads what the last process left in any of them. What was
    /// left stays on disk until [`forget`](Self::forget) or until the slot is used.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub(super) fn open(state: &Path, readers: usize) -> io::Result<Found> {
        let directory = state.join("in-hand");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)?;
        let mut suspects = Vec::new();
        for entry in fs::read_dir(&directory)? {
            let mut left = fs::read(entry?.path())?;
            left.truncate(left.iter().position(|&byte| byte == 0).unwrap_or(0));
            if !left.is_empty() {
                suspects.push(PathBuf::from(OsString::from_vec(left)));
            }
        }
        let slots = (0..readers)
            .map(|slot| {
                OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .mode(0o600)
                    .open(directory.join(slot.to_string()))
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Found {
            slots: Self {
                free: Mutex::new(slots),
            },
            suspects,
        })
    }

    /// Empties every slot below `state`: the suspects have their strikes.
    ///
    /// # Errors
    /// The state directory cannot be written.
    pub(super) fn forget(state: &Path) -> io::Result<()> {
        for entry in fs::read_dir(state.join("in-hand"))? {
            OpenOptions::new()
                .write(true)
                .open(entry?.path())?
                .set_len(0)?;
        }
        Ok(())
    }

    /// Notes that `path` is in hand. With no slot free, or a disk that takes no note, the work goes on
    /// without: a missing note costs protection, a refused file would cost an image.
    pub(super) fn note(&self, path: &Path) -> Note<'_> {
        let slot = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(slot) = &slot
            && let Err(error) = slot.write_all_at(&[path.as_os_str().as_bytes(), &[0]].concat(), 0)
        {
            tracing::debug!(%error, "no note of the file in hand");
        }
        Note { slots: self, slot }
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // A note that cannot be cleared costs the file a strike at the next start, not more.
            let _ = slot.write_all_at(&[0], 0);
            self.slots
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn only_what_was_in_hand_at_the_end_is_suspect() {
        let state = tempfile::tempdir().expect("tempdir");
        let found = InHand::open(state.path(), 2).expect("opened");
        assert!(found.suspects.is_empty());
        let odd = Path::new(OsStr::from_bytes(b"/cam/\xff.jpg"));
        drop(found.slots.note(Path::new("/cam/a-much-longer-name.jpg")));
        let in_hand = found.slots.note(odd);
        let done = found.slots.note(Path::new("/cam/done.jpg"));
        drop(done);
        // The process dies here: nothing more is cleared.
        std::mem::forget(in_hand);

        let next = InHand::open(state.path(), 1).expect("opened");
        assert_eq!(next.suspects, [odd]);
        InHand::forget(state.path()).expect("forgotten");
        let later = InHand::open(state.path(), 1).expect("opened");
        assert!(later.suspects.is_empty());
    }
}
