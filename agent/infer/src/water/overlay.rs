//! A picture of what was found, for people.

use weir_journey::infer::{Overlay, Roi, Size};

use super::line::{Point, line};
use super::mask::Mask;
use crate::picture::{Filter, Picture, resize};

/// Red and pale enough to see the water through it.
const WATER: [u8; 3] = [255, 0, 0];
/// Yellow, which stands out from water, banks and the red.
const OUTLINE: [u8; 3] = [255, 220, 0];
/// Outlines are 2 pixels wide where the picture is this wide, and as wide in proportion elsewhere.
const FULL_WIDTH: f64 = 1920.0;
const CHANNELS: usize = 3;

/// The picture reduced to the overlay's width (never enlarged), its water tinted red and the regions outlined. The mask
/// and the regions' corners are in pixels of the reference frame, which is stretched over the picture.
pub fn overlay(picture: &Picture, mask: &Mask, rois: &[Roi], wanted: &Overlay) -> Picture {
    let reduced = resize(picture, reduced(picture.size(), wanted.width), Filter::Area);
    let size = reduced.size();
    let mut rgb = reduced.rgb().to_vec();
    for (pixel, &wet) in rgb.chunks_exact_mut(CHANNELS).zip(mask.resized(size).wet()) {
        if wet {
            tint(pixel);
        }
    }
    let pen = (2.0 * f64::from(size.width) / FULL_WIDTH).round().max(1.0) as usize;
    for roi in rois {
        outline(&mut rgb, size, mask.size(), &roi.points, pen);
    }
    // There are as many pixels as before.
    Picture::new(size, rgb).unwrap_or(reduced)
}

/// The size of a width and the height that goes with it.
fn reduced(size: Size, width: u32) -> Size {
    let width = width.clamp(1, size.width);
    let height = f64::from(size.height) * f64::from(width) / f64::from(size.width);
    Size {
        width,
        height: (height.round() as u32).max(1),
    }
}

/// Half of what it was, half the colour of water.
fn tint(pixel: &mut [u8]) {
    for (level, water) in pixel.iter_mut().zip(WATER) {
        *level = level.midpoint(water);
    }
}

/// Draws a closed line through the corners, which are in pixels of `frame`, with a square pen.
fn outline(rgb: &mut [u8], size: Size, frame: Size, corners: &[[i32; 2]], pen: usize) {
    let scaled = |at: i32, from: u32, to: u32| {
        ((f64::from(at) + 0.5) * f64::from(to) / f64::from(from.max(1))).floor() as i128
    };
    let placed = |&[x, y]: &[i32; 2]| Point {
        x: scaled(x, frame.width, size.width),
        y: scaled(y, frame.height, size.height),
    };
    let width = size.width as usize;
    let Some(last) = corners.last() else {
        return;
    };
    let mut before = placed(last);
    for corner in corners.iter().map(placed) {
        line(size, before, corner, |x, y| {
            let columns = (x + 1).saturating_sub(pen) * CHANNELS..(x + 1) * CHANNELS;
            for row in (y + 1).saturating_sub(pen)..=y {
                let row = &mut rgb[row * width * CHANNELS..][..width * CHANNELS];
                for pixel in row[columns.clone()].chunks_exact_mut(CHANNELS) {
                    pixel.copy_from_slice(&OUTLINE);
                }
            }
        });
        before = corner;
    }
}
