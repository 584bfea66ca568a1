//! Percentiles: of n values in ascending order, the p-th is the one at place ⌈p/100 · n⌉ (nearest rank).
//!
//! So a percentile is always a value that occurred, and the 100th is the largest.

use serde::{Deserialize, Serialize};

/// How values spread: all in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub p50: f64,
    /// 95 of 100 values are at most this.
    pub p95: f64,
    /// 99 of 100 values are at most this.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of these values, in any order. `None` when there are none; values that are no number are left out.
    #[must_use]
    pub fn of(values: Vec<f64>) -> Option<Self> {
        let sorted = sorted(values);
        Some(Self {
            p50: percentile(&sorted, 50.0)?,
            p95: percentile(&sorted, 95.0)?,
            p99: percentile(&sorted, 99.0)?,
            max: percentile(&sorted, 100.0)?,
        })
    }
}

/// The values in ascending order, without what is no number.
#[must_use]
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| !value.is_nan());
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The `p`-th percentile (0 to 100) of ascending values by nearest rank; `None` when there are none.
#[must_use]
pub fn percentile(ascending: &[f64], p: f64) -> Option<f64> {
    // p · n before the division: 0.95 · 100 is a little more than 95 in binary.
    let rank = (p.clamp(0.0, 100.0) * ascending.len() as f64 / 100.0).ceil() as usize;
    ascending.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_one_to_a_hundred_the_percentile_is_its_own_number() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        for p in 1..=100 {
            assert_eq!(percentile(&values, f64::from(p)), Some(f64::from(p)));
        }
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&[], 50.0), None);
    }

    proptest! {
        #[test]
        fn at_least_p_of_the_values_are_at_most_the_percentile_and_fewer_are_below_it(
            values in prop::collection::vec(-1_000i32..1_000, 1..200), p in 1u8..=100,
        ) {
            let ascending = sorted(values.iter().copied().map(f64::from).collect());
            let found = percentile(&ascending, f64::from(p)).expect("there are values");
            let at_most = ascending.iter().filter(|value| **value <= found).count();
            let below = ascending.iter().filter(|value| **value < found).count();
            prop_assert!(at_most * 100 >= usize::from(p) * ascending.len());
            prop_assert!(below * 100 < usize::from(p) * ascending.len());
        }
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let spread = Spread::of(vec![3.0, f64::NAN, 1.0]).expect("two values");
        assert_eq!((spread.p50, spread.max), (1.0, 3.0));
        assert_eq!(Spread::of(vec![f64::NAN]), None);
    }
}
