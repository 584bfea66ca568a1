//! From many rows to the few points that a chart has: pure.

use crate::record::{ImageRecord, Sample};

use super::chart::Whisker;
use super::spread::{percentile, sorted};

/// The most points of a line over time.
const POINTS: f64 = 240.0;

/// Widths of a step of time, in seconds.
const WIDTHS: [f64; 13] = [
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0, 43_200.0, 86_400.0,
    604_800.0,
];

/// Even steps of time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Steps {
    /// Begin of the first.
    pub(super) start: f64,
    /// Of one.
    pub(super) width: f64,
    /// How many.
    pub(super) count: usize,
}

impl Steps {
    /// Steps between two moments, none shorter than `least`; `None` if there is no time between them.
    pub(super) fn between(start: f64, end: f64, least: f64) -> Option<Self> {
        let wanted = ((end - start) / POINTS).max(least);
        let good = WIDTHS.into_iter().find(|width| *width >= wanted);
        let width = good.unwrap_or(wanted);
        let start = (start / width).floor() * width;
        let count = ((end - start) / width).ceil();
        (end > start).then_some(Self {
            start,
            width,
            count: count as usize,
        })
    }

    fn step(&self, at: f64) -> Option<usize> {
        let step = ((at - self.start) / self.width).floor();
        (step >= 0.0 && step < self.count as f64).then_some(step as usize)
    }

    /// The middle of a step.
    fn middle(&self, step: usize) -> f64 {
        self.start + (step as f64 + 0.5) * self.width
    }

