//! Masks that people drew.

use std::path::Path;

use super::mask::Mask;
use crate::picture::{self, Limits, PictureError};

impl Mask {
    /// The mask in a picture's file: a pixel is water when its luma is above half (128 or more of 255). Its size is
    /// the picture's.
    ///
    /// # Errors
    /// When the file cannot be read, or is no picture within the limits.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self, PictureError> {
        let picture = picture::read(path, limits)?;
        let wet = picture.luma().into_iter().map(|luma| luma >= 128).collect();
        Ok(Self::of(picture.size(), wet))
    }
}
