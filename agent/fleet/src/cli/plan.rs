//! What the command line makes of a scenario: a plan. All that is wrong with it is found before anything is run.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Failed;
use super::args::{self, Clock, Picture};
use crate::camera::{Kind, Schedule, Span, Trace};
use crate::run::{Plan, Target};
use crate::weather::scenario::{Gate, Hold, Scenario, Time};

/// What is run where no scenario is named.
const CALM: &str = "name = \"default\"\n[camera]\nschedule = \"every 1h\"\n";

/// The plan of a run whose sites live in `work`.
///
/// # Errors
/// [`Failed::Usage`].
pub(super) fn of(asked: &args::Run, work: PathBuf, command: &str) -> Result<Plan, Failed> {
    let mut scenario = match &asked.scenario {
        Some(name) => Scenario::find(name).map_err(Failed::usage)?,
        None => Scenario::parse("default", Path::new(""), CALM).map_err(Failed::usage)?,
    };
    lay_over(&mut scenario, asked)?;
    if let Schedule::Trace(trace) = &mut scenario.camera.schedule {
        read(trace, &scenario.folder)?;
    }
    if (asked.trace.is_some() || asked.schedule.is_some()) && !has_length(asked) {
        scenario.run.length = scenario
            .camera
            .schedule
            .length()
            .unwrap_or(scenario.run.length);
    }
    if scenario.run.length.is_zero() {
        return Err(Failed::usage("the length must be longer than 0s"));
    }
    let folder = scenario.folder.clone();
    scenario.pipeline.resolve(&folder).map_err(Failed::usage)?;
    let target = match &asked.endpoint {
        None => Target::Embedded,
        Some(_) if scenario.run.clock == Time::Virtual => {
            return Err(Failed::usage(
                "a service at --endpoint answers in real time: add --clock real",
            ));
        }
        Some(endpoint) => Target::Endpoint(endpoint.as_str().to_owned()),
    };
    let mut plan = Plan {
        scenario,
        shard: asked.shard,
        target,
        work,
        command: command.to_owned(),
    };
    if plan.numbers().is_empty() {
        let sites = plan.scenario.run.sites;
        return Err(Failed::Usage(format!(
            "this shard has no site: of {sites} sites there can be at most {sites} shards"
        )));
    }
    if asked.sites.or(asked.max_concurrent_sites).is_some() || asked.hold.is_some() {
        let least = patience(&plan);
        let within = &mut plan.scenario.run.fresh_within;
        *within = within.map(|within| within.max(least));
    }
    Ok(plan)
}

/// What a site takes with an image beside the hold, with much to spare.
const UPLOAD: Duration = Duration::from_secs(5);
/// What a result takes, with some to spare: of the measured ones 99 of 100 are there within 31 s.
const RESULT: Duration = Duration::from_secs(40);

/// How long the last of all sites waits at the gate when all come at once, and a minute. Who asks for fewer places than
/// sites asks for that wait: it is no broken promise.
fn patience(plan: &Plan) -> Duration {
    let hold = match plan.scenario.run.hold {
        Hold::Upload => Duration::ZERO,
        Hold::For(time) => time,
        Hold::Result => RESULT,
    };
    let sites = u32::try_from(plan.numbers().count()).unwrap_or(u32::MAX);
    let before = (sites - 1) / plan.cap();
    Duration::from_secs(60) + (hold + UPLOAD).saturating_mul(before)
}

const fn has_length(asked: &args::Run) -> bool {
    asked.length.is_some() || asked.hours.is_some()
}

