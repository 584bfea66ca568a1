//! Where an image shows water: masks, the water in regions of interest, and a picture of both.
//!
//! What is counted is comparable, pixel by pixel, with what a pipeline built on OpenCV counts: [`count`] colours the
//! pixels that `cv2.fillPoly` colours, and [`Mask::resized`] takes those that `cv2.resize` takes with `INTER_NEAREST`.

mod component;
mod line;
mod mask;
mod overlay;
mod polygon;
mod roi;
mod truth;

pub use mask::{Mask, iou};
pub use overlay::overlay;
pub use roi::count;

#[cfg(test)]
mod tests;
