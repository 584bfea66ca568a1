//! How a picture becomes a network's input, and where each place of the picture went.

use weir_journey::infer::{Size, Step};

use super::TaskError;
use crate::model::{Colour, Fit, Layout, PictureInput};
use crate::picture::{Filter, Limits, Picture, apply, resize};

/// A network's input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    /// In row-major order of the network's shape.
    pub(super) tensor: Vec<f32>,
    /// Where the picture lies in it.
    pub(super) place: Place,
}

/// Where a picture lies in a network's input: an affine map of shares of its width and height (0 to 1) to shares of
/// the input's. Axes may have changed places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// The input's x comes of the picture's y, and its y of the picture's x.
    pub(super) swapped: bool,
    /// How the input's x comes about.
    pub(super) x: Line,
    /// How the input's y comes about.
    pub(super) y: Line,
}

/// `share * scale + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) scale: f64,
    pub(super) offset: f64,
}

impl Line {
    const SAME: Self = Self {
        scale: 1.0,
        offset: 0.0,
    };

    pub(super) fn at(self, share: f64) -> f64 {
        share.mul_add(self.scale, self.offset)
    }

    /// The map from one end to the other.
    fn turned_round(self) -> Self {
        Self {
            scale: -self.scale,
            offset: 1.0 - self.offset,
        }
    }

    /// The map after which only `length` from `start` on, in shares, is seen as the whole.
    fn within(self, start: f64, length: f64) -> Self {
        Self {
            scale: self.scale / length,
            offset: (self.offset - start) / length,
        }
    }
}

impl Place {
    /// The picture fills the input, as it is.
    pub(super) const WHOLE: Self = Self {
        swapped: false,
        x: Line::SAME,
        y: Line::SAME,
    };

    /// What a step on a picture of the size `before` makes of it.
    pub(super) fn after(self, step: Step, before: Size) -> Self {
        let (width, height) = (f64::from(before.width), f64::from(before.height));
        match step {
            Step::Grayscale | Step::Resize { .. } => self,
            Step::FlipHorizontal => Self {
                x: self.x.turned_round(),
                ..self
            },
            Step::FlipVertical => Self {
                y: self.y.turned_round(),
                ..self
            },
            Step::Rotate { quarters } => (0..quarters % 4).fold(self, |place, _| Self {
                swapped: !place.swapped,
                x: place.y.turned_round(),
                y: place.x,
            }),
            Step::Crop {
                x,
                y,
                width: w,
                height: h,
            } => Self {
                x: self.x.within(f64::from(x) / width, f64::from(w) / width),
                y: self.y.within(f64::from(y) / height, f64::from(h) / height),
                ..self
            },
        }
    }
}

/// Makes a network's input of a picture.
///
/// # Errors
/// When a step of the model's preprocessing does not suit the picture.
pub(super) fn prepare(picture: &Picture, input: &PictureInput) -> Result<Prepared, TaskError> {
    let mut place = Place::WHOLE;
    let mut changed: Option<Picture> = None;
    for &step in &input.preprocess {
        let before = changed.take().unwrap_or_else(|| picture.clone());
        place = place.after(step, before.size());
        changed = Some(apply(before, &[step])?);
    }
    if input.colour == Colour::Gray {
        let before = changed.take().unwrap_or_else(|| picture.clone());
        changed = Some(apply(before, &[Step::Grayscale])?);
    }
    let (fitted, place) = fit(changed.as_ref().unwrap_or(picture), input, place)?;
    Ok(Prepared {
        tensor: tensor(&fitted, input),
        place,
    })
}

/// The picture brought to the network's size, or for [`Fit::Pad`] to the part of it that it fills.
fn fit(
    picture: &Picture,
    input: &PictureInput,
    place: Place,
) -> Result<(Picture, Place), TaskError> {
    let (of, to) = (picture.size(), input.size);
    match input.fit {
        Fit::Stretch => Ok((resized(picture, to, input.filter), place)),
        Fit::Crop { short } => {
            let Some(large) = short_side_to(of, short) else {
                return Err(TaskError::Narrow {
                    width: of.width,
                    height: of.height,
                });
            };
            let middle = Step::Crop {
                x: middle(large.width, to.width),
                y: middle(large.height, to.height),
                width: to.width,
                height: to.height,
            };
            let cut = apply(resized(picture, large, input.filter), &[middle])?;
            Ok((cut, place.after(middle, large)))
        }
        Fit::Pad => {
            let small = within(of, to);
            let share = |part: u32, whole: u32| f64::from(whole) / f64::from(part);
            let place = Place {
                x: place.x.within(0.0, share(small.width, to.width)),
                y: place.y.within(0.0, share(small.height, to.height)),
                ..place
            };
            Ok((resized(picture, small, input.filter), place))
        }
    }
}

fn resized(picture: &Picture, size: Size, filter: Filter) -> Picture {
    if picture.size() == size {
        picture.clone()
    } else {
        resize(picture, size, filter)
    }
}

/// The size with its short side at `short` pixels, the long one cut to whole pixels as torchvision's `Resize` does;
/// `None` where that would be more pixels than a picture may have.
fn short_side_to(of: Size, short: u32) -> Option<Size> {
    let (least, most) = (of.width.min(of.height), of.width.max(of.height));
    let long = u32::try_from(u64::from(short) * u64::from(most) / u64::from(least)).ok()?;
    let fits = u64::from(long) * u64::from(short) <= Limits::default().pixels
        && long <= u32::from(u16::MAX);
    fits.then_some(if of.width <= of.height {
        Size {
            width: short,
            height: long,
        }
    } else {
        Size {
            width: long,
            height: short,
        }
    })
}

/// Where the middle `part` of `whole` pixels begins, rounded half to even as torchvision's `CenterCrop` does.
fn middle(whole: u32, part: u32) -> u32 {
    let rest = whole.saturating_sub(part);
    let half = rest / 2;
    half + u32::from(rest % 2 == 1 && half % 2 == 1)
}

/// The largest size of these proportions within another.
fn within(of: Size, to: Size) -> Size {
    let scale = (f64::from(to.width) / f64::from(of.width))
        .min(f64::from(to.height) / f64::from(of.height));
    let side = |side: u32, most: u32| ((f64::from(side) * scale).round() as u32).clamp(1, most);
    Size {
        width: side(of.width, to.width),
        height: side(of.height, to.height),
    }
}

/// The numbers of a picture that is as large as the network's input or smaller; what it does not fill is 0.
fn tensor(picture: &Picture, input: &PictureInput) -> Vec<f32> {
    let channels = input.colour.channels();
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    let levels: Vec<[f32; 256]> = (0..channels)
        .map(|channel| {
            let (mean, std) = (input.mean[channel], input.std[channel]);
            std::array::from_fn(|level| (level as f32 / 255.0 - mean) / std)
        })
        .collect();
    let (pixel, plane) = match input.layout {
        Layout::Nchw => (1, width * height),
        Layout::Nhwc => (channels, 1),
    };
    let mut tensor = vec![0.0; channels * width * height];
    let row_bytes = picture.size().width as usize * 3;
    for (y, row) in picture.rgb().chunks_exact(row_bytes).enumerate() {
        for (channel, levels) in levels.iter().enumerate() {
            let source = if input.colour == Colour::Bgr {
                2 - channel
            } else {
                channel
            };
            let start = channel * plane + y * width * pixel;
            let targets = tensor[start..].iter_mut().step_by(pixel);
            for (value, rgb) in targets.zip(row.chunks_exact(3)) {
                *value = levels[usize::from(rgb[source])];
            }
        }
    }
    tensor
}
