//! The bandwidth limit: one token bucket that all uploads share.
//!
//! Over any stretch of time no more bytes start than `rate` times its length, plus one burst (a quarter of a
//! second's worth, or one piece if that is more). Takers are served in the order they ask.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The largest piece read and handed on at once: memory of an upload, and the grain of its progress. Below glibc's
/// 128 KiB, above which a freed block makes its allocator keep more from then on.
pub(super) const LARGEST_PIECE: u64 = 112 * 1024;
const SMALLEST_PIECE: u64 = 4 * 1024;

/// A shared limit in bytes a second, or none.
#[derive(Debug)]
pub(super) struct Limiter(Option<Bucket>);

#[derive(Debug)]
struct Bucket {
    rate: NonZeroU64,
    /// When everything granted so far will have drained.
    drained: Mutex<Instant>,
}

impl Limiter {
    /// A limiter of `rate` bytes a second; `None` never waits.
    pub(super) fn new(rate: Option<NonZeroU64>) -> Self {
        Self(rate.map(|rate| Bucket {
            rate,
            drained: Mutex::new(Instant::now()),
        }))
    }

    /// The largest piece, in bytes, that may be taken at once.
    pub(super) fn piece(&self) -> u64 {
        match &self.0 {
            None => LARGEST_PIECE,
            Some(bucket) => (bucket.rate.get() / 4).clamp(SMALLEST_PIECE, LARGEST_PIECE),
        }
    }

    /// Waits until `bytes` may go. A taker that is dropped while it waits leaves its share unused.
    pub(super) async fn take(&self, bytes: u64) {
        let Some(bucket) = &self.0 else { return };
        let start = {
            let mut drained = bucket
                .drained
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let (start, after) = grant(Instant::now(), *drained, bytes, bucket.rate);
            *drained = after;
            start
        };
        tokio::time::sleep_until(start).await;
    }
}

/// When `bytes` may start and when the bucket has then drained, if it drains at `drained` now.
fn grant(now: Instant, drained: Instant, bytes: u64, rate: NonZeroU64) -> (Instant, Instant) {
    let after = drained.max(now) + worth(bytes, rate);
    let burst = worth(LARGEST_PIECE.min(rate.get() / 4).max(SMALLEST_PIECE), rate);
    let start = after.checked_sub(burst).unwrap_or(now).max(now);
    (start, after)
}

fn worth(bytes: u64, rate: NonZeroU64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate.get() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_stretch_of_time_carries_more_than_its_share_and_one_burst(
            rate in 1u64..2_000_000, pauses in proptest::collection::vec(0u64..2_000, 1..60),
        ) {
            let rate = NonZeroU64::new(rate).unwrap();
            let piece = Limiter::new(Some(rate)).piece();
            let zero = Instant::now();
            let (mut now, mut drained, mut starts) = (zero, zero, Vec::new());
            for pause in pauses {
                now += Duration::from_millis(pause);
                let (start, after) = grant(now, drained, piece, rate);
                prop_assert!(start >= now && starts.last().is_none_or(|&last| start >= last));
                drained = after;
                starts.push(start);
            }
            for first in 0..starts.len() {
                for last in first..starts.len() {
                    let bytes = (last - first + 1) as f64 * piece as f64;
                    let share = (starts[last] - starts[first]).as_secs_f64() * rate.get() as f64;
                    prop_assert!(bytes <= share + piece as f64 * 1.001 + 1.0, "{} > {}", bytes, share);
                }
            }
        }

        #[test]
        fn a_limit_is_used_up_while_somebody_always_asks(rate in 1u64..2_000_000, pieces in 1u32..50) {
            let rate = NonZeroU64::new(rate).unwrap();
            let piece = Limiter::new(Some(rate)).piece();
            let zero = Instant::now();
            let (mut drained, mut start) = (zero, zero);
            for _ in 0..pieces {
                (start, drained) = grant(start, drained, piece, rate);
            }
            let ideal = (pieces - 1) as f64 * piece as f64 / rate.get() as f64;
            prop_assert!((start - zero).as_secs_f64() <= ideal * 1.001 + 0.001);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn takers_share_the_limit_and_no_limit_costs_no_time() {
        let began = Instant::now();
        Limiter::new(None).take(u64::MAX).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let limiter = Limiter::new(NonZeroU64::new(100_000));
        let two = || async {
            for _ in 0..20 {
                limiter.take(25_000).await;
            }
        };
        tokio::join!(two(), two());
        assert_eq!(began.elapsed().as_millis(), 9_750);
    }
}
