//! Do events of a camera folder really arrive? A hidden file is written there, and the kernel must say so.
//!
//! The file's name begins with a dot, so that an agent that watches the same folder leaves it alone; it is
//! removed in any case.

use std::fs::{self, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// An event takes microseconds; this is for a board that swaps.
const BOUND: Duration = Duration::from_secs(5);

/// Why no event was heard.
#[derive(Debug)]
pub(super) enum Silence {
    /// No file may be written there, so nothing can happen that would be announced.
    NotTried(io::Error),
    /// The kernel gives no watch.
    NoInotify(io::Error),
    /// It was written, and nobody said so within this time.
    Nothing(Duration),
}

/// Writes a hidden file into `directory` and waits for its event; gives how long it took.
pub(super) fn arrive(directory: &Path) -> Result<Duration, Silence> {
    let refused = |error: rustix::io::Errno| Silence::NoInotify(error.into());
    let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(refused)?;
    add_watch(&inotify, directory, WatchFlags::CLOSE_WRITE).map_err(refused)?;
    let canary = Canary::write(directory).map_err(Silence::NotTried)?;
    let written = Instant::now();
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&inotify, &mut room);
    loop {
        match events.next() {
            Ok(event) => {
                let heard = event.file_name().map(std::ffi::CStr::to_bytes);
                if heard == canary.0.file_name().map(|name| name.as_bytes()) {
                    return Ok(written.elapsed());
                }
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {
                let Some(left) = BOUND.checked_sub(written.elapsed()) else {
                    return Err(Silence::Nothing(BOUND));
                };
                let mut fds = [PollFd::from_borrowed_fd(inotify.as_fd(), PollFlags::IN)];
                let left = Timespec::try_from(left).ok();
                match poll(&mut fds, left.as_ref()) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(refused(error)),
                }
            }
            Err(error) => return Err(refused(error)),
        }
    }
}

/// The file, as long as it is there.
struct Canary(PathBuf);

impl Canary {
    fn write(directory: &Path) -> io::Result<Self> {
        // A name that nobody can have prepared, as a link to somewhere else for one.
        let path = directory.join(format!(".weir-check-{:016x}", fastrand::u64(..)));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        // Gone already, perhaps: whoever tidies the folder was faster.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert!(arrive(folder.path()).unwrap() < BOUND);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_silence() {
        let folder = tempfile::tempdir().unwrap();
        let gone = arrive(&folder.path().join("gone"));
        assert!(matches!(gone, Err(Silence::NoInotify(_))), "{gone:?}");
    }
}
