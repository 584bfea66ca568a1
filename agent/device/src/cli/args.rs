//! The command line: names, help and examples.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::de::DeserializeOwned;
use weir_journey::identity::SiteName;
use weir_journey::queue::State;
use weir_journey::stamp::{Confidence, Pattern, Source};

use super::moment::Moment;
use super::paint::Colour;
use crate::config::TimeZoneName;
use crate::queue::Sorted;

const EXAMPLES: &str = "\
Examples:
  weir config init --output /etc/weir/weir.toml    write the documented configuration
  weir check                                       is everything in place? before you leave the site
  weir run                                         watch the camera directories and upload
  weir status                                      how the agent stands
  weir upload /media/card --site first-dam         bring a card to the bucket of its site
  weir queue list --state parked                   what was refused, and what to do about it
  weir queue retry --state parked                  try all of it again now
  weir timestamp *.jpg                             when pictures were taken, and how that is known
  weir infer --model water-demo *.jpg              how much of each picture is water
  weir queue export --output queue.csv             every field of every image, for a table

Exit codes: 0 done, 1 some of the work failed, 2 usage or configuration.
Environment: RUST_LOG (what is logged), NO_COLOR, WEIR_<SECTION>__<KEY> (settings).";

/// Brings every image of a camera site, once and verified, to the bucket of its site.
#[derive(Debug, Parser)]
#[command(name = "weir", version, after_help = EXAMPLES, propagate_version = true)]
pub(super) struct Cli {
    /// The configuration [default: $XDG_CONFIG_HOME/weir/weir.toml, else /etc/weir/weir.toml]
    #[arg(short, long, global = true, env = "WEIR_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Use colours; `auto` is on a terminal unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Colour,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the agent until SIGTERM: watch the camera directories, queue and upload every image
    #[command(
        after_help = "Examples:\n  weir run                                 in the foreground; a supervisor restarts it\n  RUST_LOG=weir=debug weir run             with more in the log\n\nSIGTERM or Ctrl-C finishes what is under way within daemon.drain; a second one stops at once.\nSIGHUP reads the configuration again: a faulty one is refused and the agent goes on; a changed one is taken up\nwithout the process ending."
    )]
    Run,
    /// Ask whether everything is in place: before you leave the site
    ///
    /// Asks, one by one: configuration, clock and zones, the state directory and its disk, every camera directory
    /// (events really arrive there), the way to the store, the keys, and every right on every bucket. Each answer
    /// is a line: ok, warn, fail or skipped; whatever is not well comes with what to do. It may be run beside a
    /// working agent. A bucket gets one small object, `weir-check/…`, which is deleted again where that is allowed.
    #[command(
        after_help = "Examples:\n  weir check                               everything; one line for a site that is well\n  weir check --site first-dam --verbose    one site, every line\n  weir check --offline                     nothing but this board\n  weir check --no-write                    the buckets are not written\n  weir check --json | jq 'select(.outcome == \"fail\")'\n\nExit codes: 0 nothing failed (there may be warnings), 1 something failed, 2 the configuration."
    )]
    Check(Check),
    /// Show how the agent stands: sites, queue, link, clock, watcher
    #[command(
        after_help = "Examples:\n  weir status\n  weir status --json | jq .sites\n\nExit code 1 when something needs attention."
    )]
    Status,
    /// Upload cards, sticks, folders and files by hand: queued, verified and reported as the agent does it
    #[command(after_help = super::upload::EXAMPLES)]
    Upload(super::upload::Upload),
    /// Fill a stick with the images that are still owed, for `weir upload` on another machine
    #[command(after_help = super::export::EXAMPLES)]
    Export(super::export::Export),
    /// What another machine has stored of this one's images
    #[command(
        subcommand,
        after_help = "Examples:\n  weir receipt apply /media/stick/receipt.jsonl"
    )]
    Receipt(super::receipt::Receipt),
    /// Look into the queue and change it
    #[command(subcommand)]
    Queue(Queue),
    /// Tell when pictures were taken, and how that is known
    #[command(
        after_help = "Examples:\n  weir timestamp IMG_20240809_143000.jpg --timezone America/Denver\n  weir timestamp /media/card --site first-dam --json\n  weir timestamp *.jpg --pattern 'cam_%Y%m%d_%H%M%S'\n  weir timestamp --restamp            what the present configuration would change in the queue\nWithout a configuration and --timezone, local times are taken for UTC, with a warning.\nExit code 1 when a file cannot be read; its name is judged all the same, and so are the others."
    )]
    Timestamp(Timestamp),
    /// Look at images with a model: where the water is, what a picture shows, whether the camera is well
    #[command(after_help = super::infer::EXAMPLES)]
    Infer(super::infer::Infer),
    /// Write, check and show the configuration
    #[command(subcommand)]
    Config(Config),
    /// The process that looks at images for a running agent
    #[cfg(feature = "infer")]
    #[command(hide = true)]
    InferWorker(crate::infer::Bounds),
    /// Print what a shell needs to complete commands and options
    #[command(
        after_help = "Examples:\n  weir completions bash > /etc/bash_completion.d/weir\n  weir completions zsh > /usr/local/share/zsh/site-functions/_weir\n  weir completions fish > ~/.config/fish/completions/weir.fish"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Ask nothing of the network
    #[arg(long)]
    pub(super) offline: bool,
    /// Write nothing into the buckets: rights to write are not tested
    #[arg(long)]
    pub(super) no_write: bool,
    /// Of the sites only this one
    #[arg(long, value_name = "NAME")]
    pub(super) site: Option<SiteName>,
    /// Every line, also of sites that are well
    #[arg(short, long)]
    pub(super) verbose: bool,
}

