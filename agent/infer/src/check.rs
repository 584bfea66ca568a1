//! Whether this device computes what a model's maker computed: the `[check]` of its manifest, run.

use std::path::Path;

use serde::Serialize;

use crate::caught::caught;
use crate::engine::{RunError, Values};
use crate::model::{CHECKED, Check, Folder, ModelError, Task};
use crate::task::{Model, Predictions, Question, RowError};

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The model's folder.
    pub model: String,
    /// Whether it computes what it should.
    pub ok: bool,
    /// The largest absolute difference from the expected values, if it computes at all.
    pub largest_difference: Option<f64>,
    /// The largest that is allowed, if the folder says so.
    pub tolerance: Option<f64>,
    /// Why it is not in order.
    pub error: Option<String>,
}

/// Why a check could not be finished, or went wrong.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error(
        "the network gives {found} numbers, and its [check] is of shape {shape:?}: make the folder again"
    )]
    Shape { found: usize, shape: Vec<usize> },
}

/// Checks the model in the folder at `path`.
pub fn check(path: &Path) -> Checked {
    let mut outcome = Checked {
        model: path.display().to_string(),
        ok: false,
        largest_difference: None,
        tolerance: None,
        error: None,
    };
    let run = || -> Result<(f64, f64), Failed> {
        let folder = Folder::open(path)?;
        let check = &folder.manifest().check;
        let model = Model::open(path)?;
        let found = compute(&model, &folder.manifest().task, check)?;
        Ok((
            largest_difference(&found, &check.expected.values),
            check.tolerance,
        ))
    };
    match caught(run) {
        Ok(Ok((difference, tolerance))) => {
            outcome.ok = difference <= tolerance;
            outcome.largest_difference = Some(difference);
            outcome.tolerance = Some(tolerance);
            outcome.error = (!outcome.ok).then(|| {
                format!(
                    "{}: this device computes other values than the model's maker (difference {difference:e}, allowed \
                     {tolerance:e}): do not use the model here, and report it with the device's type",
                    path.display()
                )
            });
        }
        Ok(Err(failed)) => outcome.error = Some(failed.to_string()),
        Err(panic) => {
            outcome.error = Some(format!(
                "{}: the runtime gave up on the network ({panic}): use another export of it",
                path.display()
            ));
        }
    }
    outcome
}

/// The values of the output that the check names.
fn compute(model: &Model, task: &Task, check: &Check) -> Result<Vec<f64>, Failed> {
    if let (Model::Table(table), Task::Tabular(spec)) = (model, task) {
        let features = spec.features.len();
        let row = |row: usize| {
            let numbers = spec.features.iter().enumerate();
            numbers
                .map(|(at, feature)| {
                    f64::from(filling(row * features + at, feature.min, feature.max))
                })
                .collect()
        };
        let question = Question {
            values: (0..CHECKED).map(row).collect(),
        };
        return Ok(match table.answer(&question)?.prediction {
            Predictions::Classes(classes) => {
                classes.into_iter().map(|class| class as f64).collect()
            }
            Predictions::Values(values) => values,
        });
    }
    let engine = model.engine();
    let [low, high] = check.range.unwrap_or([0.0, 1.0]);
    let length: usize = engine.input().iter().product();
    let input: Vec<f32> = (0..length).map(|at| filling(at, low, high)).collect();
    let output = match engine.run(&input)? {
        Values::Floats(values) => values.into_iter().map(f64::from).collect::<Vec<_>>(),
        Values::Integers(values) => values.into_iter().map(|value| value as f64).collect(),
    };
    if engine.output() != check.expected.shape {
        return Err(Failed::Shape {
            found: output.len(),
            shape: check.expected.shape.clone(),
        });
    }
    let count = check.expected.values.len();
    Ok((0..count)
        .map(|k| output[k * output.len() / count])
        .collect())
}

/// The number at `index` of a network's input, between `low` and `high`: a fixed sequence that any language can make.
fn filling(index: usize, low: f64, high: f64) -> f32 {
    let mixed = (index as u32)
        .wrapping_mul(2_654_435_761)
        .wrapping_add(12_345);
    let share = f64::from(mixed / 256) / 16_777_216.0;
    (low + (high - low) * share) as f32
}

fn largest_difference(found: &[f64], expected: &[f64]) -> f64 {
    let differences = found
        .iter()
        .zip(expected)
        .map(|(found, expected)| (found - expected).abs());
    differences.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{LARGER, RED, folder};

    #[test]
    fn a_check_tells_a_right_model_from_a_wrong_one() {
        let room = tempfile::tempdir().unwrap();
        let checked = |name: &str, task: &str, network: &str, rest: &str| {
            check(&folder(room.path(), name, task, network, rest))
        };
        let right = checked("right", "segmentation", "red", RED);
        assert!(right.ok && right.error.is_none(), "{right:?}");
        assert!(right.largest_difference.unwrap() < 1e-6);
        let other = checked(
            "other",
            "segmentation",
            "red",
            &RED.replace("high = 1.0", "high = 1.1"),
        );
        assert!(!other.ok && other.error.unwrap().contains("computes other values"));
        let shape = RED.replace("[1, 1, 4, 8]", "[1, 4, 8, 1]");
        let shape = checked("shape", "segmentation", "red", &shape);
        assert!(!shape.ok && shape.error.unwrap().contains("is of shape [1, 4, 8, 1]"));
        // Row by row, the larger of two numbers of the sequence.
        let at = |index: u64| (index * 2_654_435_761 + 12_345) % (1 << 32) / 256;
        let classes = (0..64).map(|row| u64::from(at(2 * row + 1) > at(2 * row)).to_string());
        let classes = classes.collect::<Vec<_>>().join(", ");
        let table = checked(
            "table",
            "tabular",
            "larger",
            &LARGER.replace("ZEROS", &classes),
        );
        assert!(
            table.ok && table.largest_difference == Some(0.0),
            "{table:?}"
        );
        let zeros = checked("zeros", "tabular", "larger", LARGER);
        assert!(
            !zeros.ok && zeros.largest_difference == Some(1.0),
            "{zeros:?}"
        );
        let none = check(&room.path().join("none"));
        assert!(!none.ok && none.error.unwrap().contains("cannot be read"));
    }

    #[test]
    fn every_model_of_this_repository_computes_what_its_maker_computed() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let listed = crate::model::list(&[models]);
        assert!(!listed.is_empty());
        for model in listed {
            let checked = check(&model.path);
            assert!(checked.ok, "{checked:?}");
        }
    }
}
