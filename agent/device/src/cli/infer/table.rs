//! Tables for a tabular model: `{"values": [[5.9, 3.0, 5.1, 2.3]]}` becomes `{"prediction": [2], …}`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use weir_infer::task::{Predictions, Question, Table};

use crate::cli::output::{self, Failed};

/// The largest table that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Answers each file's rows; a file that fails stops no other.
pub(super) fn answer(table: &Table, files: &[PathBuf], as_json: bool) -> Result<ExitCode, Failed> {
    let mut sound = true;
    for file in files {
        let told = read(file).and_then(|question| {
            let answered = table.answer(&question).map_err(|error| error.to_string())?;
            let rows = (!as_json).then(|| {
                rows(
                    &answered.prediction,
                    answered.labels.as_deref(),
                    answered.unit.as_deref(),
                    &answered.out_of_range,
                )
            });
            Ok((json!(answered), rows.unwrap_or_default()))
        });
        let path = file.display().to_string();
        let read_on = match told {
            Ok((Value::Object(mut answer), _)) if as_json => {
                answer.insert("path".to_owned(), path.into());
                answer.insert("error".to_owned(), Value::Null);
                output::json(&Value::Object(answer))?
            }
            Ok((_, rows)) => output::print(&rows)?,
            Err(error) => {
                sound = false;
                let error = format!("{path}: {error}");
                if as_json {
                    output::json(&json!({"path": path, "prediction": null, "error": error}))?
                } else {
                    eprintln!("weir: {error}");
                    true
                }
            }
        };
        if !read_on {
            break;
        }
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

/// A line a row.
fn rows(
    prediction: &Predictions,
    labels: Option<&[String]>,
    unit: Option<&str>,
    out_of_range: &[Option<String>],
) -> String {
    let told: Vec<String> = match prediction {
        Predictions::Classes(classes) => {
            let name = |row: usize| {
                labels
                    .and_then(|labels| labels.get(row))
                    .map_or("", String::as_str)
            };
            classes
                .iter()
                .enumerate()
                .map(|(row, class)| format!("{class} {}", name(row)))
                .collect()
        }
        Predictions::Values(values) => values
            .iter()
            .map(|value| format!("{value:.3} {}", unit.unwrap_or_default()))
            .collect(),
    };
    told.iter()
        .zip(out_of_range)
        .map(|(told, outside)| match outside {
            Some(outside) => format!("{}  ({outside})\n", told.trim_end()),
            None => format!("{}\n", told.trim_end()),
        })
        .collect()
}

fn read(file: &Path) -> Result<Question, String> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    read.map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| {
        format!("is no table: {error}; write {{\"values\": [[…], […]]}} with a number a feature in each row")
    })
}
