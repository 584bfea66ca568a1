//! Smooth random fields: value noise on a lattice, and cells as stones lie.

/// Points of the lattice on a side; the field repeats after them.
const SIDE: usize = 256;

/// A field of random numbers in -1..1 with a wave length of about 2.
pub(super) struct Noise {
    lattice: Box<[f32; SIDE * SIDE]>,
}

impl Noise {
    pub(super) fn new(rng: &mut fastrand::Rng) -> Self {
        let mut lattice: Box<[f32; SIDE * SIDE]> = Box::new([0.0; SIDE * SIDE]);
        lattice.fill_with(|| rng.f32() * 2.0 - 1.0);
        Self { lattice }
    }

    /// The field at a point, with smooth slopes.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let ((x, fx), (y, fy)) = (split(x), split(y));
        let (fx, fy) = (smooth(fx), smooth(fy));
        let (here, next) = (x & (SIDE - 1), x.wrapping_add(1) & (SIDE - 1));
        let row = (y & (SIDE - 1)) * SIDE;
        let below = (y.wrapping_add(1) & (SIDE - 1)) * SIDE;
        let top = mix(self.lattice[row + here], self.lattice[row + next], fx);
        let bottom = mix(self.lattice[below + here], self.lattice[below + next], fx);
        mix(top, bottom, fy)
    }

    /// Several octaves of it, each of half the wave length and 0.55 of the height.
    pub(super) fn octaves(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut height, mut scale) = (0.0, 0.55, 1.0);
        for octave in 0..octaves {
            let shift = octave as f32 * 17.3;
            sum += height * self.at(x * scale + shift, y * scale - shift);
            height *= 0.55;
            scale *= 2.03;
        }
        sum
    }
}

/// Stones in a plane: how far the point is from the middle of the nearest (0..1 or more), and a number of that stone.
pub(super) fn stones(x: f32, y: f32) -> (f32, f32) {
    let ((cx, fx), (cy, fy)) = (split(x), split(y));
    let (mut nearest, mut which) = (f32::MAX, 0.0);
    for dy in 0..3_usize {
        for dx in 0..3_usize {
            let (jx, jy, number) = scatter(cx.wrapping_add(dx), cy.wrapping_add(dy));
            let (ox, oy) = (dx as f32 - 1.0 + jx - fx, dy as f32 - 1.0 + jy - fy);
            let far = ox * ox + oy * oy;
            if far < nearest {
                (nearest, which) = (far, number);
            }
        }
    }
    (nearest.sqrt(), which)
}

/// Three numbers in 0..1 for a cell.
fn scatter(x: usize, y: usize) -> (f32, f32, f32) {
    let mut z = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    z = (z ^ (z >> 15)).wrapping_mul(0x2C1B_3C6D);
    z = (z ^ (z >> 12)).wrapping_mul(0x297A_2D39);
    z ^= z >> 15;
    let part = |shift: u32| ((z >> shift) & 0x3FF) as f32 / 1024.0;
    (part(0), part(10), part(20))
}

/// The cell of a coordinate and the place in it.
fn split(x: f32) -> (usize, f32) {
    let whole = x as i32 - i32::from(x < 0.0);
    (whole as usize, x - whole as f32)
}

fn smooth(x: f32) -> f32 {
    x * x * (3.0 - 2.0 * x)
}

/// From `a` to `b` by `part`.
pub(super) fn mix(a: f32, b: f32, part: f32) -> f32 {
    a + (b - a) * part
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(super) fn step(from: f32, to: f32, x: f32) -> f32 {
    smooth(((x - from) / (to - from)).clamp(0.0, 1.0))
}
