//! One direction of a link of limited rate: pieces go one after the other.

use std::time::Duration;

use tokio::time::Instant;

/// When the way is free again.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    free_at: Option<Instant>,
}

impl Pipe {
    /// Takes the way for `bytes`, after all that took it before; gives the moment at which the last of them has passed.
    pub(super) fn reserve(&mut self, now: Instant, bytes: u64, rate: Option<u64>) -> Instant {
        let Some(rate) = rate else {
            self.free_at = None;
            return now;
        };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let begins = self.free_at.map_or(now, |free_at| free_at.max(now));
        let ends = begins + takes;
        self.free_at = Some(ends);
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_never_carries_more_than_its_rate_and_is_never_idle_for_long(
            pieces in prop::collection::vec((0_u64..5_000, 1_u64..50_000), 1..40), rate in 100_u64..100_000,
        ) {
            let (start, mut pipe) = (Instant::now(), Pipe::default());
            let (mut now, mut free) = (0.0_f64, 0.0_f64);
            for (later, bytes) in pieces {
                now += later as f64 / 1000.0;
                free = free.max(now) + bytes as f64 / rate as f64;
                let passed = pipe.reserve(start + Duration::from_secs_f64(now), bytes, Some(rate)) - start;
                prop_assert!((passed.as_secs_f64() - free).abs() < 1e-3, "{passed:?} for {free}");
            }
        }
    }
}
