//! `weir receipt apply`: what another machine has stored of this one's images.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, Subcommand};
use serde_json::json;
use weir_journey::verify::{Comparison, Expected, compare};

use super::output::{Failed, json as print_json, print};
use super::run::wide;
use crate::agent::store_config;
use crate::clock::Clock;
use crate::config::Config;
use crate::exchange::{ExchangeError, ReceiptReader};
use crate::import::{Removal, remove};
use crate::queue::{ImageId, Place, Queue, Received, Selector};
use crate::s3::{Store, https_client};
use crate::watch;

#[derive(Debug, Subcommand)]
pub(super) enum Receipt {
    /// Count images as stored that a receipt of `weir upload --receipt` names
    #[command(
        after_help = "Examples:\n  weir receipt apply /media/stick/receipt.jsonl\n  weir receipt apply receipt.jsonl --delete --check-store\n\nOnly images whose site, SHA-256 and size are exactly those of the receipt are counted; a second time changes nothing.\nExit codes: 0 applied, 1 some lines were not (told one by one), 2 this is no receipt."
    )]
    Apply(Apply),
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The receipt
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Delete the files of these images at once instead of leaving them to retention
    #[arg(long)]
    delete: bool,
    /// Ask the store about each image first, instead of trusting the receipt
    #[arg(long)]
    check_store: bool,
}

/// What came of a receipt.
#[derive(Debug, Default)]
struct Tally {
    verified: u64,
    already: u64,
    uploading: u64,
    dropped: u64,
    unknown: u64,
    deleted: u64,
    complaints: Vec<String>,
}

pub(super) fn apply(config: &Config, command: &Apply, json: bool) -> Result<ExitCode, Failed> {
    let reader = ReceiptReader::open(&command.file).map_err(|error| match error {
        ExchangeError::Io { .. } => Failed::Work(error.to_string()),
        ExchangeError::Foreign { .. } | ExchangeError::Version { .. } => {
            Failed::Usage(error.to_string())
        }
    })?;
    let tally = wide(apply_all(config, command, reader))?;
    if let Err(error) = watch::wake(&config.state.directory) {
        tracing::debug!("nobody was woken: {error}");
    }
    if json {
        print_json(&json!({
            "verified": tally.verified,
            "already_verified": tally.already,
            "on_their_way": tally.uploading,
            "dropped": tally.dropped,
            "not_of_this_device": tally.unknown,
            "deleted": tally.deleted,
            "failures": tally.complaints,
        }))?;
    } else {
        print(&text(&tally))?;
        for complaint in &tally.complaints {
            eprintln!("weir: {complaint}");
        }
    }
    Ok(ExitCode::from(u8::from(!tally.complaints.is_empty())))
}

fn text(tally: &Tally) -> String {
    let mut text = format!("{} images count as stored now\n", tally.verified);
    for (count, what) in [
        (tally.already, "were known to be stored"),
        (
            tally.uploading,
            "are on their way at this moment and are left to their upload",
        ),
        (tally.dropped, "were given up here before, and stay so"),
        (tally.unknown, "are not of this device"),
        (tally.deleted, "files were deleted"),
    ] {
        if count > 0 {
            text.push_str(&format!("{count} {what}\n"));
        }
    }
    text
}

async fn apply_all(
    config: &Config,
    command: &Apply,
    mut reader: ReceiptReader,
) -> Result<Tally, Failed> {
    let queue = Queue::open_beside(config.state.directory.clone()).await?;
    let store = match command.check_store {
        false => None,
        true => {
            let http = https_client(config.store.tls_ca_file.as_ref())
                .map_err(|error| Failed::Configuration(error.to_string()))?;
            Some(Store::connect(&store_config(config), http, Clock::system()))
        }
    };
    let mut tally = Tally::default();
    while let Some(line) = reader
        .read()
        .map_err(|error| Failed::Work(error.to_string()))?
    {
        let now = Utc::now();
        let (path, receipt) = match line {
            Err(why) => {
                tally.complaints.push(why);
                continue;
            }
            Ok(line) => match line.receipt(now) {
                Ok(receipt) => (line.path, receipt),
                Err(why) => {
                    tally.complaints.push(format!("{}: {why}", line.path));
                    continue;
                }
            },
        };
        if let Some(store) = &store
            && let Err(why) = stored(store, &receipt).await
        {
            tally.complaints.push(format!("{path}: {why}"));
            continue;
        }
        match queue.receive(receipt).await? {
            Received::Verified(id) => {
                tally.verified += 1;
                free(&queue, id, command, &mut tally).await?;
            }
            Received::Already(id) => {
                tally.already += 1;
                free(&queue, id, command, &mut tally).await?;
            }
            Received::Uploading => tally.uploading += 1,
            Received::Dropped => tally.dropped += 1,
            Received::Unknown => tally.unknown += 1,
            Received::Differs => tally.complaints.push(format!(
                "{path}: the image with this SHA-256 has another size here: the receipt is wrong"
            )),
        }
    }
    Ok(tally)
}

/// Whether the store shows what the receipt says.
async fn stored(store: &Store, receipt: &crate::queue::Receipt) -> Result<(), String> {
    let (bucket, key) = &receipt.target;
    let expected = Expected {
        size: receipt.size,
        sha256: receipt.sha256,
        composite: None,
    };
    match store.look(bucket, key).await {
        Ok(None) => Err(format!("the store has no {bucket}/{key}")),
        Ok(Some(found)) => match compare(&expected, &found) {
            Comparison::Same(_) => Ok(()),
            Comparison::Differs(what) => Err(format!("{bucket}/{key} is another object: {what}")),
            Comparison::Unproven => Err(format!(
                "the store does not prove what {bucket}/{key} holds"
            )),
        },
        Err(error) => Err(format!("the store was asked in vain: {error}")),
    }
}

/// Deletes the files of a verified image, where that was asked for.
async fn free(
    queue: &Queue,
    id: ImageId,
    command: &Apply,
    tally: &mut Tally,
) -> Result<(), Failed> {
    if !command.delete {
        return Ok(());
    }
    for dossier in queue.view().show(Selector::Id(id)).await? {
        let places = std::iter::once(dossier.image.place).chain(dossier.elsewhere);
        for Place { path, identity } in places {
            let file = path.clone();
            let removal = crate::blocking::spawn(move || remove(&file, &identity)).await;
            match removal.map_err(|error| Failed::Work(error.to_string()))? {
                Removal::Removed => {
                    tally.deleted += 1;
                    queue
                        .removed(id, path, "receipt", Utc::now().timestamp_millis())
                        .await?;
                }
                Removal::Gone => {}
                Removal::Changed => tally.complaints.push(format!(
                    "{}: not deleted: it has changed since it was accepted",
                    path.display()
                )),
                Removal::Failed(error) => tally
                    .complaints
                    .push(format!("{}: not deleted: {error}", path.display())),
            }
        }
    }
    Ok(())
}
