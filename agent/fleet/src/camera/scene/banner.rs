//! The line of text that a camera burns into its pictures.

use image::{Rgb, RgbImage};

/// Rows of five pixels for the characters that banners have, the highest bit on the left.
const GLYPHS: [(char, [u8; 7]); 40] = [
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 6, 8, 16, 31]),
    ('3', [14, 17, 1, 6, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [6, 8, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 2, 12]),
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [14, 17, 16, 16, 16, 17, 14]),
    ('D', [30, 17, 17, 17, 17, 17, 30]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [14, 17, 16, 23, 17, 17, 14]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 2, 2, 2, 2, 18, 12]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 25, 21, 19, 17, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 17, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 27, 17]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('Y', [17, 17, 10, 4, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    ('-', [0, 0, 0, 31, 0, 0, 0]),
    (':', [0, 4, 4, 0, 4, 4, 0]),
    ('/', [1, 1, 2, 4, 8, 16, 16]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
];

/// How a camera writes its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Banner {
    bar: bool,
    below: bool,
    size: f32,
}

impl Banner {
    pub(super) fn new(rng: &mut fastrand::Rng) -> Self {
        Self {
            bar: rng.f32() < 0.4,
            below: rng.bool(),
            size: 1.0 + 0.6 * rng.f32(),
        }
    }

    /// Writes the text; where it, or its bar, covers the picture, `covered` is told.
    pub(super) fn write(self, text: &str, on: &mut RgbImage, mut covered: impl FnMut(u32, u32)) {
        let scale = ((on.width() as f32 / 640.0 * self.size).round() as u32).max(1);
        let bar = 11 * scale;
        let top = if self.below {
            on.height().saturating_sub(bar)
        } else {
            0
        };
        let mut put = |on: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>| {
            if x < on.width() && y < on.height() {
                on.put_pixel(x, y, colour);
                covered(x, y);
            }
        };
        if self.bar {
            for y in top..top + bar {
                for x in 0..on.width() {
                    put(on, x, y, Rgb([8, 8, 8]));
                }
            }
        }
        // Without a bar, a dark edge keeps the letters legible.
        let layers: &[(u32, Rgb<u8>)] = if self.bar {
            &[(0, Rgb([235, 235, 235]))]
        } else {
            &[(1, Rgb([15, 15, 15])), (0, Rgb([245, 245, 245]))]
        };
        for (shift, colour) in layers {
            for (nth, letter) in (0..).zip(text.chars()) {
                let rows = GLYPHS
                    .iter()
                    .find(|(known, _)| *known == letter.to_ascii_uppercase());
                let Some((_, rows)) = rows else { continue };
                for (row, bits) in (0..).zip(rows) {
                    for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                        for (dx, dy) in (0..scale).flat_map(|dx| (0..scale).map(move |dy| (dx, dy)))
                        {
                            let x = (4 + nth * 6 + column) * scale + dx + shift;
                            let y = top + (2 + row) * scale + dy + shift;
                            put(on, x, y, *colour);
                        }
                    }
                }
            }
        }
    }
}
