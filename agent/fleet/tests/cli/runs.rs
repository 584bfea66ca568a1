//! `weir-fleet run`, in virtual time.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::program::{Running, Said, command, done, fleet};
use crate::store::Served;

/// Five sites for two hours: a picture on each half hour, and one at the end that shows whether all is well.
const SMALL: [&str; 7] = ["run", "--sites", "5", "--hours", "2", "--every", "30m"];

#[test]
fn a_run_leaves_its_report_and_says_what_became_of_the_images() {
    let folder = tempfile::tempdir().unwrap();
    let said = done(
        folder.path(),
        &[&SMALL[..], &["--json", "--work", "work"]].concat(),
    );
    assert_eq!(said.err, "", "no terminal, no progress");
    let summary = &said.json()["summary"];
    for name in [
        "sites",
        "captured",
        "accepted",
        "stored",
        "lost",
        "duplicates",
        "max_concurrent_sites",
        "cap",
        "cap_violations",
        "retries",
        "latency_s",
        "wall_s",
        "peak_rss_mib",
    ] {
        assert!(!summary[name].is_null(), "{name} is missing: {summary}");
    }
    for name in ["p50", "p95", "p99"] {
        assert!(summary["latency_s"][name].is_number(), "{name}");
    }
    assert_eq!(summary["sites"], 5);
    assert!(summary["captured"].as_u64().unwrap() >= 5 * 4);
    assert_eq!(summary["stored"], summary["captured"]);
    assert_eq!(summary["verdict"]["ok"], true);
    assert_eq!(
        summary["command"],
        "weir-fleet run --sites 5 --hours 2 --every 30m --json --work work"
    );
    let out = folder.path().join("weir-fleet-report");
    for name in [
        "summary.json",
        "images.csv",
        "sites.csv",
        "samples.csv",
        "report.html",
    ] {
        assert!(out.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(&written, summary);
    assert!(is_empty(&folder.path().join("work")), "it is removed");
}

#[test]
fn flags_go_over_the_scenario_and_the_same_seed_is_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"mine\"\n[run]\nsites = 40\nseed = 3\nlength = \"9d\"\n[camera]\nschedule = \"bursts 90/d of 3 apart 5s\"\n";
    std::fs::write(folder.path().join("mine.toml"), text).unwrap();
    let images = |out: &str, more: &[&str]| {
        let flags = [
            "run",
            "--scenario",
            "mine.toml",
            "--sites",
            "3",
            "--length",
            "90m",
            "--out",
            out,
            "--json",
        ];
        let said = done(folder.path(), &[&flags[..], more].concat());
        assert_eq!(said.json()["summary"]["scenario"], "mine");
        assert_eq!(said.json()["summary"]["hours"], 1.5);
        std::fs::read_to_string(folder.path().join(out).join("images.csv")).unwrap()
    };
    let first = images("a", &[]);
    assert!(first.lines().count() > 10, "{first}");
    assert!(first == images("b", &["--seed", "3"]));
    assert!(
        first != images("c", &["--seed", "4"]),
        "another seed is another run"
    );
}

#[test]
fn what_people_read_has_the_verdict_and_the_way_to_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let said = done(
        folder.path(),
        &[
            &SMALL[..],
            &["--out", "there", "--keep-work", "--work", "."],
        ]
        .concat(),
    );
    assert!(
        said.out.starts_with("verdict    every promise was kept\n"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("\nreport     there/report.html\n"),
        "{}",
        said.out
    );
    let sites = said
        .out
        .lines()
        .find_map(|line| line.strip_prefix("sites "))
        .unwrap();
    let site = folder.path().join(sites.trim()).join("site5");
    assert!(site.join("weir.toml").is_file(), "{}", site.display());
}

#[test]
fn a_run_that_is_interrupted_reports_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--sites", "30", "--every", "10m", "--json"];
    let running = begin(folder.path(), &flags, "site30/state/queue.db");
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::INT);
    let said = running.end();
    assert_eq!(said.code, Some(1), "{said:?}");
    let summary = &said.json()["summary"];
    assert_eq!(summary["completed"], false);
    assert_eq!(summary["lost"], 0);
    let page = folder.path().join("weir-fleet-report/report.html");
    assert!(page.is_file());
    assert!(is_empty(&folder.path().join("work")), "it is removed");
}

#[test]
fn a_second_interrupt_ends_it_at_once_and_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    // Setting up so many sites takes longer than two signals.
    let running = begin(folder.path(), &["--sites", "5000"], "site20");
    running.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(50));
    running.signal(Signal::TERM);
    let said = running.end();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("ended at once"), "{said:?}");
    assert!(is_empty(&folder.path().join("weir-fleet-report")));
    assert!(is_empty(&folder.path().join("work")), "it is removed");
}

