//! `weir-fleet run`.

use std::path::PathBuf;
use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use super::output::{Manner, json, print};
use super::place::{self, Work};
use super::progress::Lines;
use super::signals::stop_on_signals;
use super::{Failed, args, plan, told};
use crate::run::{Plan, RunError};
use crate::site::home::SetUpError;

/// Runs a fleet, judges it and writes its report.
///
/// # Errors
/// [`Failed`]: there was no run, or no report.
pub(super) fn run(asked: &args::Run, command: &str, manner: Manner) -> Result<ExitCode, Failed> {
    let mut plan = plan::of(asked, PathBuf::new(), command)?;
    place::report(&asked.out)?;
    let work = Work::make(asked.work.as_deref(), || need(&plan), asked.keep_work)?;
    plan.work = work.path().join("fleet");
    let stop = CancellationToken::new();
    let leftovers = (!asked.keep_work).then(|| work.path().to_owned());
    let way_out = stop_on_signals(stop.clone(), leftovers)
        .map_err(|error| Failed::Work(format!("cannot listen for signals: {error}")))?;
    let lines = Lines::begin(&plan, manner);
    let run = crate::run::run(&plan, lines.audience(&plan), stop);
    lines.end();
    way_out.pass();
    let run = run.map_err(not_run)?;
    crate::report::write(&asked.out, &run).map_err(Failed::work)?;
    if manner.json {
        json(&serde_json::json!({ "summary": run.summary }))?;
    } else {
        print(&told::told(&run.summary, &asked.out))?;
        if asked.keep_work {
            print(&format!("sites      {}\n", plan.work.display()))?;
        }
    }
    Ok(told::code(&run.summary))
}

/// About how many bytes the sites' folders take at most.
fn need(plan: &Plan) -> u64 {
    let sites = plan.numbers().count() as u64;
    plan::pictures(plan).map_or(u64::MAX, |images| {
        place::need(sites, images, plan.scenario.camera.median)
    })
}

/// What the scenario itself is to blame for is usage.
fn not_run(error: RunError) -> Failed {
    match error {
        RunError::SetUp(SetUpError::Device(_)) | RunError::Pipeline(_) | RunError::NoKeys(_) => {
            Failed::usage(error)
        }
        other => Failed::work(other),
    }
}
