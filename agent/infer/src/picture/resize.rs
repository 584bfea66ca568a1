//! Bringing a picture to a size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{
    Filter as Kernel, FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
};
use serde::{Deserialize, Serialize};
use weir_journey::infer::Size;

use super::{CHANNELS, LONGEST_SIDE, Picture};

/// How the pixels of a resized picture come about. The conventions are Pillow's: pixel centres lie at half
/// coordinates, and where the picture shrinks, every filter but the nearest grows with the factor, so that all
/// pixels count and nothing aliases. `OpenCV`'s filters of the same names do not grow; only its `INTER_AREA` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// The pixel at the new pixel's centre, as Pillow's `NEAREST` (`OpenCV`'s takes the one at its corner).
    Nearest,
    /// Triangle.
    Bilinear,
    /// Cubic with a = -0.5 (`OpenCV`'s has -0.75).
    Bicubic,
    /// Lanczos of three lobes.
    Lanczos,
    /// The mean of the pixels whose centres lie under the new one: Pillow's `BOX`. A pixel on the edge between two
    /// belongs to the left or upper one; in Pillow such a pixel belongs where rounding puts it, sometimes nowhere.
    Area,
}

/// The picture stretched to `size`, whose sides count as 1 where they are 0 and as 65535 where they are longer.
pub fn resize(picture: &Picture, size: Size, filter: Filter) -> Picture {
    let side = |side: u32| side.clamp(1, LONGEST_SIDE);
    let size = Size {
        width: side(size.width),
        height: side(size.height),
    };
    if picture.size() == size {
        return picture.clone();
    }
    // A grey picture's channels are equal: one of them is enough work.
    if picture.is_gray() {
        let luma: Vec<u8> = picture.rgb().iter().step_by(CHANNELS).copied().collect();
        let levels = stretched(&luma, picture.size(), PixelType::U8, size, filter);
        let rgb = levels.into_iter().flat_map(|level| [level; CHANNELS]);
        return Picture {
            width: size.width,
            height: size.height,
            rgb: rgb.collect(),
            gray: true,
        };
    }
    Picture {
        width: size.width,
        height: size.height,
        rgb: stretched(picture.rgb(), picture.size(), PixelType::U8x3, size, filter),
        gray: false,
    }
}

/// Pixels of the type `kind` brought from a size to another; both have pixels.
fn stretched(pixels: &[u8], from: Size, kind: PixelType, to: Size, filter: Filter) -> Vec<u8> {
    let source = ImageRef::new(from.width, from.height, pixels, kind)
        .expect("a picture has as many pixels as its size says");
    let mut target = Image::new(to.width, to.height, kind);
    let algorithm = match filter {
        Filter::Nearest => ResizeAlg::Nearest,
        Filter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Filter::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        Filter::Lanczos => ResizeAlg::Convolution(FilterType::Lanczos3),
        Filter::Area => ResizeAlg::Convolution(FilterType::Custom(area())),
    };
    let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("source and target hold the same kind of pixels, and nothing is cropped");
    target.into_vec()
}

fn area() -> Kernel {
    Kernel::new("area", under, 0.5).expect("its reach is above 0")
}

/// The weight of a pixel whose centre lies `at` from the new pixel's, in units of the new pixel's side.
fn under(at: f64) -> f64 {
    /// More than rounding does to the distance, less than two pixels of any picture are apart.
    const ROUNDING: f64 = 1e-9;
    f64::from(u8::from(at > ROUNDING - 0.5 && at <= ROUNDING + 0.5))
}
