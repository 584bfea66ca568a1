//! `weir upload`: cards, sticks, folders and files, by hand.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use weir_journey::gate::Order;
use weir_journey::identity::SiteName;
use weir_journey::import::Outcome;

use super::output::{Failed, bytes, json as print_json, moment, print};
use super::run::{stop_on_signals, wide};
use crate::config::{Config, TimeZoneName, parse_duration};
use crate::import::{
    self, Audience, Ended, ImportError, Plan, Progress, Request, Summary, Unmatched,
};
use crate::logging;
use crate::upload::captured;
use crate::world::World;

pub(super) const EXAMPLES: &str = "\
Examples:
  weir upload /media/card --site first-dam --dry-run      what is on it, and what would be done
  weir upload /media/card --site first-dam                a card of one site
  weir upload /media/stick /media/card                    many sites, by `match` of their [[site]] blocks
  weir upload /media/card --site first-dam --delete-after-verify --receipt card.jsonl

Interrupted, killed or with the card pulled, it loses nothing: the same command again goes on where it was.
Exit codes: 0 all is stored, 1 some of it is not (told one by one), 2 usage, or files that fit no site.";

/// Files of which it is told one by one why they are not stored, without --json.
const TOLD: u64 = 20;

#[derive(Debug, Args)]
pub(super) struct Upload {
    /// Cards, sticks, folders or files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// All of it is this site's
    #[arg(long, value_name = "NAME")]
    site: Option<SiteName>,
    /// With --site: the zone of its camera's clock, such as Etc/GMT+7, where the configuration has another one
    #[arg(long, requires = "site", value_name = "ZONE")]
    timezone: Option<TimeZoneName>,
    /// Read everything and tell what would be done; change nothing
    #[arg(long, conflicts_with_all = ["delete_after_verify", "receipt"])]
    dry_run: bool,
    /// Delete each file once the store has proved that it holds it
    #[arg(long)]
    delete_after_verify: bool,
    /// Write what was stored to this file, for `weir receipt apply` on the device
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Which images go first, of all that is given; all of it is read before the first goes up [default: gate.order, as
    /// they are read]
    #[arg(long, value_name = "ORDER")]
    order: Option<Direction>,
    /// Keep the queue in this folder instead of state.directory
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Leave the rest for another time when nothing has moved for so long: "10m", "2h"
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    give_up: Duration,
    /// Neither progress nor a report: errors only
    #[arg(short, long)]
    quiet: bool,
}

/// Which of the images goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Direction {
    /// The one captured first
    Oldest,
    /// The one captured last
    Freshest,
}

