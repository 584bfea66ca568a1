//! The charts of the page.

use crate::record::{ImageRecord, Sample};
use crate::report::Run;
use crate::report::bins::{Steps, by_concurrency, histogram, seconds, spacing};
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::outage::{Outage, outages};
use crate::report::spread::{Spread, percentile, sorted};
use crate::report::words::{count, duration, escape, number, plural};

use super::section;

/// Medians of 20 to 22 seconds from 1 to 300 sites: hydrocam/scalability-test, 19,696 invocations, May 2025.
const REFERENCE: (f64, f64) = (20.0, 22.0);

/// A chart under its title and one sentence of what is to be seen, or why there is none.
fn figure(id: &str, title: &str, seen: &str, chart: Result<Chart, &str>) -> String {
    let content = match chart {
        Ok(chart) => chart.svg(),
        Err(why) => format!("<p class=\"none\">{}</p>\n", escape(why)),
    };
    format!(
        "<figure id=\"{id}\">\n<figcaption><b>{}</b><span>{}</span></figcaption>\n{content}</figure>\n",
        escape(title),
        escape(seen)
    )
}

fn grid(figures: &[String]) -> String {
    format!("<div class=\"figures\">\n{}</div>\n", figures.concat())
}

/// The time that the charts show.
struct Span {
    steps: Steps,
    axis: Axis,
    shades: Vec<(Colour, Layer)>,
}

impl Span {
    fn of(run: &Run) -> Option<Self> {
        let moments = run.samples.iter().map(|sample| seconds(sample.at));
        let start = moments.clone().fold(f64::INFINITY, f64::min);
        let start = start.min(seconds(run.summary.told.start));
        let end = moments.fold(seconds(run.summary.told.end), f64::max);
        let steps = Steps::between(start, end, spacing(&run.samples))?;
        let last = steps.start + steps.width * steps.count as f64;
        let shade = |one: &Outage| Layer::Shade {
            from: seconds(one.from),
            to: seconds(one.to),
        };
        let found = outages(
            &run.samples,
            u32::try_from(run.sites.len()).unwrap_or(u32::MAX),
        );
        Some(Self {
            steps,
            axis: Axis::between(Measure::Moment, steps.start, last, "UTC"),
            shades: found
                .iter()
                .map(|one| (Colour::Quiet, shade(one)))
                .collect(),
        })
    }

    fn chart(&self, title: &str, about: &str, y: Axis, layers: Vec<(Colour, Layer)>) -> Chart {
        let mut all = self.shades.clone();
        all.extend(layers);
        Chart {
            title: title.to_owned(),
            about: about.to_owned(),
            x: self.axis.clone(),
            y,
            layers: all,
            legend: Vec::new(),
        }
    }

    fn samples(
        &self,
        run: &Run,
        of: impl Fn(&Sample) -> f64,
        fold: fn(f64, f64) -> f64,
    ) -> Vec<(f64, f64)> {
        self.steps.samples(&run.samples, of, fold)
    }
}

fn highest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).fold(0.0, f64::max)
}

/// Without the steps that have no sample, as steps and areas need it.
fn known(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points
        .into_iter()
        .filter(|point| !point.1.is_nan())
        .collect()
}

const NO_SAMPLES: &str = "No samples were recorded.";

/// How long images took.
pub(super) fn journey(run: &Run) -> String {
    let span = Span::of(run);
    let latency = |id,
                   title,
                   spread: Option<Spread>,
                   from: fn(&ImageRecord) -> Option<f64>,
                   took: fn(&ImageRecord) -> Option<f64>,
                   why| {
        let chart = span.as_ref().ok_or(NO_SAMPLES).and_then(|span| {
            let values = run
                .images
                .iter()
                .filter_map(|image| Some((from(image)?, took(image)?)));
            over_time(span, title, span.steps.sort(values)).ok_or(why)
        });
        let seen = spread.map_or(String::new(), |spread| {
            let [p50, p95, max] = [spread.p50, spread.p95, spread.max].map(duration);
            format!("Of all images: half within {p50}, 95 % within {p95}, the slowest {max}.")
        });
        figure(id, title, &seen, chart)
    };
    let figures = [
        latency(
            "latency",
            "From capture to stored, by time of capture",
            run.summary.latency_s,
            |image| Some(seconds(image.captured_at)),
            ImageRecord::latency_s,
            "No image was stored.",
        ),
        latency(
            "event-to-done",
            "From event to done, by time of the event",
            run.summary.event_to_done_s,
            |image| image.stored_at.map(seconds),
            ImageRecord::event_to_done_s,
            "The pipeline was not part of this run, or finished nothing.",
        ),
    ];
    section(
        "journey",
        "How long an image takes",
        "From the shutter to the store, and from the store\u{2019}s event to the end of the pipeline\u{2019}s work. Grey: most sites had no link.",
        &grid(&figures),
    )
}

