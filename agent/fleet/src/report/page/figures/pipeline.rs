//! What the pipeline did: execution times, concurrency, starts and waiting events.

use crate::record::ImageRecord;
use crate::report::Run;
use crate::report::bins::{by_concurrency, histogram};
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::spread::{percentile, sorted};
use crate::report::words::{count, duration, number, plural};

use super::super::section;
use super::{NO_SAMPLES, Span, figure, grid, highest, known};

/// Medians of 20 to 22 seconds from 1 to 300 sites: hydrocam/scalability-test, 19,696 invocations, May 2025.
const REFERENCE: (f64, f64) = (20.0, 22.0);

/// What the pipeline did.
pub(in crate::report::page) fn pipeline(run: &Run) -> String {
    let seen = run.summary.execution_s.map_or(String::new(), |spread| {
        format!("Median {} over the run; the reference experiment measured 20\u{2013}22 s from 1 to 300 sites.", duration(spread.p50))
    });
    let why = "The pipeline was not part of this run, or finished nothing.";
    let figures = [
        figure(
            "execution",
            "Execution time against concurrent sites",
            &seen,
            execution(run).ok_or(why),
        ),
        concurrency(run),
        figure(
            "starts",
            "Execution time, cold and warm",
            &format!(
                "{} cold, {} warm.",
                count(run.summary.cold),
                count(run.summary.warm)
            ),
            starts(run).ok_or(why),
        ),
        events(run),
    ];
    section(
        "pipeline",
        "The pipeline",
        "Boxes: the middle half and the median; whiskers: 5th to 95th percentile. \
         Concurrency is counted by the observer at the store and in the pipeline, \
         never by the gate.",
        &grid(&figures),
    )
}

fn execution(run: &Run) -> Option<Chart> {
    let boxes = by_concurrency(&run.images);
    let top = boxes.iter().map(|one| one.y[4]).reduce(f64::max)?;
    let most = boxes.iter().map(|one| one.x).fold(1.0, f64::max);
    Some(Chart {
        title: "Execution time against concurrent sites".to_owned(),
        about: "The spread of execution times for each number of sites worked for at once, \
            beside the 20 to 22 seconds of the reference experiment."
            .to_owned(),
        // Room at both ends, so that the first box and the last are whole.
        x: Axis::between(
            Measure::Count,
            most * -0.03,
            most * 1.03,
            "executions at once, one a site",
        ),
        y: Axis::from_zero(
            Measure::Duration,
            top.max(REFERENCE.1 * 1.1),
            "execution time",
        ),
        layers: vec![
            (
                Colour::Third,
                Layer::Span {
                    low: REFERENCE.0,
                    high: REFERENCE.1,
                    label: String::new(),
                },
            ),
            (Colour::First, Layer::Boxes(boxes)),
        ],
        legend: vec![
            (Colour::First, true, "this run".to_owned()),
            (
                Colour::Third,
                false,
                "reference: hydrocam/scalability-test, 300 sites".to_owned(),
            ),
        ],
    })
}

fn concurrency(run: &Run) -> String {
    let cap = run.summary.told.cap.map(f64::from);
    let title = "Sites in the pipeline at once";
    let chart = Span::of(run)
        .filter(|_| !run.samples.is_empty())
        .map(|span| {
            let sites =
                known(span.samples(run, |sample| sample.sites_in_pipeline_max.into(), f64::max));
            let top = highest(&sites).max(cap.unwrap_or(0.0)) * 1.06;
            let mut layers = vec![(Colour::First, Layer::Step(sites))];
            if let Some(cap) = cap {
                layers.push((
                    Colour::Second,
                    Layer::Limit {
                        at: cap,
                        label: format!("cap {}", number(cap)),
                    },
                ));
            }
            let y = Axis::from_zero(Measure::Count, top, "sites, most at one moment");
            span.chart(
                title,
                "The most sites in the pipeline over time, with the cap.",
                y,
                layers,
            )
        });
    let seen = format!(
        "At most {}; {} of the cap.",
        plural(run.summary.max_concurrent_sites.into(), "site"),
        plural(run.summary.told.cap_violations, "violation")
    );
    figure("concurrency", title, &seen, chart.ok_or(NO_SAMPLES))
}

fn starts(run: &Run) -> Option<Chart> {
    let of = |cold: bool| {
        let images = run
            .images
            .iter()
            .filter(move |image| image.cold == Some(cold));
        sorted(images.filter_map(ImageRecord::execution_s).collect())
    };
    let (cold, warm) = (of(true), of(false));
    let all = sorted(cold.iter().chain(&warm).copied().collect());
    let low = percentile(&all, 0.0)?.floor();
    let high = (percentile(&all, 99.9)? + 0.5).ceil().max(low + 1.0);
    let bars = ((high - low) as usize * 2).clamp(4, 48);
    let (cold, warm) = (
        histogram(&cold, low, high, bars),
        histogram(&warm, low, high, bars),
    );
    let top = cold
        .iter()
        .chain(&warm)
        .map(|bar| bar.2)
        .fold(0.0, f64::max);
    let legend = [
        (&cold, Colour::First, "cold start"),
        (&warm, Colour::Second, "warm instance"),
    ]
    .into_iter()
    .filter(|(bars, ..)| !bars.is_empty())
    .map(|(_, colour, name)| (colour, false, name.to_owned()))
    .collect();
    // A warm start is drawn as the narrower bar, so that neither hides the other.
    let narrow = |bars: Vec<(f64, f64, f64)>| {
        let bars = bars.into_iter();
        bars.map(|(from, to, height)| (from + (to - from) * 0.3, to - (to - from) * 0.3, height))
            .collect()
    };
    Some(Chart {
        title: "Execution time, cold and warm".to_owned(),
        about: "How many executions took how long, by whether they began on a new instance. \
            The last bar holds what is beyond."
            .to_owned(),
        x: Axis::between(Measure::Duration, low, high, "execution time"),
        y: Axis::from_zero(Measure::Count, top, "executions"),
        layers: vec![
            (Colour::First, Layer::Bars(cold)),
            (Colour::Second, Layer::Bars(narrow(warm))),
        ],
        legend,
    })
}

fn events(run: &Run) -> String {
    let title = "Age of the oldest waiting event";
    let summary = &run.summary;
    let chart = Span::of(run)
        .filter(|_| !run.samples.is_empty())
        .ok_or(NO_SAMPLES)
        .and_then(|span| {
            let age = known(span.samples(run, |sample| sample.event_age_s, f64::max));
            let top = highest(&age);
            if top <= 0.0 {
                return Err("No event waited at the end of any sample.");
            }
            let y = Axis::from_zero(Measure::Duration, top, "age");
            Ok(span.chart(
                title,
                "Age of the oldest event that waits in the pipeline, over time.",
                y,
                vec![(Colour::Fourth, Layer::Step(age))],
            ))
        });
    let seen = format!(
        "{} received, {} dropped, {}.",
        plural(summary.told.events, "event"),
        count(summary.events_dropped),
        plural(summary.throttles, "throttle")
    );
    figure("event-age", title, &seen, chart)
}