/// Lays what the command line says over the scenario, and over what its `[device]` says of the same.
fn lay_over(scenario: &mut Scenario, asked: &args::Run) -> Result<(), Failed> {
    fn put<T: Copy>(place: &mut T, said: Option<T>) {
        *place = said.unwrap_or(*place);
    }
    let forget = |device: &mut toml::Table, said: bool, section: &str, key: &str| {
        if let Some(section) = device
            .get_mut(section)
            .and_then(toml::Value::as_table_mut)
            .filter(|_| said)
        {
            section.remove(key);
        }
    };
    let run = &mut scenario.run;
    put(&mut run.sites, asked.sites);
    put(&mut run.length, asked.length.or(asked.hours));
    put(&mut run.seed, asked.seed);
    put(&mut run.max_concurrent_sites, asked.max_concurrent_sites);
    put(
        &mut run.max_in_flight_per_site,
        asked.max_in_flight_per_site,
    );
    put(&mut run.hold, asked.hold);
    put(
        &mut run.clock,
        asked.clock.map(|clock| match clock {
            Clock::Virtual => Time::Virtual,
            Clock::Real => Time::Real,
        }),
    );
    put(
        &mut run.gate,
        asked.gate.map(|gate| match gate {
            args::Gate::Local => Gate::Local,
            args::Gate::S3 => Gate::S3,
        }),
    );
    if asked.hold == Some(Hold::Result) {
        // What is waited for has to come.
        scenario.pipeline.results = true;
    }
    let kind = asked.camera.map(|picture| match picture {
        Picture::Noise => Kind::Noise,
        Picture::Scene => Kind::Scene,
    });
    put(&mut scenario.camera.picture, kind);
    if let Some(schedule) = schedule(asked)? {
        scenario.camera.schedule = schedule;
    }
    let device = &mut scenario.device;
    let per_site = asked.max_in_flight_per_site.is_some();
    forget(device, per_site, "gate", "max_in_flight_per_site");
    let sites = asked.max_concurrent_sites.is_some();
    forget(device, sites, "pipeline", "max_concurrent_sites");
    forget(device, asked.hold.is_some(), "pipeline", "hold");
    forget(device, asked.gate.is_some(), "pipeline", "gate");
    Ok(())
}

/// The schedule that the command line names. Its files lie where the command is run.
fn schedule(asked: &args::Run) -> Result<Option<Schedule>, Failed> {
    let here = |trace: &Trace| {
        let file = std::path::absolute(trace.file()).unwrap_or_else(|_| trace.file().to_owned());
        Schedule::Trace(Trace::in_file(file))
    };
    let schedule = match (&asked.every, &asked.schedule, &asked.trace) {
        (Some(every), ..) => Some(
            format!("every {every}")
                .parse()
                .map_err(|wrong| Failed::Usage(format!("--every {every:?}: {wrong}")))?,
        ),
        (_, Some(Schedule::Trace(trace)), _) => Some(here(trace)),
        (_, Some(schedule), _) => Some(schedule.clone()),
        (.., Some(file)) => Some(here(&Trace::in_file(file.clone()))),
        (None, None, None) => None,
    };
    Ok(schedule)
}

/// Reads a trace, whose file is below `folder` unless its path is absolute.
fn read(trace: &mut Trace, folder: &Path) -> Result<(), Failed> {
    let path = folder.join(trace.file());
    let told = |what: &dyn std::fmt::Display| Failed::Usage(format!("{}: {what}", path.display()));
    let file = File::open(&path).map_err(|error| told(&error))?;
    trace.read(file).map_err(|error| told(&error))
}

/// More pictures than any memory keeps.
const VERY_MANY: usize = 3_000_000;

