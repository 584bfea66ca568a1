//! What is remembered of a picture.

use std::fmt::Write as _;

use weir_journey::infer::Size;

use crate::picture::{Filter, Picture, resize};

/// The size of a print.
pub(super) const PRINT: Size = Size {
    width: 64,
    height: 36,
};
const PIXELS: usize = (PRINT.width * PRINT.height) as usize;

/// The luma of a picture stretched to 64 x 36 pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Small(Vec<u8>);

impl Small {
    pub(super) fn of(picture: &Picture) -> Self {
        Self(resize(picture, PRINT, Filter::Area).luma())
    }

    /// What [`Small::hex`] wrote; `None` if it did not.
    pub(super) fn read(hex: &str) -> Option<Self> {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != PIXELS || !rest.is_empty() {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let level = |&[high, low]: &[u8; 2]| u8::try_from(digit(high)? << 4 | digit(low)?).ok();
        pairs.iter().map(level).collect::<Option<_>>().map(Self)
    }

    pub(super) fn hex(&self) -> String {
        let mut hex = String::with_capacity(2 * PIXELS);
        for level in &self.0 {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{level:02x}");
        }
        hex
    }

    /// Its levels, row by row.
    pub(super) fn levels(&self) -> &[u8] {
        &self.0
    }

    /// Mean luma, 0 to 1.
    pub(super) fn brightness(&self) -> f64 {
        let sum: u32 = self.0.iter().copied().map(u32::from).sum();
        f64::from(sum) / 255.0 / PIXELS as f64
    }

    /// Mean absolute difference, 0 to 1.
    pub(super) fn difference(&self, other: &Self) -> f64 {
        let apart = |(one, two): (&u8, &u8)| u32::from(one.abs_diff(*two));
        let sum: u32 = self.0.iter().zip(&other.0).map(apart).sum();
        f64::from(sum) / 255.0 / PIXELS as f64
    }
}

/// A hash of a picture's size and pixels that is the same on every machine and in every version: remembered ones are
/// compared with it. It tells pictures apart; it is not made to withstand someone who wants two of one hash.
///
/// Each round is a multiplication to 128 bits whose halves are folded, as in wyhash: several times as fast as
/// decoding, where a cryptographic hash takes as long.
pub(super) fn digest(picture: &Picture) -> u64 {
    const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
    const ODD: u64 = 0xD6E8_FEB8_6659_FD93;
    let fold = |one: u64, two: u64| {
        let product = u128::from(one) * u128::from(two);
        product as u64 ^ (product >> 64) as u64
    };
    let Size { width, height } = picture.size();
    let size = u64::from(width) << 32 | u64::from(height);
    let (words, rest) = picture.rgb().as_chunks::<16>();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    words
        .iter()
        .chain([&last])
        .fold(fold(size ^ SEED, ODD), |hash, word| {
            let word = u128::from_le_bytes(*word);
            fold(word as u64 ^ SEED ^ hash, (word >> 64) as u64 ^ ODD)
                .wrapping_add(hash.rotate_left(23))
        })
}
