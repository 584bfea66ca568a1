//! Rows of numbers and what they mean.

use serde::{Deserialize, Serialize};

use super::{Id, RowError, misfit};
use crate::engine::{Engine, Kind, LoadError, Values};
use crate::model::{Answers, Tabular};

/// A model that takes rows of numbers.
#[derive(Debug)]
pub struct Table {
    id: Id,
    spec: Tabular,
    engine: Engine,
}

/// Rows to be answered: `{"values": [[5.9, 3.0, 5.1, 2.3]]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The rows, each with a number for each feature of the model, in its order.
    pub values: Vec<Vec<f64>>,
}

/// What a model says of rows, in their order: `{"prediction": [2], ...}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The prediction for each row.
    pub prediction: Predictions,
    /// The predicted class of each row by name, if the model tells classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The unit of the predictions, if the model gives numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// For each row, which of its numbers lies outside of what the model was trained on: the prediction is no better
    /// than a guess then.
    pub out_of_range: Vec<Option<String>>,
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the model's file, hexadecimal.
    pub model_sha256: String,
}

/// The predictions for rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Predictions {
    /// Indices of classes.
    Classes(Vec<usize>),
    /// Numbers.
    Values(Vec<f64>),
}

impl Table {
    pub(super) fn new(id: Id, spec: Tabular, engine: Engine) -> Result<Self, LoadError> {
        let length: usize = engine.output().iter().product();
        let (fits, wanted) = match &spec.answers {
            Answers::Value { .. } => (
                length == 1 && engine.kind() == Kind::Float,
                "one float a row".to_owned(),
            ),
            Answers::Class { labels } => match engine.kind() {
                Kind::Integer => (length == 1, "one integer a row".to_owned()),
                Kind::Float => (
                    length == labels.len(),
                    format!("{} floats a row, one a class", labels.len()),
                ),
            },
        };
        if fits {
            Ok(Self { id, spec, engine })
        } else {
            Err(misfit(&engine, wanted))
        }
    }

    /// Which model it is.
    pub const fn id(&self) -> &Id {
        &self.id
    }

    /// What its manifest says of rows and answers.
    pub const fn spec(&self) -> &Tabular {
        &self.spec
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Answers each row of a question.
    ///
    /// # Errors
    /// At the first row that has not one finite number a feature, or on which the network fails: an answer is whole
    /// or there is none.
    pub fn answer(&self, question: &Question) -> Result<Answer, RowError> {
        for (row, number) in question.values.iter().zip(1..) {
            self.examine(row, number)?;
        }
        let rows = || question.values.iter().zip(1..);
        let (prediction, labels, unit) = match &self.spec.answers {
            Answers::Value { unit, .. } => {
                let values = rows()
                    .map(|(row, _)| self.value(row))
                    .collect::<Result<_, _>>()?;
                (Predictions::Values(values), None, Some(unit.clone()))
            }
            Answers::Class { labels } => {
                let classes: Vec<usize> = rows()
                    .map(|(row, number)| self.class(row, number, labels.len()))
                    .collect::<Result<_, _>>()?;
                let names = classes.iter().map(|&class| labels[class].clone()).collect();
                (Predictions::Classes(classes), Some(names), None)
            }
        };
        Ok(Answer {
            prediction,
            labels,
            unit,
            out_of_range: question
                .values
                .iter()
                .map(|row| self.out_of_range(row))
                .collect(),
            model: self.id.name.clone(),
            model_sha256: self.id.sha256.clone(),
        })
    }

    fn examine(&self, row: &[f64], number: usize) -> Result<(), RowError> {
        let features = &self.spec.features;
        if row.len() != features.len() {
            let names: Vec<&str> = features
                .iter()
                .map(|feature| feature.name.as_str())
                .collect();
            return Err(RowError::Length {
                row: number,
                found: row.len(),
                wanted: features.len(),
                names: names.join(", "),
            });
        }
        // As the network sees it: a number beyond the range of 32-bit floats is none.
        let strange = row
            .iter()
            .zip(features)
            .find(|&(&value, _)| !(value as f32).is_finite());
        match strange {
            None => Ok(()),
            Some((&value, feature)) => Err(RowError::NotFinite {
                row: number,
                name: feature.name.clone(),
                value,
            }),
        }
    }

    /// The number that the network gives for a row that has one finite number a feature.
    pub(super) fn value(&self, row: &[f64]) -> Result<f64, RowError> {
        Ok(match self.run(row)? {
            Values::Floats(values) => f64::from(values[0]),
            Values::Integers(values) => values[0] as f64,
        })
    }

    fn class(&self, row: &[f64], number: usize, labels: usize) -> Result<usize, RowError> {
        match self.run(row)? {
            Values::Floats(scores) => Ok(highest(&scores)),
            Values::Integers(classes) => usize::try_from(classes[0])
                .ok()
                .filter(|&class| class < labels)
                .ok_or(RowError::Class {
                    row: number,
                    class: classes[0],
                    labels,
                }),
        }
    }

    fn run(&self, row: &[f64]) -> Result<Values, RowError> {
        let row: Vec<f32> = row.iter().map(|&value| value as f32).collect();
        Ok(self.engine.run(&row)?)
    }

    /// Which numbers of a row lie outside of what the model was trained on: "ROI1 is 12, trained on 101 to 20000".
    pub fn out_of_range(&self, row: &[f64]) -> Option<String> {
        let outside: Vec<String> = row
            .iter()
            .zip(&self.spec.features)
            .filter(|&(value, feature)| !(feature.min..=feature.max).contains(value))
            .map(|(value, feature)| {
                format!(
                    "{} is {value}, trained on {} to {}",
                    feature.name, feature.min, feature.max
                )
            })
            .collect();
        (!outside.is_empty()).then(|| outside.join("; "))
    }
}

/// The index of the highest score; of equals, the first.
fn highest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best
}
