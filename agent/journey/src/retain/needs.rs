//! How much has to go, from what a file system says and what the policy wants.

use super::{Policy, Why};

/// A share of a file system, or a number of bytes or inodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Percent of the whole, at most 100.
    Percent(u8),
    /// So many.
    Count(u64),
}

impl Level {
    /// The level in bytes or inodes, of a whole of `total`; never more than half of it, or a small disk would
    /// never be used.
    pub fn of(self, total: u64) -> u64 {
        let level = match self {
            Self::Percent(percent) => {
                u64::try_from(u128::from(total) * u128::from(percent) / 100).unwrap_or(total)
            }
            Self::Count(count) => count,
        };
        level.min(total / 2)
    }
}

/// What is left of a file system, for those who are not root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Its size in bytes.
    pub bytes: u64,
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Its inodes; 0 where they are made as needed and cannot run out (btrfs, FAT).
    pub inodes: u64,
    /// Files that can still be made.
    pub free_inodes: u64,
}

/// So much has to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Want {
    /// Bytes.
    pub bytes: u64,
    /// Inodes.
    pub inodes: u64,
}

/// What still has to go, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Bytes above the quota.
    pub quota: u64,
    /// What the file system lacks.
    pub room: Want,
}

/// Of a level, this part more is freed: one in so many.
const SLACK: u64 = 4;
/// Of a quota, this part more is freed: one in so many.
const QUOTA_SLACK: u64 = 16;

impl Needs {
    /// What a file system lacks, or `None` where it lacks nothing. A limit that is not reached asks for
    /// nothing; one that is asks for a quarter of it more.
    pub fn of_room(room: &Room, policy: &Policy) -> Self {
        let lack = |level: Level, total: u64, free: u64| {
            let level = level.of(total);
            if free >= level {
                return 0;
            }
            level.saturating_add(level / SLACK) - free
        };
        Self {
            quota: 0,
            room: Want {
                bytes: lack(policy.min_free, room.bytes, room.free_bytes),
                inodes: lack(policy.min_free_inodes, room.inodes, room.free_inodes),
            },
        }
    }

    /// What images that take `used` bytes have above the quota, and a sixteenth of the quota more.
    pub fn of_quota(used: u64, policy: &Policy) -> Self {
        let over = match policy.max_bytes {
            Some(most) if used > most => used - (most - most / QUOTA_SLACK),
            _ => 0,
        };
        Self {
            quota: over,
            room: Want::default(),
        }
    }

    /// Whether nothing has to go.
    pub const fn met(&self) -> bool {
        self.quota == 0 && self.room.bytes == 0 && self.room.inodes == 0
    }

    /// The gravest reason for which something still has to go.
    pub const fn why(&self) -> Option<Why> {
        if self.room.bytes > 0 {
            Some(Why::Space)
        } else if self.room.inodes > 0 {
            Some(Why::Inodes)
        } else if self.quota > 0 {
            Some(Why::Quota)
        } else {
            None
        }
    }

    /// Counts a file of so many bytes as gone.
    pub const fn gone(&mut self, bytes: u64) {
        self.quota = self.quota.saturating_sub(bytes);
        self.room.bytes = self.room.bytes.saturating_sub(bytes);
        self.room.inodes = self.room.inodes.saturating_sub(1);
    }
}
