//! The top of the page: what was run, whether the promises were kept, and the key figures.

use std::fmt::Write as _;

use crate::report::spread::Spread;
use crate::report::summary::{ClockKind, Summary};
use crate::report::words::{count, dollars, duration, duration_or, escape, number, plural};

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
    let unsure = match told.unsure {
        0 => String::new(),
        some => format!("; {} called unsure by the agent", count(some)),
    };
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
            format!("{}{unsure}", objects(told.wrong_capture_time)),
        ),
        cap(summary),
        fresh(summary),
    ]
}

fn cap(summary: &Summary) -> Promise {
    let told = &summary.told;
    let found = told.cap.map(|cap| {
        format!(
            "at most {} of {} at once; {}",
            count(summary.max_concurrent_sites.into()),
            count(cap.into()),
            plural(told.cap_violations, "violation")
        )
    });
    Promise {
        name: "Site cap never exceeded",
        kept: told.cap.map(|_| told.cap_violations == 0),
        found: found.unwrap_or_else(|| "no cap was set".to_owned()),
    }
}

fn fresh(summary: &Summary) -> Promise {
    let took = summary.told.fresh_after_fault_s;
    let within = summary.told.fresh_within_s;
    let found = took.map(|took| {
        let allowed = within.map(|within| format!("; {} allowed", duration(within)));
        let allowed = allowed.unwrap_or_default();
        format!("stored after {}, slowest site{allowed}", duration(took))
    });
    Promise {
        name: "Fresh soon after the last fault",
        kept: took.zip(within).map(|(took, within)| took <= within),
        found: found.unwrap_or_else(|| "no fault, or no image after it".to_owned()),
    }
}

/// Whether the run kept what Weir promises.
pub(super) fn banner(summary: &Summary) -> String {
    let verdict = &summary.told.verdict;
    let promises = promises(summary);
    // What the figures say is not to be talked away by the verdict, and the other way round.
    let ok = verdict.ok && promises.iter().all(|promise| promise.kept != Some(false));
    let (class, mark, words) = match (ok, summary.told.completed) {
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
    for promise in promises {
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

/// A key figure: what it is, the figure, and what it is to be read with.
type Tile = (&'static str, String, String);

fn part(spread: Option<Spread>, get: fn(Spread) -> f64) -> String {
    duration_or(spread.map(get))
}

/// How much was stored, and how soon.
fn times(summary: &Summary) -> [Tile; 4] {
    let tile = |name, spread: Option<Spread>| {
        let (p95, max) = (part(spread, |s| s.p95), part(spread, |s| s.max));
        let median = part(spread, |s| s.p50);
        (name, median, format!("p95 {p95}, max {max}"))
    };
    [
        (
            "Images stored",
            count(summary.stored),
            format!("of {} captured", count(summary.captured)),
        ),
        tile("Capture to stored, median", summary.latency_s),
        tile("Event to done, median", summary.event_to_done_s),
        tile("Capture to done, median", summary.capture_to_done_s),
    ]
}

/// What it asked of the pipeline and of the machine.
fn loads(summary: &Summary) -> [Tile; 4] {
    let told = &summary.told;
    let none = || "\u{2013}".to_owned();
    let cap = told.cap.map(|cap| format!("cap {}", count(cap.into())));
    let cap = cap.unwrap_or_else(|| "no cap".to_owned());
    let peak = summary.peak_to_mean_requests.map(|peak| {
        let peak = (peak * 100.0).round() / 100.0;
        format!("{}\u{d7}", number(peak))
    });
    let drained = match (&peak, summary.drain_s) {
        (None, _) => "no outage of the fleet".to_owned(),
        (_, Some(drain)) => format!("peak to mean; drained in {}", duration(drain)),
        (_, None) => "peak to mean; never drained".to_owned(),
    };
    let (cost, each) = match &told.cost_usd {
        None => (none(), "not estimated".to_owned()),
        Some(cost) => {
            let each = dollars(cost.total / summary.stored.max(1) as f64 * 1000.0);
            (dollars(cost.total), format!("{each} per 1,000 images"))
        }
    };
    let rate = number((summary.images_per_s * 10.0).round() / 10.0);
    let memory = number(told.peak_rss_mib.round());
    [
        (
            "Sites in the pipeline",
            count(summary.max_concurrent_sites.into()),
            format!("most at once; {cap}"),
        ),
        (
            "Requests after an outage",
            peak.unwrap_or_else(none),
            drained,
        ),
        ("Cloud cost", cost, each),
        (
            "The run took",
            duration(told.wall_s),
            format!("{rate} images/s, {memory} MiB"),
        ),
    ]
}

/// The key figures.
pub(super) fn tiles(summary: &Summary) -> String {
    let mut html = "<dl class=\"tiles\" aria-label=\"Key figures\">\n".to_owned();
    for (name, value, note) in times(summary).into_iter().chain(loads(summary)) {
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
