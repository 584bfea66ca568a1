//! The one source of time: the wall clock, which may be wrong and may step, and a monotonic one.
//!
//! Everything that needs "now" takes a [`Clock`]; everything that sleeps does so through tokio, so that a
//! simulation on a paused runtime moves both together.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// A handle to the time, cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
struct Source {
    started: Instant,
    /// The wall time at `started`, when it is simulated; the system's clock otherwise.
    simulated: Option<DateTime<Utc>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source {
            started: Instant::now(),
            simulated: None,
        }))
    }

    /// A clock that shows `start` now and moves with tokio's time, which a simulation pauses.
    pub fn simulated(start: DateTime<Utc>) -> Self {
        Self(Arc::new(Source {
            started: Instant::now(),
            simulated: Some(start),
        }))
    }

    /// The wall clock.
    pub fn now(&self) -> DateTime<Utc> {
        match self.0.simulated {
            None => Utc::now(),
            Some(start) => {
                start
                    + chrono::Duration::from_std(self.monotonic()).unwrap_or(chrono::Duration::MAX)
            }
        }
    }

    /// The wall clock in milliseconds since 1970, as the queue keeps it.
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Time since this clock was made; never goes back.
    pub fn monotonic(&self) -> Duration {
        self.0.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_moves_with_the_paused_runtime() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::simulated(start);
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(clock.now(), start + chrono::Duration::days(1));
        assert_eq!(clock.monotonic(), Duration::from_secs(86_400));
    }
}