#[derive(Debug, Args)]
pub(super) struct Timestamp {
    /// Files, or folders with all files below them
    #[arg(required_unless_present = "restamp", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Zone of the camera's clock: an IANA name or an offset such as -07:00 [default: the site's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(super) timezone: Option<TimeZoneName>,
    /// Leave the files' modification times out
    #[arg(long)]
    pub(super) no_mtime: bool,
    /// Judge by the rules of this site [default: the one in whose folder a file lies]
    #[arg(long)]
    pub(super) site: Option<String>,
    /// A strptime pattern of the camera's file names; wins over all else, may be repeated
    #[arg(long = "pattern", value_name = "PATTERN", allow_hyphen_values = true)]
    pub(super) patterns: Vec<Pattern>,
    /// Show what the present configuration makes of the images in the queue, without their files
    #[arg(long, conflicts_with_all = ["files", "no_mtime"])]
    pub(super) restamp: bool,
    /// With --restamp: write it, for images that have no name in the store yet
    #[arg(long, requires = "restamp")]
    pub(super) apply: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// Images by site and state, bytes and the oldest that is still owed
    #[command(
        after_help = "Examples:\n  weir queue stats\n  weir queue stats --json | jq '.sites[].states'"
    )]
    Stats,
    /// List images, or the files that were refused
    #[command(
        after_help = "Examples:\n  weir queue list --state parked --state missing      what needs a person\n  weir queue list --site first-dam --order newest --limit 20\n  weir queue list --since 7d --doubtful               capture times to look at\n  weir queue list --since 2025-03-09 --until 2025-03-10 --json\n  weir queue list --path '*/DCIM/*' --failed\n  weir queue list --quarantined                       files that are no whole images\n  weir queue list --dropped                           what was given up, by whom and why"
    )]
    List(List),
    /// Write every field of the images into a table (CSV) or as JSON
    #[command(
        after_help = "Examples:\n  weir queue export --output queue.csv\n  weir queue export --state verified --since 30d --format json | jq .key\n  weir queue export --site first-dam --doubtful --output doubtful.csv\n\nCSV is RFC 4180 with a line of names; JSON is one object a line. A path that is not UTF-8 has U+FFFD in `path`\nand its bytes in hexadecimal in `path_hex`. The file is there whole or not at all, mode 0600."
    )]
    Export(Export),
    /// Show all that is known of one image
    #[command(
        after_help = "Examples:\n  weir queue show 17\n  weir queue show 9f86d081\n  weir queue show /srv/camera/first-dam/x.jpg --json"
    )]
    Show {
        /// Number, beginning of the SHA-256 (8 digits or more), or path
        image: String,
    },
    /// Try images again now
    #[command(
        after_help = "Examples:\n  weir queue retry 17\n  weir queue retry --state parked --site first-dam\n  weir queue retry /srv/camera/x.jpg      judge a quarantined file again"
    )]
    Retry(Choice),
    /// Give images up: they stay where they are, are not uploaded, and the drop is recorded
    #[command(
        after_help = "Examples:\n  weir queue drop 17 --reason 'test shots'\n  weir queue drop --state missing --site first-dam\n\nVerified images cannot be dropped; nothing is deleted."
    )]
    Drop {
        #[command(flatten)]
        choice: Choice,
        /// Why, for the record
        #[arg(long, default_value = "dropped by the operator")]
        reason: String,
    },
    /// Have the disk's retention leave the files of images alone, whatever room it needs
    #[command(
        after_help = "Examples:\n  weir queue flag 17 18\n  weir queue flag /srv/camera/flood.jpg\n  weir queue flag --off 17"
    )]
    Flag {
        /// Numbers, beginnings of SHA-256 (8 digits or more), or paths
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
        /// Let it have them again
        #[arg(long)]
        off: bool,
    },
    /// Check the database: integrity, references, states (exit code 1 when something is wrong)
    #[command(after_help = "Examples:\n  weir queue check\n  weir queue check --json")]
    Check,
    /// Repair a damaged database: sets it aside and rebuilds it; the agent must be stopped
    #[command(
        after_help = "Examples:\n  systemctl stop weir && weir queue repair && systemctl start weir"
    )]
    Repair,
}

