//! What people built: a bridge with its piers, a gauge board, posts, a boat.

use super::air::Air;
use super::canvas::Canvas;
use super::colour::{Colour, rgb};
use super::noise::mix;
use super::view::{From, View};
use super::world::World;

/// The works of a site.
#[derive(Debug, Clone)]
pub(super) struct Works {
    bridge: Option<Bridge>,
    board: Option<[f32; 3]>,
    boat: Option<([f32; 2], Colour)>,
    posts: Vec<[f32; 3]>,
}

/// A bridge across the valley.
#[derive(Debug, Clone)]
struct Bridge {
    y: f32,
    under: f32,
    over: f32,
    /// Where its piers stand, and half their width.
    piers: Vec<f32>,
    thick: f32,
    colour: Colour,
    rail: bool,
}

impl Works {
    pub(super) fn new(world: &World, from: From, rng: &mut fastrand::Rng) -> Self {
        let chance = |rng: &mut fastrand::Rng, share: f32| rng.f32() < share;
        let level = from != From::Above;
        let bridge = (level && chance(rng, 0.25)).then(|| bridge(world, rng));
        let board = chance(rng, 0.4).then(|| {
            let y = mix(4.0, 16.0, rng.f32());
            let sign = if rng.bool() { 1.0 } else { -1.0 };
            let x = world.middle(y) + sign * world.half * mix(0.75, 1.0, rng.f32());
            [x, y, world.height(x, y)]
        });
        let boat = chance(rng, 0.08).then(|| {
            let y = mix(7.0, 30.0, rng.f32());
            let x = world.middle(y) + world.half * mix(-0.6, 0.6, rng.f32());
            let paint = [
                rgb(0.55, 0.12, 0.10),
                rgb(0.82, 0.82, 0.80),
                rgb(0.13, 0.24, 0.42),
                rgb(0.25, 0.33, 0.20),
            ];
            ([x, y], paint[rng.usize(0..paint.len())])
        });
        let number = if chance(rng, 0.2) { rng.u32(2..9) } else { 0 };
        let (sign, y) = (
            if rng.bool() { 1.0 } else { -1.0 },
            mix(4.0, 10.0, rng.f32()),
        );
        let posts = (0..number).map(|nth| {
            let y = y + nth as f32 * 2.5;
            let x = world.middle(y) + sign * (world.half + world.shoulder(0).min(3.0) + 0.8);
            [x, y, world.height(x, y)]
        });
        Self {
            bridge,
            board,
            boat,
            posts: posts.collect(),
        }
    }

    pub(super) fn paint(
        &self,
        canvas: &mut Canvas,
        world: &World,
        air: &Air,
        level: f32,
        view: &View,
    ) {
        if let Some(bridge) = &self.bridge {
            bridge.paint(canvas, world, air, view);
        }
        for post in &self.posts {
            let brown = rgb(0.36, 0.28, 0.20);
            upright(canvas, air, view, (*post, 1.1, 0.06), level, |_, v| {
                brown * (0.8 + 0.2 * v)
            });
        }
        if let Some([x, y, z]) = self.board {
            upright(canvas, air, view, ([x, y, z], 3.4, 0.11), level, |u, v| {
                marks(u, v * 3.4 + z)
            });
        }
        if let Some(([x, y], colour)) = self.boat {
            let wet = level > world.height(x, y) + 0.2;
            let foot = [x, y, level.max(world.height(x, y)) - 0.1];
            if wet {
                upright(canvas, air, view, (foot, 0.75, 1.7), level, |u, v| {
                    let inside = v < 0.45 + 0.5 * u * u && u.abs() < 0.75 + 0.25 * v;
                    let dark = if v > 0.5 { 1.15 } else { 0.8 };
                    if inside {
                        colour * dark
                    } else {
                        rgb(-1.0, 0.0, 0.0)
                    }
                });
            }
        }
    }
}

/// The face of a gauge board: black on white, a mark each tenth of a metre, longer at whole ones.
fn marks(u: f32, height: f32) -> Colour {
    let tenth = (height * 10.0).rem_euclid(1.0);
    let whole = height.rem_euclid(1.0) < 0.1;
    let reach = if whole { 0.9 } else { 0.1 };
    let black = tenth < 0.4 && u < reach && u > -0.8;
    if black {
        rgb(0.06, 0.06, 0.06)
    } else {
        rgb(0.88, 0.87, 0.83)
    }
}