/// How many pictures the cameras of a plan take, as far as their schedule says it; `None` for very many.
pub(super) fn pictures(plan: &Plan) -> Option<u64> {
    let (run, camera) = (&plan.scenario.run, &plan.scenario.camera);
    let of_site = |site| {
        let span = Span {
            site,
            sites: run.sites,
            seed: run.seed,
            start: run.start,
            length: run.length + run.backlog,
            zone: camera.zone,
        };
        camera.schedule.of_site(span)
    };
    let count = plan.numbers().flat_map(of_site).take(VERY_MANY).count();
    (count < VERY_MANY).then_some(count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(asked: &args::Run) -> Result<Plan, String> {
        of(asked, PathBuf::new(), "").map_err(|failed| failed.to_string())
    }

    #[test]
    fn without_a_word_it_is_a_week_of_300_sites_every_hour() {
        let plan = plan(&args::Run::default()).unwrap();
        assert_eq!(plan.scenario.run, crate::weather::scenario::Run::default());
        assert_eq!(plan.scenario.run.length, Duration::from_secs(7 * 86_400));
        assert_eq!(pictures(&plan), Some(300 * 7 * 24));
    }

    #[test]
    fn the_command_line_goes_over_the_scenario_and_its_device() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.toml");
        let text = "[run]\nsites = 9\nseed = 4\n[device.pipeline]\nhold = \"1s\"\nmax_concurrent_sites = 3\n";
        std::fs::write(&file, text).unwrap();
        let mut asked = args::Run {
            scenario: Some(file.display().to_string()),
            ..args::Run::default()
        };
        let agents = |plan: Plan| plan.scenario.agents()["pipeline"]["hold"].clone();
        assert_eq!(agents(plan(&asked).unwrap()).as_str(), Some("1s"));
        asked.hold = Some(Hold::Result);
        asked.sites = Some(5);
        let plan = plan(&asked).unwrap();
        assert_eq!((plan.scenario.run.sites, plan.scenario.run.seed), (5, 4));
        assert!(plan.scenario.pipeline.results);
        let agents = plan.scenario.agents();
        assert_eq!(agents["pipeline"]["hold"].as_str(), Some("result"));
        let cap = agents["pipeline"]["max_concurrent_sites"].as_integer();
        assert_eq!(cap, Some(3), "what is not said stays");
    }

    #[test]
    fn who_asks_for_few_places_waits_for_them() {
        let within = |sites, cap, hold: Option<&str>| {
            let asked = args::Run {
                sites: Some(sites),
                max_concurrent_sites: Some(cap),
                hold: hold.and_then(|hold| hold.parse().ok()),
                ..args::Run::default()
            };
            let within = plan(&asked).unwrap().scenario.run.fresh_within;
            within.map(|within| within.as_secs())
        };
        assert_eq!(within(20, 20, Some("22s")), Some(60), "nobody waits");
        assert_eq!(within(20, 5, Some("22s")), Some(60 + 3 * 27));
        assert_eq!(within(21, 5, Some("22s")), Some(60 + 4 * 27));
        assert_eq!(within(300, 50, None), Some(60 + 5 * 5));
        let no_such_promise = args::Run {
            scenario: Some("sd-import".into()),
            hold: Some(Hold::Result),
            ..args::Run::default()
        };
        assert_eq!(
            plan(&no_such_promise).unwrap().scenario.run.fresh_within,
            None
        );
    }

    #[test]
    fn a_schedule_with_an_end_is_the_length_of_the_run() {
        let mut asked = args::Run {
            schedule: Some("rate 1/s for 3m".parse().unwrap()),
            ..args::Run::default()
        };
        let length = |asked: &args::Run| plan(asked).unwrap().scenario.run.length;
        assert_eq!(length(&asked), Duration::from_secs(180));
        asked.hours = Some(Duration::from_secs(3600));
        assert_eq!(length(&asked), Duration::from_secs(3600));
    }

    #[test]
    fn a_trace_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("times.csv");
        let asked = args::Run {
            trace: Some(file.clone()),
            sites: Some(2),
            ..args::Run::default()
        };
        let told = plan(&asked).unwrap_err();
        assert!(told.contains("times.csv: No such file"), "{told}");
        std::fs::write(&file, "time\n0\n10\n60\n").unwrap();
        let plan = plan(&asked).unwrap();
        assert_eq!(plan.scenario.run.length, Duration::from_secs(61));
        assert_eq!(pictures(&plan), Some(6));
    }

    #[test]
    fn very_many_pictures_are_not_counted() {
        let asked = args::Run {
            length: Some(Duration::from_secs(86_400 * 10_000)),
            every: Some("1s".into()),
            ..args::Run::default()
        };
        assert_eq!(pictures(&plan(&asked).unwrap()), None);
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let no_such = args::Run {
            scenario: Some("calm-weak".into()),
            ..args::Run::default()
        };
        let sockets = args::Run {
            endpoint: "http://127.0.0.1:1".parse().ok(),
            ..args::Run::default()
        };
        let too_many = args::Run {
            sites: Some(3),
            shard: "1/4".parse().ok(),
            ..args::Run::default()
        };
        let every = args::Run {
            every: Some("often".into()),
            ..args::Run::default()
        };
        for (asked, said) in [
            (no_such, "calm-week"),
            (sockets, "--clock real"),
            (too_many, "at most 3 shards"),
            (every, "--every \"often\""),
        ] {
            let told = plan(&asked).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }
}
