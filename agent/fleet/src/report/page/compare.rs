//! Runs beside each other: their figures with the difference to the first, and their courses in common charts.

use std::fmt::Write as _;

use crate::record::ImageRecord;
use crate::report::Run;
use crate::report::bins::{Steps, by_concurrency, seconds, spacing};
use crate::report::chart::{Axis, Chart, Colour, Layer, Measure};
use crate::report::spread::Spread;
use crate::report::summary::Summary;
use crate::report::words::{count, dollars, duration, escape, number, plural};

use super::{filled, section};

const COLOURS: [Colour; 5] = [
    Colour::First,
    Colour::Second,
    Colour::Third,
    Colour::Fourth,
    Colour::Quiet,
];

/// The course of one quantity: seconds since the start with values, or for execution times sites at once.
type Course = Vec<(f64, f64)>;

/// What is compared of a run; its records can go.
#[derive(Debug)]
pub(in crate::report) struct Compared {
    name: String,
    summary: Summary,
    courses: [Course; CHARTS.len()],
}

/// The charts: an id, a title, what the y axis measures and its name.
const CHARTS: [(&str, &str, Measure, &str); 6] = [
    (
        "latency",
        "From capture to stored, 95th percentile",
        Measure::Duration,
        "duration",
    ),
    (
        "event-to-done",
        "From event to done, median",
        Measure::Duration,
        "duration",
    ),
    (
        "execution",
        "Execution time against concurrent sites, median",
        Measure::Duration,
        "execution time",
    ),
    (
        "concurrency",
        "Sites in the pipeline at once",
        Measure::Count,
        "sites, most at one moment",
    ),
    (
        "queue",
        "Images captured and not yet stored",
        Measure::Count,
        "images",
    ),
    (
        "requests",
        "Requests to the store",
        Measure::Number,
        "requests a minute",
    ),
];

impl Compared {
    pub(in crate::report) fn of(name: String, run: &Run) -> Self {
        let first = run
            .samples
            .first()
            .map_or(run.summary.told.start, |sample| sample.at);
        let start = seconds(first.min(run.summary.told.start));
        let last = run
            .samples
            .last()
            .map_or(run.summary.told.end, |sample| sample.at);
        let end = seconds(last.max(run.summary.told.end));
        let steps = Steps::between(start, end, spacing(&run.samples));
        let courses = steps.map(|steps| courses(run, &steps));
        Self {
            name,
            summary: run.summary.clone(),
            courses: courses.unwrap_or_default(),
        }
    }
}

fn courses(run: &Run, steps: &Steps) -> [Course; CHARTS.len()] {
    let start = seconds(run.summary.told.start);
    let since =
        |points: Course| -> Course { points.into_iter().map(|(x, y)| (x - start, y)).collect() };
    let over_time =
        |from: fn(&ImageRecord) -> Option<f64>, took: fn(&ImageRecord) -> Option<f64>, p: f64| {
            let images = run.images.iter();
            let values: Vec<_> = images
                .filter_map(|image| Some((from(image)?, took(image)?)))
                .collect();
            let (steps, sorted) = steps.sort_wide(&values);
            since(steps.line(&sorted, p))
        };
    let most =
        |of: fn(&crate::record::Sample) -> f64| since(steps.samples(&run.samples, of, f64::max));
    let requests = steps.samples(
        &run.samples,
        |sample| sample.requests_since as f64,
        |a, b| a + b,
    );
    let minutes = steps.width / 60.0;
    let boxes = by_concurrency(&run.images);
    [
        over_time(
            |image| Some(seconds(image.captured_at)),
            ImageRecord::latency_s,
            95.0,
        ),
        over_time(
            |image| image.stored_at.map(seconds),
            ImageRecord::event_to_done_s,
            50.0,
        ),
        boxes.into_iter().map(|one| (one.x, one.y[2])).collect(),
        most(|sample| sample.sites_in_pipeline_max.into()),
        most(|sample| sample.waiting as f64),
        since(
            requests
                .into_iter()
                .map(|(x, y)| (x, y / minutes))
                .collect(),
        ),
    ]
}

/// How a figure is written.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Count,
    Number,
    Duration,
    Dollars,
}

impl Kind {
    fn text(self, value: f64) -> String {
        match self {
            Self::Count => count(value as u64),
            Self::Number => number(value),
            Self::Duration => duration(value),
            Self::Dollars => dollars(value),
        }
    }
}

