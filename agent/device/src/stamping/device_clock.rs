//! Which times came from the device's own clock, and by how much that was off.

use chrono::TimeDelta;

use crate::queue::{DeviceClock, FileIdentity, Image, Synchronised};

/// A file that was written here has been changed last (mode, name) within this time of its content, ns.
const FINISHED_WITHIN_NS: i64 = 600 * 1_000_000_000;
/// Clocks are read one after the other, and file systems round to 2 s, ns.
const ROUNDING_NS: i64 = 2_000_000_000;
/// Less than this is no error worth correcting, ms.
const LEAST_MS: u64 = 1000;

/// What is to be added to the modification time of a row that has it from the device's clock, as
/// [`of_device_clock`] tells: nothing where that was right. `origin_ms` is what the clock showed at the boot, by what
/// it shows now, milliseconds since 1970.
pub(crate) fn correction(image: &Image, origin_ms: i64) -> TimeDelta {
    let uptime_ms = image.clock.uptime_ms.unwrap_or(0);
    let then_ms = image.accepted_ms.saturating_sub(uptime_ms);
    let add_ms = origin_ms.saturating_sub(then_ms);
    let add = TimeDelta::try_milliseconds(add_ms).filter(|_| add_ms.unsigned_abs() >= LEAST_MS);
    add.unwrap_or_else(TimeDelta::zero)
}

/// Whether a file's modification time came from the device's clock, in the boot in which the file was accepted and
/// while the clock was not known to be right. A file from a card, or one whose time was copied with it, has another
/// clock's time: it lies outside of the boot, or far from when the file's inode was changed.
pub(crate) fn of_device_clock(file: &FileIdentity, clock: DeviceClock, accepted_ms: i64) -> bool {
    let Some(uptime_ms) = clock
        .uptime_ms
        .filter(|_| clock.synchronised == Synchronised::No)
    else {
        return false;
    };
    let ns = |ms: i64| ms.saturating_mul(1_000_000);
    let booted = ns(accepted_ms.saturating_sub(uptime_ms)).saturating_sub(ROUNDING_NS);
    let accepted = ns(accepted_ms).saturating_add(ROUNDING_NS);
    let finished = file.ctime_ns.saturating_sub(file.mtime_ns);
    (booted..=accepted).contains(&file.mtime_ns)
        && (-ROUNDING_NS..=FINISHED_WITHIN_NS).contains(&finished)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mtime_s: i64, ctime_s: i64) -> FileIdentity {
        FileIdentity {
            size: 1,
            device: 1,
            inode: 1,
            mtime_ns: mtime_s * 1_000_000_000,
            ctime_ns: ctime_s * 1_000_000_000,
        }
    }

    #[test]
    fn only_what_was_written_in_this_boot_by_this_clock_is_its_own() {
        let clock = |synchronised| DeviceClock {
            boot: Some([1; 16]),
            uptime_ms: Some(100_000),
            synchronised,
        };
        // Accepted at 1000 s by a clock that was started at 900 s.
        let own = |file, synchronised| of_device_clock(&file, clock(synchronised), 1_000_000);
        assert!(own(file(950, 951), Synchronised::No));
        assert!(own(file(899, 900), Synchronised::No), "rounded");
        assert!(!own(file(950, 951), Synchronised::Yes));
        assert!(!own(file(950, 951), Synchronised::Unknown));
        assert!(
            !own(file(890, 951), Synchronised::No),
            "from before the boot"
        );
        assert!(
            !own(file(1010, 1010), Synchronised::No),
            "of a clock that is ahead"
        );
        assert!(!own(file(910, 1600), Synchronised::No), "its time was set");
    }
}
