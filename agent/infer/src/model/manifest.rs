//! What a `model.toml` says, as values that fit each other.

use weir_journey::infer::{Chain, Size};

use crate::picture::Filter;

/// What a `model.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// One line on what the model is.
    pub title: String,
    /// The model's version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// How it was made, and from what.
    pub provenance: String,
    /// Its network.
    pub file: OnnxFile,
    /// What it is for, with what the network takes and gives.
    pub task: Task,
    /// What any runtime must compute with it.
    pub check: Check,
    /// Measured figures, free in form.
    pub figures: toml::Table,
}

/// The network's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxFile {
    /// Its name in the folder.
    pub name: String,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// What a model is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// It tells which pixels are water.
    Segmentation(Segmentation),
    /// It tells what a picture shows.
    Classification(Classification),
    /// It takes rows of numbers.
    Tabular(Tabular),
}

impl Task {
    /// Its name in a manifest.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Segmentation(_) => "segmentation",
            Self::Classification(_) => "classification",
            Self::Tabular(_) => "tabular",
        }
    }
}

/// A model that tells which pixels are water.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// What its network takes.
    pub input: PictureInput,
    /// What its network gives: `[1, C, h, w]` or `[1, h, w]`, of any h and w.
    pub scores: Scores,
    /// Whether only the largest connected region counts.
    pub largest_component: bool,
}

/// What a segmenting network says of a pixel.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// The probability of water; it is water above the threshold.
    Probability {
        /// 0 to 1.
        threshold: f32,
    },
    /// The log-odds of water; it is water where the probability is above the threshold.
    Logit {
        /// 0 to 1, both excluded.
        threshold: f32,
    },
    /// A score for each class; the highest counts.
    Classes {
        /// The classes.
        labels: Vec<String>,
        /// Indices of those that are water.
        water: Vec<usize>,
    },
}

/// A model that tells what a picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// What its network takes.
    pub input: PictureInput,
    /// Whether the network gives logits, which a softmax makes probabilities of.
    pub logits: bool,
    /// What it can tell apart, in the order of the network's output `[1, labels]`.
    pub labels: Vec<String>,
    /// How many labels are shown.
    pub top: usize,
}

/// A model that takes rows of numbers, `[1, features]` at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Tabular {
    /// What a row has.
    pub features: Vec<Feature>,
    /// What it gives for a row.
    pub answers: Answers,
}

/// A number of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The least it was trained on.
    pub min: f64,
    /// The most it was trained on.
    pub max: f64,
}

/// What a tabular model gives for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answers {
    /// A number.
    Value {
        /// Of what.
        name: String,
        /// Its unit.
        unit: String,
    },
    /// The index of a class, as an integer or as the highest of a score each.
    Class {
        /// The classes.
        labels: Vec<String>,
    },
}

/// How a picture becomes a network's input.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureInput {
    /// Of the network's input.
    pub size: Size,
    /// The order of its axes.
    pub layout: Layout,
    /// The order of its channels.
    pub colour: Colour,
    /// For each channel, what is subtracted from a value of 0 to 1.
    pub mean: Vec<f32>,
    /// For each channel, what the difference is divided by.
    pub std: Vec<f32>,
    /// How the picture is resized.
    pub filter: Filter,
    /// How the picture is brought to the network's size.
    pub fit: Fit,
    /// What is done to the picture before.
    pub preprocess: Chain,
}

/// The order of the axes of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[1, channels, height, width]`.
    Nchw,
    /// `[1, height, width, channels]`.
    Nhwc,
}

/// The channels of a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Luma (ITU-R BT.601).
    Gray,
}

impl Colour {
    /// How many channels that are.
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Gray => 1,
        }
    }
}

/// How a picture is brought to a network's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Its sides are stretched.
    Stretch,
    /// Its short side is brought to this many pixels, then the middle is cut out.
    Crop {
        /// Pixels, at least the sides of the network's input.
        short: u32,
    },
    /// It is made as large as fits, at the upper left; the rest of the input is 0.
    Pad,
}

/// What any runtime must compute: the network's input is made of a fixed sequence of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What computed the expected values.
    pub made_with: String,
    /// The largest absolute difference allowed.
    pub tolerance: f64,
    /// The lowest and highest number of the input; a table has those of its features.
    pub range: Option<[f64; 2]>,
    /// The network's output.
    pub expected: Expected,
}

/// The output that a check expects.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Its shape.
    pub shape: Vec<usize>,
    /// At most 64 of its values, at indices `floor(k * length / count)`.
    pub values: Vec<f64>,
}