/// A row of the table: what it is called, how it is written, and the figure.
type Figure = (&'static str, Kind, fn(&Summary) -> Option<f64>);

const FIGURES: [Figure; 27] = [
    ("Sites", Kind::Count, |s| Some(s.sites as f64)),
    ("Images captured", Kind::Count, |s| Some(s.captured as f64)),
    ("Images accepted", Kind::Count, |s| Some(s.accepted as f64)),
    ("Images stored", Kind::Count, |s| Some(s.stored as f64)),
    ("Lost", Kind::Count, |s| Some(s.lost as f64)),
    ("Duplicates", Kind::Count, |s| Some(s.duplicates as f64)),
    ("Capture to stored, p50", Kind::Duration, |s| {
        median(s.latency_s)
    }),
    ("Capture to stored, p95", Kind::Duration, |s| {
        late(s.latency_s)
    }),
    ("Capture to stored, p99", Kind::Duration, |s| {
        s.latency_s.map(|spread| spread.p99)
    }),
    ("Event to done, p50", Kind::Duration, |s| {
        median(s.event_to_done_s)
    }),
    ("Event to done, p95", Kind::Duration, |s| {
        late(s.event_to_done_s)
    }),
    ("Capture to done, p50", Kind::Duration, |s| {
        median(s.capture_to_done_s)
    }),
    ("Capture to done, p95", Kind::Duration, |s| {
        late(s.capture_to_done_s)
    }),
    ("Execution, p50", Kind::Duration, |s| median(s.execution_s)),
    ("Most sites in the pipeline", Kind::Count, |s| {
        Some(s.max_concurrent_sites.into())
    }),
    ("Cap violations", Kind::Count, |s| {
        Some(s.told.cap_violations as f64)
    }),
    ("Cold starts", Kind::Count, |s| Some(s.cold as f64)),
    ("Throttles", Kind::Count, |s| Some(s.throttles as f64)),
    ("Events dropped", Kind::Count, |s| {
        Some(s.events_dropped as f64)
    }),
    ("Oldest event that waited", Kind::Duration, |s| {
        Some(s.event_age_max_s)
    }),
    ("Repeated PUT requests", Kind::Count, |s| {
        Some(s.retries as f64)
    }),
    ("Peak to mean after an outage", Kind::Number, |s| {
        s.peak_to_mean_requests
    }),
    ("Drained after an outage in", Kind::Duration, |s| s.drain_s),
    ("Cloud cost", Kind::Dollars, |s| {
        s.told.cost_usd.as_ref().map(|cost| cost.total)
    }),
    ("The run took", Kind::Duration, |s| Some(s.told.wall_s)),
    ("Images stored a second", Kind::Number, |s| {
        Some(s.images_per_s)
    }),
    ("Most memory, MiB", Kind::Number, |s| {
        Some(s.told.peak_rss_mib)
    }),
];

fn median(spread: Option<Spread>) -> Option<f64> {
    spread.map(|spread| spread.p50)
}

fn late(spread: Option<Spread>) -> Option<f64> {
    spread.map(|spread| spread.p95)
}

/// The page of several runs.
pub(in crate::report) fn page(runs: &[Compared]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let header = format!(
        "<header>\n<p class=\"kicker\">Weir \u{b7} simulated fleet</p>\n<h1>{} compared</h1>\n<p class=\"about\">{}</p>\n</header>\n<main>\n",
        plural(runs.len() as u64, "run"),
        escape(&names.join(" \u{b7} "))
    );
    let lead = "Small: the difference to the first run. A dash: not part of that run.";
    let mut figures = String::new();
    for chart in 0..CHARTS.len() {
        figures.push_str(&overlay(runs, chart));
    }
    let drawn = match runs.len() {
        0..=5 => "Time is since the start of each run.".to_owned(),
        all => format!("Time is since the start of each run. The first 5 of {all} runs are drawn."),
    };
    let body = [
        header,
        section("figures", "Figures", lead, &table(runs)),
        section(
            "courses",
            "Courses",
            &drawn,
            &format!("<div class=\"figures\">\n{figures}</div>\n"),
        ),
        "</main>\n<footer>Percentiles are by nearest rank.</footer>\n".to_owned(),
    ];
    filled("Runs compared \u{b7} Weir fleet report", &body.concat())
}

/// What a run is in a word.
type Word = fn(&Summary) -> String;

fn table(runs: &[Compared]) -> String {
    let mut html =
        "<div class=\"wide\"><table class=\"full\"><thead><tr><th scope=\"col\">Figure</th>"
            .to_owned();
    for run in runs {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(&run.name));
    }
    html.push_str("</tr></thead><tbody>\n");
    let words: [(&str, Word); 3] = [
        ("Promises", |s| {
            if s.told.verdict.ok {
                "\u{2713} kept"
            } else {
                "\u{2717} broken"
            }
            .to_owned()
        }),
        ("Scenario", |s| s.told.scenario.clone()),
        ("Seed", |s| s.told.seed.to_string()),
    ];
    for (name, of) in words {
        let _ = write!(html, "<tr><th scope=\"row\">{name}</th>");
        for run in runs {
            let bad = name == "Promises" && !run.summary.told.verdict.ok;
            let class = if bad { " class=\"no\"" } else { "" };
            let _ = write!(html, "<td{class}>{}</td>", escape(&of(&run.summary)));
        }
        html.push_str("</tr>\n");
    }
    for (name, kind, of) in FIGURES {
        let first = runs.first().and_then(|run| of(&run.summary));
        let _ = write!(html, "<tr><th scope=\"row\">{name}</th>");
        for (place, run) in runs.iter().enumerate() {
            let value = of(&run.summary);
            let change = match place {
                0 => String::new(),
                _ => change(kind, first, value),
            };
            let text = value.map_or("\u{2013}".to_owned(), |value| kind.text(value));
            let _ = write!(html, "<td>{}{change}</td>", escape(&text));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// The difference to the first run, with its part of a hundred where that says something.
fn change(kind: Kind, first: Option<f64>, value: Option<f64>) -> String {
    let Some((first, value)) = first.zip(value).filter(|(first, value)| first != value) else {
        return String::new();
    };
    let sign = if value > first { "+" } else { "\u{2212}" };
    let mut text = format!("{sign}{}", kind.text((value - first).abs()));
    let times = value / first;
    if first != 0.0 && times.abs() >= 10.0 {
        let _ = write!(text, " (\u{d7}{})", number(times));
    } else if first != 0.0 {
        let part = ((times - 1.0) * 1000.0).round() / 10.0;
        let plus = if part > 0.0 { "+" } else { "" };
        let _ = write!(text, " ({plus}{} %)", number(part));
    }
    format!("<span class=\"change\">{}</span>", escape(&text))
}

fn overlay(runs: &[Compared], chart: usize) -> String {
    let (id, title, measure, unit) = CHARTS[chart];
    let drawn: Vec<(Colour, &Compared)> = COLOURS
        .into_iter()
        .zip(runs)
        .filter(|(_, run)| run.courses[chart].iter().any(|point| !point.1.is_nan()))
        .collect();
    let points = || drawn.iter().flat_map(|(_, run)| &run.courses[chart]);
    let top = points().map(|point| point.1).fold(0.0, f64::max);
    let right = points().map(|point| point.0).fold(0.0, f64::max);
    let lowest = points()
        .map(|point| point.1)
        .filter(|y| *y > 0.0)
        .fold(f64::INFINITY, f64::min);
    let (across, name) = match id {
        "execution" => (Measure::Count, "executions at once, one a site"),
        _ => (Measure::Duration, "since the start"),
    };
    let content = if drawn.is_empty() {
        "<p class=\"none\">No run recorded this.</p>\n".to_owned()
    } else {
        Chart {
            title: title.to_owned(),
            about: format!("{title}, a line a run."),
            x: Axis::between(across, 0.0, right * 1.01, name),
            y: match measure {
                Measure::Duration if top > 40.0 * lowest => {
                    Axis::decades(lowest, top, "duration, logarithmic")
                }
                _ => Axis::from_zero(measure, top, unit),
            },
            layers: drawn
                .iter()
                .map(|(colour, run)| (*colour, Layer::Line(run.courses[chart].clone())))
                .collect(),
            legend: drawn
                .iter()
                .map(|(colour, run)| (*colour, true, run.name.clone()))
                .collect(),
        }
        .svg()
    };
    format!(
        "<figure id=\"{id}\">\n<figcaption><b>{}</b></figcaption>\n{content}</figure>\n",
        escape(title)
    )
}
