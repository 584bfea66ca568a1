//! Pictures: decoded within limits ([`read`]), brought to a size ([`resize`]), taken through a preprocessing chain
//! ([`apply`]) and written ([`encode`]).
//!
//! What a model was trained on was prepared by Python's Pillow more often than by anything else, so each of these
//! gives the pixels that Pillow gives, to the level for luma, flips and crops, within one level for resizing.

mod chain;
mod decode;
mod encode;
mod error;
mod geometry;
mod header;
mod luma;
mod resize;
#[cfg(test)]
mod tests;

pub use chain::{ChainError, apply};
pub use decode::{Limits, decode, read};
pub use encode::encode;
pub use error::PictureError;
pub use resize::{Filter, resize};
use weir_journey::infer::Size;

/// The longest side a picture may have: what JPEG can say.
const LONGEST_SIDE: u32 = 65_535;
const CHANNELS: usize = 3;

/// A picture of 8 bits a channel, in sRGB as it came: red, green, blue of each pixel, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// `width * height * 3` bytes.
    rgb: Vec<u8>,
    /// Its three channels are known to be equal.
    gray: bool,
}

impl Picture {
    /// The picture of that size with those pixels; `None` unless there are `width * height * 3` of them and both
    /// sides are 1 to 65535.
    pub fn new(size: Size, rgb: Vec<u8>) -> Option<Self> {
        let Size { width, height } = size;
        let sides = 1..=LONGEST_SIDE;
        let fits = sides.contains(&width)
            && sides.contains(&height)
            && rgb.len() as u64 == u64::from(width) * u64::from(height) * CHANNELS as u64;
        fits.then_some(Self {
            width,
            height,
            rgb,
            gray: false,
        })
    }

    /// The grey picture of that size with those luma values, one a pixel; `None` unless they fit, as for
    /// [`Picture::new`].
    pub fn from_luma(size: Size, luma: &[u8]) -> Option<Self> {
        let rgb = luma.iter().flat_map(|&level| [level; CHANNELS]).collect();
        Self::new(size, rgb).map(Self::known_gray)
    }

    /// Its width and height.
    pub const fn size(&self) -> Size {
        Size {
            width: self.width,
            height: self.height,
        }
    }

    /// Red, green, blue of each pixel, row by row from the top.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Whether it came as a grey picture or was made one, so that it is written with a single channel. A colour
    /// picture that happens to show only grey is none.
    pub const fn is_gray(&self) -> bool {
        self.gray
    }

    /// The luma of each pixel (ITU-R BT.601), row by row from the top.
    pub fn luma(&self) -> Vec<u8> {
        luma::of(&self.rgb)
    }

    fn known_gray(self) -> Self {
        Self { gray: true, ..self }
    }

    /// Its pixels in rows.
    fn rows(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.rgb.chunks_exact(self.width as usize * CHANNELS)
    }
}
