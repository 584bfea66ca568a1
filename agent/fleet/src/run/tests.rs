//! Whole runs in virtual time, small ones.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::plan::{Plan, Target};
use crate::report::{ClockKind, Run};

/// An hour of `sites` sites, a picture every ten minutes.
pub(crate) fn plan(sites: u32) -> Plan {
    Plan {
        scenario: "test".into(),
        about: String::new(),
        sites,
        shard: None,
        start: "2026-03-02T07:00:00Z".parse().unwrap(),
        length: Duration::from_secs(3600),
        drain: Duration::from_secs(48 * 3600),
        seed: 1,
        time: ClockKind::Virtual,
        camera: crate::camera::Settings {
            schedule: "10m".parse().unwrap(),
            ..Default::default()
        },
        weather: Vec::new(),
        pipeline: Default::default(),
        device: toml::Table::new(),
        target: Target::Embedded,
        work: std::path::PathBuf::new(),
        fresh_within: Some(Duration::from_secs(60)),
    }
}

pub(crate) fn run(plan: &Plan) -> Run {
    let work = tempfile::tempdir().unwrap();
    let plan = Plan {
        work: work.path().join("fleet"),
        ..plan.clone()
    };
    super::run(&plan, Arc::new(|_| ()), CancellationToken::new()).unwrap()
}

#[test]
fn a_calm_hour_is_stored_and_judged_right() {
    let run = run(&plan(5));
    assert!(
        run.summary.told.verdict.ok,
        "{:?}",
        run.summary.told.verdict
    );
    assert_eq!(run.summary.captured, 5 * 7);
    assert_eq!(run.summary.stored, run.summary.captured);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, other) = (run(&plan(8)), run(&plan(8)));
    assert_eq!(one.images, other.images);
    assert_eq!(one.samples, other.samples);
}
