//! The command line: names, help and examples.

mod provision;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use weir::config::{BucketName, Endpoint};

use crate::camera::Schedule;
use crate::report::Shard;
use crate::units::parse_duration;
use crate::weather::scenario::Hold;

pub(super) use provision::{Credentials, Devices, Package, Provision, RESULTS};

const EXAMPLES: &str = "\
Examples:
  weir-fleet run --scenario calm-week              300 sites for a week, in virtual time; then open the report
  weir-fleet scenarios                             what else there is to run
  weir-fleet report weir-fleet-report other        compare two runs
  weir-fleet store --addr 127.0.0.1:9000           an S3 service on this machine, without an account
  weir-fleet provision --table sites.csv --out x   configurations, rights and cards of real sites

Exit codes: 0 done and every promise kept, 1 not so or ended early, 2 usage.
Environment: RUST_LOG (what the simulated agents log), NO_COLOR, TMPDIR.";

/// Runs hundreds of simulated camera sites, each with the real agent, and judges what became of every image.
#[derive(Debug, Parser)]
#[command(name = "weir-fleet", version, after_help = EXAMPLES, propagate_version = true)]
pub(super) struct Cli {
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Show no progress
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a fleet, judge it, and write its report
    ///
    /// Without a scenario: 300 sites for a week, an image an hour, in virtual time. What is said here goes over what
    /// the scenario says. Ctrl-C ends the run with a report of what was done; a second one ends it at once.
    #[command(
        after_help = "Examples:\n  weir-fleet run                                              300 sites, a week, in virtual time\n  weir-fleet run --scenario storm-outage --out storm          a scenario of the library\n  weir-fleet run --scenario mine.toml --seed 7 --sites 50     a file, changed here and there\n  weir-fleet run --sites 20 --schedule 'rate 1/s for 3m' --max-concurrent-sites 5 --hold 22s\n  weir-fleet run --clock real --sites 300 --length 15m --every 1m\n  weir-fleet run --sites 3000 --shard 1/4 --out shard-1       a quarter of a larger fleet\n\nExit codes: 0 every promise was kept, 1 not so or ended early, 2 usage."
    )]
    Run(Run),
    /// Make a run's page anew, compare runs, or put the shards of one together
    #[command(
        after_help = "Examples:\n  weir-fleet report weir-fleet-report                         its figures and page, anew\n  weir-fleet report before after --out compare.html           two runs beside each other\n  weir-fleet report shard-* --merge --out whole               one run out of its shards\n  weir-fleet report whole --json\n\nExit codes: 0 done, 1 the run shown did not keep its promises or was ended early, 2 usage."
    )]
    Report(Report),
    /// List the scenarios of the library, or print one to copy
    #[command(
        after_help = "Examples:\n  weir-fleet scenarios\n  weir-fleet scenarios storm-outage > mine.toml"
    )]
    Scenarios {
        /// Print this one
        name: Option<String>,
    },
    /// Serve an S3 store on this machine: for demos, tests and simulations
    ///
    /// The first line of standard output is its address. It checks signatures and checksums and honours conditional
    /// writes. Ctrl-C or SIGTERM ends it.
    #[command(
        after_help = "Examples:\n  weir-fleet store --addr 127.0.0.1:9000 --dir objects --bucket first-dam-image\n  weir-fleet store --sites 300                                buckets for 300 simulated sites, in memory\n  weir-fleet store --auto-create-buckets --faults faults.json\n\nThe keys are weir and weir-secret unless others are given.\nFaults are a JSON list of rules: [{\"action\": {\"error\": \"slow_down\"}, \"max_hits\": 3}]"
    )]
    Store(Store),
    /// Write the configuration and the rights of many real sites, and make their buckets
    ///
    /// For each site a folder with its weir.toml, which is loaded to see that it is right, and a policy.json with the
    /// rights that its device needs and no others; for all of them make-buckets.sh. With --devices a folder for each
    /// device instead, with what flashes and labels it. No keys are written. The table is a CSV file with a line of
    /// names: site, and where wanted directory, timezone, bucket, model, device, label, note, latitude, longitude. What
    /// a row leaves empty is taken from the options.
    #[command(after_help = provision::EXAMPLES)]
    Provision(Box<Provision>),
    /// Print what a shell needs to complete commands and options
    #[command(
        after_help = "Examples:\n  weir-fleet completions bash > /etc/bash_completion.d/weir-fleet\n  weir-fleet completions zsh > /usr/local/share/zsh/site-functions/_weir-fleet"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Whose time a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Clock {
    /// Simulated time: as fast as the machine goes, and the same for the same seed
    Virtual,
    /// The time on the wall, with real sockets and files
    Real,
}

/// Who counts the sites in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Gate {
    /// One gate for all sites of this process
    Local,
    /// Every site by itself, through objects in a bucket
    S3,
}

/// What pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Picture {
    /// Nothing: fast
    Noise,
    /// A river, with its true mask and stage beside it (kept with --keep-work)
    Scene,
}

