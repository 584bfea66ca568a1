//! Making a file and its name durable: fsync of the file, and of the folders that name it.
//!
//! A burst of files in one folder does not cost an fsync of the folder each: one that has not changed since it
//! was last written out is not written out again.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Stamps of a folder move with the kernel's tick, of at most 10 ms: one that is older than this cannot hide a
/// change that came after it.
const TICK: Duration = Duration::from_millis(100);

/// More folders than this are not remembered: they are written out again.
const MOST: usize = 1024;

/// Folders that are known to be on the disk.
#[derive(Debug, Default)]
pub(super) struct Folders(Mutex<HashMap<PathBuf, Stamp>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    mtime: (i64, i64),
    ctime: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Folders {
    /// Makes `file` at `path` durable, with the folders from its own up to `root`. Blocks.
    ///
    /// # Errors
    /// What the disk says; the file is then not durable.
    pub(super) fn settle(&self, file: &File, path: &Path, root: &Path) -> io::Result<()> {
        tolerate(file.sync_all())?;
        for folder in path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(root))
        {
            self.settle_folder(folder)?;
        }
        Ok(())
    }

    fn settle_folder(&self, path: &Path) -> io::Result<()> {
        let folder = File::open(path)?;
        let metadata = folder.metadata()?;
        let stamp = Stamp::from(&metadata);
        if self.lock().get(path) == Some(&stamp) {
            return Ok(());
        }
        tolerate(folder.sync_all())?;
        let calm = metadata.modified().is_ok_and(|at| {
            SystemTime::now()
                .duration_since(at)
                .is_ok_and(|age| age > TICK)
        });
        if calm {
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(path.to_owned(), stamp);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Stamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read-only or network file system may have nothing to write out, and says so with an error.
fn tolerate(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::Unsupported
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calm_folder_is_written_out_once_and_a_changed_one_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a");
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("x.jpg");
        let file = File::create(&path).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        File::open(&folder).unwrap().set_modified(long_ago).unwrap();
        let folders = Folders::default();
        folders.settle(&file, &path, root.path()).unwrap();
        let known = folders.lock().get(&folder).copied();
        assert!(known.is_some());
        std::fs::write(folder.join("y.jpg"), b"").unwrap();
        let now = Stamp::from(&std::fs::metadata(&folder).unwrap());
        assert_ne!(known, Some(now), "a new name must be written out");
        folders.settle(&file, &path, root.path()).unwrap();
        assert_eq!(
            folders.lock().get(&folder).copied(),
            known,
            "a folder in motion is not trusted"
        );
    }
}
