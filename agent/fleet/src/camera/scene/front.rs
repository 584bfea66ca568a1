//! What stands before the lens: branches, blades of grass, a pole, a railing.

use super::air::Air;
use super::canvas::Canvas;
use super::colour::{Colour, rgb};
use super::world::World;

/// Nearer than anything of the land.
const NEAR: f32 = 0.1;

/// Paints what stands before the lens of this site, on three sites of ten.
pub(super) fn paint(canvas: &mut Canvas, world: &World, air: &Air, rng: &mut fastrand::Rng) {
    match rng.u32(0..100) {
        0..18 => branches(canvas, world, air, rng),
        18..24 => pole(canvas, air, rng),
        24..34 => blades(canvas, world, air, rng),
        _ => {}
    }
}

fn lit(air: &Air, colour: Colour) -> Colour {
    if air.lamp {
        return colour * 0.7;
    }
    colour.times(air.light([0.0, -0.6, 0.6], 0.5))
}

/// Twigs with leaves that hang in from the top or from a side.
fn branches(canvas: &mut Canvas, world: &World, air: &Air, rng: &mut fastrand::Rng) {
    let (w, h) = (canvas.wide as f32, canvas.high as f32);
    let bark = lit(air, rgb(0.16, 0.13, 0.10));
    for _ in 0..rng.u32(2..7) {
        let left = rng.bool();
        let (mut x, mut y) = (if left { 0.0 } else { w }, rng.f32() * h * 0.35);
        let mut turn = if left {
            0.2
        } else {
            std::f32::consts::PI - 0.2
        } + rng.f32() * 0.6
            - 0.3;
        let length = (w * (0.15 + 0.3 * rng.f32())) as u32;
        for step in 0..length {
            turn += (rng.f32() - 0.5) * 0.12;
            (x, y) = (x + turn.cos(), y + turn.sin());
            let thick = (w / 260.0) * (1.2 - step as f32 / length as f32);
            disc(canvas, x, y, thick, bark);
            if rng.f32() < 0.22 {
                let hue = world.leaves.mix(world.grass, rng.f32() * 0.5) * (0.6 + 0.8 * rng.f32());
                let far = w / 45.0;
                let (lx, ly) = (
                    x + (rng.f32() - 0.5) * far * 2.0,
                    y + (rng.f32() - 0.3) * far * 2.0,
                );
                disc(canvas, lx, ly, w / 160.0 * (0.5 + rng.f32()), lit(air, hue));
            }
        }
    }
}

fn pole(canvas: &mut Canvas, air: &Air, rng: &mut fastrand::Rng) {
    let middle = rng.usize(0..canvas.wide);
    let half = canvas.wide / rng.usize(30..90);
    let colour = rgb(0.42, 0.42, 0.43).mix(rgb(0.30, 0.22, 0.15), rng.f32());
    for x in middle.saturating_sub(half)..(middle + half).min(canvas.wide) {
        let round = (x as f32 - middle as f32) / half as f32;
        let colour = lit(air, colour * (1.05 - 0.7 * round * round - 0.3 * round));
        for y in 0..canvas.high {
            canvas.cover(x, y, NEAR, colour);
        }
    }
}

/// Grass that grows up from below.
fn blades(canvas: &mut Canvas, world: &World, air: &Air, rng: &mut fastrand::Rng) {
    let (w, h) = (canvas.wide as f32, canvas.high as f32);
    for _ in 0..rng.u32(30..160) {
        let (mut x, mut y) = (rng.f32() * w, h);
        let mut lean = (rng.f32() - 0.5) * 0.5;
        let tall = h * (0.04 + 0.22 * rng.f32() * rng.f32());
        let hue = world.grass.mix(rgb(0.5, 0.44, 0.24), rng.f32());
        let colour = lit(air, hue * (0.6 + 0.6 * rng.f32()));
        while y > h - tall {
            let thick = w / 420.0 * ((y - (h - tall)) / tall).max(0.2);
            disc(canvas, x, y, thick, colour);
            lean += (rng.f32() - 0.5) * 0.05;
            (x, y) = (x + lean, y - 1.0);
        }
    }
}

fn disc(canvas: &mut Canvas, x: f32, y: f32, radius: f32, colour: Colour) {
    let r = radius.max(0.5);
    let edge = |at: f32, len: usize| at.clamp(0.0, len as f32) as usize;
    for row in edge(y - r, canvas.high)..edge(y + r + 0.5, canvas.high) {
        for column in edge(x - r, canvas.wide)..edge(x + r + 0.5, canvas.wide) {
            let far = (column as f32 + 0.5 - x).powi(2) + (row as f32 + 0.5 - y).powi(2);
            if far <= r * r {
                canvas.cover(column, row, NEAR, colour);
            }
        }
    }
}