#[derive(Debug, Default, Args)]
pub(super) struct Run {
    /// A scenario of the library, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) scenario: Option<String>,
    /// How many sites
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) sites: Option<u32>,
    /// How long the cameras take pictures, such as 90m, 12h or 7d
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) length: Option<Duration>,
    /// The same in hours
    #[arg(long, value_name = "H", conflicts_with = "length", value_parser = hours)]
    pub(super) hours: Option<Duration>,
    /// What all that is random is drawn from
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// Whose time it takes
    #[arg(long, value_enum)]
    pub(super) clock: Option<Clock>,

    /// A picture on every mark of the clock that is so far apart, such as 30m
    #[arg(long, value_name = "TIME", help_heading = "Cameras", conflicts_with_all = ["schedule", "trace"])]
    pub(super) every: Option<String>,
    /// A schedule: every …, bursts …, rate …, staircase …, trace … (see docs/scenarios.md)
    #[arg(
        long,
        value_name = "SCHEDULE",
        help_heading = "Cameras",
        conflicts_with = "trace"
    )]
    pub(super) schedule: Option<Schedule>,
    /// Pictures at the times of this CSV file: columns time and, if wanted, site
    #[arg(long, value_name = "FILE", help_heading = "Cameras")]
    pub(super) trace: Option<PathBuf>,
    /// What the pictures show
    #[arg(long, value_enum, help_heading = "Cameras")]
    pub(super) camera: Option<Picture>,

    /// The most sites that may be in the pipeline at once
    #[arg(long, value_name = "N", help_heading = "Site concurrency", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) max_concurrent_sites: Option<u32>,
    /// The most images that one site may have in it
    #[arg(long, value_name = "N", help_heading = "Site concurrency", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) max_in_flight_per_site: Option<u32>,
    /// How long a site stays in it after its upload: upload, a time such as 30s, or result
    #[arg(long, value_name = "HOLD", help_heading = "Site concurrency")]
    pub(super) hold: Option<Hold>,
    /// Who counts the sites
    #[arg(long, value_enum, help_heading = "Site concurrency")]
    pub(super) gate: Option<Gate>,

    /// Run only part i of n of the fleet; `weir-fleet report --merge` puts them together
    #[arg(long, value_name = "I/N", help_heading = "Where")]
    pub(super) shard: Option<Shard>,
    /// An S3 service, with the keys of the environment, in place of the embedded store; needs --clock real
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub(super) endpoint: Option<Endpoint>,
    /// Make the sites' folders below this one [default: /dev/shm where it has room, else the temporary folder]
    #[arg(long, value_name = "DIR", help_heading = "Where")]
    pub(super) work: Option<PathBuf>,
    /// Keep the sites' folders
    #[arg(long, help_heading = "Where")]
    pub(super) keep_work: bool,
    /// Write the report into this folder
    #[arg(
        short,
        long,
        value_name = "DIR",
        help_heading = "Where",
        default_value = "weir-fleet-report"
    )]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Folders of runs
    #[arg(required = true, value_name = "DIR")]
    pub(super) runs: Vec<PathBuf>,
    /// They are the shards of one run: write the whole one
    #[arg(long)]
    pub(super) merge: bool,
    /// Where to: the page that compares [default: compare.html], or the merged run's folder [default:
    /// weir-fleet-report]
    #[arg(short, long, value_name = "DIR|FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Store {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(super) addr: SocketAddr,
    /// Let other machines in, too: an address that is not of the loopback needs this, and a secret key of your own
    #[arg(long)]
    pub(super) public: bool,
    /// Keep objects in this folder [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Make this bucket; may be given again for further ones
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Vec<BucketName>,
    /// Make the buckets of so many simulated sites
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub(super) sites: u32,
    /// A PUT into a bucket that is not there makes it
    #[arg(long)]
    pub(super) auto_create_buckets: bool,
    /// Ignore If-Match and If-None-Match, as some stores do
    #[arg(long)]
    pub(super) no_conditional_writes: bool,
    /// A JSON file with a list of fault rules
    #[arg(long, value_name = "FILE")]
    pub(super) faults: Option<PathBuf>,
    /// The access key's name
    #[arg(
        long,
        value_name = "ID",
        default_value = "weir",
        env = "WEIR_FLEET_ACCESS_KEY"
    )]
    pub(super) access_key: String,
    /// The secret key [default: weir-secret]; better from the environment, where other users cannot see it
    #[arg(
        long,
        value_name = "KEY",
        env = "WEIR_FLEET_SECRET_KEY",
        hide_env_values = true
    )]
    pub(super) secret_key: Option<String>,
}

/// A number of hours, to the second.
fn hours(text: &str) -> Result<Duration, String> {
    let hours: f64 = text
        .parse()
        .map_err(|_| "write a number such as 36 or 0.5".to_owned())?;
    let time = Duration::try_from_secs_f64((hours * 3600.0).round());
    time.ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "it must be longer than 0".to_owned())
}
