//! Reads one file, once: structure and SHA-256 in the same pass. Blocks; meant for a blocking thread.

use std::any::Any;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use sha2::Digest;
use weir_journey::identity::Sha256;
use weir_journey::settle::{Inspection, Observation, inspect};

use crate::snapshot::NotCopied;

/// What one reading gave.
#[derive(Debug)]
pub(super) struct Reading {
    /// Still open, to be made durable.
    pub(super) file: File,
    pub(super) before: Observation,
    /// Of what the path leads to after the reading: another file's when it was replaced.
    pub(super) after: Observation,
    pub(super) inspection: Inspection,
    pub(super) sha256: Sha256,
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing is at the path any more.
    #[error("gone")]
    Gone,
    /// A link, directory, pipe, socket or device: not a file to take.
    #[error("not a regular file")]
    NotAFile,
    /// The content made the inspection panic, or its reading is forbidden: so it will next time.
    #[error("{0}")]
    Lasting(String),
    /// It had to be copied first, and could not be.
    #[error("{0}")]
    NotCopied(NotCopied),
    /// The system could not read now.
    #[error("{0}")]
    Passing(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Gone,
            // A later permission changes the file's status, and with it the observation.
            io::ErrorKind::PermissionDenied => Self::Lasting(error.to_string()),
            // A symbolic link under O_NOFOLLOW; a socket; a pipe nobody writes to.
            _ if [Errno::LOOP, Errno::NXIO]
                .iter()
                .any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) =>
            {
                Self::NotAFile
            }
            _ => Self::Passing(error),
        }
    }
}

/// What is at `path`, links not followed.
pub(super) fn look(path: &Path) -> Result<Observation, Fault> {
    let stat = fs::symlink_metadata(path)?;
    if stat.is_file() {
        Ok(observation(&stat))
    } else {
        Err(Fault::NotAFile)
    }
}

/// Reads the file at `path`.
pub(super) fn read(path: &Path) -> Result<Reading, Fault> {
    read_beside(path, || {})
}

/// Reads the file at `path`, while `beside` happens at each chunk.
fn read_beside(path: &Path, mut beside: impl FnMut()) -> Result<Reading, Fault> {
    // NONBLOCK so that a pipe under an image's name does not hang the reader.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let stat = file.metadata()?;
    if !stat.is_file() {
        return Err(Fault::NotAFile);
    }
    let before = observation(&stat);
    let mut hasher = sha2::Sha256::new();
    let inspected = catch_unwind(AssertUnwindSafe(|| {
        inspect(&mut file, |chunk| {
            hasher.update(chunk);
            beside();
        })
    }));
    let inspection = match inspected {
        Ok(inspection) => inspection?,
        Err(panic) => return Err(Fault::Lasting(words(&*panic))),
    };
    let held = observation(&file.metadata()?);
    let there = look(path)?;
    Ok(Reading {
        file,
        before,
        // Another file under the name counts as a change, and so does one during the reading.
        after: if there == before { held } else { there },
        inspection,
        sha256: Sha256(hasher.finalize().into()),
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("its inspection failed: {}", message.unwrap_or("a panic"))
}

pub(super) fn observation(stat: &Metadata) -> Observation {
    let ns = |seconds: i64, nanoseconds: i64| {
        i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
    };
    Observation {
        size: stat.len(),
        mtime_ns: ns(stat.mtime(), stat.mtime_nsec()),
        ctime_ns: ns(stat.ctime(), stat.ctime_nsec()),
        inode: stat.ino(),
        device: stat.dev(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_journey::settle::Structure;

    #[test]
    fn a_reading_hashes_what_it_inspected() {
        let room = tempfile::tempdir().expect("tempdir");
        let path = room.path().join("x");
        fs::write(&path, b"abc").expect("written");
        let reading = read(&path).expect("read");
        assert_eq!(reading.before, reading.after);
        assert_eq!(reading.inspection.len, 3);
        assert!(matches!(
            reading.inspection.structure,
            Structure::Foreign(_)
        ));
        // FIPS 180-4, appendix B.1.
        assert_eq!(
            reading.sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_is_not_a_file_is_never_opened_for_long() {
        let room = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| room.path().join(name);
        fs::write(path("file"), b"abc").expect("written");
        std::os::unix::fs::symlink(path("file"), path("link")).expect("linked");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("pipe"),
            rustix::fs::FileType::Fifo,
            mode,
            0,
        )
        .expect("made");
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("bound");
        for name in ["link", "pipe", "socket", "."] {
            assert!(matches!(read(&path(name)), Err(Fault::NotAFile)), "{name}");
            assert!(matches!(look(&path(name)), Err(Fault::NotAFile)), "{name}");
        }
        assert!(matches!(read(&path("none")), Err(Fault::Gone)));
    }

    #[test]
    fn whatever_happens_beside_the_reading_shows() {
        let room = tempfile::tempdir().expect("tempdir");
        let (path, other) = (room.path().join("x"), room.path().join("other"));
        let fresh = || fs::write(&path, vec![7; 600_000]).expect("written");
        fresh();
        let written = || {
            let file = OpenOptions::new().write(true).open(&path).expect("opened");
            file.set_len(700_000).expect("grown");
        };
        let reading = read_beside(&path, written).expect("read");
        assert_ne!(reading.before, reading.after);

        fresh();
        fs::write(&other, vec![8; 600_000]).expect("written");
        let replaced = || drop(fs::rename(&other, &path));
        let reading = read_beside(&path, replaced).expect("read");
        assert_ne!(reading.before.inode, reading.after.inode);

        fresh();
        let removed = || drop(fs::remove_file(&path));
        assert!(matches!(read_beside(&path, removed), Err(Fault::Gone)));

        fresh();
        let failed = read_beside(&path, || panic!("a malformed picture"));
        let Err(Fault::Lasting(words)) = failed else {
            panic!("{failed:?}");
        };
        assert!(words.contains("a malformed picture"));
    }
}
