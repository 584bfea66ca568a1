//! What a file system says of itself.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::StatVfsMountFlags;
use weir_journey::retain::Room;

/// A file system, measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Its device number, as `stat(2)` gives it for the files in it.
    pub device: u64,
    /// What is left of it.
    pub room: Room,
    /// Nothing can be written.
    pub read_only: bool,
}

/// Measures the file system that holds a path: the system's, or a simulation's.
#[derive(Clone)]
pub struct Meter(Arc<Measure>);

type Measure = dyn Fn(&Path) -> io::Result<Disk> + Send + Sync;

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

impl Meter {
    /// `statvfs(3)`. It may block: a network file system answers when it likes.
    pub fn system() -> Self {
        Self::simulated(measure)
    }

    /// Whatever `measure` says.
    pub fn simulated(measure: impl Fn(&Path) -> io::Result<Disk> + Send + Sync + 'static) -> Self {
        Self(Arc::new(measure))
    }

    /// Measures the file system that holds `path`.
    ///
    /// # Errors
    /// The system's, when there is nothing at `path` or it does not answer.
    pub fn read(&self, path: &Path) -> io::Result<Disk> {
        (self.0)(path)
    }
}

fn measure(path: &Path) -> io::Result<Disk> {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(path)?.dev();
    let stat = rustix::fs::statvfs(path)?;
    Ok(Disk {
        device,
        room: Room {
            bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            // Not `f_bfree`: some of it may be root's alone, and the camera is not root.
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            inodes: stat.f_files,
            free_inodes: stat.f_favail,
        },
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_tells_its_room_and_a_missing_folder_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Meter::system().read(dir.path()).unwrap();
        assert!(disk.room.free_bytes <= disk.room.bytes && disk.room.bytes > 0);
        assert!(!disk.read_only);
        assert!(Meter::system().read(&dir.path().join("none")).is_err());
    }
}
