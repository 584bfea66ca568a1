//! Making one copy. Blocks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, Timespec, Timestamps, futimens, ioctl_ficlone};

use super::{Spool, discard};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum NotCopied {
    /// The camera's file cannot be opened or read.
    #[error(transparent)]
    Source(io::Error),
    /// The spool cannot be written.
    #[error("cannot copy it to {}: {error}", spool.display())]
    Spool {
        /// Where to.
        spool: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// A copy in the spool; deleted when this is dropped, unless it was kept.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    source: File,
    kept: bool,
}

impl Snapshot {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The camera's file, as it was opened for the copy.
    pub fn source(&self) -> &File {
        &self.source
    }

    /// It stays.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !self.kept {
            discard(&self.path);
        }
    }
}

impl Spool {
    /// Copies the file at `path`, by reference where the file system can (btrfs, XFS), and gives the copy the same
    /// modification time.
    ///
    /// # Errors
    /// [`NotCopied`]; nothing is left behind then.
    pub fn copy(&self, path: &Path) -> Result<Snapshot, NotCopied> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let source = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(NotCopied::Source)?;
        let stat = source.metadata().map_err(NotCopied::Source)?;
        if !stat.is_file() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(NotCopied::Source(error));
        }
        self.place(path, &stat)
            .and_then(|copy| fill(copy, source, &stat))
            .map_err(|error| NotCopied::Spool {
                spool: self.directory.clone(),
                error,
            })
    }

    /// A path for the copy, in a folder that nothing else uses.
    fn place(&self, path: &Path, stat: &fs::Metadata) -> io::Result<PathBuf> {
        let mut folders = DirBuilder::new();
        folders.mode(0o700);
        folders.recursive(true).create(&self.directory)?;
        folders.recursive(false);
        let (seconds, nanoseconds) = (stat.mtime(), stat.mtime_nsec());
        for number in 0..u32::MAX {
            let folder = self
                .directory
                .join(format!("{seconds}.{nanoseconds:09}-{number}"));
            match folders.create(&folder) {
                Ok(()) => return Ok(folder.join(path.file_name().unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

fn fill(path: PathBuf, source: File, stat: &fs::Metadata) -> io::Result<Snapshot> {
    let snapshot = Snapshot {
        path,
        source,
        kept: false,
    };
    let mut copy = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&snapshot.path)?;
    if ioctl_ficlone(&copy, &snapshot.source).is_err() {
        io::copy(&mut &snapshot.source, &mut copy)?;
    }
    let at = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let stamps = Timestamps {
        last_access: at(stat.mtime(), stat.mtime_nsec()),
        last_modification: at(stat.mtime(), stat.mtime_nsec()),
    };
    futimens(&copy, &stamps)?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn spool(room: &Path) -> Spool {
        Spool {
            overwritten: vec!["latest.jpg".parse().unwrap()],
            directory: room.join("spool/first-dam"),
            overtaken: Default::default(),
        }
    }

    #[test]
    fn a_copy_has_the_name_the_bytes_and_the_time_and_is_gone_unless_kept() {
        let room = tempfile::tempdir().unwrap();
        let spool = spool(room.path());
        let path = room.path().join("latest.jpg");
        fs::write(&path, b"a picture").unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(then)
            .unwrap();
        let (one, other) = (spool.copy(&path).unwrap(), spool.copy(&path).unwrap());
        assert_ne!(one.path(), other.path());
        assert_eq!(one.path().file_name(), path.file_name());
        assert_eq!(fs::read(one.path()).unwrap(), b"a picture");
        assert_eq!(fs::metadata(one.path()).unwrap().modified().unwrap(), then);
        let (kept, dropped) = (one.path().to_owned(), other.path().to_owned());
        one.keep();
        drop(other);
        assert!(kept.exists());
        assert!(!dropped.parent().unwrap().exists());
    }

    #[test]
    fn links_and_folders_are_not_copied_and_a_spool_that_cannot_be_is_named() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("latest.jpg");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        let failed = spool(room.path()).copy(&path);
        assert!(matches!(failed, Err(NotCopied::Source(_))));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let failed = spool(room.path()).copy(&path);
        assert!(matches!(failed, Err(NotCopied::Source(_))));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, b"a picture").unwrap();
        fs::write(room.path().join("spool"), b"in the way").unwrap();
        let failed = spool(room.path()).copy(&path).unwrap_err().to_string();
        assert!(failed.contains("spool/first-dam"), "{failed}");
    }
}
