//! Doing the steps of a preprocessing chain.

use weir_journey::infer::{Size, Step};

use super::{Filter, Limits, Picture, resize};

/// Why a chain cannot be done on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A crop reaches beyond the picture.
    #[error(
        "step {number}, \"{step}\", reaches beyond the picture, which is {} x {} pixels there: make the rectangle \
         smaller, or resize before it",
        size.width, size.height
    )]
    Outside {
        /// The step, counted from 1.
        number: usize,
        /// The step.
        step: Step,
        /// The picture's size before it.
        size: Size,
    },
    /// A step would make more pixels than a picture may have.
    #[error(
        "step {number}, \"{step}\", would make {pixels} pixels, above the limit of {limit}: resize to less"
    )]
    TooLarge {
        /// The step, counted from 1.
        number: usize,
        /// The step.
        step: Step,
        /// Pixels it would make.
        pixels: u64,
        /// The limit.
        limit: u64,
    },
}

/// Takes a picture through the steps, one after the other. Resizing is [`Filter::Bilinear`].
///
/// # Errors
/// [`ChainError`] at the first step that cannot be done.
pub fn apply(picture: Picture, steps: &[Step]) -> Result<Picture, ChainError> {
    let mut numbered = steps.iter().copied().zip(1..);
    numbered.try_fold(picture, |picture, (step, number)| {
        done(picture, step, number)
    })
}

/// The picture after a step, the `number`th.
fn done(picture: Picture, step: Step, number: usize) -> Result<Picture, ChainError> {
    match step {
        Step::Grayscale => Ok(picture.gray()),
        Step::FlipHorizontal => Ok(picture.flipped_horizontally()),
        Step::FlipVertical => Ok(picture.flipped_vertically()),
        Step::Rotate { quarters } => Ok(picture.turned(quarters)),
        Step::Crop {
            x,
            y,
            width,
            height,
        } => {
            let size = picture.size();
            let outside = ChainError::Outside { number, step, size };
            picture.cropped(x, y, width, height).ok_or(outside)
        }
        Step::Resize { width, height } => {
            let pixels = u64::from(width) * u64::from(height);
            let limit = Limits::default().pixels;
            if pixels > limit {
                return Err(ChainError::TooLarge {
                    number,
                    step,
                    pixels,
                    limit,
                });
            }
            Ok(resize(&picture, Size { width, height }, Filter::Bilinear))
        }
    }
}

impl Picture {
    /// Its luma in all channels.
    fn gray(self) -> Self {
        let rgb = self.luma().into_iter().flat_map(|level| [level; 3]);
        Self {
            rgb: rgb.collect(),
            gray: true,
            ..self
        }
    }
}
