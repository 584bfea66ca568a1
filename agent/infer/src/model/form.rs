//! A `model.toml` as it is written, and how it becomes a [`Manifest`].
//!
//! The task decides which keys there are, so a manifest is read twice: once for its task, then as that task's form.
//! What does not fit is told with its line.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use weir_journey::infer::{Chain, Size};

use super::ModelError;
use super::manifest::{
    Answers, Check, Classification, Colour, Expected, Feature, Fit, Layout, Manifest, OnnxFile,
    PictureInput, Scores, Segmentation, Tabular, Task,
};
use crate::picture::Filter;

/// The largest side of a network's input, in pixels.
const LARGEST_SIDE: u32 = 8192;

/// How many values of an output a check has at most, and how many rows of a table.
pub(crate) const CHECKED: usize = 64;

/// Reads the text of the manifest at `path`.
///
/// # Errors
/// What does not fit, with its place.
pub(super) fn parse(path: &Path, text: &str) -> Result<Manifest, ModelError> {
    read(text).map_err(|wrong| {
        let place = match wrong.at {
            None => path.display().to_string(),
            Some(at) => {
                let (line, column) = position(text, at);
                format!("{}:{line}:{column}", path.display())
            }
        };
        ModelError::Manifest {
            place,
            what: wrong.what,
        }
    })
}

/// What does not fit, and the byte where it stands.
#[derive(Debug)]
struct Wrong {
    at: Option<usize>,
    what: String,
}

impl From<toml::de::Error> for Wrong {
    fn from(error: toml::de::Error) -> Self {
        Self {
            at: error.span().map(|span| span.start),
            what: error.message().replace('\n', "; "),
        }
    }
}

/// That the value `of` a key is wrong.
fn wrong<T>(of: &Spanned<T>, what: impl Into<String>) -> Wrong {
    Wrong {
        at: Some(of.span().start),
        what: what.into(),
    }
}

