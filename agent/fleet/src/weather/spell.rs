//! What happens where, when and how often: one entry of a scenario.

use std::time::Duration;

use weir_store::faults::Rule;

use super::change::Step;
use super::link::{Down, Shape};
use super::power::BootClock;
use super::sites::Sites;

/// One entry of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Spell {
    /// What happens.
    pub kind: Kind,
    /// Where. A share is drawn anew each time it happens.
    pub sites: Sites,
    /// When it first begins, since the start of the run.
    pub from: Duration,
    /// Each site is hit at most this much later, drawn for each site and each time.
    pub jitter: Duration,
    /// How long it lasts.
    pub lasts: Lasts,
    /// How it comes again; never if absent.
    pub repeat: Option<Repeat>,
}

/// How long something lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// This long, or to the end of the run, at which it ends.
    For(Duration),
    /// It does not end.
    Rest,
}

/// How something comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// From one begin to the next; not zero.
    pub every: Duration,
    /// How often in all; until the end of the run if absent.
    pub count: Option<u32>,
}

/// What happens to a site.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// It has no link.
    LinkDown(Down),
    /// Its link is slow and loses requests.
    LinkSlow(Shape),
    /// Its link comes and goes.
    LinkFlapping {
        /// How it is down.
        down: Down,
        /// Mean time from one outage to the next.
        period: Duration,
        /// Share of that for which the link is up, from 0 to 1.
        duty: f64,
    },
    /// It has no power.
    PowerCut {
        /// What the board's clock shows when power is back.
        clock: BootClock,
        /// A clock that is wrong then is set right at most this long after both power and link are back.
        set_after: Duration,
    },
    /// The board's clock jumps, and is set right at the end.
    ClockStep(Step),
    /// The board's clock runs fast by so many seconds a day (slow, where negative), felt in steps of an hour, and is
    /// set right at the end.
    ClockDrift {
        /// Seconds a day.
        seconds_per_day: i64,
    },
    /// Somebody else takes the disk.
    DiskFull {
        /// Bytes that are left.
        free_bytes: u64,
    },
    /// The store plays these faults on the site's requests; on all, where the choice is all sites.
    StoreFault(Vec<Rule>),
    /// Faults of every kind at random.
    Random(Fuzz),
}

/// Random faults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fuzz {
    /// How many a site has in a day, on average.
    pub per_day: f64,
    /// The longest of them. The shortest takes some seconds; short ones are as likely as long ones.
    pub longest: Duration,
}
