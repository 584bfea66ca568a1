//! What a site wants of each of its images.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::report::Size;

/// What is wanted of each image of a camera's view. Paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Folders of the models that look at the image: at most one that segments water, any number that classify.
    pub models: Vec<PathBuf>,
    /// The reference frame: ROIs and the ground truth are in its pixels, and the mask is brought to its size. The
    /// image's own size where there is none.
    pub frame: Option<Size>,
    /// Regions of interest in which water is counted.
    pub rois: Vec<Roi>,
    /// Folder of the tabular model that makes a stage of the water counted in the ROIs, by their names.
    pub stage: Option<PathBuf>,
    /// A mask of where the water is known to be (any picture; a pixel above half is water).
    pub truth: Option<PathBuf>,
    /// The segmentation counts as verified when its intersection over union with the truth is above this (0 to 1).
    pub verified_above: f64,
    /// A picture of what was found, if wanted.
    pub overlay: Option<Overlay>,
    /// Pictures made of the image, whatever the models say.
    pub derivatives: Vec<Derivative>,
    /// From where on the camera counts as ill.
    pub bounds: Bounds,
}

/// A polygon in whose pixels water is counted, in pixels of the reference frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roi {
    /// Its name, as the stage model knows it.
    pub name: String,
    /// Its corners, x and y; at least 3. They may lie outside the frame.
    pub points: Vec<[i32; 2]>,
}

/// A picture of what was found: the mask in colour and the outlines of the ROIs over the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Its width in pixels, at most that of the image; the height follows.
    pub width: u32,
    /// Its file format.
    pub format: PictureFormat,
}

/// A picture made of every image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivative {
    /// Its name: 1 to 40 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// How it is made.
    pub steps: Chain,
    /// Its file format.
    pub format: PictureFormat,
}

/// The file format of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl PictureFormat {
    /// The extension of its files, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// From where on a picture counts as a sign of an ill camera. The quantities are those of [`super::Health`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Dark: mean brightness below this (0 to 1).
    pub dark: f64,
    /// Over-exposed: share of burnt-out pixels above this (0 to 1).
    pub burnt: f64,
    /// Blurred: sharpness below this.
    pub blurred: f64,
    /// Frozen: the pixels of the picture before, or a difference from it below this (0 to 1).
    pub frozen: f64,
    /// Obstructed: share of the picture without any structure above this (0 to 1).
    pub obstructed: f64,
    /// Shifted: the view moved by more than this share of the picture's width.
    pub shifted: f64,
}

impl Default for Bounds {
    /// Between what photographs measure without defects and with known ones: `weir-infer`'s example `camera_health`
    /// prints both. Of cameras that see mostly sky, water or fog, `blurred` and `obstructed` want to be set anew.
    fn default() -> Self {
        Self {
            dark: 0.08,
            burnt: 0.35,
            blurred: 0.0006,
            frozen: 0.0,
            obstructed: 0.85,
            shifted: 0.03,
        }
    }
}
