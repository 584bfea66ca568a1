//! Axes: where a value stands, and which values are named.

use chrono::{DateTime, Timelike as _, Utc};

use crate::report::words::{duration, number};

/// What an axis measures, which says how its ticks are chosen and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Whole numbers.
    Count,
    /// Numbers.
    Number,
    /// Seconds, written as durations.
    Duration,
    /// Seconds, each decade (nearly) as long as the next.
    LogDuration,
    /// Seconds since 1970, written as moments of UTC.
    Moment,
}

/// An axis from the lowest to the highest value shown.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(super) measure: Measure,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) label: String,
}

/// Lengths between ticks of a duration or moment, in seconds.
const STEPS: [f64; 33] = [
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1_200.0,
    1_800.0,
    3_600.0,
    7_200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    345_600.0,
    604_800.0,
    1_209_600.0,
    2_592_000.0,
    7_776_000.0,
];

/// What a logarithmic axis of durations names, in seconds.
const DECADES: [f64; 12] = [
    0.001,
    0.01,
    0.1,
    1.0,
    10.0,
    60.0,
    600.0,
    3_600.0,
    21_600.0,
    86_400.0,
    604_800.0,
    2_592_000.0,
];

impl Axis {
    /// From 0 to at least `highest`, ending at a tick.
    pub(crate) fn from_zero(measure: Measure, highest: f64, label: &str) -> Self {
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = step(measure, highest, 5.0);
        Self {
            measure,
            low: 0.0,
            high: (highest / step - 1e-9).ceil() * step,
            label: label.to_owned(),
        }
    }

    /// A logarithmic axis of durations that holds both values.
    pub(crate) fn decades(lowest: f64, highest: f64, label: &str) -> Self {
        let lowest = lowest.max(DECADES[0]);
        let below = DECADES.iter().rev().find(|tick| **tick <= lowest);
        let above = DECADES.iter().find(|tick| **tick >= highest);
        let low = below.copied().unwrap_or(DECADES[0]);
        Self {
            measure: Measure::LogDuration,
            low,
            high: above.copied().unwrap_or(highest).max(low * 10.0),
            label: label.to_owned(),
        }
    }

    /// Between two values as they are.
    pub(crate) fn between(measure: Measure, low: f64, high: f64, label: &str) -> Self {
        Self {
            measure,
            low,
            high: if high > low { high } else { low + 1.0 },
            label: label.to_owned(),
        }
    }

    /// Where a value stands: 0 at the low end, 1 at the high one; values beyond stand at the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self.measure {
            Measure::LogDuration => {
                (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
            }
            _ => (value - self.low) / (self.high - self.low),
        };
        place.clamp(0.0, 1.0)
    }

    /// The values named, at most about `most`, with their names.
    pub(super) fn ticks(&self, most: f64) -> Vec<(f64, String)> {
        if self.measure == Measure::LogDuration {
            let inside = DECADES
                .iter()
                .filter(|tick| (self.low..=self.high).contains(*tick));
            return inside.map(|tick| (*tick, duration(*tick))).collect();
        }
        let step = step(self.measure, self.high - self.low, most);
        let first = (self.low / step - 1e-9).ceil();
        let count = ((self.high / step + 1e-9).floor() - first).max(0.0) as u32;
        (0..=count)
            .map(|index| (first + f64::from(index)) * step)
            .map(|value| (value, self.name(value, step)))
            .collect()
    }

    fn name(&self, value: f64, step: f64) -> String {
        match self.measure {
            Measure::Count | Measure::Number => number(value),
            Measure::Duration | Measure::LogDuration => duration_of_step(value, step),
            Measure::Moment => moment(value, step),
        }
    }
}

/// All names of an axis in one unit: that of its step, or a larger one which the step is half of.
fn duration_of_step(value: f64, step: f64) -> String {
    let (length, unit) = match step {
        _ if step >= 43_200.0 => (86_400.0, "d"),
        _ if step >= 1_800.0 => (3_600.0, "h"),
        _ if step >= 30.0 => (60.0, "min"),
        _ if step >= 0.1 => (1.0, "s"),
        _ => (0.001, "ms"),
    };
    format!("{} {unit}", number(value / length))
}

fn moment(value: f64, step: f64) -> String {
    let Some(at) = DateTime::<Utc>::from_timestamp_millis((value * 1000.0).round() as i64) else {
        return String::new();
    };
    let midnight = at.num_seconds_from_midnight() == 0;
    let form = match step {
        _ if step >= 86_400.0 || midnight => "%-d %b",
        _ if step < 60.0 => "%H:%M:%S",
        _ => "%H:%M",
    };
    at.format(form).to_string()
}

/// The shortest good length between ticks with which `length` has at most `most` of them.
fn step(measure: Measure, length: f64, most: f64) -> f64 {
    let least = length / most * (1.0 - 1e-9);
    if !matches!(measure, Measure::Count | Measure::Number) {
        let good = STEPS.iter().find(|step| **step >= least);
        return good.copied().unwrap_or(least);
    }
    let decade = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors.into_iter().find(|factor| factor * decade >= least);
    let step = factor.unwrap_or(10.0) * decade;
    match measure {
        Measure::Count => step.max(1.0),
        _ => step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(axis: &Axis, most: f64) -> Vec<String> {
        axis.ticks(most).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_what_a_person_would_write() {
        let counts = Axis::from_zero(Measure::Count, 287.0, "");
        assert_eq!(names(&counts, 5.0), ["0", "100", "200", "300"]);
        let durations = Axis::from_zero(Measure::Duration, 5_000.0, "");
        assert_eq!(
            names(&durations, 5.0),
            ["0 min", "20 min", "40 min", "60 min", "80 min", "100 min"]
        );
        let decades = Axis::decades(2.0, 20_000.0, "");
        assert_eq!(
            names(&decades, 5.0),
            ["1 s", "10 s", "1 min", "10 min", "1 h", "6 h"]
        );
        let day = 1_772_323_200.0;
        let moments = Axis::between(Measure::Moment, day, day + 86_400.0, "");
        assert_eq!(
            names(&moments, 6.0),
            ["1 Mar", "06:00", "12:00", "18:00", "2 Mar"]
        );
    }

    proptest! {
        #[test]
        fn an_axis_from_zero_holds_its_value_and_has_few_ticks(highest in 0.0002f64..2e7, kind in 0u8..3) {
            let measure = [Measure::Number, Measure::Duration, Measure::Count][usize::from(kind)];
            let axis = Axis::from_zero(measure, highest, "");
            let ticks = axis.ticks(5.0);
            prop_assert!(axis.high >= highest * (1.0 - 1e-6));
            let least = if measure == Measure::Count { 1.0 } else { 0.0 };
            prop_assert!(axis.high <= (highest * 5.1).max(least), "{} for {highest}", axis.high);
            prop_assert!((2..=7).contains(&ticks.len()), "{ticks:?}");
            prop_assert!(ticks.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{ticks:?}");
        }

        #[test]
        fn places_keep_the_order_of_values(a in 0.0f64..1e5, b in 0.0f64..1e5) {
            for axis in [Axis::from_zero(Measure::Count, 1e5, ""), Axis::decades(1.0, 1e5, "")] {
                let (a, b) = (a.min(b), a.max(b));
                prop_assert!(axis.place(a) <= axis.place(b));
                prop_assert!((0.0..=1.0).contains(&axis.place(a)));
            }
        }
    }
}
