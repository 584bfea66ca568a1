//! How long an image that was stored keeps its site in the pipeline.
//!
//! Durations only: who asks knows the time. A site that was held when its agent died is held on by what the queue
//! remembers; a wall clock that was set meanwhile may lengthen a hold to its full time again, and never beyond.

use std::time::Duration;

/// What ends the stay of a site in the pipeline, counted from the moment at which its image was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The verified upload itself.
    Upload,
    /// So much time after it.
    For(Duration),
    /// The pipeline's result, or this much time without one.
    Result {
        /// Longest wait.
        limit: Duration,
    },
}

impl Hold {
    /// How long it can last; nothing where the upload ends the stay.
    pub const fn longest(self) -> Duration {
        match self {
            Self::Upload => Duration::ZERO,
            Self::For(time) | Self::Result { limit: time } => time,
        }
    }

    /// What is left of it at `now_ms` for an image that was verified at `verified_ms`, both on the wall clock in
    /// milliseconds. An image from the future (the clock went back) is held for the whole time.
    pub fn left(self, verified_ms: i64, now_ms: i64) -> Duration {
        let since = now_ms.saturating_sub(verified_ms).max(0).unsigned_abs();
        self.longest().saturating_sub(Duration::from_millis(since))
    }
}

/// How long to wait before it is looked for a result, `elapsed` after the image was verified: a quarter of that, from
/// 2 s to 30 s. So a result is noticed at most a quarter of its own time late.
pub fn next_look(elapsed: Duration) -> Duration {
    (elapsed / 4).clamp(Duration::from_secs(2), Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_clock_makes_a_hold_longer_than_it_is(verified in any::<i64>(), now in any::<i64>(), seconds in 0u64..100_000) {
            let hold = Hold::For(Duration::from_secs(seconds));
            let left = hold.left(verified, now);
            prop_assert!(left <= hold.longest());
            prop_assert!(now > verified || left == hold.longest());
        }

        #[test]
        fn a_result_is_noticed_soon_and_asked_for_rarely(done_ms in 0u64..900_000) {
            let done = Duration::from_millis(done_ms);
            let (mut elapsed, mut looks) = (Duration::ZERO, 0);
            while elapsed < done {
                elapsed += next_look(elapsed);
                looks += 1;
            }
            prop_assert!(elapsed <= done + (done / 4).max(Duration::from_secs(2)));
            prop_assert!(looks <= 15 + done_ms / 24_000, "{looks} looks for {done:?}");
        }
    }

    #[test]
    fn what_is_left_of_a_hold_is_counted_from_the_verification() {
        let hold = Hold::For(Duration::from_secs(30));
        assert_eq!(hold.left(1_000, 11_000), Duration::from_secs(20));
        assert_eq!(hold.left(1_000, 31_000), Duration::ZERO);
        assert_eq!(Hold::Upload.left(1_000, 1_000), Duration::ZERO);
    }
}
