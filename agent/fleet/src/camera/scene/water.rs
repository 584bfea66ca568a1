//! The water's surface: what it mirrors, what shines through, ripples, foam.

use super::air::Air;
use super::canvas::Canvas;
use super::colour::{Colour, rgb};
use super::ground::bed;
use super::noise::{mix, step};
use super::shade::Shade;
use super::view::{View, dot};
use super::world::World;

/// The river at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct River {
    /// Height of the surface.
    pub(super) level: f32,
    /// 0 at base flow, 1 in a great flood: brown, with foam.
    pub(super) flood: f32,
    /// How far the pattern of ripples has moved.
    pub(super) drift: f32,
}

/// Paints all water of the picture. What it mirrors must be painted: the land, the sky and what stands there.
pub(super) fn paint(
    canvas: &mut Canvas,
    world: &World,
    air: &Air,
    river: River,
    view: &View,
    shade: &Shade,
) {
    let (w, h) = (canvas.wide, canvas.high);
    let dry = canvas.light.clone();
    for x in 0..w {
        let mut shore: Option<usize> = None;
        for y in 0..h {
            let at = y * w + x;
            if !canvas.water[at] {
                shore = Some(y);
                continue;
            }
            let d = view.ray(x as u32, y as u32);
            let far = canvas.far[at];
            let point: [f32; 3] = std::array::from_fn(|i| view.at[i] + d[i] * far);
            let grain = far * view.pixel();
            let ripple = ripples(world, river, point, grain / (-d[2]).max(0.05));
            let mirrored = |slope: [f32; 2]| {
                let column = (x as f32 + slope[0] * w as f32 * 0.25).clamp(0.0, w as f32 - 1.0);
                let sky = || air.sky(reflect(d, slope), &world.noise);
                // The shore stands on its head; beyond the top of the picture is sky.
                let Some(shore) = shore.filter(|_| d[2] > -0.75) else {
                    return sky() * 0.9;
                };
                let below = (y - shore) as f32 * (1.15 + 0.4 * (-d[2]));
                let row = shore as f32 - below + slope[1] * h as f32 * 0.5;
                let spot = row.clamp(0.0, shore as f32) as usize * w + column as usize;
                if row < 0.0 || canvas.water[spot] {
                    sky()
                } else {
                    dry[spot]
                }
            };
            let seen = surface(
                world,
                air,
                river,
                (d, point),
                (grain, ripple, shade.at(point[0], point[1])),
                mirrored,
            );
            canvas.light[at] = air.through(seen, far);
        }
    }
}

/// The colour of a point of the surface.
fn surface(
    world: &World,
    air: &Air,
    river: River,
    (d, point): ([f32; 3], [f32; 3]),
    (grain, slope, shade): (f32, [f32; 2], f32),
    mirrored: impl Fn([f32; 2]) -> Colour,
) -> Colour {
    let [x, y, _] = point;
    let facing = (-d[2] + slope[0] * d[0] + slope[1] * d[1]).clamp(0.02, 1.0);
    let fresnel = 0.02 + 0.98 * (1.0 - facing).powi(5);
    let light = air.light([0.0, 0.0, 1.0], shade * 0.8);
    let depth = (river.level - world.height(x, y)).max(0.0);
    let clear = world.clear * mix(1.0, 0.12, river.flood);
    let own = world
        .water
        .mix(rgb(0.36, 0.26, 0.16), river.flood.powf(0.6));
    let seen = (-depth * (1.0 + 0.6 / facing) / clear).exp();
    let patches = 1.0
        + 0.18
            * world
                .noise
                .octaves(x * 0.3 + 5.0, (y - river.drift) * 0.12, 2);
    let (ox, oy) = (x + slope[0] * depth * 0.6, y + slope[1] * depth * 0.6);
    let below = if seen > 0.02 {
        (own * patches).mix(bed(world, ox, oy, grain) * 0.55, seen)
    } else {
        own * patches
    };
    let mirror = mirrored(slope);
    let lamp = if air.lamp { 0.3 } else { 1.0 };
    let mut colour = below.times(light) * (lamp * (1.0 - fresnel)) + mirror * fresnel;
    let white = foam(world, river, point, depth, grain);
    if white > 0.0 {
        let foamy = rgb(0.80, 0.78, 0.73).mix(rgb(0.66, 0.58, 0.46), river.flood);
        colour = colour.mix(foamy.times(light), white);
    }
    let sparkle = dot(reflect(d, slope), air.sun).max(0.0);
    colour + air.sunlight() * ((sparkle.powi(90) * 0.9 + sparkle.powi(12) * 0.06) * (1.0 - shade))
}

/// The slope of the surface.
fn ripples(world: &World, river: River, [x, y, _]: [f32; 3], grain: f32) -> [f32; 2] {
    let noise = &world.noise;
    let across = x - world.middle(y);
    let along = y - river.drift;
    let mut slope = [0.0; 2];
    let lively = world.rough * (0.45 + 0.55 * noise.octaves(x * 0.12, y * 0.08, 2)).clamp(0.1, 1.2)
        + 0.5 * river.flood;
    for (scale, steep, stretch) in [
        (0.55, 0.055, 0.55),
        (1.9, 0.075, 0.7),
        (5.5, 0.07, 0.9),
        (14.0, 0.05, 1.0),
    ] {
        let shown = 1.0 - step(0.3, 1.3, grain * scale);
        if shown <= 0.0 {
            break;
        }
        let (u, v) = (across * scale, along * scale * stretch);
        let bend = noise.at(u * 0.5 + 7.0, v * 0.5) * 1.5;
        slope[0] += shown * steep * noise.at(u + bend, v + 31.0);
        slope[1] += shown * steep * noise.at(u + 11.0, v - bend);
    }
    slope.map(|part| part * lively)
}

/// How much of a point is foam: in lines along the flow, where it is shallow and in floods.
fn foam(world: &World, river: River, [x, y, _]: [f32; 3], depth: f32, grain: f32) -> f32 {
    let noise = &world.noise;
    let across = x - world.middle(y);
    let along = y - river.drift;
    let swift = world.rough * (1.0 - step(0.05, 0.35, depth)) * 0.8 + 0.55 * river.flood;
    let lines =
        noise.octaves(across * 1.1, along * 0.16, 2) + 0.5 * noise.at(across * 5.0, along * 0.9);
    let clumps = if grain < 0.15 {
        0.5 * noise.octaves(x * 9.0, along * 7.0, 2)
    } else {
        0.0
    };
    let lies = lines + clumps + swift;
    step(1.05, 1.55, lies) * 0.85
}

fn reflect(d: [f32; 3], slope: [f32; 2]) -> [f32; 3] {
    let len = (slope[0] * slope[0] + slope[1] * slope[1] + 1.0).sqrt();
    let normal = [-slope[0] / len, -slope[1] / len, 1.0 / len];
    let twice = 2.0 * dot(d, normal);
    let mut out: [f32; 3] = std::array::from_fn(|i| d[i] - twice * normal[i]);
    out[2] = out[2].max(0.01);
    out
}
