//! One agent a state directory: an advisory lock that the kernel drops with the process, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock(File);

/// A program that is being started at this moment has inherited the open file, and would hold the lock until it has begun.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

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

/// A process that is killed while it starts another program leaves the lock to that one, until the program has
/// begun and closed what it inherited.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

impl Lock {
    /// Takes the lock of a state directory, which must exist. Blocks for a moment when it is held for a process
    /// that is gone.
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
        let mut patience = PATIENCE;
        while let Err(error) = file.try_lock() {
            let holder = match error {
                std::fs::TryLockError::WouldBlock => written_in(&mut file).map_err(io)?,
                std::fs::TryLockError::Error(source) => return Err(io(source)),
            };
            if is_alive(&holder) || patience.is_zero() {
                return Err(LockError::Held {
                    directory: directory.to_owned(),
                    holder,
                });
            }
            patience = patience.saturating_sub(PAUSE);
            std::thread::sleep(PAUSE);
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self(file))
    }
}

/// The process that wrote itself into the lock file.
fn written_in(file: &mut File) -> std::io::Result<String> {
    let mut holder = String::new();
    file.rewind()?;
    // Whatever else is in there is no process.
    let _ = file.read_to_string(&mut holder);
    Ok(holder.trim().to_owned())
}

fn is_alive(process: &str) -> bool {
    process.parse::<u32>().is_ok() && Path::new("/proc").join(process).exists()
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
    let lock = format!("{major:02x}:{minor:02x}:{}", file.ino());
    // The table is given in pieces, and while locks come and go a line between two of them may be passed over.
    for _ in 0..READINGS {
        let table = std::fs::read_to_string("/proc/locks")?;
        if let Some(holder) = holder_in(&table, &lock) {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// How often the table of locks is read before nobody holds one.
const READINGS: usize = 3;

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
    fn what_a_program_that_is_being_started_has_inherited_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap();
        let inherited = first.0.try_clone().unwrap();
        drop(first);
        Lock::take(directory.path()).unwrap();
        drop(inherited);
    }

    #[test]
    fn a_lock_left_to_a_program_that_was_being_started_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap();
        // As if by a process that is gone: no process has this number.
        std::fs::write(directory.path().join("weir.lock"), "4294967295\n").unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Lock::take(directory.path()));
            assert!(holder(directory.path()).unwrap().is_some());
            drop(first);
            second.join().unwrap().unwrap();
        });
        assert_eq!(
            std::fs::read_to_string(directory.path().join("weir.lock")).unwrap(),
            format!("{}\n", std::process::id())
        );
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
