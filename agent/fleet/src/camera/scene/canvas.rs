//! The picture while it is painted: light, distance and whether a pixel shows water.

use super::colour::Colour;

pub(super) struct Canvas {
    pub(super) wide: usize,
    pub(super) high: usize,
    pub(super) light: Vec<Colour>,
    /// Metres to what the pixel shows.
    pub(super) far: Vec<f32>,
    pub(super) water: Vec<bool>,
}

impl Canvas {
    /// Paints a pixel with something nearer than what is there, which is not water.
    pub(super) fn cover(&mut self, x: usize, y: usize, far: f32, colour: Colour) {
        let at = y * self.wide + x;
        if far < self.far[at] {
            self.light[at] = colour;
            self.far[at] = far;
            self.water[at] = false;
        }
    }
}