fn over_time(span: &Span, title: &str, values: Vec<Vec<f64>>) -> Option<Chart> {
    let line = |p: f64| -> Vec<(f64, f64)> {
        let values = values.iter().enumerate();
        values
            .map(|(step, values)| {
                (
                    span.steps.middle(step),
                    percentile(values, p).unwrap_or(f64::NAN),
                )
            })
            .collect()
    };
    let (median, late, most) = (line(50.0), line(95.0), line(100.0));
    let between = median.iter().zip(&late);
    let between = between.map(|(low, high)| (low.0, low.1, high.1)).collect();
    let lowest = median
        .iter()
        .map(|point| point.1)
        .fold(f64::INFINITY, f64::min);
    let top = highest(&most);
    if !lowest.is_finite() {
        return None;
    }
    let y = if top > 40.0 * lowest.max(0.05) {
        Axis::decades(lowest, top, "duration, logarithmic")
    } else {
        Axis::from_zero(Measure::Duration, top, "duration")
    };
    let layers = vec![
        (Colour::First, Layer::Band(between)),
        (Colour::Quiet, Layer::Line(most)),
        (Colour::Second, Layer::Line(late)),
        (Colour::First, Layer::Line(median)),
    ];
    let mut chart = span.chart(
        title,
        "Median, 95th percentile and maximum over time.",
        y,
        layers,
    );
    chart.legend = vec![
        (Colour::First, true, "median".to_owned()),
        (Colour::Second, true, "95th percentile".to_owned()),
        (Colour::Quiet, true, "maximum".to_owned()),
    ];
    Some(chart)
}

/// What the pipeline did.
pub(super) fn pipeline(run: &Run) -> String {
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
        "Boxes: the middle half and the median; whiskers: 5th to 95th percentile. Concurrency is counted by the observer at the store and in the pipeline, never by the gate.",
        &grid(&figures),
    )
}

