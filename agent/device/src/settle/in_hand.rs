//! Which files are in hand, written down where the next start finds it: should the process die of one, it is
//! known which.
//!
//! Written without fsync: what has to survive is the death of the process, not a power cut, which is no
//! file's fault.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

/// Bytes of a slot: a length of two bytes and the longest path of Linux.
const SLOT: usize = 2 + 4096;

/// The slots, one for each file that is read at the same time.
#[derive(Debug)]
pub(super) struct InHand {
    file: File,
    free: Mutex<Vec<usize>>,
}

/// A slot in use; emptied when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    of: &'a InHand,
    number: usize,
}

impl InHand {
    /// Opens the note in the state directory; gives the paths that were in hand when the last process ended.
    pub(super) fn open(state: &Path, slots: usize) -> io::Result<(Self, Vec<PathBuf>)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(state.join("in-hand"))?;
        let left = read(&file)?;
        file.set_len(0)?;
        file.set_len((slots * SLOT) as u64)?;
        Ok((
            Self {
                file,
                free: Mutex::new((0..slots).collect()),
            },
            left,
        ))
    }

    /// Notes a path. Without a free slot or room on the disk it goes unnoted: reading it matters more.
    pub(super) fn take(&self, path: &Path) -> Option<Slot<'_>> {
        let number = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()?;
        let slot = Slot { of: self, number };
        let bytes = path.as_os_str().as_bytes();
        let length = u16::try_from(bytes.len())
            .ok()
            .filter(|&n| usize::from(n) + 2 <= SLOT)?;
        let note = [&length.to_le_bytes(), bytes].concat();
        self.file.write_all_at(&note, (number * SLOT) as u64).ok()?;
        Some(slot)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        // A note that stays costs the file one strike of three.
        let _ = self
            .of
            .file
            .write_all_at(&[0, 0], (self.number * SLOT) as u64);
        self.of
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.number);
    }
}

fn read(file: &File) -> io::Result<Vec<PathBuf>> {
    let slots = file.metadata()?.len() / SLOT as u64;
    let mut paths = Vec::new();
    for number in 0..slots.min(64) {
        let mut slot = vec![0; SLOT];
        file.read_exact_at(&mut slot, number * SLOT as u64)?;
        let length = usize::from(u16::from_le_bytes([slot[0], slot[1]]));
        if (1..=SLOT - 2).contains(&length) {
            slot.truncate(2 + length);
            paths.push(std::ffi::OsString::from_vec(slot.split_off(2)).into());
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_hand_when_the_process_died_is_found_by_the_next() {
        let state = tempfile::tempdir().unwrap();
        let odd = PathBuf::from(std::ffi::OsString::from_vec(b"/cam/\xff\n.jpg".to_vec()));
        {
            let (in_hand, left) = InHand::open(state.path(), 2).unwrap();
            assert!(left.is_empty());
            drop(in_hand.take(Path::new("/cam/done.jpg")));
            // Forgotten, as by a SIGKILL: never dropped.
            std::mem::forget(in_hand.take(&odd));
        }
        let (_, left) = InHand::open(state.path(), 2).unwrap();
        assert_eq!(left, [odd]);
        let (_, left) = InHand::open(state.path(), 2).unwrap();
        assert!(left.is_empty(), "a strike is counted once");
    }
}
