//! One agent a state directory: an advisory lock that the kernel drops with the process, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another agent works there.
    #[error(
        "another weir (process {holder}) works in {}: stop it, or give this one its own state.directory",
        directory.display()
    )]
    Held {
        /// The state directory.
        directory: PathBuf,
        /// Its process id, as it wrote it.
        holder: String,
    },
    /// The lock file cannot be written.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Lock {
    /// Takes the lock of a state directory, which must exist.
    ///
    /// # Errors
    /// When another process holds it, or the file cannot be written.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("weir.lock");
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held {
                    directory: directory.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self(file))
    }
}

impl Lock {
    /// Whether nobody holds the lock of a state directory now. Writes nothing.
    pub fn is_free(directory: &Path) -> bool {
        File::open(directory.join("weir.lock")).is_ok_and(|file| file.try_lock_shared().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_agent_is_told_who_works_there() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap();
        let Err(LockError::Held { holder, .. }) = Lock::take(directory.path()) else {
            panic!("two agents hold one lock");
        };
        assert_eq!(holder, std::process::id().to_string());
        drop(first);
        Lock::take(directory.path()).unwrap();
    }
}
