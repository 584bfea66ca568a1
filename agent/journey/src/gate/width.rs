//! How many requests at once: halved when the store asks for less, widened again by one for every full
//! round of good answers (additive increase, multiplicative decrease: RFC 5681).

use std::time::Duration;

/// The number of requests that may be under way.
#[derive(Debug, Clone)]
pub struct Width {
    most: f64,
    now: f64,
    pause_until: Duration,
    shrunk_at: Option<Duration>,
}

/// Answers to requests of one round ask for less together: they shrink the width once.
const ROUND: Duration = Duration::from_secs(1);

impl Width {
    /// Starts at its widest.
    pub fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self {
            most,
            now: most,
            pause_until: Duration::ZERO,
            shrunk_at: None,
        }
    }

    /// How many may be under way, at least one.
    pub fn current(&self) -> usize {
        self.now as usize
    }

    /// Until when (monotonic) nothing new is begun.
    pub const fn pause_until(&self) -> Duration {
        self.pause_until
    }

    /// The store asked for less at `now`, and to wait `pause`.
    pub fn busy(&mut self, now: Duration, pause: Duration) {
        let again = self
            .shrunk_at
            .is_none_or(|at| now.saturating_sub(at) >= ROUND);
        if again {
            self.now = (self.now / 2.0).max(1.0);
            self.shrunk_at = Some(now);
        }
        self.pause_until = self.pause_until.max(now + pause);
    }

    /// A request went well.
    pub fn fine(&mut self) {
        self.now = (self.now + 1.0 / self.now).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_stays_between_one_and_the_most(most in 1usize..64, steps in proptest::collection::vec((any::<bool>(), 0u64..5_000), 0..300)) {
            let mut width = Width::new(most);
            let mut now = Duration::ZERO;
            for (fine, millis) in steps {
                now += Duration::from_millis(millis);
                if fine { width.fine() } else { width.busy(now, Duration::from_millis(millis)) }
                prop_assert!((1..=most).contains(&width.current()));
                prop_assert!(fine || width.pause_until() >= now);
            }
        }
    }

    #[test]
    fn one_round_of_refusals_halves_it_once_and_good_rounds_widen_it_again() {
        let mut width = Width::new(8);
        for _ in 0..8 {
            width.busy(Duration::from_secs(9), Duration::from_secs(2));
        }
        assert_eq!(width.current(), 4);
        for _ in 0..40 {
            width.fine();
        }
        assert_eq!(width.current(), 8);
    }
}
