//! What any runtime must compute, as it is written.

use serde::Deserialize;
use toml::Spanned;

use super::super::manifest::{Check, Expected, Task};
use super::{CHECKED, Wrong, said, wrong};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckForm {
    made_with: Spanned<String>,
    tolerance: Spanned<f64>,
    low: Option<f64>,
    high: Option<f64>,
    outputs: Spanned<Vec<ExpectedForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedForm {
    shape: Spanned<Vec<usize>>,
    values: Spanned<Vec<f64>>,
}

pub(super) fn check(form: Spanned<CheckForm>, task: &Task) -> Result<Check, Wrong> {
    let at = form.span().start;
    let form = form.into_inner();
    let is_table = matches!(task, Task::Tabular(_));
    let range = match (form.low, form.high, is_table) {
        (None, None, true) => None,
        (Some(low), Some(high), false) if low < high && (high - low).is_finite() => {
            Some([low, high])
        }
        _ => {
            return Err(Wrong {
                at: Some(at),
                what: "a check of pictures has `low` below `high`; one of a table has neither"
                    .to_owned(),
            });
        }
    };
    if !(form.tolerance.get_ref().is_finite() && *form.tolerance.get_ref() >= 0.0) {
        return Err(wrong(&form.tolerance, "`tolerance` is 0 or more"));
    }
    let [expected] = form.outputs.get_ref().as_slice() else {
        return Err(wrong(
            &form.outputs,
            "`outputs` has one entry, as a network has one output",
        ));
    };
    let shape = expected.shape.get_ref();
    let length = shape
        .iter()
        .try_fold(1usize, |length, &axis| length.checked_mul(axis))
        .filter(|&length| length > 0 && (!is_table || shape == &[CHECKED]));
    let Some(length) = length else {
        return Err(wrong(
            &expected.shape,
            format!("`shape` is that of the network's output; of a table it is [{CHECKED}]"),
        ));
    };
    let values = expected.values.get_ref();
    if values.len() != length.min(CHECKED) || !values.iter().all(|value| value.is_finite()) {
        return Err(wrong(
            &expected.values,
            format!(
                "`values` has {} numbers for this shape",
                length.min(CHECKED)
            ),
        ));
    }
    Ok(Check {
        range,
        tolerance: *form.tolerance.get_ref(),
        expected: Expected {
            shape: shape.clone(),
            values: values.clone(),
        },
        made_with: said("made_with", form.made_with)?,
    })
}
