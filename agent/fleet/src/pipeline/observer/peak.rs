//! A count over time: its peak, its peak of late, its mean.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Level {
    now: u32,
    since: Duration,
    /// Count times seconds, up to `since`.
    area: f64,
    peak: u32,
    peak_at: Duration,
    late_peak: u32,
}

impl Level {
    pub(super) fn set(&mut self, at: Duration, count: u32) {
        self.area += f64::from(self.now) * at.saturating_sub(self.since).as_secs_f64();
        (self.now, self.since) = (count, at);
        self.late_peak = self.late_peak.max(count);
        if count > self.peak {
            (self.peak, self.peak_at) = (count, at);
        }
    }

    pub(super) const fn now(&self) -> u32 {
        self.now
    }

    /// The greatest count, and when it was first reached.
    pub(super) const fn peak(&self) -> (u32, Duration) {
        (self.peak, self.peak_at)
    }

    /// The greatest count since the last call.
    pub(super) fn take_peak(&mut self) -> u32 {
        std::mem::replace(&mut self.late_peak, self.now)
    }

    /// The mean from the start to `at`; 0 when no time has passed.
    pub(super) fn mean(&self, at: Duration) -> f64 {
        let area = self.area + f64::from(self.now) * at.saturating_sub(self.since).as_secs_f64();
        if at.is_zero() {
            0.0
        } else {
            area / at.as_secs_f64()
        }
    }
}
