//! What changes at one moment of a run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use weir_store::faults::Rule;

use super::link::{Down, Shape};
use super::power::BootClock;

/// A change of the world at one site, or of all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When, since the start of the run.
    pub at: Duration,
    /// The site it befalls, from 1; `None` for what all sites share, which is the store.
    pub site: Option<u32>,
    /// What changes.
    pub what: What,
}

/// What changes. Each names the whole of the new state: nothing has to be added up.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The link works again, with the shape that it has.
    LinkUp,
    /// The clock is set right.
    ClockRight,
    /// The link is as fast and as lossy as this from now on; [`Shape::CLEAR`] where nothing slows it.
    LinkShape(Shape),
    /// The link is gone.
    LinkDown(Down),
    /// The disk has its room again.
    DiskRoom,
    /// Somebody else takes the disk, but for this much.
    DiskFull {
        /// Bytes that are left.
        free_bytes: u64,
    },
    /// The store does what it should.
    StoreFine,
    /// The store plays these faults, in place of those that it played.
    StoreFaults(Vec<Rule>),
    /// The board's clock jumps.
    ClockStep(Step),
    /// The board loses its power. The camera takes nothing either.
    PowerCut {
        /// How long it is off. No other change of its clock or power comes before that.
        off_for: Duration,
        /// What its clock shows when it starts again. A [`What::ClockRight`] follows where that is wrong.
        wakes: BootClock,
    },
}

impl What {
    /// The order of changes of one site at one moment: what ends comes before what begins, the power cut last.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::LinkUp => 0,
            Self::ClockRight => 1,
            Self::LinkShape(_) => 2,
            Self::LinkDown(_) => 3,
            Self::DiskRoom => 4,
            Self::DiskFull { .. } => 5,
            Self::StoreFine => 6,
            Self::StoreFaults(_) => 7,
            Self::ClockStep(_) => 8,
            Self::PowerCut { .. } => 9,
        }
    }
}

/// A jump of a wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// By this many seconds from what it shows, back where negative.
    By(i64),
    /// To this moment.
    To(DateTime<Utc>),
}

impl Step {
    /// What a clock shows after it, that showed `before`.
    pub fn after(self, before: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::To(moment) => moment,
            Self::By(seconds) => TimeDelta::try_seconds(seconds)
                .and_then(|by| before.checked_add_signed(by))
                .unwrap_or(before),
        }
    }
}
