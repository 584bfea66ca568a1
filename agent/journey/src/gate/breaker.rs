//! The circuit breaker: while the link is down, one image at a time asks whether it is back.

use std::time::Duration;

use crate::upload::Schedule;

/// Closed while the link works; open, with one probe now and then, while it does not.
#[derive(Debug, Clone)]
pub struct Breaker {
    tolerance: u32,
    schedule: Schedule,
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    since: Duration,
    probes: u32,
    /// When the link failed last.
    failed: Duration,
    next_probe: Duration,
    probing: bool,
}

/// What the breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Anything.
    Go,
    /// One request, to see whether the link is back.
    Probe,
    /// Nothing until the given moment (monotonic).
    Until(Duration),
    /// Nothing until the probe under way has come back.
    Probing,
}

impl Breaker {
    /// Opens after `tolerance` failures in a row, then probes by `schedule`.
    pub const fn new(tolerance: u32, schedule: Schedule) -> Self {
        Self {
            tolerance,
            schedule,
            failures: 0,
            open: None,
        }
    }

    /// What may be sent at the monotonic moment `now`.
    pub fn permission(&self, now: Duration) -> Permission {
        match self.open {
            None => Permission::Go,
            Some(open) if open.probing => Permission::Probing,
            Some(open) if now >= open.next_probe => Permission::Probe,
            Some(open) => Permission::Until(open.next_probe),
        }
    }

    /// There is something new to send, which is worth a probe of its own unless one failed just now: the return of
    /// the link is then noticed by the next image, and not only by the next probe of the schedule.
    pub fn fresh(&mut self) {
        if let Some(open) = &mut self.open {
            open.next_probe = open.next_probe.min(open.failed + FRESH_PROBE);
        }
    }

    /// A probe is on its way.
    pub fn probe_sent(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = true;
        }
    }

    /// A probe came back without having tried the link (nothing to send, a gate closed).
    pub fn probe_unused(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    /// The store answered, whatever it said: the link works. Says whether it was down before.
    pub fn answered(&mut self) -> bool {
        self.failures = 0;
        self.open.take().is_some()
    }

    /// The link failed at `now`; `chance` (0 to 1) draws the wait before the next probe. Says whether the
    /// breaker opened by this.
    pub fn failed(&mut self, now: Duration, chance: f64) -> bool {
        self.failures = self.failures.saturating_add(1);
        match &mut self.open {
            // Requests that were under way when it opened say nothing new.
            Some(open) if !open.probing => false,
            Some(open) => {
                open.probes = open.probes.saturating_add(1);
                open.probing = false;
                open.failed = now;
                open.next_probe = now + self.schedule.delay(open.probes, chance).max(MIN_PROBE);
                false
            }
            None if self.failures >= self.tolerance => {
                self.open = Some(Open {
                    since: now,
                    probes: 1,
                    failed: now,
                    next_probe: now + self.schedule.delay(1, chance).max(MIN_PROBE),
                    probing: false,
                });
                true
            }
            None => false,
        }
    }

    /// Since when (monotonic) the link is taken to be down.
    pub fn down_since(&self) -> Option<Duration> {
        self.open.map(|open| open.since)
    }
}

/// Full jitter may draw nothing: a probe still waits this long, so that a dead link is no busy loop.
const MIN_PROBE: Duration = Duration::from_secs(1);
/// Time between a failure and a probe for the sake of a new image: a dead link costs a request an image, and cameras
/// that take many do not make it a busy loop.
const FRESH_PROBE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaker() -> Breaker {
        let schedule = Schedule::new(Duration::from_secs(15), Duration::from_secs(600)).unwrap();
        Breaker::new(3, schedule)
    }

    proptest! {
        /// Whatever happens, never more than one probe is out while the link is down, and there is always a
        /// way back.
        #[test]
        fn while_the_link_is_down_one_probe_is_out(steps in proptest::collection::vec((0u8..4, 0u64..900, 0.0f64..=1.0), 1..200)) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            let mut probes_out = 0;
            for (step, seconds, chance) in steps {
                now += Duration::from_secs(seconds);
                match breaker.permission(now) {
                    Permission::Probe => {
                        prop_assert_eq!(probes_out, 0);
                        breaker.probe_sent();
                        probes_out = 1;
                    }
                    Permission::Until(until) => {
                        prop_assert!(until > now && until <= now + Duration::from_secs(600));
                    }
                    Permission::Probing => prop_assert_eq!(probes_out, 1),
                    Permission::Go => probes_out = 0,
                }
                match step {
                    0 => { breaker.failed(now, chance); probes_out = 0; }
                    2 => breaker.fresh(),
                    1 => { breaker.answered(); prop_assert_eq!(breaker.permission(now), Permission::Go); probes_out = 0; }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_new_image_is_a_reason_to_ask_unless_the_link_failed_just_now() {
        let mut breaker = breaker();
        (0..3).for_each(|_| _ = breaker.failed(Duration::ZERO, 1.0));
        for probe in 1..10 {
            let now = Duration::from_secs(1000 * probe);
            assert_eq!(breaker.permission(now), Permission::Probe);
            breaker.probe_sent();
            breaker.failed(now, 1.0);
        }
        let failed = Duration::from_secs(9000);
        let next = Permission::Until(failed + Duration::from_secs(600));
        assert_eq!(breaker.permission(failed + FRESH_PROBE), next);
        breaker.fresh();
        assert_eq!(
            breaker.permission(failed),
            Permission::Until(failed + FRESH_PROBE)
        );
        assert_eq!(breaker.permission(failed + FRESH_PROBE), Permission::Probe);
    }

    #[test]
    fn it_opens_after_the_tolerated_failures_in_a_row_and_closes_on_any_answer() {
        let mut breaker = breaker();
        let now = Duration::from_secs(5);
        assert!(!breaker.failed(now, 0.5));
        assert!(!breaker.failed(now, 0.5));
        assert!(!breaker.answered());
        assert!(!breaker.failed(now, 0.5));
        assert!(!breaker.failed(now, 0.5));
        assert!(breaker.failed(now, 1.0));
        assert_eq!(
            breaker.permission(now),
            Permission::Until(Duration::from_secs(20))
        );
        assert_eq!(breaker.down_since(), Some(now));
        assert!(breaker.answered());
    }
}
