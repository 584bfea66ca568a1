//! `weir export`: fill a stick with the backlog.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use weir_journey::identity::SiteName;

use super::output::{Failed, bytes, json as print_json, print};
use super::run::{stop_on_signals, wide};
use super::upload::Direction;
use crate::config::{Config, parse_size};
use crate::export::{self, ExportError, Filled, Wish};
use crate::queue::Order;

pub(super) const EXAMPLES: &str = "\
Examples:
  weir export /media/stick                               everything that is owed, the oldest first
  weir export /media/stick --order freshest --limit-bytes 8GiB
  weir upload /media/stick --receipt receipt.jsonl       then, on a machine with a link
  weir receipt apply receipt.jsonl --delete              and back on this one

Nothing of the device is changed. A full stick is no failure (exit code 0): how many are left is told, and the next
export goes on with them.";

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The folder on the stick; made when it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only this site
    #[arg(long, value_name = "NAME")]
    site: Option<SiteName>,
    /// Which images go first, by capture time
    #[arg(long, value_name = "ORDER", default_value = "oldest")]
    order: Direction,
    /// At most so many bytes, such as 8GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    limit_bytes: Option<u64>,
}

fn size(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(bytes) => Ok(bytes),
        Err(_) => parse_size(text).map_err(|error| error.to_string()),
    }
}

pub(super) fn export(config: &Config, command: &Export, json: bool) -> Result<ExitCode, Failed> {
    let wish = Wish {
        folder: command.folder.clone(),
        site: command.site.clone(),
        order: match command.order {
            Direction::Oldest => Order::Oldest,
            Direction::Freshest => Order::Freshest,
        },
        limit: command.limit_bytes,
    };
    let bar = std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{bar:24} {pos} of {len} copied, {per_sec}, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    });
    let tell = |filled: &Filled| {
        if let Some(bar) = &bar {
            bar.set_length(filled.owed);
            bar.set_position(filled.copied + filled.there);
        }
    };
    let filled = wide(async {
        let stop = stop_on_signals()?;
        let exported = export::export(config.state.directory.clone(), wish, tell, stop).await;
        exported.map_err(|error| match error {
            ExportError::NoSite(_) => Failed::Usage(error.to_string()),
            _ => Failed::Work(error.to_string()),
        })
    })?;
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    report(&filled, json)?;
    Ok(ExitCode::from(u8::from(
        filled.failures > 0 || filled.interrupted,
    )))
}

fn report(filled: &Filled, json: bool) -> Result<(), Failed> {
    if json {
        let failed = filled
            .failed
            .iter()
            .map(|(path, why)| json!({ "path": path.to_string_lossy(), "error": why }));
        print_json(&json!({
            "copied": filled.copied,
            "bytes": filled.bytes,
            "already_there": filled.there,
            "left": filled.left(),
            "full": filled.full,
            "limit_reached": filled.limited,
            "interrupted": filled.interrupted,
            "failures": filled.failures,
            "failed": failed.collect::<Vec<_>>(),
        }))?;
        return Ok(());
    }
    for (path, why) in &filled.failed {
        eprintln!("weir: {}: {why}", path.display());
    }
    let mut text = format!("{} images copied, {}", filled.copied, bytes(filled.bytes));
    if filled.there > 0 {
        text.push_str(&format!("; {} were there already", filled.there));
    }
    let why = match (filled.full, filled.limited, filled.interrupted) {
        (true, ..) => " (the stick is full)",
        (_, true, _) => " (the limit is reached)",
        (.., true) => " (interrupted)",
        _ => "",
    };
    text.push_str(&format!("; {} left{why}\n", filled.left()));
    print(&text)?;
    Ok(())
}
