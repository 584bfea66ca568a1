//! The disk of a simulated site: as large as it needs, until somebody else takes its room.
//!
//! Full or not, it is consistent: what the agent deletes becomes free, what the camera writes is taken. A camera that
//! finds no room loses the picture: nobody could have accepted it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir::retain::{Disk, Meter};
use weir_journey::retain::Room;

/// A disk; clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct SimulatedDisk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: u64,
    bytes: u64,
    camera: PathBuf,
    /// Bytes that somebody else takes; 0 where nobody does.
    foreign: AtomicU64,
}

impl SimulatedDisk {
    /// A disk of `bytes`, of which the files below `camera` take some. `device` tells it from other disks.
    pub fn new(device: u64, bytes: u64, camera: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            device,
            bytes,
            camera: camera.into(),
            foreign: AtomicU64::new(0),
        }))
    }

    /// Somebody else takes all that is free, but for `free_bytes`.
    pub fn fill(&self, free_bytes: u64) {
        let ours = used_below(&self.0.camera);
        let foreign = self.0.bytes.saturating_sub(ours).saturating_sub(free_bytes);
        self.0.foreign.store(foreign.max(1), Ordering::Relaxed);
    }

    /// They give it back.
    pub fn clear(&self) {
        self.0.foreign.store(0, Ordering::Relaxed);
    }

    /// Bytes that are free.
    pub fn free_bytes(&self) -> u64 {
        let foreign = self.0.foreign.load(Ordering::Relaxed);
        // Nobody looks at what is free on a disk that nobody fills: the folder is not walked for it.
        let ours = if foreign == 0 {
            0
        } else {
            used_below(&self.0.camera)
        };
        self.0.bytes.saturating_sub(foreign).saturating_sub(ours)
    }

    /// Whether a file of `bytes` can be written.
    pub fn takes(&self, bytes: u64) -> bool {
        bytes <= self.free_bytes()
    }

    /// What the agent measures it with, whatever path it asks for.
    pub fn meter(&self) -> Meter {
        let disk = self.clone();
        Meter::simulated(move |_| {
            Ok(Disk {
                device: disk.0.device,
                room: Room {
                    bytes: disk.0.bytes,
                    free_bytes: disk.free_bytes(),
                    inodes: 0,
                    free_inodes: 0,
                },
                read_only: false,
            })
        })
    }
}

/// Bytes of the files below `folder`; what cannot be read counts nothing.
fn used_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(stat) if stat.is_dir() => used_below(&entry.path()),
        Ok(stat) => stat.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_something_is_deleted_or_room_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("2026");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("a.jpg"), [0; 5000]).unwrap();
        let disk = SimulatedDisk::new(3, 1_000_000, folder.path());
        let meter = disk.meter();
        let free = || meter.read(folder.path()).unwrap().room.free_bytes;
        assert!(disk.takes(900_000));
        disk.fill(100);
        assert_eq!(free(), 100);
        assert!(disk.takes(100) && !disk.takes(101));
        std::fs::remove_file(inner.join("a.jpg")).unwrap();
        assert_eq!(free(), 5100);
        std::fs::write(folder.path().join("b.jpg"), [0; 5100]).unwrap();
        assert_eq!(free(), 0);
        disk.clear();
        assert!(disk.takes(900_000));
    }
}