/// A run of most of a year, which has come as far as having `there` below the folder of its sites.
fn begin(folder: &Path, flags: &[&str], there: &str) -> Running {
    let run = ["run", "--length", "300d", "--work", "work"];
    let running = Running::begin(folder, &[&run[..], flags].concat());
    let begun = Instant::now();
    let is_there = || {
        let mut works = std::fs::read_dir(folder.join("work")).ok()?;
        let sites = works.next()?.ok()?.path().join("fleet");
        Some(sites.join(there).exists())
    };
    while is_there() != Some(true) {
        assert!(begun.elapsed() < Duration::from_secs(30), "no {there}");
        std::thread::sleep(Duration::from_millis(10));
    }
    running
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("thesis");
    std::fs::create_dir(&thesis).unwrap();
    std::fs::write(thesis.join("chapter1.tex"), "x").unwrap();
    std::fs::write(folder.path().join("bad.toml"), "[run]\nsights = 3\n").unwrap();
    std::fs::write(
        folder.path().join("device.toml"),
        "[device.gate]\nordre = \"x\"\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("csv.toml"),
        "[pipeline]\nservice = { csv = \"none.csv\" }\n",
    )
    .unwrap();
    let cases: [(&[&str], &str); 12] = [
        (&["--sites", "0"], "1..=100000"),
        (&["--hours", "0"], "longer than 0"),
        (&["--every", "often"], "often"),
        (
            &["--every", "1h", "--trace", "x.csv"],
            "cannot be used with",
        ),
        (&["--trace", "none.csv"], "none.csv: No such file"),
        (&["--scenario", "calm-weak"], "calm-week"),
        (&["--scenario", "bad.toml"], "bad.toml:2:1"),
        (&["--scenario", "device.toml", "--sites", "1"], "gate.ordre"),
        (&["--scenario", "csv.toml"], "none.csv"),
        (&["--shard", "3/2"], "no shard 3 of 2"),
        (&["--endpoint", "http://127.0.0.1:9"], "--clock real"),
        (&["--out", "thesis"], "not the folder of a run"),
    ];
    for (flags, said) in cases {
        let refused = fleet(folder.path(), &[&["run"], flags].concat());
        assert_eq!(refused.code, Some(2), "{flags:?}: {refused:?}");
        assert!(refused.err.contains(said), "{flags:?}: {}", refused.err);
        assert_eq!(refused.out, "", "{flags:?}");
    }
    assert_eq!(std::fs::read_dir(thesis).unwrap().count(), 1);
}

/// A shard of a fleet, into a folder.
pub(crate) fn shard(folder: &Path, which: &str, out: &str) {
    let flags = ["--shard", which, "--out", out, "--json"];
    done(folder, &[&SMALL[..], &flags].concat());
}

#[test]
fn another_store_is_filled_read_back_and_not_used_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = Served::begin(folder.path(), &["--addr", "127.0.0.1:0"]);
    let scenario = "[run]\nsites = 2\nlength = \"3s\"\n[camera]\nschedule = \"every 1s\"\n[pipeline]\n\
        service = { constant = \"1s\" }\ndelivery = { constant = \"100ms\" }\n";
    std::fs::write(folder.path().join("quick.toml"), scenario).unwrap();
    let flags = [
        "run",
        "--scenario",
        "quick.toml",
        "--clock",
        "real",
        "--out",
        "out",
        "--json",
        "--endpoint",
        &store.endpoint,
    ];
    let without_keys = fleet(folder.path(), &flags);
    assert_eq!(without_keys.code, Some(2), "{without_keys:?}");
    let run = || -> Said {
        let keys = [
            ("AWS_ACCESS_KEY_ID", "weir"),
            ("AWS_SECRET_ACCESS_KEY", "weir-secret"),
        ];
        let mut command = command(folder.path(), &flags);
        command.envs(keys).output().unwrap().into()
    };
    let first = run();
    assert_eq!(first.code, Some(0), "{first:?}");
    let summary = &first.json()["summary"];
    let captured = summary["captured"].as_u64().unwrap();
    assert!(captured >= 6, "{summary}");
    assert_eq!(summary["stored"].as_u64(), Some(captured), "{summary}");
    assert_eq!(summary["executions"].as_u64(), Some(captured), "{summary}");
    let again = run();
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("is not empty"), "{again:?}");
    store.end();
}
