//! What the network of each task takes and gives, as it is written.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::super::manifest::{
    Answers, Classification, Feature, Scores, Segmentation, Tabular, Task,
};
use super::picture::PictureForm;
use super::{Wrong, distinct, said, wrong};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentationOutput {
    kind: Spanned<ScoresName>,
    threshold: Option<Spanned<f32>>,
    labels: Option<Spanned<Vec<String>>>,
    water: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    largest_component: bool,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ScoresName {
    Probability,
    Logit,
    Classes,
}

pub(super) fn segmentation(input: PictureForm, output: SegmentationOutput) -> Result<Task, Wrong> {
    let largest_component = output.largest_component;
    let kind = output.kind;
    let scores = match (
        kind.get_ref(),
        output.threshold,
        output.labels,
        output.water,
    ) {
        (ScoresName::Classes, None, Some(labels), Some(water)) => {
            let labels = distinct("labels", labels)?;
            let water = water_of(&labels, &water)?;
            Scores::Classes { labels, water }
        }
        (ScoresName::Classes, ..) => {
            return Err(wrong(
                &kind,
                "`kind = \"classes\"` needs `labels` and `water`, and no `threshold`",
            ));
        }
        (name, Some(threshold), None, None) => {
            let value = *threshold.get_ref();
            if !(value > 0.0 && value < 1.0) {
                return Err(wrong(&threshold, "`threshold` is between 0 and 1"));
            }
            match name {
                ScoresName::Logit => Scores::Logit { threshold: value },
                _ => Scores::Probability { threshold: value },
            }
        }
        _ => {
            return Err(wrong(
                &kind,
                "one channel needs `threshold`, and no `labels` or `water`",
            ));
        }
    };
    Ok(Task::Segmentation(Segmentation {
        input: input.read()?,
        scores,
        largest_component,
    }))
}

fn water_of(labels: &[String], water: &Spanned<Vec<String>>) -> Result<Vec<usize>, Wrong> {
    let found: Option<Vec<usize>> = water
        .get_ref()
        .iter()
        .map(|name| labels.iter().position(|label| label == name))
        .collect();
    found
        .filter(|indices| !indices.is_empty())
        .ok_or_else(|| wrong(water, "`water` names one or more of `labels`"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassificationOutput {
    kind: ClassesName,
    labels: Spanned<Vec<String>>,
    top: Spanned<usize>,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClassesName {
    Logits,
    Probabilities,
}

pub(super) fn classification(
    input: PictureForm,
    output: ClassificationOutput,
) -> Result<Task, Wrong> {
    let labels = distinct("labels", output.labels)?;
    if *output.top.get_ref() == 0 {
        return Err(wrong(&output.top, "`top` is 1 or more"));
    }
    Ok(Task::Classification(Classification {
        input: input.read()?,
        logits: output.kind == ClassesName::Logits,
        top: output.top.into_inner().min(labels.len()),
        labels,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TabularInput {
    features: Spanned<Vec<FeatureForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureForm {
    name: String,
    min: f64,
    max: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TabularOutput {
    kind: Spanned<AnswersName>,
    name: Option<Spanned<String>>,
    unit: Option<Spanned<String>>,
    labels: Option<Spanned<Vec<String>>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnswersName {
    Value,
    Class,
}

pub(super) fn tabular(input: TabularInput, output: TabularOutput) -> Result<Task, Wrong> {
    let features = input.features;
    let mut seen = HashSet::new();
    let fits = |feature: &FeatureForm| {
        feature.min.is_finite() && feature.max.is_finite() && feature.min <= feature.max
    };
    if features.get_ref().is_empty()
        || !features
            .get_ref()
            .iter()
            .all(|feature| fits(feature) && seen.insert(feature.name.clone()))
    {
        return Err(wrong(
            &features,
            "`features` has one or more, each with a name of its own and `min` not above `max`",
        ));
    }
    let kind = output.kind;
    let answers = match (kind.get_ref(), output.name, output.unit, output.labels) {
        (AnswersName::Value, Some(name), Some(unit), None) => Answers::Value {
            name: said("name", name)?,
            unit: said("unit", unit)?,
        },
        (AnswersName::Value, ..) => {
            return Err(wrong(
                &kind,
                "`kind = \"value\"` needs `name` and `unit`, and no `labels`",
            ));
        }
        (AnswersName::Class, None, None, Some(labels)) => Answers::Class {
            labels: distinct("labels", labels)?,
        },
        (AnswersName::Class, ..) => {
            return Err(wrong(
                &kind,
                "`kind = \"class\"` needs `labels`, and no `name` or `unit`",
            ));
        }
    };
    let features = features.into_inner().into_iter();
    Ok(Task::Tabular(Tabular {
        features: features
            .map(|FeatureForm { name, min, max }| Feature { name, min, max })
            .collect(),
        answers,
    }))
}
