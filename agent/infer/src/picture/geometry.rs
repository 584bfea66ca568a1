//! Flips, quarter turns and crops: the same pixels in other places.

use super::{CHANNELS, Picture};

impl Picture {
    /// Left and right change places.
    pub(super) fn flipped_horizontally(mut self) -> Self {
        for row in self.rgb.chunks_exact_mut(self.width as usize * CHANNELS) {
            row.as_chunks_mut::<CHANNELS>().0.reverse();
        }
        self
    }

    /// Top and bottom change places.
    pub(super) fn flipped_vertically(self) -> Self {
        let rgb = self.rows().rev().flatten().copied().collect();
        Self { rgb, ..self }
    }

    /// Turned clockwise by so many quarters.
    pub(super) fn turned(self, quarters: u8) -> Self {
        match quarters % 4 {
            0 => self,
            1 => self.turned_once(),
            2 => self.turned_twice(),
            _ => self.turned_twice().turned_once(),
        }
    }

    fn turned_twice(mut self) -> Self {
        self.rgb.as_chunks_mut::<CHANNELS>().0.reverse();
        self
    }

    /// The first column, read from the bottom, becomes the first row.
    fn turned_once(self) -> Self {
        let (pixels, _) = self.rgb.as_chunks::<CHANNELS>();
        let (width, height) = (self.width as usize, self.height as usize);
        let mut rgb = Vec::with_capacity(self.rgb.len());
        for x in 0..width {
            for y in (0..height).rev() {
                rgb.extend_from_slice(&pixels[y * width + x]);
            }
        }
        Self {
            width: self.height,
            height: self.width,
            rgb,
            gray: self.gray,
        }
    }

    /// The rectangle from `x`, `y` on; `None` unless it lies within the picture and is not empty.
    pub(super) fn cropped(&self, x: u32, y: u32, width: u32, height: u32) -> Option<Self> {
        let inside = |from: u32, len: u32, side: u32| {
            len > 0 && from.checked_add(len).is_some_and(|end| end <= side)
        };
        if !inside(x, width, self.width) || !inside(y, height, self.height) {
            return None;
        }
        let columns = x as usize * CHANNELS..(x + width) as usize * CHANNELS;
        let rows = self.rows().skip(y as usize).take(height as usize);
        let rgb = rows
            .flat_map(|row| &row[columns.clone()])
            .copied()
            .collect();
        Some(Self {
            width,
            height,
            rgb,
            gray: self.gray,
        })
    }
}
