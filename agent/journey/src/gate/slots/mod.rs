//! A fleet-wide semaphore on conditional writes: which slot object a site asks for, how long it may send, when it
//! renews, gives way and gives up.
//!
//! A slot is an object that one holder at a time has written. Promised, for any delays, lost answers, crashes,
//! pauses and wall clocks of the devices:
//! - **At most one holder of a slot may send at any moment** ([`Claim::sends_until`]). Every write is a
//!   compare-and-swap; a record is taken over only when the store's own clock (its `Date` against the record's
//!   `Last-Modified`) shows that it has stood for its whole lease, or when it was *watched* standing unchanged for
//!   that long. The holder counts its lease from the moment *before* it sent the write, on a clock that
//!   counts suspended time and that nobody sets, and stops [`Terms::margin`] early.
//! - A slot whose holder is gone is free for others one lease (and [`GRACE`]) after its last renewal.
//! - Nothing is asked of the store while nobody wants to send.
//!
//! What it rests on: compare-and-swap that is one, a boot-time clock that runs at most [`DRIFT_PPM`] wrong, and a
//! store whose clock does not jump ahead by more than [`GRACE`] *unseen*. A jump that the asker sees between
//! two answers makes it rely on what it watched itself, for one lease.

mod claim;
#[cfg(test)]
mod model;
mod seeking;
mod store_time;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use claim::{Claim, Demand, IDLE, Step};
pub use store_time::StoreTime;

/// How much longer than its lease a record is left alone: `Date` and `Last-Modified` have whole seconds, and the
/// machines of one store need not agree to the second.
pub const GRACE: Duration = Duration::from_secs(3);
/// How wrong the clocks that measure a lease may run, in millionths.
pub const DRIFT_PPM: u32 = 200;
/// The longest lease that a record can ask for: what is above was not written by this program.
const LONGEST: Duration = Duration::from_secs(3 * 3600);

/// What all devices that share the slots agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many slots there are, at least 1.
    pub slots: u32,
    /// How long a holder may send without renewing; at least 10 s.
    pub lease: Duration,
    /// How long the pipeline behind the store is held after an upload: a slot stands so much longer than its
    /// holder may send, so that a holder that dies leaves the pipeline its time.
    pub hold: Duration,
}

impl Terms {
    /// How long a record stands after it was written.
    pub fn stands(&self) -> Duration {
        (self.lease + self.hold).min(LONGEST)
    }

    /// How long before the end of its lease a holder stops to send: what it has begun is broken off by then.
    pub fn margin(&self) -> Duration {
        (self.lease / 10).clamp(Duration::from_secs(1), Duration::from_secs(5))
    }

    /// How long after a write its writer may send.
    pub fn sends(&self) -> Duration {
        self.lease - self.margin() - self.lease * DRIFT_PPM / 1_000_000
    }

    /// How long after a write it is renewed.
    pub fn renews(&self) -> Duration {
        self.lease / 3
    }

    /// How long a site with a backlog goes on before it looks whether others wait.
    pub fn tenure(&self) -> Duration {
        self.lease
    }

    /// How long a request may take before its outcome counts as unknown.
    pub fn patience(&self) -> Duration {
        (self.lease / 6).min(Duration::from_secs(15))
    }
}

/// What a slot object holds, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// A name that no other claim ever had.
    pub holder: String,
    /// The site that it sends for.
    pub site: String,
    /// The number of this write among all of its holder's: no two records are ever alike, so that no two ETags are.
    pub count: u64,
    /// For how long it stands after `Last-Modified`, in milliseconds.
    pub lease_ms: u64,
    /// It was given back: whoever comes may have it at once.
    pub free: bool,
}

/// A slot object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its ETag.
    pub etag: String,
    /// Its record; `None` when it holds none of ours.
    pub record: Option<Record>,
    /// `Last-Modified`.
    pub modified: DateTime<Utc>,
}

/// What a write asks of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// That nothing is (`If-None-Match: *`).
    Absent,
    /// That it is still what was read or written (`If-Match`).
    Same(String),
}

/// What is to be asked of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Read a slot.
    Read {
        /// Its number, from 0.
        slot: u32,
    },
    /// Write a slot.
    Write {
        /// Its number.
        slot: u32,
        /// What is to stand there.
        record: Record,
        /// Only then.
        condition: Condition,
    },
    /// Give a slot back: delete it, or where no condition can be put to that, write `record`, which says so.
    Remove {
        /// Its number.
        slot: u32,
        /// Only while it has this ETag.
        etag: String,
        /// A record that is free.
        record: Record,
    },
    /// Read the mark that somebody waits.
    ReadMark,
    /// Leave that mark.
    Mark,
}

/// What came of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Written, with this ETag; removed or marked, with any.
    Done {
        /// The new ETag.
        etag: String,
    },
    /// The condition did not hold: 412, or 404 of what should have been there.
    Refused,
    /// What is there, if anything.
    Read(Option<Found>),
    /// Nobody knows: no answer, or one that says nothing of the condition.
    Unknown,
}

/// When a request was made and answered, on the asker's boot-time clock, and the answer's `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Before the request.
    pub sent: Duration,
    /// After the answer.
    pub received: Duration,
    /// The `Date` of the answer, if there was one.
    pub date: Option<DateTime<Utc>>,
}

/// Whether a record has stood for its time: `age` by the store's clock where that can be relied on, `watched` by
/// our own.
pub fn has_expired(stands: Duration, age: Option<Duration>, watched: Duration) -> bool {
    let over = stands.min(LONGEST) + GRACE;
    age.is_some_and(|age| age >= over) || watched >= over + over * DRIFT_PPM / 1_000_000
}

/// How long to wait between two looks at taken slots, having waited for `waited`, with `chance` from 0 to 1: those who
/// have waited long look more often, and so get in first.
pub fn pause(terms: &Terms, waited: Duration, chance: f64) -> Duration {
    let patience = (terms.lease / 6).as_secs_f64();
    let turns = waited.as_secs_f64() / (2.0 * terms.tenure().as_secs_f64());
    let mean = (patience / (1.0 + turns * turns)).max((terms.lease / 60).as_secs_f64());
    Duration::from_secs_f64(mean * (0.5 + chance.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_holder_stops_before_anybody_may_take_its_slot(lease in 10u64..3600, hold in 0u64..900, drift in 0.9998f64..1.0002) {
            let terms = Terms { slots: 1, lease: Duration::from_secs(lease), hold: Duration::from_secs(hold) };
            let stops = terms.sends().as_secs_f64() / 0.9998;
            // Ages are off by a second, whole as they are; what is watched, by the drift of the watcher's clock.
            let taken = (terms.stands() + GRACE).as_secs_f64() - 1.0;
            prop_assert!(stops < taken && terms.sends() > terms.renews() * 2);
            let watched = (terms.stands() + GRACE).mul_f64(drift);
            prop_assert!(!has_expired(terms.stands(), None, watched.min(terms.stands())));
            prop_assert!(has_expired(terms.stands(), Some(terms.stands() + GRACE), Duration::ZERO));
        }

        #[test]
        fn who_waits_longer_never_looks_less_often(lease in 10u64..3600, waited in 0u64..100_000, more in 0u64..10_000, chance in 0.0f64..1.0) {
            let terms = Terms { slots: 1, lease: Duration::from_secs(lease), hold: Duration::ZERO };
            let wait = |seconds| pause(&terms, Duration::from_secs(seconds), chance);
            prop_assert!(wait(waited + more) <= wait(waited));
            prop_assert!(wait(waited) >= terms.lease / 120 && wait(0) <= terms.lease / 4);
        }
    }
}
