//! How high a river stands: base flow, floods that rise fast and fall slowly, the breath of a day.

use chrono::{DateTime, Utc};

/// Seconds in which up to two floods begin.
const WEEK: i64 = 7 * 86_400;

/// The hydrograph of one river. The same at any moment, whichever moments were asked before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hydrograph {
    seed: u64,
    base: f64,
}

#[derive(Debug, Clone, Copy)]
struct Flood {
    begins: i64,
    peak: f64,
    rise: f64,
    fall: f64,
}

impl Hydrograph {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let base = 0.35 + 0.45 * rng.f64();
        Self { seed, base }
    }

    /// Metres on the gauge.
    pub(super) fn stage(&self, at: DateTime<Utc>) -> f64 {
        let second = at.timestamp();
        let day = (second.rem_euclid(86_400) as f64 / 86_400.0 * std::f64::consts::TAU).sin();
        self.base * (1.0 + 0.04 * day) + self.floods(second)
    }

    /// Whether a flood rises.
    pub(super) fn rises(&self, at: DateTime<Utc>) -> bool {
        let second = at.timestamp();
        self.floods(second) > self.floods(second - 1800) + 0.01
    }

    /// Metres above base flow.
    pub(super) fn above_base(&self, at: DateTime<Utc>) -> f64 {
        self.floods(at.timestamp())
    }

    fn floods(&self, second: i64) -> f64 {
        let week = second.div_euclid(WEEK);
        (week - 2..=week)
            .flat_map(|week| self.of_week(week))
            .map(|flood| flood.height(second))
            .sum()
    }

    fn of_week(&self, week: i64) -> impl Iterator<Item = Flood> {
        let mut rng = fastrand::Rng::with_seed(super::super::seed::mix(&[self.seed, week as u64]));
        (0..rng.u32(0..=2)).map(move |_| Flood {
            begins: week * WEEK + rng.i64(0..WEEK),
            peak: 0.15 + 1.9 * rng.f64().powi(2),
            rise: 3600.0 * (1.5 + 8.0 * rng.f64()),
            fall: 3600.0 * (8.0 + 30.0 * rng.f64()),
        })
    }
}

impl Flood {
    fn height(&self, second: i64) -> f64 {
        let since = (second - self.begins) as f64;
        if since <= 0.0 {
            0.0
        } else if since < self.rise {
            let part = since / self.rise;
            self.peak * part * part * (3.0 - 2.0 * part)
        } else {
            self.peak * (-(since - self.rise) / self.fall).exp()
        }
    }
}
