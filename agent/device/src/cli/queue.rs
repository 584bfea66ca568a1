//! `weir queue`: look into the queue and change it, beside a running agent or without one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use serde_json::{Value, json};

use super::args::{self, Choice};
use super::output::{Failed, bytes, json as print_json, print};
use super::paint::Paint;
use super::retained::flag;
use super::row::image_json;
use super::{listing, short};
use crate::config::Config;
use crate::lock::Lock;
use crate::queue::{Dossier, Filter, Queue, Repaired, Selector, Stats, View};
use crate::watch;

pub(super) fn queue(
    config: &Config,
    command: &args::Queue,
    json: bool,
    paint: Paint,
) -> Result<ExitCode, Failed> {
    let state = config.state.directory.clone();
    short(async {
        match command {
            args::Queue::Stats => stats(state, json).await,
            args::Queue::List(wanted) => listing::list(state, wanted, json, paint).await,
            args::Queue::Export(wanted) => listing::export(state, wanted, json).await,
            args::Queue::Show { image } => show(state, image, json).await,
            args::Queue::Retry(choice) => retry(state, choice, json).await,
            args::Queue::Drop { choice, reason } => give_up(state, choice, reason, json).await,
            args::Queue::Flag { images, off } => flag(state, images, *off, json).await,
            args::Queue::Check => check(state, json).await,
            args::Queue::Repair => repair(state, json).await,
        }
    })
}

