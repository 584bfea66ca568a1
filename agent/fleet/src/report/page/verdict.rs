//! The top of the page: what was run, whether the promises were kept, and the key figures.

use std::fmt::Write as _;

use crate::report::spread::Spread;
use crate::report::summary::{ClockKind, Summary};
use crate::report::words::{count, dollars, duration, duration_or, escape, number, plural};

/// Seconds within which an image must flow after the last fault.
const FRESH: f64 = 60.0;

/// What was run.
pub(super) fn header(summary: &Summary) -> String {
    let told = &summary.told;
    let clock = match told.clock {
        ClockKind::Real => "real time",
        ClockKind::Virtual => "virtual time",
    };
    let shard = told.shard.map_or(String::new(), |shard| {
        format!(" \u{b7} shard {} of {}", shard.index, shard.of)
    });
    let early = if told.completed {
        ""
    } else {
        " \u{b7} ended early"
    };
    format!(
        "<header>\n<p class=\"kicker\">Weir {} \u{b7} simulated fleet</p>\n<h1>{}: {} over {}</h1>\n<p class=\"about\">{} to {} UTC \u{b7} {clock} \u{b7} seed {}{shard}{early}</p>\n</header>\n<main>\n",
        escape(&told.version),
        escape(&told.scenario),
        plural(summary.sites, "site"),
        duration(told.hours * 3600.0),
        told.start.format("%-d %B %Y %H:%M"),
        told.end.format("%-d %B %Y %H:%M"),
        told.seed
    )
}

/// What one promise's check found: kept, broken, or not to be told (`None`).
struct Promise {
    name: &'static str,
    kept: Option<bool>,
    found: String,
}

/// Whether each promise was kept, in the order in which they matter.
fn promises(summary: &Summary) -> Vec<Promise> {
    let told = &summary.told;
    let none = |name, bad: u64, found: String| Promise {
        name,
        kept: Some(bad == 0),
        found,
    };
    let objects = |bad: u64| format!("{} of {} objects wrong", count(bad), count(summary.stored));
    vec![
        none(
            "Nothing lost",
            summary.lost,
            format!(
                "{} accepted, {} stored, {} lost",
                count(summary.accepted),
                count(summary.stored),
                count(summary.lost)
            ),
        ),
        none(
            "Exactly once",
            summary.duplicates,
            plural(summary.duplicates, "duplicate object"),
        ),
        none(
            "Right bucket and key",
            told.wrong_key,
            objects(told.wrong_key),
        ),
        none("Right bytes", told.wrong_bytes, objects(told.wrong_bytes)),
        none(
            "Right capture time",
            told.wrong_capture_time,
            format!(
                "{}; {} marked as unsure",
                objects(told.wrong_capture_time),
                count(told.unsure)
            ),
        ),
        Promise {
            name: "Site cap never exceeded",
            kept: told.cap.map(|_| told.cap_violations == 0),
            found: told.cap.map_or("no cap was set".to_owned(), |cap| {
                let most = count(summary.max_concurrent_sites.into());
                format!(
                    "at most {most} of {} at once; {}",
                    count(cap.into()),
                    plural(told.cap_violations, "violation")
                )
            }),
        },
        Promise {
            name: "Fresh image within 60 s of the last fault",
            kept: told.fresh_after_fault_s.map(|took| took <= FRESH),
            found: told
                .fresh_after_fault_s
                .map_or("no fault to recover from".to_owned(), |took| {
                    format!("stored after {}, slowest site", duration(took))
                }),
        },
    ]
}

