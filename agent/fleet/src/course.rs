//! The true time of a run: what every clock of it is judged by.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// A run's time, which moves with tokio's: paused in virtual time, the machine's in real time.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    start: DateTime<Utc>,
    began: Instant,
}

impl Course {
    /// A run that begins now, when it is `start`.
    pub fn begin(start: DateTime<Utc>) -> Self {
        Self {
            start,
            began: Instant::now(),
        }
    }

    /// When the run began.
    pub const fn start(&self) -> DateTime<Utc> {
        self.start
    }

    /// Time since the beginning.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// What a right clock shows now.
    pub fn wall(&self) -> DateTime<Utc> {
        self.at(self.now())
    }

    /// What a right clock shows at `since` the beginning.
    pub fn at(&self, since: Duration) -> DateTime<Utc> {
        self.start + TimeDelta::from_std(since).unwrap_or(TimeDelta::MAX)
    }

    /// How long after the beginning a moment is; nothing for one before it.
    pub fn since(&self, moment: DateTime<Utc>) -> Duration {
        (moment - self.start).to_std().unwrap_or_default()
    }

    /// Returns at `at` after the beginning.
    pub async fn reach(&self, at: Duration) {
        tokio::time::sleep_until(self.began + at).await;
    }
}
