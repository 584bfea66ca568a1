//! What `weir infer` is asked for.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use weir_journey::infer::{Roi, Size};

pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  weir infer --list                                     models that are found, and what is wrong with any
  weir infer --model water-demo flood.jpg               how much of it is water
  weir infer --model water-demo --overlay out *.jpg     with a picture of what was found, in the folder out
  weir infer --model water-demo --frame 1920x1080 --roi 'ROI1=810,670 980,620 1000,770 830,830' flood.jpg
  weir infer --model alexnet --model resnet50 x.jpg     several models side by side, and what they say together
  weir infer --site first-dam /media/card --json        all that the configuration wants of that site's images
  weir infer --model iris values.json                   {\"values\": [[5.9, 3.0, 5.1, 2.3]]}; - reads standard input
  weir infer --check water-demo                         does this board compute what the framework computed?

A model is looked for by its name in the folders of --models or `[infer] models`, and in ./models; a name with a / is a
folder. Exit codes: 0 done, 1 an image, a table or a part of the work failed, 2 usage, configuration or a model that
cannot be used.";

/// What to look at, and what for.
#[derive(Debug, Args)]
pub(in crate::cli) struct Infer {
    /// Images, folders of images, or tables for a tabular model (.json, - for standard input)
    #[arg(value_name = "IMAGE")]
    pub(super) files: Vec<PathBuf>,
    /// Name or folder of a model; may be given again: one that segments water, any number that classify
    #[arg(short, long = "model", value_name = "NAME")]
    pub(super) models: Vec<String>,
    /// Folder in which models are looked for, before all others; may be given again
    #[arg(
        long = "models",
        env = "WEIR_MODELS",
        value_delimiter = ':',
        value_name = "DIR"
    )]
    pub(super) places: Vec<PathBuf>,
    /// What the configuration wants of this site's images [default: the site in whose folder an image lies]
    #[arg(long, value_name = "NAME")]
    pub(super) site: Option<String>,
    /// Write a picture of what was found, and the site's derivatives, into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) overlay: Option<PathBuf>,
    /// Write the mask of the water, black and white in the reference frame, into this folder
    #[arg(long, value_name = "DIR")]
    pub(super) mask: Option<PathBuf>,
    /// Reference frame of ROIs and ground truth [default: the image's own size]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(super) frame: Option<Frame>,
    /// A region in which water is counted, in pixels of the frame; may be given again
    #[arg(long = "roi", value_name = "NAME=X,Y X,Y X,Y…")]
    pub(super) rois: Vec<Region>,
    /// Name or folder of the tabular model that makes a stage of the ROIs
    #[arg(long, value_name = "NAME")]
    pub(super) stage_model: Option<String>,
    /// A mask of where the water is known to be, to compare with
    #[arg(long, value_name = "FILE")]
    pub(super) truth: Option<PathBuf>,
    /// Threads of the models
    #[arg(long, default_value = "1", value_name = "N")]
    pub(super) threads: NonZeroUsize,
    /// List the models that are found, instead
    #[arg(long, conflicts_with_all = ["files", "check", "models", "overlay", "mask", "site"])]
    pub(super) list: bool,
    /// Compute the models' own tests and compare, instead; all models that are found, or those named
    #[arg(long, conflicts_with_all = ["models", "overlay", "mask", "site"])]
    pub(super) check: bool,
}

/// A frame as it is written: `1920x1080`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame(pub(super) Size);

impl FromStr for Frame {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |side: &str| {
            side.trim()
                .parse()
                .ok()
                .filter(|side| (1..=65_535).contains(side))
        };
        text.split_once(['x', 'X'])
            .and_then(|(width, height)| Some((side(width)?, side(height)?)))
            .map(|(width, height)| Self(Size { width, height }))
            .ok_or("a frame is WIDTHxHEIGHT in pixels, such as 1920x1080")
    }
}

/// A region as it is written: `ROI1=116,335 328,548 222,654 10,441`.
#[derive(Debug, Clone)]
pub(super) struct Region(pub(super) Roi);

impl FromStr for Region {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "a region is NAME=X,Y X,Y X,Y with three corners or more, in whole pixels of the frame";
        let (name, corners) = text.split_once('=').ok_or(FORM)?;
        let number = |text: &str| text.trim().parse::<i32>().ok();
        let points = corners
            .split_whitespace()
            .map(|corner| {
                let (x, y) = corner.split_once(',')?;
                Some([number(x)?, number(y)?])
            })
            .collect::<Option<Vec<_>>>()
            .filter(|points| points.len() >= 3)
            .ok_or(FORM)?;
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(FORM);
        }
        Ok(Self(Roi { name, points }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_as_it_is_written() {
        let region: Region = "ROI1=116,335 328,548 -2,654".parse().expect("is one");
        assert_eq!(region.0.name, "ROI1");
        assert_eq!(region.0.points, [[116, 335], [328, 548], [-2, 654]]);
        for text in [
            "",
            "ROI1",
            "=1,1 2,2 3,3",
            "R=1,1 2,2",
            "R=1 2 3",
            "R=1,1 2,2 3,x",
        ] {
            assert!(text.parse::<Region>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_frame_has_two_sides() {
        let frame: Frame = "1920x1080".parse().expect("is one");
        assert_eq!((frame.0.width, frame.0.height), (1920, 1080));
        for text in ["", "1920", "0x10", "axb", "70000x1"] {
            assert!(text.parse::<Frame>().is_err(), "{text}");
        }
    }
}
