//! How much may be begun now: the link's breaker and the store's wish for fewer requests, in one place.

use std::time::Duration;

use weir_journey::gate::{Breaker, Permission, Width};
use weir_journey::upload::{Cause, Schedule};

/// What the answers of the store so far allow. Moments are on the monotonic clock.
#[derive(Debug)]
pub(super) struct Pace {
    breaker: Breaker,
    width: Width,
    last_failure: Option<String>,
}

/// How many images may be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// So many more.
    For(usize),
    /// One, to see whether the link is back.
    Probe,
    /// None before this moment.
    Until(Duration),
    /// None before one of those under way ends.
    Full,
}

/// What one attempt taught about the way to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lesson {
    /// The store answered, and took what it was given.
    Fine,
    /// The store answered, with something else.
    Answered,
    /// The attempt failed in passing, and the store wished for a pause.
    Failed(Cause, Duration, String),
    /// The link was not tried.
    Untried,
}

/// What changed by a lesson, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The link went down.
    Down,
    /// The link came back.
    Back,
}

impl Pace {
    pub(super) fn new(tolerance: u32, probes: Schedule, most: usize) -> Self {
        Self {
            breaker: Breaker::new(tolerance, probes),
            width: Width::new(most),
            last_failure: None,
        }
    }

    pub(super) fn room(&self, now: Duration, in_flight: usize) -> Room {
        if now < self.width.pause_until() {
            return Room::Until(self.width.pause_until());
        }
        match self.breaker.permission(now) {
            Permission::Go if in_flight < self.width.current() => {
                Room::For(self.width.current() - in_flight)
            }
            Permission::Go | Permission::Probing => Room::Full,
            Permission::Probe => Room::Probe,
            Permission::Until(moment) => Room::Until(moment),
        }
    }

    /// Something new is there to be sent.
    pub(super) fn fresh(&mut self) {
        self.breaker.fresh();
    }

    /// A probe was begun.
    pub(super) fn probing(&mut self) {
        self.breaker.probe_sent();
    }

    /// What an attempt taught, at `now`; `chance` (0 to 1) draws waits.
    pub(super) fn learn(&mut self, lesson: Lesson, now: Duration, chance: f64) -> Option<Change> {
        match lesson {
            Lesson::Fine => {
                self.width.fine();
                self.breaker.answered().then_some(Change::Back)
            }
            Lesson::Answered => self.breaker.answered().then_some(Change::Back),
            Lesson::Failed(Cause::Link, _, why) => {
                self.last_failure = Some(why);
                self.breaker.failed(now, chance).then_some(Change::Down)
            }
            Lesson::Failed(cause, pause, why) => {
                self.last_failure = Some(why);
                if cause == Cause::Busy {
                    self.width.busy(now, pause);
                }
                self.breaker.answered().then_some(Change::Back)
            }
            Lesson::Untried => {
                self.breaker.probe_unused();
                None
            }
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width.current()
    }

    pub(super) fn down_since(&self) -> Option<Duration> {
        self.breaker.down_since()
    }

    pub(super) fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let probes = Schedule::new(Duration::from_secs(15), Duration::from_secs(600)).unwrap();
        Pace::new(2, probes, 4)
    }

    fn link_failure() -> Lesson {
        Lesson::Failed(Cause::Link, Duration::ZERO, "no route".into())
    }

    #[test]
    fn a_dead_link_gets_one_probe_and_a_live_one_the_whole_width() {
        let mut pace = pace();
        let now = Duration::from_secs(100);
        assert_eq!(pace.room(now, 1), Room::For(3));
        assert_eq!(pace.learn(link_failure(), now, 1.0), None);
        assert_eq!(pace.learn(link_failure(), now, 1.0), Some(Change::Down));
        assert_eq!(pace.room(now, 0), Room::Until(Duration::from_secs(115)));
        assert_eq!(pace.room(Duration::from_secs(115), 0), Room::Probe);
        pace.probing();
        assert_eq!(pace.room(Duration::from_secs(116), 1), Room::Full);
        assert_eq!(
            pace.learn(Lesson::Answered, Duration::from_secs(117), 0.0),
            Some(Change::Back)
        );
        assert_eq!(pace.room(Duration::from_secs(117), 0), Room::For(4));
    }

    #[test]
    fn a_busy_store_gets_fewer_requests_after_its_pause_and_the_link_counts_as_up() {
        let mut pace = pace();
        let now = Duration::from_secs(100);
        pace.learn(link_failure(), now, 1.0);
        pace.learn(
            Lesson::Failed(Cause::Busy, Duration::from_secs(5), "slow down".into()),
            now,
            0.5,
        );
        assert_eq!(pace.room(now, 0), Room::Until(Duration::from_secs(105)));
        assert_eq!(pace.room(Duration::from_secs(105), 0), Room::For(2));
        assert_eq!(
            pace.learn(link_failure(), now, 1.0),
            None,
            "a refusal in between is an answer"
        );
    }
}