impl From<Direction> for Order {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Oldest => Self::Oldest,
            Direction::Freshest => Self::Freshest,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

pub(super) fn upload(mut config: Config, command: &Upload, json: bool) -> Result<ExitCode, Failed> {
    // What matters is told below; whoever wants the log of the steps asks for it.
    if std::env::var_os("RUST_LOG").is_some() {
        logging::begin(logging::Format::Text);
    }
    if let Some(state) = &command.state {
        config.state.directory = std::path::absolute(state)
            .map_err(|error| Failed::Usage(format!("--state {}: {error}", state.display())))?;
    }
    let request = Request {
        paths: command.paths.clone(),
        site: command.site.clone(),
        timezone: command.timezone.clone(),
        order: command.order.map(Order::from),
        delete: command.delete_after_verify,
        receipt: command.receipt.clone(),
        give_up: command.give_up,
    };
    let mut teller = Teller::new(json, command.quiet, command.dry_run);
    wide(async {
        let stop = stop_on_signals()?;
        if command.dry_run {
            let planned = import::plan(&config, &request, &mut teller, stop).await;
            teller.clear();
            return planned
                .map_err(|error| failed(error, json))
                .and_then(|plan| show_plan(&plan, json));
        }
        let world =
            World::real(&config).map_err(|error| Failed::Configuration(error.to_string()))?;
        let done = import::run(config, world, request, &mut teller, stop).await;
        teller.clear();
        report(done.map_err(|error| failed(error, json))?, &mut teller)
    })
}

/// The command line's view of an error; what fits no site is told as JSON too.
fn failed(error: ImportError, json: bool) -> Failed {
    match &error {
        ImportError::Unmatched(unmatched) => {
            if json {
                let _ = print_json(&json!({ "unmatched": unmatched_json(unmatched) }));
            }
            Failed::Usage(error.to_string())
        }
        ImportError::Usage(_) => Failed::Usage(error.to_string()),
        ImportError::Run(crate::RunError::Gate(_)) => Failed::Configuration(error.to_string()),
        _ => Failed::Work(error.to_string()),
    }
}

fn unmatched_json(unmatched: &Unmatched) -> Value {
    let folders = unmatched.folders.iter().map(|misfit| {
        json!({
            "folder": misfit.folder.to_string_lossy(),
            "files": misfit.files,
            "example": misfit.example,
            "sites": misfit.sites,
            "site_of_manifest": misfit.wanted,
        })
    });
    json!({ "files": unmatched.files, "folders": folders.collect::<Vec<_>>() })
}

/// Tells what comes of each file, and how far it is.
struct Teller {
    json: bool,
    quiet: bool,
    bar: Option<ProgressBar>,
    waits_for: Option<String>,
    told: u64,
    untold: u64,
    errors: BTreeMap<Outcome, u64>,
    nobody_reads: bool,
}

impl Teller {
    fn new(json: bool, quiet: bool, dry_run: bool) -> Self {
        let seen = !quiet && std::io::stderr().is_terminal();
        let bar = seen.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let verb = if dry_run { "read" } else { "done" };
            let template = format!(
                "{{bar:24}} {{pos}} of {{len}} {verb}, {{per_sec}}, {{eta}} left  {{wide_msg}}"
            );
            // The template is ours, and a test of the command line has it drawn.
            bar.set_style(
                ProgressStyle::with_template(&template)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Self {
            json,
            quiet,
            bar,
            waits_for: None,
            told: 0,
            untold: 0,
            errors: BTreeMap::new(),
            nobody_reads: false,
        }
    }

    /// A sentence on standard error, above the progress.
    fn say(&self, sentence: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("weir: {sentence}")),
            None => eprintln!("weir: {sentence}"),
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Audience for Teller {
    fn ended(&mut self, ended: &Ended) {
        if self.json {
            if !self.nobody_reads {
                self.nobody_reads = !matches!(print_json(&ended_json(ended)), Ok(true));
            }
            return;
        }
        let Some(error) = &ended.error else { return };
        *self.errors.entry(ended.outcome).or_default() += 1;
        if self.told < TOLD {
            self.told += 1;
            self.say(&format!(
                "{}: {}: {error}",
                ended.path.display(),
                ended.outcome
            ));
        } else {
            self.untold += 1;
        }
    }

    fn progress(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.files);
            bar.set_position(progress.done);
            let read = format!(
                "{} read, {} stored",
                progress.taken,
                bytes(progress.stored_bytes)
            );
            bar.set_message(progress.waits_for.clone().unwrap_or(read));
        } else if !self.quiet
            && let Some(why) = &progress.waits_for
            && !same_wait(why, self.waits_for.as_deref())
        {
            self.say(&format!("waiting: {why}"));
        }
        self.waits_for.clone_from(&progress.waits_for);
    }
}

/// Whether two waits differ in their numbers only.
fn same_wait(one: &str, other: Option<&str>) -> bool {
    let words = |text: &str| text.split(|c: char| c.is_ascii_digit()).collect::<String>();
    other.is_some_and(|other| words(one) == words(other))
}

fn ended_json(ended: &Ended) -> Value {
    let image = ended.image.as_ref();
    let (bucket, key) = image.and_then(|image| image.target.clone()).unzip();
    json!({
        "path": ended.path.to_string_lossy(),
        "outcome": ended.outcome,
        "site": ended.site,
        "bucket": bucket,
        "key": key,
        "sha256": image.map(|image| image.sha256.to_string()),
        "captured_at": image.map(|image| moment(captured(image))),
        "error": ended.error,
        "deleted": ended.deleted,
    })
}

fn report(summary: Summary, teller: &mut Teller) -> Result<ExitCode, Failed> {
    if teller.untold > 0 {
        teller.say(&format!(
            "and {} more: --json tells all of them",
            teller.untold
        ));
    }
    if teller.json {
        print_json(&summary_json(&summary))?;
    } else if !teller.quiet {
        print(&summary_text(&summary))?;
    }
    if let Some(trouble) = summary.trouble.as_ref().filter(|_| !teller.json) {
        teller.say(trouble);
    } else if summary.interrupted {
        teller.say("interrupted: what is accepted stays queued, the same command again goes on");
    }
    Ok(ExitCode::from(u8::from(!summary.is_complete())))
}

fn summary_json(summary: &Summary) -> Value {
    let mut counts: serde_json::Map<String, Value> = Outcome::ALL
        .iter()
        .map(|outcome| {
            (
                outcome.to_string(),
                json!(summary.outcomes.get(outcome).copied().unwrap_or(0)),
            )
        })
        .collect();
    let more = json!({
        "ignored": summary.ignored,
        "not_reached": summary.not_reached,
        "uploaded_bytes": summary.uploaded_bytes,
        "deleted": summary.deleted,
        "not_deleted": summary.not_deleted,
        "in_receipt": summary.receipt,
        "interrupted": summary.interrupted,
        "error": summary.trouble,
    });
    counts.extend(more.as_object().cloned().unwrap_or_default());
    json!({ "summary": counts })
}

fn summary_text(summary: &Summary) -> String {
    let mut text = String::new();
    for outcome in Outcome::ALL {
        let count = summary.outcomes.get(&outcome).copied().unwrap_or(0);
        if count > 0 || outcome == Outcome::Uploaded {
            let size = match outcome {
                Outcome::Uploaded => format!("  {}", bytes(summary.uploaded_bytes)),
                _ => String::new(),
            };
            text.push_str(&format!("{:12} {count:>9}{size}\n", outcome.to_string()));
        }
    }
    for (name, count) in [
        ("not reached", summary.not_reached),
        ("deleted", summary.deleted),
        ("not deleted", summary.not_deleted),
        ("ignored", summary.ignored),
        ("in receipt", summary.receipt.unwrap_or(0)),
    ] {
        if count > 0 {
            text.push_str(&format!("{name:12} {count:>9}\n"));
        }
    }
    text
}

fn show_plan(plan: &Plan, json: bool) -> Result<ExitCode, Failed> {
    if json {
        print_json(&plan_json(plan))?;
    } else {
        print(&plan_text(plan))?;
    }
    if plan.unmatched.files > 0 {
        return Err(Failed::Usage(plan.unmatched.to_string()));
    }
    Ok(ExitCode::from(u8::from(plan.interrupted)))
}

fn day(at: Option<DateTime<FixedOffset>>) -> Value {
    at.map_or(Value::Null, |at| json!(moment(at)))
}

fn plan_json(plan: &Plan) -> Value {
    let sites = plan.sites.iter().map(|site| {
        let (first, last) = site.span.unzip();
        json!({
            "site": site.site,
            "images": site.images,
            "bytes": site.bytes,
            "first": day(first),
            "last": day(last),
            "stored": site.stored,
            "to_upload": site.to_upload.0,
            "bytes_to_upload": site.to_upload.1,
            "doubtful": site.doubtful,
            "quarantined": site.quarantined,
        })
    });
    json!({ "plan": {
        "sites": sites.collect::<Vec<_>>(),
        "ignored": plan.ignored,
        "unreadable": plan.unreadable,
        "unmatched": unmatched_json(&plan.unmatched),
        "expected_seconds": plan.expected.map(|time| time.as_secs()),
        "bounded_by": plan.bounded_by,
        "stored_by": "the queue of this machine",
        "interrupted": plan.interrupted,
    }})
}

fn plan_text(plan: &Plan) -> String {
    let mut text = String::new();
    for site in &plan.sites {
        text.push_str(&format!(
            "{}: {} images, {}",
            site.site,
            site.images,
            bytes(site.bytes)
        ));
        if let Some((first, last)) = site.span {
            text.push_str(&format!(", {} to {}", moment(first), moment(last)));
        }
        text.push_str(&format!(
            "\n  {} to upload ({})",
            site.to_upload.0,
            bytes(site.to_upload.1)
        ));
        for (count, what) in [
            (site.stored, "stored already, by the queue of this machine"),
            (site.doubtful, "of doubtful time"),
            (site.quarantined, "not whole, to be set aside"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text.push('\n');
    }
    if plan.ignored > 0 {
        text.push_str(&format!(
            "{} files are no pictures and are passed over\n",
            plan.ignored
        ));
    }
    if plan.unreadable > 0 {
        text.push_str(&format!("{} files cannot be read\n", plan.unreadable));
    }
    match (plan.expected, plan.bounded_by) {
        (Some(time), Some(by)) => {
            text.push_str(&format!("takes {} at least, by {by}\n", span(time)))
        }
        _ => text.push_str(
            "takes as long as the link needs: neither the pipeline nor the gate is bounded\n",
        ),
    }
    text
}

/// A time for people: its two largest units.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        let told: Vec<_> = [5, 65, 3_700, 90_000]
            .map(|s| span(Duration::from_secs(s)))
            .into();
        assert_eq!(told, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }

    #[test]
    fn a_countdown_is_told_once() {
        assert!(same_wait(
            "the next image in 12 s",
            Some("the next image in 3 s")
        ));
        assert!(!same_wait(
            "the store does not answer",
            Some("the next image in 3 s")
        ));
        assert!(!same_wait("x", None));
    }
}
