//! The models that are found, and their own tests.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use weir_infer::check::check as computed;
use weir_infer::model::{self, Listed};

use crate::cli::output::{self, Failed};
use crate::cli::paint::{Paint, Tone};

/// Lists every model; one that is wrong is a failure.
pub(super) fn list(places: &[PathBuf], as_json: bool, paint: Paint) -> Result<ExitCode, Failed> {
    let found = model::list(places);
    if found.is_empty() && !as_json {
        let places: Vec<_> = places
            .iter()
            .map(|place| place.display().to_string())
            .collect();
        output::print(&format!("no model in {}\n", places.join(", ")))?;
    }
    let mut sound = true;
    for one in &found {
        sound &= one.folder.is_ok();
        let read_on = if as_json {
            output::json(&object(one))?
        } else {
            output::print(&line(one, paint))?
        };
        if !read_on {
            break;
        }
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

fn name(listed: &Listed) -> String {
    listed
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn object(listed: &Listed) -> serde_json::Value {
    let path = listed.path.display().to_string();
    match &listed.folder {
        Err(error) => json!({"model": name(listed), "path": path, "error": error.to_string()}),
        Ok(folder) => {
            let manifest = folder.manifest();
            json!({
                "model": folder.name(),
                "path": path,
                "task": manifest.task.name(),
                "title": manifest.title,
                "version": manifest.version,
                "licence": manifest.licence,
                "provenance": manifest.provenance,
                "sha256": manifest.file.sha256,
                "figures": manifest.figures,
                "error": null,
            })
        }
    }
}

fn line(listed: &Listed, paint: Paint) -> String {
    match &listed.folder {
        Err(error) => format!(
            "{:18} {}\n",
            name(listed),
            paint.paint(Tone::Bad, &error.to_string())
        ),
        Ok(folder) => {
            let manifest = folder.manifest();
            format!(
                "{:18} {:15} {} ({}, {})\n",
                folder.name(),
                manifest.task.name(),
                manifest.title,
                manifest.version,
                manifest.licence
            )
        }
    }
}

/// Computes the tests of the models named, or of all that are found.
pub(super) fn check(
    places: &[PathBuf],
    named: &[PathBuf],
    as_json: bool,
    paint: Paint,
) -> Result<ExitCode, Failed> {
    let folders: Vec<PathBuf> = if named.is_empty() {
        model::list(places)
            .into_iter()
            .map(|listed| listed.path)
            .collect()
    } else {
        named.iter().map(|name| folder(name, places)).collect()
    };
    if folders.is_empty() {
        return Err(Failed::Usage(
            "no model is found: --models names a folder of models".to_owned(),
        ));
    }
    let mut sound = true;
    for folder in folders {
        let checked = computed(&folder);
        sound &= checked.ok;
        let read_on = if as_json {
            output::json(&json!(checked))?
        } else {
            let told = match (&checked.error, checked.largest_difference) {
                (Some(error), _) => paint.paint(Tone::Bad, error),
                (None, Some(difference)) => {
                    format!(
                        "{} (largest difference {difference:.1e})",
                        paint.paint(Tone::Good, "computes what it should")
                    )
                }
                (None, None) => String::new(),
            };
            output::print(&format!(
                "{:18} {told}\n",
                folder.file_name().unwrap_or_default().to_string_lossy()
            ))?
        };
        if !read_on {
            break;
        }
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

/// A folder that is there is itself; any other word is a model's name.
fn folder(name: &Path, places: &[PathBuf]) -> PathBuf {
    let known = name
        .to_str()
        .filter(|_| !name.is_dir())
        .and_then(|name| model::find(name, places));
    known.unwrap_or_else(|| name.to_owned())
}
