//! The colour of land: grass, mud, stones, walls, forest, snow; darker where it is wet.

use super::air::Air;
use super::colour::{Colour, rgb};
use super::noise::{mix, step, stones};
use super::world::{Bank, World};

/// The height above the water up to which land is wet.
const WET: f32 = 0.16;

/// The colour of land at a point that lies so far away, without light: a pixel covers `grain` metres there.
pub(super) fn matter(world: &World, [x, y, z]: [f32; 3], level: f32, grain: f32) -> Colour {
    let noise = &world.noise;
    let (out, side) = world.beyond_edge(x, y);
    let bank = world.sides[side].bank;
    let patches = noise.octaves(x * 0.4, y * 0.4, 3);
    let speckle = fine(world, x, y, 9.0, grain) + fine(world, x, y, 27.0, grain);
    let behind = out > world.shoulder(side);
    let dry = if world.wooded(out, side) {
        forest(world, [x, y, z], grain)
    } else if out < 0.0 {
        bed(world, x, y, grain)
    } else {
        match bank {
            _ if behind => meadow(world, [x, y, z], patches, speckle, grain),
            Bank::Grass => {
                let bare = step(0.25, 0.6, patches + 0.5 - 0.35 * (z - level));
                meadow(world, [x, y, z], patches, speckle, grain)
                    .mix(world.soil * (1.0 + 0.3 * speckle), bare)
            }
            Bank::Mud => world.soil * (0.9 + 0.35 * patches + 0.3 * speckle),
            Bank::Rocks => riprap(world, x, y, 1.5, grain),
            Bank::Gravel => riprap(world, x, y, 7.0, grain),
            Bank::Wall => wall(world, [x, y, z], speckle),
        }
    };
    let above = z - level + 0.05 * patches;
    dry * mix(0.45, 1.0, step(0.0, WET, above))
}

/// Noise of a scale that the picture can still show.
fn fine(world: &World, x: f32, y: f32, scale: f32, grain: f32) -> f32 {
    let seen = 1.0 - step(0.25, 1.0, grain * scale);
    if seen <= 0.0 {
        return 0.0;
    }
    seen * world.noise.at(x * scale, y * scale)
}

fn meadow(world: &World, [x, y, z]: [f32; 3], patches: f32, speckle: f32, grain: f32) -> Colour {
    // Blades: long upwards, so short in the plane's direction of view.
    let blades = fine(world, x * 2.2 + z, y * 0.6 + z * 2.0, 14.0, grain);
    let lush = world.grass.mix(
        rgb(0.40, 0.36, 0.18),
        (0.35 + 0.5 * patches).clamp(0.0, 0.8),
    );
    lush * (0.85 + 0.25 * patches + 0.35 * speckle + 0.45 * blades)
}

fn forest(world: &World, [x, y, z]: [f32; 3], grain: f32) -> Colour {
    let crowns = world.noise.at(x * 0.35, y * 0.35);
    let clumps = world.noise.octaves(x * 1.1 + z * 0.3, y * 1.1 + z * 0.8, 2);
    let leaves = fine(world, x + z, y - z, 6.0, grain);
    let hue = world.leaves.mix(
        rgb(0.20, 0.26, 0.08),
        (0.5 + 0.5 * crowns).clamp(0.0, 1.0) * 0.6,
    );
    hue * (0.75 + 0.5 * clumps + 0.5 * leaves).max(0.12)
}

/// The bed of the channel, where it is dry or seen through the water.
pub(super) fn bed(world: &World, x: f32, y: f32, grain: f32) -> Colour {
    let sand =
        world.soil.mix(world.stone, 0.5) * (0.95 + 0.3 * world.noise.octaves(x * 0.8, y * 0.8, 2));
    sand.mix(riprap(world, x, y, 3.2, grain), 0.65)
}

/// Stones, so many to a metre.
fn riprap(world: &World, x: f32, y: f32, scale: f32, grain: f32) -> Colour {
    let seen = 1.0 - step(0.3, 1.2, grain * scale);
    let broad = world.stone * (0.85 + 0.3 * world.noise.octaves(x * 0.9, y * 0.9, 2));
    if seen <= 0.0 {
        return broad * 0.85;
    }
    // Bent, so that no two stones have one shape; small ones lie between large ones.
    let bend = 0.35 * world.noise.at(x * scale * 0.7, y * scale * 0.7);
    let (far, which) = stones(x * scale + bend, y * scale - bend);
    let (between, other) = stones(x * scale * 2.7 - bend, y * scale * 2.7);
    let gap = step(0.42, 0.62, far + 0.25 * (which - 0.5));
    let rough = 0.25 * fine(world, x, y, scale * 6.0, grain)
        + 0.15 * fine(world, x, y, scale * 17.0, grain);
    let face = |far: f32| 1.08 - 0.55 * step(0.2, 0.7, far) + rough;
    let large = world.stone * ((0.6 + 0.6 * which) * face(far));
    let small = world.stone.mix(world.soil, 0.5) * ((0.45 + 0.5 * other) * face(between));
    let own = large.mix(small, gap);
    broad.mix(own, seen)
}

fn wall(world: &World, [x, y, z]: [f32; 3], speckle: f32) -> Colour {
    let stains = world.noise.octaves(y * 1.2 + x * 0.3, z * 0.5, 3);
    let joint = 1.0
        - 0.4 * f32::from((y * 0.4).rem_euclid(1.0) < 0.012)
        - 0.15 * f32::from((z * 1.1).rem_euclid(1.0) < 0.03);
    rgb(0.52, 0.51, 0.48) * ((0.85 + 0.35 * stains + 0.12 * speckle) * joint)
}

/// Land with light and snow on it. `shade` is how much of the sun trees keep off.
pub(super) fn lit(
    world: &World,
    air: &Air,
    point: [f32; 3],
    level: f32,
    (grain, shade): (f32, f32),
) -> Colour {
    let [x, y, z] = point;
    let e = (grain * 1.5).clamp(0.08, 2.0);
    let normal = {
        let dx = (world.height(x + e, y) - z) / e;
        let dy = (world.height(x, y + e) - z) / e;
        let len = (dx * dx + dy * dy + 1.0).sqrt();
        [-dx / len, -dy / len, 1.0 / len]
    };
    let mut colour = matter(world, point, level, grain);
    if air.snow > 0.0 && z > level + 0.12 {
        let lies = step(
            0.9,
            0.3,
            air.snow + 0.4 * world.noise.octaves(x * 0.7, y * 0.7, 2),
        );
        colour = colour.mix(
            rgb(0.86, 0.88, 0.92),
            (1.0 - lies) * step(0.45, 0.8, normal[2]),
        );
    }
    colour.times(air.light(normal, shade))
}