fn execution(run: &Run) -> Option<Chart> {
    let boxes = by_concurrency(&run.images);
    let top = boxes.iter().map(|one| one.y[4]).reduce(f64::max)?;
    let most = boxes.iter().map(|one| one.x).fold(1.0, f64::max);
    Some(Chart {
        title: "Execution time against concurrent sites".to_owned(),
        about: "The spread of execution times for each number of sites worked for at once, beside the 20 to 22 seconds of the reference experiment.".to_owned(),
        x: Axis::from_zero(Measure::Count, most * 1.02, "executions at once, one a site"),
        y: Axis::from_zero(Measure::Duration, top.max(REFERENCE.1 * 1.1), "execution time"),
        layers: vec![
            (Colour::Third, Layer::Span { low: REFERENCE.0, high: REFERENCE.1, label: String::new() }),
            (Colour::First, Layer::Boxes(boxes)),
        ],
        legend: vec![
            (Colour::First, true, "this run".to_owned()),
            (Colour::Third, false, "reference: hydrocam/scalability-test, 300 sites".to_owned()),
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
    // A warm start is drawn as the narrower bar, so that neither hides the other.
    let narrow = |bars: Vec<(f64, f64, f64)>| {
        let bars = bars.into_iter();
        bars.map(|(from, to, height)| (from + (to - from) * 0.3, to - (to - from) * 0.3, height))
            .collect()
    };
    Some(Chart {
        title: "Execution time, cold and warm".to_owned(),
        about: "How many executions took how long, by whether they began on a new instance. The last bar holds what is beyond.".to_owned(),
        x: Axis::between(Measure::Duration, low, high, "execution time"),
        y: Axis::from_zero(Measure::Count, top, "executions"),
        layers: vec![(Colour::First, Layer::Bars(cold)), (Colour::Second, Layer::Bars(narrow(warm)))],
        legend: vec![
            (Colour::First, false, "cold start".to_owned()),
            (Colour::Second, false, "warm instance".to_owned()),
        ],
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

/// Queues and requests.
pub(super) fn fleet(run: &Run) -> String {
    let Some(span) = Span::of(run).filter(|_| !run.samples.is_empty()) else {
        return section(
            "fleet",
            "Queues and requests",
            "",
            &format!("<p class=\"none\">{NO_SAMPLES}</p>\n"),
        );
    };
    let depth = known(span.samples(run, |sample| sample.waiting as f64, f64::max));
    let oldest = known(span.samples(run, |sample| sample.oldest_s, f64::max));
    let most = format!("At most {}.", plural(highest(&depth) as u64, "image"));
    let longest = format!("At most {}.", duration(highest(&oldest)));
    let simple = |title: &str, measure, unit: &str, colour, points: Vec<(f64, f64)>| {
        let y = Axis::from_zero(measure, highest(&points), unit);
        Ok(span.chart(
            title,
            &format!("{title}, over time."),
            y,
            vec![(colour, Layer::Step(points))],
        ))
    };
    let figures = [
        figure(
            "queue",
            "Images captured and not yet stored",
            &most,
            simple(
                "Queue depth of all sites",
                Measure::Count,
                "images",
                Colour::First,
                depth,
            ),
        ),
        figure(
            "oldest",
            "Age of the oldest of them",
            &longest,
            simple(
                "Age of the oldest waiting image",
                Measure::Duration,
                "age",
                Colour::Fourth,
                oldest,
            ),
        ),
        requests(run, &span),
        figure(
            "captures",
            "Images captured and stored",
            &format!(
                "{} captured, {} stored.",
                count(run.summary.captured),
                count(run.summary.stored)
            ),
            Ok(captures(run, &span)),
        ),
    ];
    section("fleet", "Queues and requests", "", &grid(&figures))
}

/// Counts of a step as a rate a minute.
fn rate(span: &Span, run: &Run, of: fn(&Sample) -> u64) -> Vec<(f64, f64)> {
    let minutes = span.steps.width / 60.0;
    let points = span.samples(run, |sample| of(sample) as f64, |a, b| a + b);
    known(points)
        .into_iter()
        .map(|(x, y)| (x, y / minutes))
        .collect()
}

fn requests(run: &Run, span: &Span) -> String {
    let title = "Requests to the store";
    let requests = rate(span, run, |sample| sample.requests_since);
    let errors = rate(span, run, |sample| sample.errors_since);
    let y = Axis::from_zero(
        Measure::Count,
        highest(&requests).max(highest(&errors)),
        "requests a minute",
    );
    let layers = vec![
        (Colour::First, Layer::Step(requests)),
        (Colour::Second, Layer::Line(errors)),
    ];
    let mut chart = span.chart(
        title,
        "Requests a minute over time, and those that failed.",
        y,
        layers,
    );
    chart.legend = vec![
        (Colour::First, true, "all".to_owned()),
        (Colour::Second, true, "failed or unanswered".to_owned()),
    ];
    let seen = run.summary.peak_to_mean_requests.map_or(
        "No outage of the fleet in this run.".to_owned(),
        |peak| {
            let drain = run
                .summary
                .drain_s
                .map_or("never drained".to_owned(), |drain| {
                    format!("drained in {}", duration(drain))
                });
            format!(
                "After the outage: busiest minute {}\u{d7} the mean; {drain}.",
                number(peak)
            )
        },
    );
    figure("requests", title, &seen, Ok(chart))
}

fn captures(run: &Run, span: &Span) -> Chart {
    let captured = rate(span, run, |sample| sample.captured_since);
    let stored = rate(span, run, |sample| sample.stored_since);
    let y = Axis::from_zero(
        Measure::Count,
        highest(&captured).max(highest(&stored)),
        "images a minute",
    );
    let layers = vec![
        (Colour::Quiet, Layer::Step(captured)),
        (Colour::Third, Layer::Line(stored)),
    ];
    let mut chart = span.chart(
        "Images captured and stored",
        "Images captured and stored a minute, over time.",
        y,
        layers,
    );
    chart.legend = vec![
        (Colour::Quiet, true, "captured".to_owned()),
        (Colour::Third, true, "stored".to_owned()),
    ];
    chart
}
