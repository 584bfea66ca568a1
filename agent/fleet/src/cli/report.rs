//! `weir-fleet report`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{Manner, json, print};
use super::{Failed, args, place, told};
use crate::report::{self, FilesError, MergeError, Run, files};

/// Rebuilds, compares or merges.
///
/// # Errors
/// [`Failed`].
pub(super) fn report(asked: &args::Report, manner: Manner) -> Result<ExitCode, Failed> {
    match (asked.runs.as_slice(), asked.merge) {
        (runs, true) => {
            let out = asked.out.clone();
            let out = out.unwrap_or_else(|| PathBuf::from("weir-fleet-report"));
            show(&merge(runs, &out)?, &out, manner)
        }
        ([_], false) if asked.out.is_some() => Err(Failed::usage(
            "one run's page is made anew where it is: --out is for several, or for --merge",
        )),
        ([run], false) => show(&report::rebuild(run).map_err(unread)?, run, manner),
        (runs, false) => {
            let out = asked.out.clone();
            let out = out.unwrap_or_else(|| PathBuf::from("compare.html"));
            compare(runs, &out, manner)
        }
    }
}

fn merge(shards: &[PathBuf], out: &Path) -> Result<Run, Failed> {
    let same = |one: &Path| one.canonicalize().ok();
    place::report(out)?;
    if let Some(shard) = shards.iter().find(|shard| same(shard) == same(out)) {
        return Err(Failed::Usage(format!(
            "{} is a shard: name another folder with --out",
            shard.display()
        )));
    }
    report::merge(shards, out).map_err(|error| match error {
        MergeError::Files(error) => unread(error),
        other => Failed::usage(other),
    })
}

fn show(run: &Run, folder: &Path, manner: Manner) -> Result<ExitCode, Failed> {
    if manner.json {
        json(&serde_json::json!({ "summary": run.summary }))?;
    } else {
        print(&told::told(&run.summary, folder))?;
    }
    Ok(told::code(&run.summary))
}

fn compare(runs: &[PathBuf], out: &Path, manner: Manner) -> Result<ExitCode, Failed> {
    if out.is_dir() {
        return Err(Failed::Usage(format!(
            "{} is a folder: give --out the name of a file",
            out.display()
        )));
    }
    report::compare(runs, out).map_err(unread)?;
    if !manner.json {
        print(&format!(
            "{} runs beside each other: {}\n",
            runs.len(),
            out.display()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    for run in runs {
        let summary = files::read(run).map_err(unread)?.summary;
        json(&serde_json::json!({ "run": run, "summary": summary }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder that is no run's was named by mistake.
fn unread(error: FilesError) -> Failed {
    match error {
        FilesError::Missing { .. } => Failed::usage(error),
        other => Failed::work(other),
    }
}
