//! The command line of `weir-fleet`.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use crate::run::{Plan, Target};
use crate::report::ClockKind;

/// Runs the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    weir::logging::begin(weir::logging::Format::Text);
    let sites = args[1].parse().unwrap();
    let hours: u64 = args[2].parse().unwrap();
    let work = tempfile::tempdir_in("/dev/shm").unwrap();
    let plan = Plan {
        scenario: "test".into(), about: String::new(), sites, shard: None,
        start: "2026-03-02T07:00:00Z".parse().unwrap(),
        length: Duration::from_secs(3600 * hours), drain: Duration::from_secs(48 * 3600), seed: 1,
        time: ClockKind::Virtual,
        camera: crate::camera::Settings { schedule: args.get(3).map_or("1h", |s| s).parse().unwrap(), ..Default::default() },
        weather: Vec::new(), pipeline: Default::default(), device: toml::Table::new(), target: Target::Embedded,
        work: work.path().join("fleet"), fresh_within: Some(Duration::from_secs(60)),
    };
    let run = crate::run::run(&plan, Arc::new(|_| ()), CancellationToken::new()).unwrap();
    println!("{}", serde_json::to_string_pretty(&run.summary).unwrap());
    ExitCode::SUCCESS
}
