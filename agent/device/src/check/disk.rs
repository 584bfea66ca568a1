//! File systems: of what kind, how full, and what follows from that.

use std::io;
use std::path::Path;

use weir_journey::retain::Level;

use super::finding::Judgement;

/// A file system, as statfs(2) describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSystem {
    pub(super) kind: Kind,
    /// Bytes in all, and those that an ordinary user may still write.
    pub(super) bytes: u64,
    pub(super) free: u64,
    /// Inodes in all, and free ones; 0 in all where the file system does not count them.
    pub(super) inodes: u64,
    pub(super) free_inodes: u64,
    pub(super) read_only: bool,
}

/// Kinds that matter here; the numbers are those of statfs(2) and `linux/magic.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In memory: gone with the power.
    Memory(&'static str),
    /// Shared with other machines, whose writes the kernel here does not announce.
    Network(&'static str),
    /// A program's: what is announced depends on it.
    Fuse,
    /// FAT or exFAT: of cards. No owners, no modes, coarse times.
    Fat,
    /// Any other, which is taken for a disk.
    Disk,
}

impl Kind {
    fn of(magic: u64) -> Self {
        // The field is signed and 32 bits wide on some machines.
        match magic & 0xffff_ffff {
            0x0102_1994 => Self::Memory("tmpfs"),
            0x8584_58f6 => Self::Memory("ramfs"),
            0x6969 => Self::Network("NFS"),
            0xff53_4d42 | 0xfe53_4d42 | 0x517b => Self::Network("CIFS/SMB"),
            0x0102_1997 => Self::Network("9p"),
            0x00c3_6400 => Self::Network("Ceph"),
            0x5346_414f => Self::Network("AFS"),
            0x6573_5546 => Self::Fuse,
            0x4d44 | 0x2011_bab0 => Self::Fat,
            _ => Self::Disk,
        }
    }
}

impl FileSystem {
    /// Of the file or folder at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let kind = rustix::fs::statfs(path)?;
        let room = rustix::fs::statvfs(path)?;
        Ok(Self {
            // Widened by sign where it is signed; `Kind::of` looks at the lower half.
            #[allow(clippy::unnecessary_cast, reason = "its type differs between machines")]
            kind: Kind::of(kind.f_type as u64),
            bytes: room.f_blocks.saturating_mul(room.f_frsize),
            free: room.f_bavail.saturating_mul(room.f_frsize),
            inodes: room.f_files,
            free_inodes: room.f_favail,
            read_only: room.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }
}

/// What should stay free where retention keeps nothing free.
const LOW: Level = Level::Percent(10);
/// Below this nothing can be relied on: the database and its log want this much.
const LEAST: u64 = 16 << 20;
/// Inodes below which a folder is as good as full.
const LEAST_INODES: u64 = 1000;

/// What retention keeps free of a file system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) bytes: Level,
    pub(super) inodes: Level,
}

/// Whether there is room, and as much as retention should keep.
pub(super) fn room(of: &FileSystem, kept: Kept) -> Judgement {
    let share = |free: u64, all: u64| 100.0 * free as f64 / all.max(1) as f64;
    let counted = of.inodes > 0;
    let inodes = if counted {
        let share = share(of.free_inodes, of.inodes);
        format!(", {share:.0} % of its inodes")
    } else {
        String::new()
    };
    let (free, bytes) = (super::size(of.free), share(of.free, of.bytes));
    let detail = format!("{free} ({bytes:.0} %) free{inodes}");
    let low = |free: u64, all: u64, kept: Level| {
        let wanted = Some(kept.of(all)).filter(|&wanted| wanted > 0);
        free < wanted.unwrap_or(LOW.of(all))
    };
    if of.read_only {
        Judgement::ok(format!("{detail}; mounted read-only"))
    } else if of.free < LEAST || (counted && of.free_inodes < LEAST_INODES) {
        Judgement::fail(
            format!("nearly full: {detail}"),
            "free space on it, or use a larger disk",
        )
    } else if low(of.free, of.bytes, kept.bytes)
        || (counted && low(of.free_inodes, of.inodes, kept.inodes))
    {
        Judgement::warn(
            format!("{detail}: less than should stay free"),
            "free space on it, use a larger disk, or let verified images go earlier (retain.keep, retain.max_bytes)",
        )
    } else {
        Judgement::ok(detail)
    }
}

/// Whether the queue may live there.
pub(super) fn for_the_queue(of: &FileSystem) -> Judgement {
    const FIX: &str = "set state.directory to a folder on a local disk";
    match of.kind {
        _ if of.read_only => Judgement::fail("mounted read-only", "mount it writable"),
        Kind::Memory(name) => {
            Judgement::warn(format!("on {name}: a power cut empties the queue"), FIX)
        }
        Kind::Network(name) => Judgement::warn(
            format!("on {name}: SQLite's log wants a local file system"),
            FIX,
        ),
        Kind::Fuse => Judgement::warn("on FUSE: durability is up to its program", FIX),
        Kind::Fat => Judgement::warn("on FAT: no file modes, and a power cut can damage it", FIX),
        Kind::Disk => Judgement::ok("a local file system"),
    }
}

/// Whether a camera folder's file system announces what is written to it.
pub(super) fn for_a_camera(of: &FileSystem, rescan: std::time::Duration) -> Judgement {
    let every = rescan.as_secs();
    let fix = "run weir on the machine that the camera writes to, or shorten watch.rescan";
    match of.kind {
        Kind::Network(name) => Judgement::warn(
            format!(
                "on {name}: writes of other machines are not announced; images are found by the rescan every {every} s"
            ),
            fix,
        ),
        Kind::Fuse => Judgement::warn(
            format!(
                "on FUSE: writes may not be announced; images are found by the rescan every {every} s at the latest"
            ),
            fix,
        ),
        Kind::Memory(name) => Judgement::warn(
            format!("on {name}: a power cut takes every image that is not uploaded yet"),
            "have the camera write to a disk",
        ),
        Kind::Fat => Judgement::ok("FAT: a card"),
        Kind::Disk => Judgement::ok("a local file system"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Outcome;
    use super::*;
    use proptest::prelude::*;

    const KEPT: Kept = Kept {
        bytes: Level::Percent(5),
        inodes: Level::Percent(5),
    };

    fn disk(bytes: u64, free: u64, inodes: u64, free_inodes: u64) -> FileSystem {
        FileSystem {
            kind: Kind::Disk,
            bytes,
            free,
            inodes,
            free_inodes,
            read_only: false,
        }
    }

    proptest! {
        /// More room is never judged worse, and nothing but "well" comes without a cure.
        #[test]
        fn more_room_is_never_worse(
            bytes in 1_u64..1 << 44, less in 0.0..1.0_f64, more in 0.0..1.0_f64,
            inodes in 0_u64..1 << 32, few in 0.0..1.0_f64, many in 0.0..1.0_f64,
            keep in 0_u8..=50,
        ) {
            let kept = Kept { bytes: Level::Percent(keep), inodes: Level::Percent(keep) };
            let of = |share: f64, all: u64| (share * all as f64) as u64;
            let worse = room(&disk(bytes, of(less.min(more), bytes), inodes, of(few.min(many), inodes)), kept);
            let better = room(&disk(bytes, of(less.max(more), bytes), inodes, of(few.max(many), inodes)), kept);
            prop_assert!(better.outcome <= worse.outcome, "{better:?} {worse:?}");
            for judged in [worse, better] {
                prop_assert_eq!(judged.fix.is_some(), judged.outcome >= Outcome::Warn);
            }
        }
    }

    #[test]
    fn a_disk_is_judged_by_what_is_scarcer() {
        let outcome = |disk: FileSystem| room(&disk, KEPT).outcome;
        assert_eq!(
            outcome(disk(100 << 30, 50 << 30, 1 << 20, 1 << 19)),
            Outcome::Ok
        );
        assert_eq!(
            outcome(disk(100 << 30, 4 << 30, 1 << 20, 1 << 19)),
            Outcome::Warn
        );
        assert_eq!(
            outcome(disk(100 << 30, 50 << 30, 1 << 20, 1 << 12)),
            Outcome::Warn
        );
        assert_eq!(
            outcome(disk(100 << 30, 1 << 20, 1 << 20, 1 << 19)),
            Outcome::Fail
        );
        assert_eq!(
            outcome(disk(100 << 30, 50 << 30, 1 << 20, 10)),
            Outcome::Fail
        );
        // A file system that counts no inodes has not run out of them.
        assert_eq!(outcome(disk(100 << 30, 50 << 30, 0, 0)), Outcome::Ok);
    }

    #[test]
    fn kinds_are_those_of_the_kernel() {
        assert_eq!(Kind::of(0x6969), Kind::Network("NFS"));
        assert_eq!(Kind::of(0xffff_ffff_ff53_4d42), Kind::Network("CIFS/SMB"));
        assert_eq!(Kind::of(0xef53), Kind::Disk);
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            let found = FileSystem::of(memory).unwrap();
            assert!(matches!(
                found.kind,
                Kind::Memory(_) | Kind::Disk | Kind::Fuse
            ));
            assert!(found.free <= found.bytes);
        }
    }
}
