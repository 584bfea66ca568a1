//! How long something takes: a distribution that gives one duration for one number in 0..1.

use std::time::Duration;

use super::measured;

/// A distribution of durations, as its quantile function.
#[derive(Debug, Clone, PartialEq)]
pub struct Times(Shape);

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Constant(Duration),
    /// (level, seconds), both rising, from level 0 to level 1.
    Table(&'static [(f64, f64)]),
    /// Each as likely as the others; rising.
    Sample(Vec<Duration>),
}

impl Times {
    /// Always the same.
    pub const fn constant(time: Duration) -> Self {
        Self(Shape::Constant(time))
    }

    /// The execution time that the reference pipeline was billed for, cold start included: median 19.4 s, 95th
    /// percentile 25.8 s.
    pub const fn measured_service() -> Self {
        Self(Shape::Table(&measured::SERVICE))
    }

    /// The reference pipeline's time from the event to the billed execution: median 1.8 s.
    pub const fn measured_delivery() -> Self {
        Self(Shape::Table(&measured::DELIVERY))
    }

    /// The times of a sample, each as likely as the others; `None` for an empty one.
    pub fn sample(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        (!times.is_empty()).then_some(Self(Shape::Sample(times)))
    }

    /// The quantile of `level` (0..=1; what lies outside is taken for the nearer end), in whole milliseconds for
    /// tables.
    pub fn quantile(&self, level: f64) -> Duration {
        let level = level.clamp(0.0, 1.0);
        match &self.0 {
            Shape::Constant(time) => *time,
            Shape::Table(table) => interpolated(table, level),
            Shape::Sample(times) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "an index below the length"
                )]
                let index = (level * times.len() as f64) as usize;
                times[index.min(times.len() - 1)]
            }
        }
    }
}

/// The value at `level` of a table that begins at level 0 and ends at level 1.
fn interpolated(table: &[(f64, f64)], level: f64) -> Duration {
    let above = table.partition_point(|(at, _)| *at < level).max(1);
    let ((low, from), (high, to)) = (table[above - 1], table[above.min(table.len() - 1)]);
    let share = if high > low {
        (level - low) / (high - low)
    } else {
        0.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of one execution, in milliseconds"
    )]
    Duration::from_millis(((from + share * (to - from)) * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_greater_level_is_never_a_shorter_time(a in -0.5_f64..1.5, b in -0.5_f64..1.5, sample in proptest::collection::vec(0_u64..100_000, 1..20)) {
            let (low, high) = (a.min(b), a.max(b));
            let sample = Times::sample(sample.into_iter().map(Duration::from_millis).collect()).unwrap();
            for times in [Times::measured_service(), Times::measured_delivery(), sample] {
                prop_assert!(times.quantile(low) <= times.quantile(high));
            }
        }
    }

    #[test]
    fn the_tables_give_what_the_reference_experiment_published() {
        let seconds =
            |times: Times, levels: [f64; 4]| levels.map(|l| times.quantile(l).as_secs_f64());
        let levels = [0.5, 0.95, 0.99, 1.0];
        for (got, published) in [
            (
                seconds(Times::measured_service(), levels),
                [19.4, 25.8, 28.9, 34.8],
            ),
            (
                seconds(Times::measured_delivery(), levels),
                [1.8, 2.4, 2.6, 12.1],
            ),
        ] {
            for (got, published) in got.iter().zip(published) {
                assert!((got - published).abs() <= 0.1, "{got} for {published}");
            }
        }
        for table in [&measured::SERVICE[..], &measured::DELIVERY[..]] {
            assert_eq!((table[0].0, table[table.len() - 1].0), (0.0, 1.0));
            assert!(
                table
                    .windows(2)
                    .all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1)
            );
        }
    }

    #[test]
    fn a_sample_gives_each_of_its_times_equally_often() {
        let times = Times::sample([3, 1, 2].map(Duration::from_secs).to_vec()).unwrap();
        let drawn: Vec<u64> = (0..9)
            .map(|i| times.quantile(f64::from(i) / 9.0).as_secs())
            .collect();
        assert_eq!(drawn, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
        assert_eq!(Times::sample(Vec::new()), None);
    }
}
