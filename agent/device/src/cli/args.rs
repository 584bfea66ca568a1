//! The command line: names, help and examples.

use std::path::PathBuf;

use chrono::{DateTime, FixedOffset};
use clap::{Args, Parser, Subcommand};
use weir_journey::queue::State;

const EXAMPLES: &str = "\
Examples:
  weir config init --output /etc/weir/weir.toml    write the documented configuration
  weir config check                                every fault of it at once, with its line
  weir run                                         watch the camera directories and upload
  weir status                                      how the agent stands
  weir upload /media/card --site first-dam         bring a card to the bucket of its site
  weir queue list --state parked                   what was refused, and what to do about it
  weir queue retry --state parked                  try all of it again now

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
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the agent until SIGTERM: watch the camera directories, queue and upload every image
    #[command(
        after_help = "SIGTERM or Ctrl-C finishes what is under way within daemon.drain; a second one stops at once.\nSIGHUP is not needed: directories are watched, and `weir queue` wakes the agent itself."
    )]
    Run,
    /// Show how the agent stands: sites, queue, link, clock, watcher
    #[command(
        after_help = "Exit code 1 when something needs attention.\nExample: weir status --json | jq .sites"
    )]
    Status,
    /// Upload cards, sticks, folders and files by hand: queued, verified and reported as the agent does it
    #[command(after_help = super::upload::EXAMPLES)]
    Upload(super::upload::Upload),
    /// Fill a stick with the images that are still owed, for `weir upload` on another machine
    #[command(after_help = super::export::EXAMPLES)]
    Export(super::export::Export),
    /// What another machine has stored of this one's images
    #[command(subcommand)]
    Receipt(super::receipt::Receipt),
    /// Look into the queue and change it
    #[command(subcommand)]
    Queue(Queue),
    /// Write, check and show the configuration
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// Images by site and state, bytes and the oldest that is still owed
    Stats,
    /// List images, or the files that were refused
    #[command(
        after_help = "Examples:\n  weir queue list --site first-dam --state waiting --limit 20\n  weir queue list --quarantined\n  weir queue list --since 2025-03-09T00:00:00-07:00 --json"
    )]
    List(Filter),
    /// Show all that is known of one image
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
        after_help = "Example: weir queue drop 17 --reason 'test shots'\nVerified images cannot be dropped; nothing is deleted."
    )]
    Drop {
        #[command(flatten)]
        choice: Choice,
        /// Why, for the record
        #[arg(long, default_value = "dropped by the operator")]
        reason: String,
    },
    /// Check the database: integrity, references, states (exit code 1 when something is wrong)
    Check,
    /// Repair a damaged database: sets it aside and rebuilds it; the agent must be stopped
    Repair,
}

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only this site
    #[arg(long)]
    pub(super) site: Option<String>,
    /// Only this state: queued, waiting, uploading, verified, parked, missing, dropped
    #[arg(long)]
    pub(super) state: Option<State>,
    /// Only images captured at or after this time (ISO 8601 with offset)
    #[arg(long, value_name = "TIME")]
    pub(super) since: Option<DateTime<FixedOffset>>,
    /// Only images captured before this time (ISO 8601 with offset)
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<DateTime<FixedOffset>>,
    /// At most this many
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// The files that were refused, with the reason, instead of images
    #[arg(long, conflicts_with_all = ["state", "since", "until"])]
    pub(super) quarantined: bool,
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
    #[arg(long)]
    pub(super) state: Option<State>,
    /// With --state: only of this site
    #[arg(long, requires = "state")]
    pub(super) site: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Print the documented configuration with all defaults, or write it to a file
    Init {
        /// Write to this file (0644, whole or not at all)
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite it
        #[arg(long, requires = "output")]
        force: bool,
    },
    /// Check the configuration: every fault at once, with its line
    Check,
    /// Show the settings in force and where each comes from
    Show,
    /// Print the JSON schema for editors, or the reference as Markdown
    Reference {
        /// The JSON schema instead of Markdown
        #[arg(long)]
        schema: bool,
    },
}
