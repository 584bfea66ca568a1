//! The moment on both clocks, and whether the wall clock was set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use weir_journey::settle::Now;

use crate::clock::Clock;

/// A difference between the clocks beyond this is a step: it is more than two readings lie apart, and less
/// than any wait for quiet that is of use.
const STEP_NS: i128 = 500_000_000;

/// Compares the clocks whenever it is asked.
#[derive(Debug)]
pub(super) struct Moments {
    clock: Clock,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The wall clock at the monotonic clock's zero.
    origin_ns: i128,
    stepped_at: Option<Duration>,
}

impl Moments {
    pub(super) fn new(clock: Clock) -> Self {
        let (wall_ns, monotonic) = read(&clock);
        let known = Known {
            origin_ns: wall_ns - nanoseconds(monotonic),
            stepped_at: None,
        };
        Self {
            clock,
            known: Mutex::new(known),
        }
    }

    /// Tells the moment, as the settle step asks for it.
    pub(super) fn teller(self) -> crate::settle::Clock {
        Arc::new(move || {
            let (wall_ns, monotonic) = read(&self.clock);
            self.known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .at(wall_ns, monotonic)
        })
    }
}

impl Known {
    fn at(&mut self, wall_ns: i128, monotonic: Duration) -> Now {
        let origin_ns = wall_ns - nanoseconds(monotonic);
        if (origin_ns - self.origin_ns).abs() > STEP_NS {
            self.stepped_at = Some(monotonic);
            self.origin_ns = origin_ns;
        }
        let since_step = self.stepped_at.map(|at| monotonic.saturating_sub(at));
        Now {
            wall_ns,
            monotonic,
            since_step,
        }
    }
}

fn read(clock: &Clock) -> (i128, Duration) {
    let wall = clock.now().timestamp_nanos_opt().unwrap_or(i64::MAX);
    (i128::from(wall), clock.monotonic())
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_is_noticed_and_slow_drift_is_not_a_step() {
        let mut known = Known {
            origin_ns: 0,
            stepped_at: None,
        };
        let second = |s: u64| (i128::from(s) * 1_000_000_000, Duration::from_secs(s));
        let (wall, monotonic) = second(10);
        assert_eq!(known.at(wall + 1_000_000, monotonic).since_step, None);
        let month = 30 * 86_400 * 1_000_000_000;
        let (wall, monotonic) = second(20);
        assert_eq!(
            known.at(wall + month, monotonic).since_step,
            Some(Duration::ZERO)
        );
        let (wall, monotonic) = second(25);
        assert_eq!(
            known.at(wall + month, monotonic).since_step,
            Some(Duration::from_secs(5))
        );
    }
}
