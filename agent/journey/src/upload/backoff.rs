//! How long to wait before the next attempt: exponential, capped, then full jitter.
//!
//! The jitter comes *after* the cap: a delay is drawn evenly from nothing to the ceiling, so that devices
//! which all reached the cap in the same outage do not come back as one wave ("Exponential Backoff And
//! Jitter", AWS Architecture Blog, 2015: full jitter). The state is a number of attempts, so it survives a
//! restart in the queue's row; chance is an argument, so a seed reproduces it.

use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backoff::exponential::ExponentialBackoff;

/// A row of ever longer delays up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    first: Duration,
    cap: Duration,
}

/// Why a first delay and a cap make no [`Schedule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the first delay ({first:?}) must be longer than nothing and no longer than the cap ({cap:?})"
)]
pub struct BadSchedule {
    first: Duration,
    cap: Duration,
}

/// A clock that stands still: the schedule never gives up by time, so it needs none.
#[derive(Debug, Clone)]
struct Still(Instant);

impl backoff::Clock for Still {
    fn now(&self) -> Instant {
        self.0
    }
}

impl Schedule {
    /// Delays that double from `first` to `cap`.
    ///
    /// # Errors
    /// When `first` is zero or above `cap`.
    pub fn new(first: Duration, cap: Duration) -> Result<Self, BadSchedule> {
        if first.is_zero() || first > cap {
            return Err(BadSchedule { first, cap });
        }
        Ok(Self { first, cap })
    }

    /// Delays that double from `first` to `cap`, with values that make no sense moved to the nearest that do: for
    /// a configuration that was checked already.
    pub fn between(first: Duration, cap: Duration) -> Self {
        let first = first.max(Duration::from_millis(1));
        Self {
            first,
            cap: cap.max(first),
        }
    }

    /// The longest delay that can follow the given number of failed attempts (1 = the first failure).
    pub fn ceiling(&self, attempts: u32) -> Duration {
        let mut steps = ExponentialBackoff::<Still> {
            current_interval: self.first,
            initial_interval: self.first,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: self.cap,
            max_elapsed_time: None,
            clock: Still(Instant::now()),
            start_time: Instant::now(),
        };
        // 64 doublings reach any cap: more steps would only repeat it.
        (0..attempts.clamp(1, 64))
            .filter_map(|_| steps.next_backoff())
            .last()
            .unwrap_or(self.cap)
            .min(self.cap)
    }

    /// The delay after the given number of failed attempts; `chance` is drawn evenly from 0 to 1.
    pub fn delay(&self, attempts: u32, chance: f64) -> Duration {
        self.ceiling(attempts).mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The longest delay of all.
    pub const fn cap(&self) -> Duration {
        self.cap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ceilings_double_up_to_the_cap_and_stay_there(first in 1u64..10_000, times in 1u64..5_000, attempts in 1u32..200) {
            let schedule = Schedule::new(Duration::from_millis(first), Duration::from_millis(first * times)).unwrap();
            let doubled = first.saturating_mul(1u64.checked_shl(attempts - 1).unwrap_or(u64::MAX)).min(first * times);
            let ceiling = schedule.ceiling(attempts).as_secs_f64() * 1000.0;
            // An hour's cap is 3.6e6 ms: the crate rounds each doubling to nanoseconds.
            prop_assert!((ceiling - doubled as f64).abs() < 1.0, "{ceiling} is not {doubled}");
        }

        #[test]
        fn jitter_spreads_over_all_of_the_ceiling_even_at_the_cap(chance in 0.0f64..=1.0, attempts in 1u32..100) {
            let schedule = Schedule::new(Duration::from_secs(5), Duration::from_secs(3600)).unwrap();
            let delay = schedule.delay(attempts, chance).as_secs_f64();
            prop_assert!((delay - schedule.ceiling(attempts).as_secs_f64() * chance).abs() < 1e-6);
        }
    }

    #[test]
    fn a_schedule_that_cannot_grow_is_refused() {
        assert!(Schedule::new(Duration::ZERO, Duration::from_secs(1)).is_err());
        assert!(Schedule::new(Duration::from_secs(2), Duration::from_secs(1)).is_err());
    }
}
