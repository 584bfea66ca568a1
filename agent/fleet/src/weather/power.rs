//! What a power cut leaves: of files that nobody had made durable yet, and of the clock of a board without a battery.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// What a board's clock shows when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BootClock {
    /// The time: it has a battery.
    Kept,
    /// The time at which it last ran, as `fake-hwclock` keeps it.
    Last,
    /// 1970.
    Epoch,
}

impl BootClock {
    /// What the clock shows at a start at `now` of a board that last ran at `last_ran` (both true time).
    pub fn shows(self, last_ran: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Kept => now,
            Self::Last => last_ran,
            Self::Epoch => DateTime::UNIX_EPOCH,
        }
    }
}

/// How a file of the camera is found after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// As it was written.
    Whole,
    /// Only its first bytes, fewer than there were and at least one.
    CutShort {
        /// How many.
        bytes: u64,
    },
    /// Without content.
    Empty,
}

/// After this long the file system has written everything down: the kernel's `dirty_expire_centisecs` is 30 s.
const DURABLE_AFTER: Duration = Duration::from_secs(30);
/// Files are cut at blocks.
const BLOCK: u64 = 4096;

/// What is left of a file of `bytes` that a camera wrote `ago` before the cut, without making it durable. What the
/// agent accepted is durable and is not asked about.
pub fn left_of(bytes: u64, ago: Duration, rng: &mut fastrand::Rng) -> Left {
    // The same draws whatever comes out, so that one file's fate does not change the next one's.
    let (survives, form, part) = (rng.f64(), rng.bool(), rng.u64(..));
    let safe = ago.as_secs_f64() / DURABLE_AFTER.as_secs_f64();
    // Even a file just closed may have been written down.
    if bytes == 0 || survives < safe.max(0.3) {
        return Left::Whole;
    }
    let blocks = (bytes - 1) / BLOCK;
    match form {
        true if blocks > 0 => Left::CutShort {
            bytes: (1 + part % blocks) * BLOCK,
        },
        _ => Left::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_file_is_never_longer_than_it_was_and_old_ones_are_whole(bytes in 0_u64..1_000_000, ago in 0_u64..60_000, seed: u64) {
            let ago = Duration::from_millis(ago);
            let draw = || left_of(bytes, ago, &mut fastrand::Rng::with_seed(seed));
            prop_assert_eq!(draw(), draw());
            match draw() {
                Left::CutShort { bytes: left } => prop_assert!(0 < left && left < bytes),
                Left::Empty => prop_assert!(bytes > 0),
                Left::Whole => {}
            }
            prop_assert!(ago < DURABLE_AFTER || draw() == Left::Whole);
        }
    }

    #[test]
    fn of_fresh_files_each_fate_is_common() {
        let mut rng = fastrand::Rng::with_seed(7);
        let fates: Vec<_> = (0..3000)
            .map(|_| left_of(24_000, Duration::ZERO, &mut rng))
            .collect();
        let whole = fates.iter().filter(|fate| **fate == Left::Whole).count();
        let empty = fates.iter().filter(|fate| **fate == Left::Empty).count();
        assert!((800..1000).contains(&whole), "{whole}");
        assert!((900..1200).contains(&empty), "{empty}");
    }

    #[test]
    fn a_board_without_a_battery_wakes_in_the_past() {
        let (last, now) = (
            DateTime::from_timestamp(1_000, 0).unwrap(),
            DateTime::from_timestamp(9_000, 0).unwrap(),
        );
        let shown = [BootClock::Kept, BootClock::Last, BootClock::Epoch]
            .map(|clock| clock.shows(last, now).timestamp());
        assert_eq!(shown, [9_000, 1_000, 0]);
    }
}
