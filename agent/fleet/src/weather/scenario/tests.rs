//! Scenarios as they are written, and what is said of those that are wrong.

use weir_store::faults::{Action, Refusal};

use super::*;
use crate::weather::spell::{Kind, Lasts, Repeat};
use crate::weather::{BootClock, Down, Shape, Sites, Step};

fn parse(text: &str) -> Result<Scenario, Vec<String>> {
    let parsed = Scenario::parse("s.toml", Path::new(""), text);
    parsed.map_err(|faults| faults.to_string().lines().map(str::to_owned).collect())
}

#[test]
fn every_scenario_of_the_library_is_understood_and_says_what_to_look_at() {
    for entry in library::entries() {
        let scenario = Scenario::find(entry.name).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(scenario.name, entry.name);
        assert!(scenario.about.contains("In the report:"), "{}", entry.name);
        assert!(
            scenario.pipeline.resolve(Path::new("")).is_ok(),
            "{}",
            entry.name
        );
        if let Some(length) = scenario.camera.schedule.length() {
            assert!(
                length <= scenario.run.length,
                "{} ends before its schedule",
                entry.name
            );
        }
        if scenario.weather.is_empty() {
            continue;
        }
        let calm = scenario.run.length - scenario.forecast().last_fault_ends();
        assert!(
            calm >= Duration::from_secs(3600),
            "{} ends {calm:?} after its last fault",
            entry.name
        );
    }
    let known = Scenario::find("calm-wek").unwrap_err().to_string();
    assert!(known.contains("calm-week, storm-outage"), "{known}");
}

