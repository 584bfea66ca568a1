//! Seeded chance without a sequence: a number in 0..1 for each thing that is drawn, whatever was drawn before.

/// All chance of one pipeline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(pub(super) u64);

/// What is drawn for an event; with the number of the attempt, and of the throttling since.
#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Delivery,
    Service(u32),
    ColdStart(u32),
    Failure(u32),
    Backoff(u32, u32),
}

impl Chance {
    /// At least 0 and less than 1.
    pub(super) fn level(self, id: u64, draw: Draw) -> f64 {
        let (kind, n, m) = match draw {
            Draw::Delivery => (1_u64, 0, 0),
            Draw::Service(n) => (2, n, 0),
            Draw::ColdStart(n) => (3, n, 0),
            Draw::Failure(n) => (4, n, 0),
            Draw::Backoff(n, m) => (5, n, m),
        };
        let which = u64::from(n) << 32 | u64::from(m);
        let seed = [id, kind, which].into_iter().fold(self.0, |seed, part| {
            fastrand::Rng::with_seed(seed.rotate_left(17) ^ part).u64(..)
        });
        fastrand::Rng::with_seed(seed).f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_even_and_those_of_one_event_have_nothing_to_do_with_each_other() {
        let chance = Chance(7);
        let draws = |draw: Draw| (0..20_000).map(move |id| chance.level(id, draw));
        let (mut mean, mut product) = (0.0, 0.0);
        for (a, b) in draws(Draw::Service(1)).zip(draws(Draw::Service(2))) {
            assert!((0.0..1.0).contains(&a));
            mean += a / 20_000.0;
            product += (a - 0.5) * (b - 0.5) / 20_000.0;
        }
        // Four standard errors: 1/sqrt(12 n) for the mean, 1/(12 sqrt n) for the covariance.
        assert!((mean - 0.5).abs() < 0.0082, "{mean}");
        assert!(product.abs() < 0.0024, "{product}");
    }
}
