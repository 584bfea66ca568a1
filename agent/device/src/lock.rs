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

/// The process that holds the lock of a state directory, if one does. Asks the kernel's table of locks
/// (proc_locks(5)), so that nobody who takes the lock meanwhile is refused because of us.
///
/// # Errors
/// When the lock file or the table cannot be read.
pub fn holder(directory: &Path) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt as _;
    let file = match std::fs::metadata(directory.join("weir.lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (major, minor) = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    let table = std::fs::read_to_string("/proc/locks")?;
    Ok(holder_in(
        &table,
        &format!("{major:02x}:{minor:02x}:{}", file.ino()),
    ))
}

/// `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`, the fields that are looked at.
fn holder_in(table: &str, file: &str) -> Option<u32> {
    table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        match fields.as_slice() {
            [_, "FLOCK", _, _, process, of, ..] if *of == file => process.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_without_taking_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(holder(directory.path()).unwrap(), None);
        let lock = Lock::take(directory.path()).unwrap();
        assert_eq!(holder(directory.path()).unwrap(), Some(std::process::id()));
        drop(lock);
        assert_eq!(holder(directory.path()).unwrap(), None);
    }

    #[test]
    fn only_a_lock_on_this_file_counts() {
        let table = "1: POSIX  ADVISORY  WRITE 11 08:01:77 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 12 08:01:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 13 08:02:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 14 08:01:77 0 EOF\n";
        assert_eq!(holder_in(table, "08:01:77"), Some(14));
        assert_eq!(holder_in(table, "08:01:78"), None);
    }

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