#[test]
fn every_file_of_the_library_s_folder_is_in_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files
        .map(|file| {
            file.unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    let mut known = library::names();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn a_scenario_means_what_it_says() {
    let scenario = parse(
        r#"
name = "mine"
[run]
sites = 7
length = "90s"
start = "2026-05-01T00:00:00Z"
clock = "real"
hold = "22s"
gate = "s3"
[camera]
schedule = "every 1m"
[device.gate]
order = "oldest"
[[weather]]
what = "link-down"
sites = "2-4, 7"
from = "1h"
for = "30m"
every = "2h"
count = 3
jitter = "5m"
how = "silent"
[[weather]]
what = "link-slow"
for = "rest"
rate = "64KiB/s"
latency = "250ms"
loss = 0.25
[[weather]]
what = "power-cut"
sites = "10%"
for = "5m"
clock = "1970"
set_after = "10m"
[[weather]]
what = "clock-step"
for = "1h"
to = "1970-01-01"
[[weather]]
what = "store-fault"
for = "1m"
rules = [{ operation = "PutObject", action = { error = "slow_down" }, when = { rate = { probability = 0.5, seed = 3 } } }]
"#,
    )
    .unwrap();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    assert_eq!((scenario.name.as_str(), scenario.run.sites), ("mine", 7));
    assert_eq!(scenario.run.hold, Hold::For(Duration::from_secs(22)));
    assert_eq!(
        (scenario.run.clock, scenario.run.gate),
        (Time::Real, Gate::S3)
    );
    assert_eq!(scenario.device["gate"]["order"].as_str(), Some("oldest"));
    let first = &scenario.weather[0];
    assert_eq!(first.kind, Kind::LinkDown(Down::Silent));
    assert_eq!(first.sites, Sites::Ranges(vec![(2, 4), (7, 7)]));
    assert_eq!(
        (first.from, first.jitter, first.lasts),
        (minutes(60), minutes(5), Lasts::For(minutes(30)))
    );
    assert_eq!(
        first.repeat,
        Some(Repeat {
            every: minutes(120),
            count: Some(3)
        })
    );
    let slow = Shape {
        latency: Duration::from_millis(250),
        bytes_per_second: Some(65_536),
        loss: 0.25,
        ..Shape::CLEAR
    };
    assert_eq!(
        (&scenario.weather[1].kind, scenario.weather[1].lasts),
        (&Kind::LinkSlow(slow), Lasts::Rest)
    );
    let cut = Kind::PowerCut {
        clock: BootClock::Epoch,
        set_after: minutes(10),
    };
    assert_eq!(
        (&scenario.weather[2].kind, &scenario.weather[2].sites),
        (&cut, &Sites::Share(0.1))
    );
    assert_eq!(
        scenario.weather[3].kind,
        Kind::ClockStep(Step::To(DateTime::UNIX_EPOCH))
    );
    let Kind::StoreFault(rules) = &scenario.weather[4].kind else {
        panic!("a store fault")
    };
    assert_eq!(rules[0].action, Action::Error(Refusal::SlowDown));
}

#[test]
fn every_fault_is_told_with_its_line() {
    let told = parse(
        r#"
nmae = "x"
[run]
sites = 0
[camera]
schedule = "sometimes"
[pipeline]
concurrency = 3
[[weather]]
what = "link-down"
for = "1h"
loss = 0.5
[[weather]]
what = "rain"
for = "1h"
[[weather]]
what = "link-slow"
for = "1h"
loss = 1.5
[[weather]]
what = "power-cut"
[[weather]]
what = "link-down"
for = "90"
[[weather]]
what = "clock-step"
for = "1h"
[[weather]]
what = "link-down"
for = "1h"
count = 3
[[weather]]
what = "link-down"
for = "1h"
sites = "none"
"#,
    )
    .unwrap_err();
    let expected = [
        ("s.toml:2:1: ", "nmae is not known here"),
        ("s.toml:3:", "sites must be at least 1"),
        ("s.toml:6:12: ", "sometimes"),
        ("s.toml:8:1: ", "concurrency"),
        ("s.toml:12:1: ", "loss says nothing here"),
        ("s.toml:14:8: ", "rain"),
        ("s.toml:19:1: ", "from 0 to 1"),
        ("s.toml:20:", "for is missing"),
        ("s.toml:24:7: ", "no unit"),
        ("s.toml:25:", "either seconds"),
        ("s.toml:31:1: ", "count needs every"),
        ("s.toml:35:9: ", "names no sites"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, (place, what)) in told.iter().zip(expected) {
        assert!(
            line.starts_with(place) && line.contains(what),
            "{line} for {place}{what}"
        );
    }
}

#[test]
fn syntax_and_brackets_are_told() {
    let told = parse("[run]\nsites = \n").unwrap_err();
    assert!(
        told[0].starts_with("s.toml:2:") && told[0].contains("not TOML"),
        "{told:?}"
    );
    let told = parse("[weather]\nwhat = \"link-down\"\n").unwrap_err();
    assert!(told[0].contains("two brackets"), "{told:?}");
}

#[test]
fn agents_are_told_of_the_cap_unless_the_scenario_says_otherwise() {
    let scenario = parse("[run]\nmax_concurrent_sites = 9\nhold = \"30s\"\nfresh_within = \"off\"\n[device.pipeline]\nhold_limit = \"5m\"\n").unwrap();
    let agents = scenario.agents().to_string();
    assert_eq!(scenario.run.fresh_within, None);
    let pipeline = scenario.agents()["pipeline"].clone();
    assert_eq!(
        pipeline["max_concurrent_sites"].as_integer(),
        Some(9),
        "{agents}"
    );
    assert_eq!(
        (pipeline["hold"].as_str(), pipeline["hold_limit"].as_str()),
        (Some("30s"), Some("5m")),
        "{agents}"
    );
    assert_eq!(pipeline["gate"].as_str(), Some("local"), "{agents}");
}

#[test]
fn the_manual_s_example_is_understood_and_its_list_is_the_library() {
    let manual = include_str!("../../../../../docs/scenarios.md");
    let (_, example) = manual.split_once("```ini\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let scenario = parse(example).unwrap();
    assert_eq!(scenario.run, Run::default());
    assert_eq!(scenario.weather.len(), 1);
    for name in library::names() {
        assert!(manual.contains(&format!("| `{name}` |")), "{name}");
    }
}
