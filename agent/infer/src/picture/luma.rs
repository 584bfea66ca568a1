//! Luma of ITU-R BT.601, rounded as Pillow rounds for its mode "L".

use super::CHANNELS;

/// 0.299, 0.587 and 0.114 in units of 2^-16; they add up to 2^16, so that grey stays as it is.
const RED: u32 = 19_595;
const GREEN: u32 = 38_470;
const BLUE: u32 = 7_471;

/// The luma of each pixel of `rgb` (three bytes a pixel).
pub(super) fn of(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<CHANNELS>().0.iter().map(luma).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the weights add up to 1, so the mean is at most 255"
)]
fn luma(&[red, green, blue]: &[u8; CHANNELS]) -> u8 {
    let sum = RED * u32::from(red) + GREEN * u32::from(green) + BLUE * u32::from(blue);
    ((sum + (1 << 15)) >> 16) as u8
}
