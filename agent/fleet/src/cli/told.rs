//! A run in a few lines, and the exit code that it gives.

use std::path::Path;
use std::process::ExitCode;

use crate::report::files::PAGE;
use crate::report::spread::Spread;
use crate::report::words::{count, dollars, duration, duration_or, number};
use crate::report::{ClockKind, Summary};

/// The most failures that are told; the page has all.
const FAILURES: usize = 10;

/// 0 when it ran to its end and every promise was kept.
pub(super) fn code(summary: &Summary) -> ExitCode {
    ExitCode::from(u8::from(!is_good(summary)))
}

const fn is_good(summary: &Summary) -> bool {
    summary.told.verdict.ok && summary.told.completed
}

/// The verdict, the figures that matter most, and where the rest is.
pub(super) fn told(summary: &Summary, folder: &Path) -> String {
    let told = &summary.told;
    let mut text = verdict(summary);
    let mut line = |name: &str, words: String| text.push_str(&format!("{name:10} {words}\n"));
    line("run", what(summary));
    line("images", images(summary));
    line(
        "delay",
        format!("capture to stored {}", spread(summary.latency_s)),
    );
    let cap = told
        .cap
        .map_or_else(String::new, |cap| format!(" of {cap}"));
    line(
        "pipeline",
        format!(
            "at most {}{cap} sites at once, {} times above; event to done {}; {} throttled, {} dropped",
            summary.max_concurrent_sites,
            count(told.cap_violations),
            spread(summary.event_to_done_s),
            count(summary.throttles),
            count(summary.events_dropped),
        ),
    );
    if let Some(peak) = summary.peak_to_mean_requests {
        let drain = duration_or(summary.drain_s);
        let words = format!(
            "busiest minute {} times the mean, queues as before after {drain}",
            number(peak)
        );
        line("outage", words);
    }
    if let Some(fresh) = told.fresh_after_fault_s {
        let words = format!(
            "{} after the last fault at the slowest site",
            duration(fresh)
        );
        line("fresh", words);
    }
    if let Some(cost) = &told.cost_usd {
        line("cost", format!("{} ({})", dollars(cost.total), cost.prices));
    }
    line(
        "machine",
        format!(
            "{}, {} MiB, {} images/s",
            duration(told.wall_s),
            number(told.peak_rss_mib),
            number(summary.images_per_s)
        ),
    );
    line("report", folder.join(PAGE).display().to_string());
    text
}

fn verdict(summary: &Summary) -> String {
    let failures = &summary.told.verdict.failures;
    let mut text = match (summary.told.verdict.ok, summary.told.completed) {
        (true, true) => "verdict    every promise was kept\n".to_owned(),
        (true, false) => "verdict    ended early; until then every promise was kept\n".to_owned(),
        (false, true) => "verdict    BROKEN PROMISES\n".to_owned(),
        (false, false) => "verdict    BROKEN PROMISES; ended early\n".to_owned(),
    };
    for failure in failures.iter().take(FAILURES) {
        text.push_str(&format!("           - {failure}\n"));
    }
    if let Some(more) = failures
        .len()
        .checked_sub(FAILURES)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!("           - and {more} more: see the report\n"));
    }
    text
}

fn what(summary: &Summary) -> String {
    let told = &summary.told;
    let clock = match told.clock {
        ClockKind::Virtual => "virtual",
        ClockKind::Real => "real",
    };
    let shard = told.shard.map_or_else(String::new, |shard| {
        format!(", shard {} of {}", shard.index, shard.of)
    });
    format!(
        "{}, seed {}{shard}: {} sites, {} of {clock} time",
        told.scenario,
        told.seed,
        count(summary.sites),
        duration(told.hours * 3600.0),
    )
}

fn images(summary: &Summary) -> String {
    format!(
        "{} captured, {} accepted, {} stored; {} lost, {} twice; {} retries, {} set aside",
        count(summary.captured),
        count(summary.accepted),
        count(summary.stored),
        count(summary.lost),
        count(summary.duplicates),
        count(summary.retries),
        count(summary.told.quarantined),
    )
}

fn spread(of: Option<Spread>) -> String {
    of.map_or_else(
        || "\u{2013}".to_owned(),
        |of| {
            format!(
                "p50 {}, p95 {}, p99 {}, max {}",
                duration(of.p50),
                duration(of.p95),
                duration(of.p99),
                duration(of.max)
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Told, Verdict};

    fn summary(ok: bool, completed: bool, failures: usize) -> Summary {
        let told = Told {
            verdict: Verdict {
                ok,
                failures: (0..failures).map(|nth| format!("failure {nth}")).collect(),
            },
            completed,
            cap: Some(50),
            ..Told::default()
        };
        Summary::of(told, &[], &[], &[])
    }

    #[test]
    fn only_a_whole_run_without_a_failure_is_good() {
        for (ok, completed) in [(true, true), (true, false), (false, true), (false, false)] {
            assert_eq!(is_good(&summary(ok, completed, 0)), ok && completed);
        }
    }

    #[test]
    fn failures_are_told_first_and_not_all_of_them() {
        let text = told(&summary(false, true, 12), Path::new("out"));
        assert!(text.starts_with("verdict    BROKEN PROMISES\n           - failure 0\n"));
        assert!(
            text.contains("failure 9\n           - and 2 more"),
            "{text}"
        );
        assert!(text.ends_with("report     out/report.html\n"), "{text}");
        assert!(!told(&summary(false, true, 10), Path::new("out")).contains("more"));
    }
}
