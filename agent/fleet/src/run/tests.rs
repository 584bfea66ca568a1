//! Whole runs in virtual time, small ones.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::plan::{Plan, Target};
use crate::report::Run;
use crate::weather::scenario::Scenario;

/// An hour of `sites` sites, a picture every ten minutes.
pub(crate) fn plan(sites: u32) -> Plan {
    planned(&format!(
        "[run]\nsites = {sites}\nlength = \"1h\"\n[camera]\nschedule = \"every 10m\"\n"
    ))
}

/// The scenario of this text.
pub(crate) fn planned(text: &str) -> Plan {
    Plan {
        scenario: Scenario::parse("test", Path::new(""), text).unwrap(),
        shard: None,
        target: Target::Embedded,
        work: std::path::PathBuf::new(),
        command: String::new(),
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