/// Conditions that `list` and `export` share; all of those given have to hold.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which images")]
pub(super) struct Filter {
    /// Only this site; may be given again for further ones
    #[arg(long, value_name = "NAME")]
    pub(super) site: Vec<SiteName>,
    /// Only this state; may be given again for further ones
    #[arg(long, value_parser = state())]
    pub(super) state: Vec<State>,
    /// Captured at or after: a date of the camera's clock, an RFC 3339 time, or a span before now (7d)
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<Moment>,
    /// Captured before: a date of the camera's clock, an RFC 3339 time, or a span before now (12h)
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<Moment>,
    /// Whose capture time was read from this
    #[arg(long, value_parser = word::<Source>(&["exif", "gps", "filename", "path", "mtime", "none"]))]
    pub(super) source: Option<Source>,
    /// Whose capture time can be trusted so far
    #[arg(long, value_parser = word::<Confidence>(&["high", "medium", "low"]))]
    pub(super) confidence: Option<Confidence>,
    /// Whose capture time is doubtful
    #[arg(long)]
    pub(super) doubtful: bool,
    /// With this warning about the capture time, by its code (disagreement, reset-clock, …)
    #[arg(long, value_name = "CODE")]
    pub(super) warning: Option<String>,
    /// Whose path matches this pattern: `*` any characters (slashes, too), `?` one, `[…]` one of these
    #[arg(long, value_name = "GLOB")]
    pub(super) path: Option<String>,
    /// Whose key in the bucket begins so
    #[arg(long, value_name = "PREFIX")]
    pub(super) key: Option<String>,
    /// Whose last try failed
    #[arg(long)]
    pub(super) failed: bool,
    /// In which order
    #[arg(long, value_enum, default_value_t)]
    pub(super) order: Order,
}

/// In which order images are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Order {
    /// As they were accepted
    #[default]
    Accepted,
    /// The last captured first
    Newest,
    /// The first captured first
    Oldest,
}

impl Order {
    pub(super) const fn sorted(self) -> Sorted {
        match self {
            Self::Accepted => Sorted::Accepted,
            Self::Newest => Sorted::Newest,
            Self::Oldest => Sorted::Oldest,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// At most this many
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// The files that were refused, with the reason, instead of images
    #[arg(long, conflicts_with_all = [
        "state", "since", "until", "source", "confidence", "doubtful", "warning", "path", "key", "failed", "order",
    ])]
    pub(super) quarantined: bool,
    /// What was given up, by the operator or for want of room, instead of images
    #[arg(long, conflicts_with_all = [
        "state", "since", "until", "source", "confidence", "doubtful", "warning", "path", "key", "failed", "order",
        "quarantined",
    ])]
    pub(super) dropped: bool,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// RFC 4180, with a line of names
    #[default]
    Csv,
    /// One object a line
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The form; --json stands for `--format json`
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Form,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) filter: Filter,
}

/// The states by their names, which are completed and listed.
const STATES: &[&str] = &[
    "queued",
    "waiting",
    "uploading",
    "verified",
    "parked",
    "missing",
    "dropped",
];

fn state() -> impl TypedValueParser<Value = State> {
    PossibleValuesParser::new(STATES)
        .try_map(|name| name.parse::<State>().map_err(|error| error.to_string()))
}

/// A value of an enum by its name in the queue.
fn word<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names)
        .try_map(|name| serde_json::from_value::<T>(serde_json::Value::String(name)))
}

#[derive(Debug, Args)]
pub(super) struct Choice {
    /// Numbers, beginnings of SHA-256 (8 digits or more), or paths
    #[arg(
        required_unless_present = "state",
        conflicts_with = "state",
        value_name = "IMAGE"
    )]
    pub(super) images: Vec<String>,
    /// All images in this state
    #[arg(long, value_parser = state())]
    pub(super) state: Option<State>,
    /// With --state: only of this site
    #[arg(long, requires = "state", value_name = "NAME")]
    pub(super) site: Option<SiteName>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Print the documented configuration with all defaults, or write it to a file
    #[command(
        after_help = "Examples:\n  weir config init --output /etc/weir/weir.toml\n  weir config init | less"
    )]
    Init {
        /// Write to this file (0644, whole or not at all)
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite it
        #[arg(long, requires = "output")]
        force: bool,
    },
    /// Check the configuration: every fault at once, with its line
    #[command(
        after_help = "Examples:\n  weir config check\n  weir --config ./weir.toml config check --json"
    )]
    Check,
    /// Show the settings in force and where each comes from
    #[command(
        after_help = "Examples:\n  weir config show\n  WEIR_STORE__REGION=eu-central-1 weir config show"
    )]
    Show,
    /// Print the JSON schema for editors, or the reference as Markdown
    #[command(
        after_help = "Examples:\n  weir config reference --schema > weir.schema.json\n  weir config reference | less"
    )]
    Reference {
        /// The JSON schema instead of Markdown
        #[arg(long)]
        schema: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_asked_for() {
        let mut known = State::ALL.map(|state| state.to_string()).to_vec();
        let mut named = STATES.to_vec();
        known.sort();
        named.sort_unstable();
        assert_eq!(named, known);
    }
}
