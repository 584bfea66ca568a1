//! What was found in an image.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What was found in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Of the picture as it is seen (its EXIF orientation applied).
    pub size: Size,
    /// What the picture says about its camera.
    pub health: Health,
    /// What the next picture of the same view is compared with.
    pub print: Print,
    /// The water, where a model segments it.
    pub water: Option<Water>,
    /// What each classifying model says.
    pub classes: Vec<Classified>,
    /// What they say together: the mean probability of each label that all of them know, largest first, at most as
    /// many as any of them shows. Empty unless there are several.
    pub together: Vec<Label>,
    /// Files that were made.
    pub products: Vec<Product>,
    /// Parts of the work that failed.
    pub faults: Vec<Fault>,
    /// How long it took.
    pub took: Took,
}

/// What a picture says about its camera. The quantities are taken from its luma (0 to 1), shrunk to at most 320
/// pixels of width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Mean luma.
    pub brightness: f64,
    /// Standard deviation of the luma.
    pub contrast: f64,
    /// Share of pixels that are burnt out (luma above 0.98).
    pub burnt: f64,
    /// Variance of the Laplacian of the luma.
    pub sharpness: f64,
    /// Share of the picture's blocks without any structure.
    pub plain: f64,
    /// Mean absolute difference from the picture before, if there is one (0 to 1).
    pub difference: Option<f64>,
    /// How far the view moved since the picture before, as shares of the picture's width and height, where that can
    /// be told.
    pub moved: Option<[f64; 2]>,
    /// What is wrong.
    pub flags: Vec<Flag>,
}

/// What is wrong with a camera's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flag {
    /// Too dark to see anything.
    Dark,
    /// Over-exposed.
    Burnt,
    /// Out of focus, or a drop or fog on the lens.
    Blurred,
    /// The same picture as before.
    Frozen,
    /// Most of the view is covered.
    Obstructed,
    /// The view has moved.
    Shifted,
}

impl Flag {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Dark,
        Self::Burnt,
        Self::Blurred,
        Self::Frozen,
        Self::Obstructed,
        Self::Shifted,
    ];

    /// Its name in results and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Burnt => "burnt",
            Self::Blurred => "blurred",
            Self::Frozen => "frozen",
            Self::Obstructed => "obstructed",
            Self::Shifted => "shifted",
        }
    }
}

/// A picture small enough to be remembered: what the next one of the same view is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Luma of 64 x 36 pixels, row by row, as hexadecimal digits.
    pub luma: String,
    /// The CRC or other digest of the decoded picture, to tell the same picture from a similar one.
    pub digest: u64,
}

/// The water in an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Water {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the model's file, hexadecimal.
    pub model_sha256: String,
    /// The reference frame: the mask's size.
    pub frame: Size,
    /// Share of the frame that is water (0 to 1).
    pub share: f64,
    /// Water in each ROI, in the order of the view.
    pub rois: Vec<RoiCount>,
    /// Intersection over union with the ground truth, where there is one (0 to 1).
    pub iou: Option<f64>,
    /// Whether that is enough.
    pub verified: Option<bool>,
    /// The stage, where a model makes one.
    pub stage: Option<Stage>,
}

/// Water counted in a region of interest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoiCount {
    /// The region's name.
    pub name: String,
    /// Pixels of it that are water.
    pub water: u64,
    /// Pixels of it, within the frame.
    pub pixels: u64,
}

/// What the stage model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the model's file, hexadecimal.
    pub model_sha256: String,
    /// The stage; `None` where the counts lie outside of what the model was trained on.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: String,
    /// Why there is none: "out of range: ROI1 is 12, trained on 101 to 20000".
    pub out_of_range: Option<String>,
}

/// What one classifying model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// Name of the model.
    pub model: String,
    /// SHA-256 of the model's file, hexadecimal.
    pub model_sha256: String,
    /// Its likeliest labels, likeliest first.
    pub labels: Vec<Label>,
}

/// A label and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The label.
    pub label: String,
    /// 0 to 1.
    pub probability: f64,
}

/// A file made of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// What it is.
    pub kind: ProductKind,
    /// Where it lies.
    #[serde(with = "super::path")]
    pub path: PathBuf,
}

/// What a product is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProductKind {
    /// The picture of what was found.
    Overlay,
    /// The mask itself: white is water.
    Mask,
    /// A derivative of that name.
    Derivative(String),
}

/// A part of the work that failed, while the rest did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which part: a model's name, `overlay`, `stage`, `truth`, or a derivative's name.
    pub part: String,
    /// What failed, why, and what to do.
    pub sentence: String,
}

/// Wall-clock milliseconds of each part of the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// Reading and decoding.
    pub decode_ms: f64,
    /// Camera health.
    pub health_ms: f64,
    /// All models, with their preprocessing.
    pub infer_ms: f64,
    /// ROIs, overlay, derivatives.
    pub products_ms: f64,
}