/// Whether the run kept what Weir promises.
pub(super) fn banner(summary: &Summary) -> String {
    let verdict = &summary.told.verdict;
    let (class, mark, words) = match (verdict.ok, summary.told.completed) {
        (true, true) => ("", "\u{2713}", "Every promise was kept"),
        (true, false) => (
            "",
            "\u{2713}",
            "Every promise was kept until the run was ended early",
        ),
        (false, _) => (" bad", "\u{2717}", "Promises were broken"),
    };
    let mut html = format!(
        "<section class=\"verdict{class}\" aria-label=\"Verdict\">\n<p><span aria-hidden=\"true\">{mark}</span> {words}</p>\n"
    );
    if !verdict.failures.is_empty() {
        html.push_str("<ul class=\"failures\">");
        for failure in verdict.failures.iter().take(20) {
            let _ = write!(html, "<li>{}</li>", escape(failure));
        }
        let more = verdict.failures.len().saturating_sub(20) as u64;
        if more > 0 {
            let _ = write!(html, "<li>and {} more, in summary.json</li>", count(more));
        }
        html.push_str("</ul>\n");
    }
    html.push_str("<ul class=\"promises\">\n");
    for promise in promises(summary) {
        let (class, mark, word) = match promise.kept {
            Some(true) => ("yes", "\u{2713}", "kept: "),
            Some(false) => ("no", "\u{2717}", "broken: "),
            None => ("na", "\u{2013}", "not tried: "),
        };
        let _ = writeln!(
            html,
            "<li class=\"{class}\"><i aria-hidden=\"true\">{mark}</i><div><b>{}</b><span><span class=\"hidden\">{word}</span>{}</span></div></li>",
            promise.name,
            escape(&promise.found)
        );
    }
    html.push_str("</ul>\n</section>\n");
    html
}

/// The key figures.
pub(super) fn tiles(summary: &Summary) -> String {
    let told = &summary.told;
    let of = |spread: Option<Spread>, get: fn(Spread) -> f64| duration_or(spread.map(get));
    let tail = |spread: Option<Spread>| {
        let (p95, p99) = (of(spread, |s| s.p95), of(spread, |s| s.p99));
        format!("p95 {p95}, p99 {p99}")
    };
    let per_image = |dollars_all: f64| dollars_all / (summary.stored.max(1) as f64) * 1000.0;
    let most = |spread: Option<Spread>| {
        format!(
            "p95 {}, max {}",
            of(spread, |s| s.p95),
            of(spread, |s| s.max)
        )
    };
    let peak = summary.peak_to_mean_requests;
    let tiles = [
        (
            "Images stored",
            count(summary.stored),
            format!("of {} captured", count(summary.captured)),
        ),
        (
            "Capture to stored, median",
            of(summary.latency_s, |s| s.p50),
            tail(summary.latency_s),
        ),
        (
            "Event to done, median",
            of(summary.event_to_done_s, |s| s.p50),
            most(summary.event_to_done_s),
        ),
        (
            "Capture to done, median",
            of(summary.capture_to_done_s, |s| s.p50),
            most(summary.capture_to_done_s),
        ),
        (
            "Sites in the pipeline",
            format!("\u{2264} {}", count(summary.max_concurrent_sites.into())),
            told.cap.map_or("no cap".to_owned(), |cap| {
                format!("cap {}", count(cap.into()))
            }),
        ),
        (
            "Requests after an outage",
            peak.map_or("\u{2013}".to_owned(), |peak| {
                format!("{}\u{d7}", number((peak * 100.0).round() / 100.0))
            }),
            match (peak, summary.drain_s) {
                (None, _) => "no outage of the fleet".to_owned(),
                (_, Some(drain)) => format!("peak to mean; drained in {}", duration(drain)),
                (_, None) => "peak to mean; never drained".to_owned(),
            },
        ),
        (
            "Cloud cost",
            told.cost_usd
                .as_ref()
                .map_or("\u{2013}".to_owned(), |cost| dollars(cost.total)),
            told.cost_usd
                .as_ref()
                .map_or("not estimated".to_owned(), |cost| {
                    format!("{} per 1,000 images", dollars(per_image(cost.total)))
                }),
        ),
        (
            "The run took",
            duration(told.wall_s),
            format!(
                "{} images/s, {} MiB",
                number((summary.images_per_s * 10.0).round() / 10.0),
                number(told.peak_rss_mib.round())
            ),
        ),
    ];
    let mut html = "<dl class=\"tiles\" aria-label=\"Key figures\">\n".to_owned();
    for (name, value, note) in tiles {
        let _ = writeln!(
            html,
            "<div><dt>{name}</dt><dd>{}<small>{}</small></dd></div>",
            escape(&value),
            escape(&note)
        );
    }
    html.push_str("</dl>\n");
    html
}
