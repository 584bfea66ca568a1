//! How long images took, over time.

use crate::record::ImageRecord;
use crate::report::Run;
use crate::report::bins::seconds;
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::spread::Spread;
use crate::report::words::duration;

use super::super::section;
use super::{NO_SAMPLES, Span, figure, grid, highest};

/// How long images took.
pub(in crate::report::page) fn journey(run: &Run) -> String {
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
            over_time(span, title, &values.collect::<Vec<_>>()).ok_or(why)
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
        "From the shutter to the store, and from the store\u{2019}s event to the end of \
         the pipeline\u{2019}s work. Grey: most sites had no link.",
        &grid(&figures),
    )
}

fn over_time(span: &Span, title: &str, values: &[(f64, f64)]) -> Option<Chart> {
    let (steps, values) = span.steps.sort_wide(values);
    let line = |p: f64| steps.line(&values, p);
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
