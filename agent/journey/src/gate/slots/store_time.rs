//! Whether the store's clock can be relied on to say how old a record is.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{DRIFT_PPM, Exchange};

/// What two answers may disagree by without anybody's clock having been set: the machines of one store.
const TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// What is known of the store's clock, from the `Date` of its answers.
///
/// Every answer bounds how far the store's clock is ahead of ours (the boot-time one): its `Date` was written
/// between the sending of the request and the answer's arrival. Bounds that have nothing in common mean that the
/// store's clock was set, or that one of its machines is off: what was modified before and what is dated after must
/// not be compared, until whatever is held has been renewed under the new time.
#[derive(Debug, Clone, Default)]
pub struct StoreTime {
    /// How far ahead the store is, at least and at most, and when that was known.
    bounds: Option<(TimeDelta, TimeDelta, Duration)>,
    distrusted_until: Duration,
}

impl StoreTime {
    /// Learns from an answer; a clock that was seen to jump is not relied on for `time`.
    pub fn learn(&mut self, exchange: &Exchange, time: Duration) {
        let Some(date) = exchange.date else { return };
        let ahead = |moment: Duration| date.timestamp_millis() - millis(moment);
        let low = TimeDelta::milliseconds(ahead(exchange.received));
        // `Date` has whole seconds: the moment was up to one later.
        let high = TimeDelta::milliseconds(ahead(exchange.sent)) + TimeDelta::seconds(1);
        let Some((known_low, known_high, since)) = self.bounds else {
            self.bounds = Some((low, high, exchange.received));
            return;
        };
        let drift = TimeDelta::milliseconds(
            millis(exchange.received.saturating_sub(since)) * i64::from(DRIFT_PPM) / 1_000_000,
        );
        let (known_low, known_high) = (known_low - drift, known_high + drift);
        if low > known_high + TOLERANCE || high < known_low - TOLERANCE {
            self.distrusted_until = exchange.received + time;
            self.bounds = Some((low, high, exchange.received));
        } else {
            let (low, high) = (low.max(known_low), high.min(known_high));
            // Apart by the tolerance: then the newest is as good as any.
            self.bounds = Some((low.min(high), high.max(low), exchange.received));
        }
    }

    /// How old an object is that was `modified` then, by an answer of `date` that arrived at `now`; `None` while
    /// the store's clock is not relied on.
    pub fn age(
        &self,
        date: Option<DateTime<Utc>>,
        modified: DateTime<Utc>,
        now: Duration,
    ) -> Option<Duration> {
        if now < self.distrusted_until {
            return None;
        }
        (date? - modified).to_std().ok()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEASE: Duration = Duration::from_secs(60);

    fn exchange(sent: u64, took: u64, date_ms: i64) -> Exchange {
        Exchange {
            sent: Duration::from_millis(sent),
            received: Duration::from_millis(sent + took),
            date: DateTime::from_timestamp(date_ms.div_euclid(1000), 0),
        }
    }

    proptest! {
        #[test]
        fn a_steady_clock_is_relied_on_however_slow_the_answers(
            offset in -1_000_000_000i64..1_000_000_000_000,
            trips in proptest::collection::vec((0u64..600_000, 0u64..30_000, 0.0f64..1.0), 1..50),
        ) {
            let mut time = StoreTime::default();
            let mut now = 5_000;
            for (wait, took, when) in trips {
                now += wait;
                let written = now as i64 + (took as f64 * when) as i64 + offset;
                let exchange = exchange(now, took, written);
                time.learn(&exchange, LEASE);
                now += took;
                prop_assert!(time.age(exchange.date, DateTime::UNIX_EPOCH - TimeDelta::days(365), exchange.received).is_some());
            }
        }

        #[test]
        fn a_jump_ahead_is_seen_and_distrusted_for_a_lease(jump in 6_000i64..10_000_000, took in 0u64..1000, ahead: bool) {
            let mut time = StoreTime::default();
            let start = 1_700_000_000_000;
            time.learn(&exchange(1000, took, start + 1000), LEASE);
            let jump = if ahead { jump } else { -jump };
            let late = exchange(20_000, took, start + 20_000 + jump);
            time.learn(&late, LEASE);
            let modified = DateTime::UNIX_EPOCH;
            prop_assert_eq!(time.age(late.date, modified, late.received), None);
            let calm = exchange(20_000 + 60_000 + took, 100, start + 80_000 + took as i64 + jump);
            time.learn(&calm, LEASE);
            prop_assert!(time.age(calm.date, modified, calm.received).is_some());
        }
    }
}