#[derive(Deserialize)]
struct Head {
    task: TaskName,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TaskName {
    Segmentation,
    Classification,
    Tabular,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<I, O> {
    #[serde(rename = "task")]
    _task: TaskName,
    title: Spanned<String>,
    version: Spanned<String>,
    licence: Spanned<String>,
    provenance: Spanned<String>,
    file: FileForm,
    input: I,
    output: O,
    check: Spanned<CheckForm>,
    #[serde(default)]
    figures: toml::Table,
}

fn read(text: &str) -> Result<Manifest, Wrong> {
    let head: Head = toml::from_str(text)?;
    match head.task {
        TaskName::Segmentation => manifest(text, segmentation),
        TaskName::Classification => manifest(text, classification),
        TaskName::Tabular => manifest(text, tabular),
    }
}

fn manifest<I: DeserializeOwned, O: DeserializeOwned>(
    text: &str,
    task: impl FnOnce(I, O) -> Result<Task, Wrong>,
) -> Result<Manifest, Wrong> {
    let form: Form<I, O> = toml::from_str(text)?;
    if form.title.get_ref().contains('\n') {
        return Err(wrong(&form.title, "`title` is one line"));
    }
    let task = task(form.input, form.output)?;
    Ok(Manifest {
        title: said("title", form.title)?,
        version: said("version", form.version)?,
        licence: said("licence", form.licence)?,
        provenance: said("provenance", form.provenance)?,
        file: form.file.read()?,
        check: check(form.check, &task)?,
        task,
        figures: form.figures,
    })
}

fn said(key: &str, text: Spanned<String>) -> Result<String, Wrong> {
    if text.get_ref().trim().is_empty() {
        return Err(wrong(&text, format!("`{key}` is empty: say it")));
    }
    Ok(text.into_inner())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    name: Spanned<String>,
    sha256: Spanned<String>,
}

impl FileForm {
    fn read(self) -> Result<OnnxFile, Wrong> {
        let name = self.name.get_ref();
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(wrong(
                &self.name,
                "`name` is that of a file in this folder, without \"/\"",
            ));
        }
        let sha256 = self.sha256.get_ref().to_ascii_lowercase();
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong(
                &self.sha256,
                "`sha256` has 64 hexadecimal digits: write what sha256sum prints",
            ));
        }
        Ok(OnnxFile {
            name: self.name.into_inner(),
            sha256,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PictureForm {
    width: Spanned<u32>,
    height: Spanned<u32>,
    layout: Layout,
    colour: Colour,
    mean: Option<Spanned<Vec<f32>>>,
    std: Option<Spanned<Vec<f32>>>,
    resize: FilterName,
    fit: Spanned<FitName>,
    resize_short: Option<Spanned<u32>>,
    #[serde(default)]
    preprocess: Chain,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FilterName {
    Nearest,
    Bilinear,
    Bicubic,
    Lanczos,
    Area,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FitName {
    Stretch,
    Crop,
    Pad,
}

impl PictureForm {
    fn read(self) -> Result<PictureInput, Wrong> {
        let channels = self.colour.channels();
        let fit = self.fit()?;
        Ok(PictureInput {
            size: Size {
                width: side("width", &self.width)?,
                height: side("height", &self.height)?,
            },
            layout: self.layout,
            colour: self.colour,
            mean: a_channel("mean", self.mean, channels, 0.0, |value| value.is_finite())?,
            std: a_channel("std", self.std, channels, 1.0, |value| {
                value.is_finite() && value > 0.0
            })?,
            filter: match self.resize {
                FilterName::Nearest => Filter::Nearest,
                FilterName::Bilinear => Filter::Bilinear,
                FilterName::Bicubic => Filter::Bicubic,
                FilterName::Lanczos => Filter::Lanczos,
                FilterName::Area => Filter::Area,
            },
            fit,
            preprocess: self.preprocess,
        })
    }

    fn fit(&self) -> Result<Fit, Wrong> {
        match (self.fit.get_ref(), &self.resize_short) {
            (FitName::Stretch, None) => Ok(Fit::Stretch),
            (FitName::Pad, None) => Ok(Fit::Pad),
            (FitName::Crop, Some(short)) => {
                let least = *self.width.get_ref().max(self.height.get_ref());
                if !(least..=LARGEST_SIDE).contains(short.get_ref()) {
                    return Err(wrong(
                        short,
                        format!(
                            "`resize_short` is {least} to {LARGEST_SIDE} here, to fill the network's input"
                        ),
                    ));
                }
                Ok(Fit::Crop {
                    short: *short.get_ref(),
                })
            }
            (FitName::Crop, None) => Err(wrong(&self.fit, "`fit = \"crop\"` needs `resize_short`")),
            (_, Some(short)) => Err(wrong(
                short,
                "`resize_short` goes with `fit = \"crop\"` only",
            )),
        }
    }
}

fn side(key: &str, pixels: &Spanned<u32>) -> Result<u32, Wrong> {
    match *pixels.get_ref() {
        side @ 1..=LARGEST_SIDE => Ok(side),
        _ => Err(wrong(
            pixels,
            format!("`{key}` is 1 to {LARGEST_SIDE} pixels"),
        )),
    }
}

/// A value a channel.
fn a_channel(
    key: &str,
    values: Option<Spanned<Vec<f32>>>,
    channels: usize,
    default: f32,
    fits: impl Fn(f32) -> bool,
) -> Result<Vec<f32>, Wrong> {
    let Some(values) = values else {
        return Ok(vec![default; channels]);
    };
    if values.get_ref().len() != channels || !values.get_ref().iter().all(|&value| fits(value)) {
        return Err(wrong(
            &values,
            format!("`{key}` has {channels} numbers, one a channel; `std` is above 0"),
        ));
    }
    Ok(values.into_inner())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentationOutput {
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

fn segmentation(input: PictureForm, output: SegmentationOutput) -> Result<Task, Wrong> {
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

fn distinct(key: &str, names: Spanned<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let mut seen = HashSet::new();
    let list = names.get_ref();
    if list.is_empty()
        || !list
            .iter()
            .all(|name| !name.trim().is_empty() && seen.insert(name))
    {
        return Err(wrong(
            &names,
            format!("`{key}` has one or more names, all different"),
        ));
    }
    Ok(names.into_inner())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassificationOutput {
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

fn classification(input: PictureForm, output: ClassificationOutput) -> Result<Task, Wrong> {
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
struct TabularInput {
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
struct TabularOutput {
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

fn tabular(input: TabularInput, output: TabularOutput) -> Result<Task, Wrong> {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckForm {
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

fn check(form: Spanned<CheckForm>, task: &Task) -> Result<Check, Wrong> {
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

/// Line and column, both from 1, of the byte at `offset`; columns count characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
