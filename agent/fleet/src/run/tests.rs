//! Whole runs in virtual time, small ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::plan::{Plan, Target};
use crate::report::{Run, Shard};
use crate::units;
use crate::weather::scenario::{Gate, Hold, Scenario};

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

/// What a run that must keep every promise left.
fn kept(plan: &Plan) -> Run {
    let run = run(plan);
    let told = &run.summary.told;
    assert!(told.verdict.ok, "seed {}: {:#?}", told.seed, told.verdict);
    assert_eq!((run.summary.lost, run.summary.duplicates), (0, 0));
    run
}

/// A scenario of the library, with fewer sites and hours.
fn shortened(name: &str, sites: u32, length: &str) -> Plan {
    let mut plan = plan(sites);
    plan.scenario = Scenario::find(name).unwrap();
    plan.scenario.run.sites = sites;
    plan.scenario.run.length = units::parse_duration(length).unwrap();
    plan
}

#[test]
fn a_calm_hour_is_stored_and_goes_through_the_pipeline() {
    let run = kept(&plan(5));
    assert_eq!(run.summary.captured, 5 * 7);
    assert_eq!(run.summary.stored, run.summary.captured);
    assert_eq!(run.summary.executions, run.summary.captured);
    let latency = run.summary.latency_s.unwrap();
    // Forty milliseconds there and back again, half as much by chance, and 24 KiB at 1 MiB/s.
    assert!((0.08..0.5).contains(&latency.p50), "{latency:?}");
    let work = run.summary.event_to_done_s.unwrap();
    assert!((20.0..23.0).contains(&work.p50), "{work:?}");
    assert!(run.images.iter().all(|image| image.done_at.is_some()));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let faulty = |seed| {
        let mut plan = shortened("random-faults", 4, "8h");
        plan.scenario.run.seed = seed;
        run(&plan)
    };
    let (one, same, other) = (faulty(5), faulty(5), faulty(6));
    assert_eq!(one.images, same.images);
    assert_eq!(one.sites, same.sites);
    assert_eq!(one.samples, same.samples);
    assert_ne!(one.images, other.images);
}

#[test]
fn after_an_outage_of_all_sites_everything_arrives_and_not_as_one_wave() {
    let run = kept(&shortened("storm-outage", 12, "36h"));
    let peak = run.summary.peak_to_mean_requests.unwrap();
    assert!(peak < 3.0, "{peak}");
    assert!(
        run.summary.latency_s.unwrap().max > 3600.0,
        "there was no outage"
    );
}

#[test]
fn promises_are_kept_through_random_faults() {
    let seeds = std::env::var("WEIR_FLEET_SEEDS").unwrap_or_else(|_| "1..9".to_owned());
    let (from, to) = seeds.split_once("..").unwrap();
    for seed in from.parse::<u64>().unwrap()..to.parse().unwrap() {
        let mut plan = shortened("random-faults", 4, "26h");
        plan.scenario.run.seed = seed;
        let run = kept(&plan);
        assert!(
            run.summary.told.quarantined > 0,
            "no camera did anything wrong"
        );
    }
}

#[test]
fn slots_in_a_bucket_keep_the_cap_through_power_cuts() {
    let mut plan = shortened("power-and-clocks", 6, "12h");
    plan.scenario.run.gate = Gate::S3;
    plan.scenario.run.max_concurrent_sites = 2;
    plan.scenario.run.hold = Hold::For(Duration::from_secs(22));
    plan.scenario.run.fresh_within = None;
    let run = kept(&plan);
    assert_eq!(run.summary.max_concurrent_sites, 2);
    assert!(run.summary.restarts > 0);
}

#[test]
fn a_result_is_waited_for_and_a_backlog_is_paced() {
    let mut plan = planned(
        "[run]\nsites = 3\nlength = \"2h\"\nbacklog = \"1d\"\nmax_concurrent_sites = 2\nhold = \"result\"\n\
         fresh_within = \"off\"\n[camera]\nschedule = \"every 30m\"\n[pipeline]\nresults = true\n",
    );
    plan.scenario.run.seed = 3;
    let run = kept(&plan);
    assert_eq!(run.summary.captured, 3 * (48 + 5));
    assert_eq!(run.summary.max_concurrent_sites, 2);
    // Two at a time, each for its upload and the pipeline's twenty seconds.
    let first = run.images.iter().filter_map(|image| image.stored_at).min();
    let last = run.images.iter().filter_map(|image| image.stored_at).max();
    let took = (last.unwrap() - first.unwrap()).as_seconds_f64();
    assert!(took > 53.0 * 3.0 / 2.0 * 18.0, "{took}");
}

#[test]
fn a_gate_that_lets_too_many_in_is_found_out() {
    let mut plan = plan(6);
    plan.scenario.run.max_concurrent_sites = 2;
    plan.scenario.run.hold = Hold::For(Duration::from_secs(30));
    plan.scenario.run.fresh_within = None;
    assert!(kept(&plan).summary.max_concurrent_sites == 2);
    // The agents are told of another hold than the judge.
    let device = "[pipeline]\nhold = \"upload\"\n";
    plan.scenario.device = device.parse().unwrap();
    let run = run(&plan);
    assert!(!run.summary.told.verdict.ok);
    assert!(run.summary.told.cap_violations > 0);
}

#[test]
fn a_run_that_is_stopped_reports_what_was_done() {
    let work = tempfile::tempdir().unwrap();
    let mut plan = plan(3);
    plan.work = work.path().join("fleet");
    let stop = CancellationToken::new();
    let seen = stop.clone();
    let audience = move |progress: &super::Progress| {
        if progress.now > Duration::from_secs(1800) {
            seen.cancel();
        }
    };
    let run = super::run(&plan, Arc::new(audience), stop).unwrap();
    assert!(!run.summary.told.completed && run.summary.told.verdict.ok);
    assert!(
        (3..21).contains(&run.summary.captured),
        "{}",
        run.summary.captured
    );
}

#[test]
fn shards_together_are_the_fleet() {
    let of = |index| {
        let mut plan = plan(5);
        plan.shard = Some(Shard { index, of: 2 });
        kept(&plan)
    };
    let (one, other, whole) = (of(1), of(2), kept(&plan(5)));
    let mut sites: Vec<u32> = one
        .sites
        .iter()
        .chain(&other.sites)
        .map(|site| site.site)
        .collect();
    sites.sort_unstable();
    assert_eq!(sites, [1, 2, 3, 4, 5]);
    let digests = |run: &Run| -> Vec<String> {
        run.images
            .iter()
            .map(|image| image.sha256.clone())
            .collect()
    };
    assert_eq!([digests(&one), digests(&other)].concat(), digests(&whole));
}

#[test]
fn in_real_time_inotify_and_sockets_do_the_same() {
    let plan = planned(
        "[run]\nsites = 8\nlength = \"6s\"\nclock = \"real\"\ndrain = \"60s\"\n\
         [camera]\nschedule = \"every 2s\"\n[pipeline]\nservice = { constant = \"1s\" }\ndelivery = { constant = \"100ms\" }\n",
    );
    let run = kept(&plan);
    assert!(run.summary.captured >= 8 * 3, "{}", run.summary.captured);
    assert_eq!(run.summary.executions, run.summary.captured);
}
