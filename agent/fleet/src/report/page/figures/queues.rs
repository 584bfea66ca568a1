//! What waited, and what the store was asked for, over time.

use crate::record::Sample;
use crate::report::Run;
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::words::{count, duration, number, plural};

use super::super::section;
use super::{NO_SAMPLES, Span, figure, grid, highest, known};

/// Queues and requests.
pub(in crate::report::page) fn queues(run: &Run) -> String {
    let Some(span) = Span::of(run).filter(|_| !run.samples.is_empty()) else {
        return section(
            "queues",
            "Queues and requests",
            "",
            &format!("<p class=\"none\">{NO_SAMPLES}</p>\n"),
        );
    };
    let depth = known(span.samples(run, |sample| sample.waiting as f64, f64::max));
    let oldest = known(span.samples(run, |sample| sample.oldest_s, f64::max));
    let figures = [
        waiting(
            &span,
            "queue",
            "Images captured and not yet stored",
            ("images", Colour::First, Measure::Count),
            depth,
        ),
        waiting(
            &span,
            "oldest",
            "Age of the oldest of them",
            ("age", Colour::Fourth, Measure::Duration),
            oldest,
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
    section("queues", "Queues and requests", "", &grid(&figures))
}

/// What waited, over time, or that nothing did.
fn waiting(
    span: &Span,
    id: &str,
    title: &str,
    (unit, colour, measure): (&str, Colour, Measure),
    points: Vec<(f64, f64)>,
) -> String {
    let most = highest(&points);
    let text = match measure {
        Measure::Count => plural(most as u64, "image"),
        _ => duration(most),
    };
    let chart = (most > 0.0).then(|| {
        let y = Axis::from_zero(measure, most, unit);
        let about = format!("{title}, over time.");
        span.chart(title, &about, y, vec![(colour, Layer::Step(points))])
    });
    let chart = chart.ok_or("No image waited at the end of any sample.");
    figure(id, title, &format!("At most {text}."), chart)
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
        Measure::Number,
        highest(&requests).max(highest(&errors)),
        "requests a minute",
    );
    let layers = vec![
        (Colour::First, Layer::Step(requests)),
        (Colour::Second, Layer::Step(errors)),
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
        Measure::Number,
        highest(&captured).max(highest(&stored)),
        "images a minute",
    );
    let layers = vec![
        (Colour::Quiet, Layer::Step(captured)),
        (Colour::Third, Layer::Step(stored)),
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
