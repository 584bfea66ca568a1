//! The server's notion of time, as a value that tests own.
//!
//! Every moment the store writes or judges (`Date` headers, `Last-Modified`, the 15 minutes of signature skew) is read
//! from one [`Clock`]. A clock can follow the system, tokio's (pausable) time or any function, and can be put off by a
//! signed number of seconds while the store runs.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// A shared clock; clones show the same time.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// The time of the machine.
    pub fn system() -> Self {
        Self::from_fn(SystemTime::now)
    }

    /// Starts at `start` and advances with tokio's clock, so that it stands still and jumps with a paused runtime.
    pub fn tokio(start: SystemTime) -> Self {
        let origin = tokio::time::Instant::now();
        Self::from_fn(move || start + origin.elapsed())
    }

    /// The time that `source` returns.
    pub fn from_fn(source: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            source: Arc::new(source),
            offset_seconds: Arc::default(),
        }
    }

    /// The time of the source plus the offset.
    pub fn now(&self) -> SystemTime {
        self.now_off_by(0)
    }

    /// Puts the clock `seconds` before (negative) or after its source, from now on.
    pub fn set_offset_seconds(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::Relaxed);
    }

    /// [`Clock::now`] with a further offset of `seconds`, for one request.
    pub(crate) fn now_off_by(&self, seconds: i64) -> SystemTime {
        let seconds = self
            .offset_seconds
            .load(Ordering::Relaxed)
            .saturating_add(seconds);
        let now = (self.source)();
        let by = Duration::from_secs(seconds.unsigned_abs());
        let moved = if seconds < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        moved.unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tokio_clock_follows_paused_time_and_the_offset() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let clock = Clock::tokio(start);
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(clock.now(), start + Duration::from_secs(86_400));
        clock.clone().set_offset_seconds(-400);
        assert_eq!(clock.now(), start + Duration::from_secs(86_000));
        clock.set_offset_seconds(0);
        assert_eq!(clock.now(), start + Duration::from_secs(86_400));
    }
}
