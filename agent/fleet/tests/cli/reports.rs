//! `weir-fleet report`: anew, beside each other, out of shards; and the library of scenarios.

use crate::program::{done, fleet};
use crate::runs::shard;

#[test]
fn shards_are_one_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    shard(folder.path(), "1/2", "one");
    shard(folder.path(), "2/2", "two");
    let flags = [
        "report", "one", "two", "--merge", "--out", "whole", "--json",
    ];
    let whole = done(folder.path(), &flags);
    assert_eq!(whole.json()["summary"]["sites"], 5);
    assert_eq!(whole.json()["summary"]["shard"], serde_json::Value::Null);
    done(
        folder.path(),
        &[
            "run",
            "--sites",
            "5",
            "--hours",
            "2",
            "--every",
            "30m",
            "--out",
            "undivided",
        ],
    );
    let keys = |name: &str| {
        let mut reader = csv::Reader::from_path(at(name).join("images.csv")).unwrap();
        let rows = reader.deserialize::<weir_fleet::record::ImageRecord>();
        rows.map(|row| {
            row.map(|row| (row.site, row.shot, row.sha256, row.key))
                .unwrap()
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(
        keys("whole"),
        keys("undivided"),
        "a fleet in parts is the same fleet"
    );
    let cases: [(&[&str], &str); 5] = [
        (
            &["one", "--merge", "--out", "x"],
            "of 2 shards these are missing: 2",
        ),
        (&["one", "two", "--merge", "--out", "two"], "two is a shard"),
        (
            &["one", "undivided", "--merge", "--out", "y"],
            "not a shard",
        ),
        (&["nothing"], "nothing has no summary.json"),
        (&["one", "--out", "x.html"], "--merge"),
    ];
    for (flags, said) in cases {
        let refused = fleet(folder.path(), &[&["report"], flags].concat());
        assert_eq!(refused.code, Some(2), "{flags:?}: {refused:?}");
        assert!(refused.err.contains(said), "{flags:?}: {}", refused.err);
    }
}

#[test]
fn a_page_is_made_anew_and_runs_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["before", "after"] {
        shard(folder.path(), "1/5", out);
    }
    let page = folder.path().join("before/report.html");
    let text = std::fs::read_to_string(&page).unwrap();
    std::fs::remove_file(&page).unwrap();
    let said = done(folder.path(), &["report", "before"]);
    assert!(
        said.out.contains("report     before/report.html"),
        "{}",
        said.out
    );
    assert_eq!(std::fs::read_to_string(&page).unwrap(), text);
    done(folder.path(), &["report", "before", "after"]);
    let page = std::fs::read_to_string(folder.path().join("compare.html")).unwrap();
    assert!(page.contains("before") && page.contains("after"));
    let said = done(
        folder.path(),
        &["report", "before", "after", "--out", "x.html", "--json"],
    );
    assert_eq!(said.out.lines().count(), 2);
    for line in said.out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["summary"]["sites"], 1);
    }
    let refused = fleet(
        folder.path(),
        &["report", "before", "after", "--out", "before"],
    );
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn a_page_of_broken_promises_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    shard(folder.path(), "1/5", "run");
    let path = folder.path().join("run/summary.json");
    let mut summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    summary["verdict"] =
        serde_json::json!({ "ok": false, "failures": ["1 accepted images are lost"] });
    std::fs::write(&path, summary.to_string()).unwrap();
    let said = fleet(folder.path(), &["report", "run"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out
            .starts_with("verdict    BROKEN PROMISES\n           - 1 accepted"),
        "{}",
        said.out
    );
}

#[test]
fn the_library_is_listed_and_each_scenario_can_be_copied() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = done(folder.path(), &["scenarios"])
        .out
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert!(names.len() >= 6, "{names:?}");
    let listed = done(folder.path(), &["scenarios", "--json"])
        .out
        .lines()
        .count();
    assert_eq!(listed, names.len());
    let copied = done(folder.path(), &["scenarios", &names[0]]).out;
    std::fs::write(folder.path().join("mine.toml"), copied).unwrap();
    done(
        folder.path(),
        &[
            "run",
            "--scenario",
            "mine.toml",
            "--sites",
            "1",
            "--hours",
            "1",
        ],
    );
    let refused = fleet(folder.path(), &["scenarios", "none"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(&names[0]), "{}", refused.err);
}

#[test]
fn every_shell_gets_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = done(folder.path(), &["completions", shell]).out;
        for word in ["weir-fleet", "provision", "max-concurrent-sites"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}