async fn stats(state: PathBuf, json: bool) -> Result<ExitCode, Failed> {
    let stats = View::open(state).await?.stats().await?;
    if json {
        print_json(&stats_json(&stats))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for (site, of_site) in &stats.sites {
        for (state, count) in &of_site.states {
            let oldest = count
                .oldest_ms
                .and_then(chrono::DateTime::from_timestamp_millis);
            let oldest = oldest.map_or(String::new(), |at| format!("  oldest {}", at.to_rfc3339()));
            let (images, size) = (count.images, bytes(count.bytes));
            text.push_str(&format!(
                "{site:24} {state:10} {images:>9} {size:>12}{oldest}\n"
            ));
        }
        for (reason, count) in &of_site.quarantined {
            text.push_str(&format!("{site:24} quarantined {count:>8} ({reason})\n"));
        }
    }
    if text.is_empty() {
        text.push_str("the queue is empty\n");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn stats_json(stats: &Stats) -> Value {
    let sites = stats.sites.iter().map(|(site, of_site)| {
        let states = of_site.states.iter().map(|(state, count)| {
            let oldest = count
                .oldest_ms
                .and_then(chrono::DateTime::from_timestamp_millis);
            let value = json!({ "images": count.images, "bytes": count.bytes, "oldest": oldest });
            (state.to_string(), value)
        });
        let states: serde_json::Map<_, _> = states.collect();
        json!({ "site": site.as_str(), "states": states, "quarantined": of_site.quarantined })
    });
    json!({ "sites": sites.collect::<Vec<_>>() })
}

async fn show(state: PathBuf, image: &str, json: bool) -> Result<ExitCode, Failed> {
    let found = View::open(state).await?.show(selector(image)?).await?;
    if found.is_empty() {
        return Err(Failed::Work(format!("the queue has no image {image}")));
    }
    for dossier in &found {
        let mut value = image_json(&dossier.image);
        value["elsewhere"] = elsewhere(dossier);
        value["parts_stored"] = json!(dossier.parts.len());
        if json {
            print_json(&value)?;
        } else {
            print(&facts(&value))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn elsewhere(dossier: &Dossier) -> Value {
    dossier
        .elsewhere
        .iter()
        .map(|place| place.path.to_string_lossy().into_owned())
        .collect()
}

/// One fact a line; what is not known is left out.
fn facts(value: &Value) -> String {
    let mut text = String::new();
    for (name, fact) in value.as_object().into_iter().flatten() {
        match fact {
            Value::Null => {}
            Value::String(words) => text.push_str(&format!("{name:14} {words}\n")),
            other => text.push_str(&format!("{name:14} {other}\n")),
        }
    }
    text + "\n"
}

/// A selector; a path may be relative to the working directory.
pub(super) fn selector(text: &str) -> Result<Selector, Failed> {
    match text.parse() {
        Ok(selector) => Ok(selector),
        Err(error) if text.contains(['/', '.']) => std::path::absolute(text)
            .map(Selector::Path)
            .map_err(|_| Failed::from(error)),
        Err(error) => Err(error.into()),
    }
}

async fn retry(state: PathBuf, choice: &Choice, json: bool) -> Result<ExitCode, Failed> {
    let queue = Queue::open_beside(state.clone()).await?;
    let (mut images, mut files, mut failures) = (0, 0, Vec::new());
    if let Some(wanted) = choice.state {
        images = queue.retry_all(whole(choice, wanted)).await?;
    }
    for image in &choice.images {
        match queue.retry(selector(image)?).await {
            Ok(retried) if retried.images + retried.files == 0 => {
                failures.push(format!("the queue has no image {image}"));
            }
            Ok(retried) => {
                images += retried.images;
                files += retried.files;
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    // What is to be tried now must not wait for the next probe of a refusal.
    queue.ask_now().await?;
    knock(&state);
    report(
        json,
        "queued",
        images,
        &failures,
        json!({ "files_to_judge_again": files }),
    )
}

async fn give_up(
    state: PathBuf,
    choice: &Choice,
    reason: &str,
    json: bool,
) -> Result<ExitCode, Failed> {
    let queue = Queue::open_beside(state.clone()).await?;
    let now_ms = Utc::now().timestamp_millis();
    let (mut images, mut failures) = (0, Vec::new());
    if let Some(wanted) = choice.state {
        images = queue
            .drop_all(whole(choice, wanted), reason.to_owned(), now_ms)
            .await?;
    }
    for image in &choice.images {
        let found = queue.view().show(selector(image)?).await?;
        if found.is_empty() {
            failures.push(format!("the queue has no image {image}"));
        }
        for dossier in found {
            match queue
                .drop_image(dossier.image.id, reason.to_owned(), now_ms)
                .await
            {
                Ok(()) => images += 1,
                Err(error) => failures.push(error.to_string()),
            }
        }
    }
    knock(&state);
    report(json, "dropped", images, &failures, json!({}))
}

/// Has a running agent look at its queue now.
fn knock(state: &Path) {
    if let Err(error) = watch::wake(state) {
        // No agent has worked there yet, or none runs: the next start looks anyway.
        tracing::debug!("nobody was woken: {error}");
    }
}

fn whole(choice: &Choice, state: weir_journey::queue::State) -> Filter {
    Filter {
        sites: choice.site.clone().into_iter().collect(),
        states: vec![state],
        ..Filter::default()
    }
}

pub(super) fn report(
    json: bool,
    done: &str,
    images: u64,
    failures: &[String],
    more: Value,
) -> Result<ExitCode, Failed> {
    if json {
        let mut value = more;
        value[done] = json!(images);
        value["failures"] = json!(failures);
        print_json(&value)?;
    } else {
        let plural = if images == 1 { "image" } else { "images" };
        print(&format!("{images} {plural} {done}\n"))?;
        for failure in failures {
            eprintln!("weir: {failure}");
        }
    }
    Ok(ExitCode::from(u8::from(!failures.is_empty())))
}

async fn check(state: PathBuf, json: bool) -> Result<ExitCode, Failed> {
    let findings = View::open(state).await?.check().await?;
    if json {
        let words: Vec<_> = findings.iter().map(ToString::to_string).collect();
        print_json(&json!({ "sound": findings.is_empty(), "findings": words }))?;
    } else if findings.is_empty() {
        print("the queue is sound\n")?;
    } else {
        for finding in &findings {
            print(&format!("{finding}\n"))?;
        }
        print("stop the agent and run `weir queue repair`\n")?;
    }
    Ok(ExitCode::from(u8::from(!findings.is_empty())))
}

async fn repair(state: PathBuf, json: bool) -> Result<ExitCode, Failed> {
    let _lock = Lock::take(&state).map_err(|error| Failed::Work(error.to_string()))?;
    let repaired = Queue::repair(state, Utc::now()).await?;
    let (outcome, text) = match &repaired {
        Repaired::Sound => ("sound", "nothing was wrong\n".to_owned()),
        Repaired::Mended(findings) => {
            let words: Vec<_> = findings
                .iter()
                .map(|finding| format!("mended: {finding}\n"))
                .collect();
            ("mended", words.concat())
        }
        Repaired::Rebuilt(rebuilt) => ("rebuilt", format!("{rebuilt}\n")),
    };
    if json {
        print_json(&json!({ "outcome": outcome, "text": text.trim_end() }))?;
    } else {
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