    /// Each step's values: moments with values, in any order.
    fn sort(&self, values: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<f64>> {
        let mut steps = vec![Vec::new(); self.count];
        for (at, value) in values {
            if let Some(step) = self.step(at) {
                steps[step].push(value);
            }
        }
        steps.into_iter().map(sorted).collect()
    }

    /// Steps for values of these moments: as short as these, or so long that hardly one between the first and the
    /// last value is empty, for values that come once an hour make no line of minutes.
    fn for_values(self, moments: &[f64]) -> Self {
        let wider = WIDTHS.into_iter().filter(|width| *width > self.width);
        let end = self.start + self.width * self.count as f64;
        let all = std::iter::once(self)
            .chain(wider.filter_map(|width| Self::between(self.start, end, width)));
        let mut best = self;
        for steps in all {
            if steps.count < 8 {
                break;
            }
            best = steps;
            let mut taken: Vec<usize> = moments.iter().filter_map(|at| steps.step(*at)).collect();
            taken.sort_unstable();
            taken.dedup();
            let reach = taken
                .last()
                .zip(taken.first())
                .map_or(0, |(last, first)| last - first + 1);
            if taken.len() * 10 >= reach * 7 {
                break;
            }
        }
        best
    }

    /// Moments with values in steps that suit them, and the values of each.
    pub(super) fn sort_wide(&self, values: &[(f64, f64)]) -> (Self, Vec<Vec<f64>>) {
        let moments: Vec<f64> = values.iter().map(|value| value.0).collect();
        let steps = self.for_values(&moments);
        (steps, steps.sort(values.iter().copied()))
    }

    /// A percentile of each step's sorted values, at its middle; no number where a step has none.
    pub(super) fn line(&self, values: &[Vec<f64>], p: f64) -> Vec<(f64, f64)> {
        let at = |step: usize| percentile(&values[step], p).unwrap_or(f64::NAN);
        let steps = 0..values.len();
        steps.map(|step| (self.middle(step), at(step))).collect()
    }

    /// What the samples say, a value a step: `fold` joins those of one step. A step without a sample has no number.
    pub(super) fn samples(
        &self,
        samples: &[Sample],
        of: impl Fn(&Sample) -> f64,
        fold: fn(f64, f64) -> f64,
    ) -> Vec<(f64, f64)> {
        let mut steps = vec![f64::NAN; self.count];
        for sample in samples {
            // A sample on a border tells of the time before it.
            if let Some(step) = self.step(seconds(sample.at) - 0.001) {
                let value = of(sample);
                steps[step] = if steps[step].is_nan() {
                    value
                } else {
                    fold(steps[step], value)
                };
            }
        }
        let begin = |step: usize| self.start + step as f64 * self.width;
        steps
            .into_iter()
            .enumerate()
            .map(|(step, value)| (begin(step), value))
            .collect()
    }
}

/// A moment in seconds since 1970.
pub(super) fn seconds(at: chrono::DateTime<chrono::Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// The time between samples that most of them keep, in seconds; 60 for fewer than two.
pub(super) fn spacing(samples: &[Sample]) -> f64 {
    let gaps = samples
        .windows(2)
        .map(|pair| seconds(pair[1].at) - seconds(pair[0].at));
    percentile(&sorted(gaps.collect()), 50.0).unwrap_or(60.0)
}

/// Execution times by how many sites were worked for at once: in the middle of each execution.
///
/// Concurrency is grouped so that there are at most about 16 groups; `x` of a group is its mean.
pub(super) fn by_concurrency(images: &[ImageRecord]) -> Vec<Whisker> {
    let spans: Vec<(f64, f64)> = images
        .iter()
        .filter_map(|image| Some((seconds(image.started_at?), seconds(image.done_at?))))
        .collect();
    let starts = sorted(spans.iter().map(|span| span.0).collect());
    let ends = sorted(spans.iter().map(|span| span.1).collect());
    let at = |moment: f64| {
        let begun = starts.partition_point(|start| *start <= moment);
        begun - ends.partition_point(|end| *end <= moment).min(begun)
    };
    let pairs: Vec<(usize, f64)> = spans
        .iter()
        .map(|(start, end)| (at(f64::midpoint(*start, *end)), end - start))
        .collect();
    let most = pairs.iter().map(|pair| pair.0).max().unwrap_or(0);
    let width = most.div_ceil(16).max(1);
    let mut groups: std::collections::BTreeMap<usize, (usize, Vec<f64>)> =
        std::collections::BTreeMap::new();
    for (concurrent, took) in pairs {
        let group = groups
            .entry(concurrent.saturating_sub(1) / width)
            .or_default();
        group.0 += concurrent;
        group.1.push(took);
    }
    let groups = groups
        .into_values()
        .map(|(sum, values)| (sum as f64 / values.len() as f64, sorted(values)));
    groups
        .map(|(x, values)| Whisker {
            x,
            y: [5.0, 25.0, 50.0, 75.0, 95.0].map(|p| percentile(&values, p).unwrap_or(0.0)),
        })
        .collect()
}

/// Bars of how many values lie where: of even width from the first axis step below the smallest on.
pub(super) fn histogram(values: &[f64], low: f64, high: f64, bars: usize) -> Vec<(f64, f64, f64)> {
    let width = (high - low) / bars as f64;
    let mut counts = vec![0u32; bars];
    for value in values {
        let bar = ((value - low) / width).floor().max(0.0) as usize;
        counts[bar.min(bars - 1)] += 1;
    }
    let left = |bar: usize| low + bar as f64 * width;
    let counts = counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0);
    counts
        .map(|(bar, count)| (left(bar), left(bar + 1), f64::from(count)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_value_of_the_time_is_in_one_step(
            length in 1.0f64..1e7, least in 0.5f64..100.0, at in prop::collection::vec(0.0f64..1.0, 0..50),
        ) {
            let steps = Steps::between(1e9, 1e9 + length, least).expect("there is time");
            prop_assert!(steps.count <= 245, "{steps:?}");
            prop_assert!(steps.width >= least);
            let values = at.iter().map(|part| (1e9 + part * length, 1.0));
            let sorted = steps.sort(values);
            prop_assert_eq!(sorted.iter().map(Vec::len).sum::<usize>(), at.len());
        }

        #[test]
        fn a_histogram_counts_every_value(values in prop::collection::vec(0.0f64..50.0, 0..100)) {
            let bars = histogram(&values, 10.0, 40.0, 30);
            let sum: f64 = bars.iter().map(|bar| bar.2).sum();
            prop_assert_eq!(sum as usize, values.len());
        }
    }

    #[test]
    fn hourly_values_get_steps_of_an_hour_and_constant_ones_keep_theirs() {
        let steps = Steps::between(0.0, 2.0 * 86_400.0, 60.0).expect("there is time");
        assert_eq!(steps.width, 900.0);
        let hourly: Vec<f64> = (0..48).map(|hour| f64::from(hour) * 3600.0 + 5.0).collect();
        assert_eq!(steps.for_values(&hourly).width, 3600.0);
        let each: Vec<f64> = (0..192).map(|step| f64::from(step) * 900.0 + 5.0).collect();
        assert_eq!(steps.for_values(&each), steps);
        assert_eq!(steps.for_values(&[]), steps);
    }

    #[test]
    fn concurrency_is_that_of_the_middle_of_each_execution() {
        let at = |second: i64| chrono::DateTime::from_timestamp(1_000_000 + second, 0);
        let one = |from, to| ImageRecord {
            started_at: at(from),
            done_at: at(to),
            ..crate::report::synthetic::run(crate::report::synthetic::Weather::Calm, 1, 1).images[0]
                .clone()
        };
        let found = by_concurrency(&[one(0, 10), one(1, 11), one(2, 12), one(100, 140)]);
        let found: Vec<(f64, f64)> = found.iter().map(|group| (group.x, group.y[2])).collect();
        assert_eq!(found, [(1.0, 40.0), (3.0, 10.0)]);
    }
}
