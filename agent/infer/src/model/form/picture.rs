//! How a network's input is made of a picture, as it is written.

use serde::Deserialize;
use toml::Spanned;
use weir_journey::infer::{Chain, Size};

use super::super::manifest::{Colour, Fit, Layout, PictureInput};
use super::{Wrong, wrong};
use crate::picture::Filter;

/// The largest side of a network's input, in pixels.
const LARGEST_SIDE: u32 = 8192;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PictureForm {
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
    pub(super) fn read(self) -> Result<PictureInput, Wrong> {
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
