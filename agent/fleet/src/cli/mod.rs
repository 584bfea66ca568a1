//! The command line of `weir-fleet`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::run::{Plan, Target};
use crate::weather::scenario::Scenario;

/// Runs the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args
        .into_iter()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    weir::logging::begin(weir::logging::Format::Text);
    let mut scenario = Scenario::find(&args[1]).unwrap();
    if let Some(sites) = args.get(2) {
        scenario.run.sites = sites.parse().unwrap();
    }
    if let Some(hours) = args.get(3) {
        scenario.run.length = std::time::Duration::from_secs(3600 * hours.parse::<u64>().unwrap());
    }
    if let Some(seed) = args.get(4) {
        scenario.run.seed = seed.parse().unwrap();
    }
    let work = tempfile::tempdir_in("/dev/shm").unwrap();
    let plan = Plan {
        scenario,
        shard: None,
        target: Target::Embedded,
        work: work.path().join("fleet"),
        command: String::new(),
    };
    let run = crate::run::run(&plan, Arc::new(|_| ()), CancellationToken::new()).unwrap();
    println!("{}", serde_json::to_string_pretty(&run.summary).unwrap());
    if let Some(out) = args.get(5) {
        crate::report::write(out.as_ref(), &run).unwrap();
    }
    ExitCode::SUCCESS
}