/// Paints an upright thing that faces the camera: foot, height, half width. `look` gives its colour at `u` (-1..1)
/// and `v` (0..1); red below 0 is nothing.
fn upright(
    canvas: &mut Canvas,
    air: &Air,
    view: &View,
    (foot, tall, half): ([f32; 3], f32, f32),
    level: f32,
    look: impl Fn(f32, f32) -> Colour,
) {
    let head = [foot[0], foot[1], foot[2] + tall];
    let (Some((x, bottom, far)), Some((_, top, _))) = (view.place(foot), view.place(head)) else {
        return;
    };
    let high = bottom - top;
    let half = high * half / tall;
    let edge = |at: f32, len: usize| at.clamp(0.0, len as f32) as usize;
    for row in edge(top, canvas.high)..edge(bottom, canvas.high) {
        let v = (bottom - row as f32 - 0.5) / high;
        if foot[2] + v * tall < level {
            continue;
        }
        for column in edge(x - half, canvas.wide)..edge(x + half + 1.0, canvas.wide) {
            let u = ((column as f32 + 0.5 - x) / half).clamp(-1.0, 1.0);
            let colour = look(u, v);
            if colour.0[0] >= 0.0 {
                let lit = colour.times(air.light([u * 0.5, -0.7, 0.5], 0.3));
                canvas.cover(column, row, far, air.through(lit, far));
            }
        }
    }
}

fn bridge(world: &World, rng: &mut fastrand::Rng) -> Bridge {
    let y = mix(14.0, 70.0, rng.f32());
    let under = world.sides[0].top.max(world.sides[1].top) + mix(0.5, 2.5, rng.f32());
    let (middle, half) = (world.middle(y), world.half);
    let piers = match rng.u32(0..3) {
        0 => vec![],
        1 => vec![middle],
        _ => vec![middle - half * 0.5, middle + half * 0.5],
    };
    let colours = [
        rgb(0.55, 0.54, 0.51),
        rgb(0.40, 0.30, 0.22),
        rgb(0.30, 0.36, 0.34),
        rgb(0.45, 0.44, 0.46),
    ];
    Bridge {
        y,
        under,
        over: under + mix(0.6, 1.4, rng.f32()),
        piers,
        thick: mix(0.4, 1.1, rng.f32()),
        colour: colours[rng.usize(0..colours.len())],
        rail: rng.bool(),
    }
}

impl Bridge {
    /// Paints its face and the faces of its piers: an upright plane across the valley.
    fn paint(&self, canvas: &mut Canvas, world: &World, air: &Air, view: &View) {
        for row in 0..canvas.high {
            for column in 0..canvas.wide {
                let d = view.ray(column as u32, row as u32);
                let far = (self.y - view.at[1]) / d[1];
                if d[1] <= 0.0 || far >= canvas.far[row * canvas.wide + column] {
                    continue;
                }
                let (x, z) = (view.at[0] + d[0] * far, view.at[2] + d[2] * far);
                if let Some(colour) = self.look(world, x, z) {
                    let shade = if z < self.under { 0.7 } else { 0.2 };
                    let lit = colour.times(air.light([0.0, -0.9, 0.4], shade));
                    canvas.cover(column, row, far, air.through(lit, far));
                }
            }
        }
    }

    fn look(&self, world: &World, x: f32, z: f32) -> Option<Colour> {
        let stains = 0.85 + 0.25 * world.noise.octaves(x * 1.3, z * 2.0 + self.y, 3);
        let deck = z > self.under && z < self.over;
        let pier = z <= self.under && self.piers.iter().any(|at| (x - at).abs() < self.thick);
        let above = z - self.over;
        let bars = (x * 0.8).rem_euclid(1.0) < 0.1
            || (above > 0.85 && above < 0.95)
            || (above > 0.4 && above < 0.46);
        let rail = self.rail && above > 0.0 && above < 0.95 && bars;
        (deck || pier || rail).then(|| self.colour * stains)
    }
}
