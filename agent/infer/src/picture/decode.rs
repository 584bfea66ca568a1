//! Decoding within limits: whatever a file claims, no more memory is taken than the limits allow.

use std::error::Error as _;
use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError};
use weir_journey::infer::Size;

use super::header::{self, Header};
use super::{LONGEST_SIDE, Picture, PictureError};

/// What a file may cost. Decoding takes up to 8 bytes a pixel (16 bits of red, green, blue and alpha), and 3 bytes
/// a pixel for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, bytes.
    pub file_bytes: u64,
    /// Most pixels.
    pub pixels: u64,
}

impl Default for Limits {
    /// 64 MiB and 50 million pixels: above what site cameras make.
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            pixels: 50_000_000,
        }
    }
}

const BYTES_A_PIXEL: u64 = 8;
const JPEG: &str = "JPEG";
const PNG: &str = "PNG";

/// Reads a JPEG or PNG file, once, and decodes it.
///
/// # Errors
/// Those of [`decode`], and when the file cannot be read.
pub fn read(path: &Path, limits: &Limits) -> Result<Picture, PictureError> {
    let file = File::open(path).map_err(PictureError::Unreadable)?;
    let known = file.metadata().map_err(PictureError::Unreadable)?.len();
    check_bytes(known, limits)?;
    let mut bytes = Vec::with_capacity(usize::try_from(known).unwrap_or(0));
    // The file may have grown since.
    file.take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(PictureError::Unreadable)?;
    decode(&bytes, limits)
}

/// Decodes a JPEG or PNG file. What it is goes by its first bytes. The EXIF orientation is applied; 16 bits become
/// 8, alpha is dropped, and CMYK becomes RGB. A JPEG whose data end early gives what was there, the rest grey.
///
/// # Errors
/// When it is above the limits, which is known before pixels are decoded, or cannot be decoded.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    check_bytes(bytes.len() as u64, limits)?;
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        check_header(PNG, header::png(bytes), limits)?;
        let mut allowed = image::Limits::no_limits();
        // Of chunks and rows; pixels of the picture itself are within it too, and were checked before.
        allowed.max_alloc = Some(limits.file_bytes + limits.pixels * BYTES_A_PIXEL);
        let decoder = PngDecoder::with_limits(Cursor::new(bytes), allowed);
        whole(decoder.map_err(|error| refused(PNG, &error))?, PNG, limits)
    } else if bytes.starts_with(b"\xFF\xD8\xFF") {
        check_header(JPEG, header::jpeg(bytes), limits)?;
        let decoder = JpegDecoder::new(Cursor::new(bytes));
        whole(
            decoder.map_err(|error| refused(JPEG, &error))?,
            JPEG,
            limits,
        )
    } else {
        Err(PictureError::NotAPicture)
    }
}

fn check_bytes(bytes: u64, limits: &Limits) -> Result<(), PictureError> {
    let limit = limits.file_bytes;
    if bytes > limit {
        return Err(PictureError::FileTooLarge { bytes, limit });
    }
    Ok(())
}

fn check_size(size: Size, limits: &Limits) -> Result<(), PictureError> {
    let pixels = u64::from(size.width) * u64::from(size.height);
    let limit = limits.pixels;
    if pixels > limit || size.width.max(size.height) > LONGEST_SIDE {
        return Err(PictureError::TooManyPixels { size, limit });
    }
    Ok(())
}

fn check_header(
    format: &'static str,
    header: Option<Header>,
    limits: &Limits,
) -> Result<(), PictureError> {
    let Header { size, foreign } = header.ok_or_else(|| PictureError::Broken {
        format,
        reason: "it has no complete header".to_owned(),
    })?;
    if let Some(reason) = foreign {
        let reason = reason.to_owned();
        return Err(PictureError::Unsupported { format, reason });
    }
    check_size(size, limits)
}

/// Decodes the pixels. The size is that of the decoder, which may have found another header than we.
fn whole(
    mut decoder: impl ImageDecoder,
    format: &'static str,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    let (width, height) = decoder.dimensions();
    let size = Size { width, height };
    check_size(size, limits)?;
    let gray = matches!(
        decoder.color_type(),
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    // An EXIF block that says nothing readable turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| refused(format, &error))?;
    let picture =
        Picture::new(size, image.into_rgb8().into_raw()).ok_or_else(|| PictureError::Broken {
            format,
            reason: "it has no pixels".to_owned(),
        })?;
    let picture = if gray { picture.known_gray() } else { picture };
    Ok(upright(picture, orientation))
}

/// The picture as it is meant to be seen.
fn upright(picture: Picture, orientation: Orientation) -> Picture {
    match orientation {
        Orientation::NoTransforms => picture,
        Orientation::Rotate90 => picture.turned(1),
        Orientation::Rotate180 => picture.turned(2),
        Orientation::Rotate270 => picture.turned(3),
        Orientation::FlipHorizontal => picture.flipped_horizontally(),
        Orientation::FlipVertical => picture.flipped_vertically(),
        Orientation::Rotate90FlipH => picture.turned(1).flipped_horizontally(),
        Orientation::Rotate270FlipH => picture.turned(3).flipped_horizontally(),
    }
}

fn refused(format: &'static str, error: &ImageError) -> PictureError {
    // The decoder's own words, without those of the crates around it.
    let inner = std::iter::successors(error.source(), |&error| error.source()).last();
    let reason = inner.map_or_else(|| error.to_string(), ToString::to_string);
    match error {
        ImageError::Unsupported(_) => PictureError::Unsupported { format, reason },
        _ => PictureError::Broken { format, reason },
    }
}
