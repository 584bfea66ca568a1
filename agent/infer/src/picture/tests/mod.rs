//! Pictures for the tests of this module.

mod pillow;
mod properties;

use weir_journey::infer::Size;

use super::Picture;

pub(super) const fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

/// Bytes that look random; those of `noise` in tests/pillow/make.py.
fn noise(count: u32) -> impl Iterator<Item = u8> {
    (0..count).map(|i| {
        let x = i.wrapping_mul(2_654_435_761);
        let x = (x ^ (x >> 15)).wrapping_mul(2_246_822_519);
        (x >> 24) as u8
    })
}

/// Noise over a slope: `picture` in tests/pillow/make.py.
fn picture(width: u32, height: u32) -> Picture {
    let mut rgb: Vec<u8> = noise(width * height * 3).collect();
    for (y, row) in (0..).zip(rgb.chunks_exact_mut(width as usize * 3)) {
        for (at, level) in (0..).zip(row) {
            let slope: u32 = at / 3 * 2 + y * 3 + at % 3 * 40;
            *level = *level / 2 + (slope % 256 / 2) as u8;
        }
    }
    Picture::new(size(width, height), rgb).unwrap()
}
