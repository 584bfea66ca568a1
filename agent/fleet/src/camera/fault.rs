//! What cameras do wrong, and how often.
//!
//! Faults of one picture (`truncated` and the like) are drawn for each shot. Faults that last (`clock_1970`, `dst`,
//! `silence`) begin at a shot and end after their time. What is drawn for a shot depends on seed, site and shot alone.

use std::fmt;
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::seed::{Purpose, stream};
use crate::units;

/// What a camera did wrong with one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The bytes come in pieces.
    SlowWrite,
    /// The file ends early, for good.
    Truncated,
    /// The file has no bytes, for good.
    Empty,
    /// The file is written under another name and renamed.
    RenameIn,
    /// Two pictures of one second, and so of one name.
    DuplicateName,
    /// The bytes of the picture before it, under another name.
    DuplicateBytes,
    /// The camera's clock began anew in 1970.
    Clock1970,
    /// The camera's clock is an hour ahead.
    Dst,
}

impl Fault {
    /// Its name in scenarios and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SlowWrite => "slow_write",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::RenameIn => "rename_in",
            Self::DuplicateName => "duplicate_name",
            Self::DuplicateBytes => "duplicate_bytes",
            Self::Clock1970 => "clock_1970",
            Self::Dst => "dst",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A probability: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

/// A number that is no [`Share`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0} is no share of shots: give a number from 0 to 1, such as 0.02")]
pub struct NotAShare(f64);

impl TryFrom<f64> for Share {
    type Error = NotAShare;

    fn try_from(share: f64) -> Result<Self, NotAShare> {
        (0.0..=1.0)
            .contains(&share)
            .then_some(Self(share))
            .ok_or(NotAShare(share))
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// The table `[camera.faults]`: the share of shots that each fault befalls, none by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Share of files that come in pieces.
    pub slow_write: Share,
    /// About how long that takes.
    #[serde(with = "units::duration")]
    pub slow_write_for: Duration,
    /// Share of files that end early and stay so.
    pub truncated: Share,
    /// Share of files without a byte.
    pub empty: Share,
    /// Share of files that are written under another name and renamed.
    pub rename_in: Share,
    /// Share of pictures that are followed by another within the same second, under the same name: half of those
    /// overwrite the first, half lie in another folder.
    pub duplicate_name: Share,
    /// Share of files with the bytes of the picture before.
    pub duplicate_bytes: Share,
    /// Share of shots at which the camera's clock begins anew in 1970.
    pub clock_1970: Share,
    /// How long it stays so.
    #[serde(with = "units::duration")]
    pub clock_1970_for: Duration,
    /// Share of shots at which the camera's clock jumps ahead by an hour.
    pub dst: Share,
    /// How long it stays so before it jumps back.
    #[serde(with = "units::duration")]
    pub dst_for: Duration,
    /// Share of shots at which the camera falls silent.
    pub silence: Share,
    /// How long it stays so.
    #[serde(with = "units::duration")]
    pub silence_for: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            slow_write: Share::default(),
            slow_write_for: Duration::from_secs(10),
            truncated: Share::default(),
            empty: Share::default(),
            rename_in: Share::default(),
            duplicate_name: Share::default(),
            duplicate_bytes: Share::default(),
            clock_1970: Share::default(),
            clock_1970_for: Duration::from_secs(6 * HOUR),
            dst: Share::default(),
            dst_for: Duration::from_secs(48 * HOUR),
            silence: Share::default(),
            silence_for: Duration::from_secs(8 * HOUR),
        }
    }
}

impl Faults {
    /// The fault of one picture.
    pub(super) fn of_shot(&self, seed: u64, site: u32, shot: u64) -> Option<Fault> {
        let mut rng = stream(Purpose::Fault, seed, site, shot);
        [
            (Fault::Truncated, self.truncated),
            (Fault::Empty, self.empty),
            (Fault::DuplicateBytes, self.duplicate_bytes),
            (Fault::DuplicateName, self.duplicate_name),
            (Fault::SlowWrite, self.slow_write),
            (Fault::RenameIn, self.rename_in),
        ]
        .into_iter()
        .find_map(|(fault, share)| (rng.f64() < share.0).then_some(fault))
    }
}

/// What the camera's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ClockFault {
    /// The time of its zone.
    #[default]
    Right,
    /// The time since it began anew.
    SinceReset(Duration),
    /// An hour more.
    Ahead,
}

impl ClockFault {
    pub(super) fn shows(self, right: NaiveDateTime) -> NaiveDateTime {
        match self {
            Self::Right => right,
            Self::SinceReset(since) => NaiveDateTime::default() + since_reset(since),
            Self::Ahead => right + TimeDelta::hours(1),
        }
    }

    pub(super) fn fault(self) -> Option<Fault> {
        match self {
            Self::Right => None,
            Self::SinceReset(_) => Some(Fault::Clock1970),
            Self::Ahead => Some(Fault::Dst),
        }
    }
}

fn since_reset(since: Duration) -> TimeDelta {
    TimeDelta::from_std(since).unwrap_or_default()
}

/// The faults that last, from shot to shot.
#[derive(Debug, Clone, Default)]
pub(super) struct Lasting {
    silent_until: Duration,
    clock: Option<Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    fault: Fault,
    since: Duration,
    until: Duration,
}

impl Lasting {
    /// The clock of the camera at its `mark`th moment, which is `at`; `None` when it is silent.
    pub(super) fn at(
        &mut self,
        at: Duration,
        faults: &Faults,
        (seed, site, mark): (u64, u32, u64),
    ) -> Option<ClockFault> {
        let mut rng = stream(Purpose::Lasting, seed, site, mark);
        let [silence, reset, ahead] = std::array::from_fn(|_| rng.f64());
        if at < self.silent_until {
            return None;
        }
        if silence < faults.silence.0 {
            self.silent_until = at + faults.silence_for;
            return None;
        }
        self.clock = self.clock.filter(|wrong| at < wrong.until);
        if self.clock.is_none() {
            let begins = |fault, lasts| {
                let (since, until) = (at, at + lasts);
                Some(Wrong {
                    fault,
                    since,
                    until,
                })
            };
            if reset < faults.clock_1970.0 {
                self.clock = begins(Fault::Clock1970, faults.clock_1970_for);
            } else if ahead < faults.dst.0 {
                self.clock = begins(Fault::Dst, faults.dst_for);
            }
        }
        Some(match self.clock {
            Some(wrong) if wrong.fault == Fault::Dst => ClockFault::Ahead,
            Some(wrong) => ClockFault::SinceReset(at - wrong.since),
            None => ClockFault::Right,
        })
    }
}
