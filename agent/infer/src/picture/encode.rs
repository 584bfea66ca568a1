//! Writing a picture.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use weir_journey::infer::PictureFormat;

use super::{CHANNELS, Picture};

/// Of JPEG: artefacts are hard to see, and a file is about a tenth of the pixels.
const JPEG_QUALITY: u8 = 85;

/// The file of a picture: PNG, or JPEG of quality 85; with one channel if the picture [is grey](Picture::is_gray).
pub fn encode(picture: &Picture, format: PictureFormat) -> Vec<u8> {
    let one: Vec<u8>;
    let (pixels, colour) = if picture.is_gray() {
        one = picture.rgb().iter().step_by(CHANNELS).copied().collect();
        (one.as_slice(), ExtendedColorType::L8)
    } else {
        (picture.rgb(), ExtendedColorType::Rgb8)
    };
    let size = picture.size();
    let mut file = Vec::new();
    match format {
        PictureFormat::Png => {
            PngEncoder::new(&mut file).write_image(pixels, size.width, size.height, colour)
        }
        PictureFormat::Jpeg => JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY).write_image(
            pixels,
            size.width,
            size.height,
            colour,
        ),
    }
    .expect("both formats hold a picture of sides up to 65535, and memory takes the file");
    file
}
