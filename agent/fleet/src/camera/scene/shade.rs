//! Where trees keep the sun off: a map of the land from above.

use super::air::Air;
use super::world::World;

const CELLS: usize = 256;
/// Metres of a cell.
const CELL: f32 = 0.5;

pub(super) struct Shade {
    map: Vec<f32>,
    corner: [f32; 2],
}

impl Shade {
    /// The shade that round crowns throw, each given by its foot, height and width.
    pub(super) fn new(
        world: &World,
        air: &Air,
        crowns: impl Iterator<Item = ([f32; 3], f32, f32)>,
    ) -> Self {
        let half = CELLS as f32 * CELL / 2.0;
        let mut shade = Self {
            map: vec![0.0; CELLS * CELLS],
            corner: [world.middle(0.0) - half, -10.0],
        };
        if air.direct > 0.05 {
            for (foot, tall, wide) in crowns {
                shade.add(world, air, foot, (tall, wide));
            }
        }
        shade
    }

    fn add(&mut self, world: &World, air: &Air, foot: [f32; 3], (tall, wide): (f32, f32)) {
        let stretch = 1.0 / air.sun[2].max(0.15);
        let slide = tall * 0.65 * stretch;
        let at: [f32; 2] = std::array::from_fn(|i| foot[i] - air.sun[i] * slide - self.corner[i]);
        let reach = wide * stretch.min(3.0);
        let cell = |metres: f32| (metres / CELL).clamp(0.0, CELLS as f32 - 1.0) as usize;
        for row in cell(at[1] - reach)..=cell(at[1] + reach) {
            for column in cell(at[0] - reach)..=cell(at[0] + reach) {
                let (x, y) = (column as f32 * CELL - at[0], row as f32 * CELL - at[1]);
                let along = (x * air.sun[0] + y * air.sun[1]) / stretch.min(3.0);
                let across = x * air.sun[1] - y * air.sun[0];
                let far = (along * along + across * across).sqrt() / wide;
                let holes = 0.35 * world.noise.octaves(x * 0.9 + foot[0], y * 0.9 + foot[1], 2);
                let dark = (1.3 - 1.1 * far + holes).clamp(0.0, 0.92);
                let cell = &mut self.map[row * CELLS + column];
                *cell = cell.max(dark);
            }
        }
    }

    /// How much of the sun is kept off at a point of the ground or the water.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (u, v) = ((x - self.corner[0]) / CELL, (y - self.corner[1]) / CELL);
        if u < 0.0 || v < 0.0 || u >= (CELLS - 1) as f32 || v >= (CELLS - 1) as f32 {
            return 0.0;
        }
        let (column, row) = (u as usize, v as usize);
        let (fu, fv) = (u - column as f32, v - row as f32);
        let get = |r: usize, c: usize| self.map[(row + r) * CELLS + column + c];
        let top = get(0, 0) * (1.0 - fu) + get(0, 1) * fu;
        let bottom = get(1, 0) * (1.0 - fu) + get(1, 1) * fu;
        top * (1.0 - fv) + bottom * fv
    }
}
