//! Outages as the samples show them, and how evenly the fleet came back: pure.
//!
//! An outage is a stretch of at least ten minutes in which at most half of the sites had a link. The *return* is the
//! time from its end until no more images wait than in the two hours before it, at most six hours. Requests of the
//! return are counted in steps of a minute (or of a sample, if those are further apart); a step without a sample has
//! its share of the next one's.

use chrono::{DateTime, TimeDelta, Utc};

use crate::record::Sample;

const SHORTEST: TimeDelta = TimeDelta::minutes(10);
const BEFORE: TimeDelta = TimeDelta::hours(2);
const LONGEST_RETURN: TimeDelta = TimeDelta::hours(6);

/// A stretch in which most of the fleet had no link, and the return from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outage {
    /// The first sample in it.
    pub from: DateTime<Utc>,
    /// The first sample after it.
    pub to: DateTime<Utc>,
    /// When the queues were as before, or the return was given up on.
    pub returned: DateTime<Utc>,
    /// Whether the queues were as before then.
    pub drained: bool,
    /// Requests of the busiest step of the return over those of the mean step.
    pub peak_to_mean: f64,
}

/// The outages among these samples, which are in order of time, of a fleet of `sites`.
#[must_use]
pub fn outages(samples: &[Sample], sites: u32) -> Vec<Outage> {
    let away = |sample: &Sample| sites > 0 && sample.online <= sites / 2;
    let mut found = Vec::new();
    let mut begin = None;
    for (index, sample) in samples.iter().enumerate() {
        match (begin, away(sample)) {
            (None, true) => begin = Some(index),
            (Some(from), false) => {
                begin = None;
                if sample.at - samples[from].at >= SHORTEST {
                    found.extend(Outage::of(samples, from, index));
                }
            }
            _ => {}
        }
    }
    found
}

impl Outage {
    /// The outage of samples `from..to`, with the return after it. `None` if nothing was recorded of a return.
    fn of(samples: &[Sample], from: usize, to: usize) -> Option<Self> {
        let start = samples[from].at;
        let end = samples[to].at;
        let usual = samples[..from].iter().rev();
        let usual = usual.take_while(|sample| start - sample.at <= BEFORE);
        let usual = usual.map(|sample| sample.waiting).max().unwrap_or(0);
        let after = &samples[to..];
        let count = after
            .iter()
            .take_while(|sample| sample.at - end <= LONGEST_RETURN)
            .position(|sample| sample.waiting <= usual && sample.at > end);
        let last = count.unwrap_or_else(|| {
            after
                .iter()
                .rposition(|sample| sample.at - end <= LONGEST_RETURN)
                .unwrap_or(0)
        });
        Some(Self {
            from: start,
            to: end,
            returned: after.get(last)?.at,
            drained: count.is_some(),
            peak_to_mean: peak_to_mean(&after[..=last])?,
        })
    }
}

/// The busiest minute's requests over the mean minute's; `None` without a request. The first sample only begins it.
fn peak_to_mean(samples: &[Sample]) -> Option<f64> {
    let start = samples.first()?.at;
    let length = (samples.last()?.at - start).as_seconds_f64();
    let spacing = samples
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_seconds_f64())
        .fold(60.0, f64::max);
    let steps = (length / spacing).round().max(1.0) as usize;
    let mut counts = vec![0.0f64; steps];
    for sample in &samples[1..] {
        let place = (sample.at - start).as_seconds_f64() / spacing;
        // A sample tells of the time before it: what stands on a border belongs to the earlier step.
        let step = (place.ceil() as usize).clamp(1, steps) - 1;
        counts[step] += sample.requests_since as f64;
    }
    let mean = counts.iter().sum::<f64>() / steps as f64;
    let peak = counts.iter().copied().fold(0.0, f64::max);
    (mean > 0.0).then(|| peak / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample a minute: sites online, images waiting, requests since.
    fn minutes(rows: &[(u32, u64, u64)]) -> Vec<Sample> {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().expect("a time");
        let rows = rows.iter().zip(0i64..);
        rows.map(|(&(online, waiting, requests_since), minute)| Sample {
            at: start + TimeDelta::minutes(minute),
            online,
            waiting,
            requests_since,
            ..Sample::default()
        })
        .collect()
    }

    #[test]
    fn a_return_ends_when_no_more_waits_than_before_and_is_judged_by_its_minutes() {
        let mut rows = vec![(10, 2, 5); 5];
        rows.extend(vec![(0, 50, 0); 20]);
        rows.extend([
            (10, 60, 0),
            (10, 40, 30),
            (10, 20, 10),
            (10, 2, 20),
            (10, 0, 999),
        ]);
        let found = outages(&minutes(&rows), 10);
        assert_eq!(found.len(), 1);
        let outage = found[0];
        assert_eq!(outage.to - outage.from, TimeDelta::minutes(20));
        assert_eq!(outage.returned - outage.to, TimeDelta::minutes(3));
        assert!(outage.drained);
        assert!(
            (outage.peak_to_mean - 1.5).abs() < 1e-9,
            "30 of a mean of 20: {outage:?}"
        );
    }

    #[test]
    fn a_return_that_does_not_drain_says_so() {
        let mut rows = vec![(10, 0, 5); 2];
        rows.extend(vec![(5, 50, 0); 15]);
        rows.extend(vec![(10, 50, 7); 30]);
        let found = outages(&minutes(&rows), 10);
        assert!(!found[0].drained);
        assert!((found[0].peak_to_mean - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn short_or_partial_failures_are_no_outage() {
        let mut rows = vec![(0, 0, 1); 9];
        rows.extend(vec![(10, 0, 1); 5]);
        rows.extend(vec![(6, 0, 1); 30]);
        rows.push((10, 0, 1));
        assert_eq!(outages(&minutes(&rows), 10), []);
        assert_eq!(outages(&[], 10), []);
    }
}
