//! What stands on the land and in the river: trees, bushes, reeds, boulders.

use super::air::Air;
use super::canvas::Canvas;
use super::colour::{Colour, rgb};
use super::noise::{mix, step};
use super::view::View;
use super::world::{Bank, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tree,
    Conifer,
    Bush,
    Reeds,
    Boulder,
}

/// One of them: where it stands, how tall and wide it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    kind: Kind,
    foot: [f32; 3],
    tall: f32,
    /// Half its width.
    wide: f32,
    /// What tells it from others of its kind.
    own: f32,
}

/// All of a site.
pub(super) fn grow(world: &World, view: &View, rng: &mut fastrand::Rng) -> Vec<Growth> {
    let mut all = Vec::new();
    let (trees, bushes, reeds, boulders) = (
        rng.u32(0..34),
        rng.u32(0..50),
        rng.u32(0..90),
        rng.u32(0..40),
    );
    let conifers = rng.f32();
    for (number, kind) in [
        (trees, Kind::Tree),
        (bushes, Kind::Bush),
        (reeds, Kind::Reeds),
        (boulders, Kind::Boulder),
    ] {
        for _ in 0..number {
            let kind = if kind == Kind::Tree && rng.f32() < conifers {
                Kind::Conifer
            } else {
                kind
            };
            all.extend(one(world, view, kind, rng));
        }
    }
    all
}

fn one(world: &World, view: &View, kind: Kind, rng: &mut fastrand::Rng) -> Option<Growth> {
    let side = usize::from(rng.bool());
    let sign = if side == 1 { 1.0 } else { -1.0 };
    let mut between = |from: f32, to: f32| mix(from, to, rng.f32());
    let y = between(2.0, 11.0).powi(2);
    let shoulder = world.shoulder(side);
    let (out, tall, slim) = match kind {
        Kind::Tree => (shoulder + between(0.3, 12.0), between(4.0, 13.0), 0.36),
        Kind::Conifer => (shoulder + between(0.3, 12.0), between(6.0, 17.0), 0.22),
        Kind::Bush => (
            shoulder * between(0.5, 1.0) + between(0.2, 3.0),
            between(0.6, 2.4),
            0.75,
        ),
        Kind::Reeds => (
            between(-0.3, 0.25) * shoulder.min(4.0) + between(0.0, 0.5),
            between(0.4, 1.5),
            0.8,
        ),
        Kind::Boulder => (-between(-0.2, 0.9) * world.half, between(0.25, 1.1), 0.8),
    };
    let bare = matches!(world.sides[side].bank, Bank::Wall);
    if bare && kind != Kind::Tree && kind != Kind::Conifer && kind != Kind::Boulder {
        return None;
    }
    let x = world.middle(y) + sign * (world.half + out);
    let growth = Growth {
        kind,
        foot: [x, y, world.height(x, y) - 0.1],
        tall,
        wide: tall * slim * between(0.8, 1.25),
        own: between(0.0, 200.0),
    };
    // Nothing stands before the lens.
    let near: f32 = (0..2).map(|i| (growth.foot[i] - view.at[i]).powi(2)).sum();
    (near > (growth.wide + growth.tall * 0.8 + 2.5).powi(2)).then_some(growth)
}

impl Growth {
    /// Its crown, if it throws a shadow: foot, height, half width.
    pub(super) fn crown(&self) -> Option<([f32; 3], f32, f32)> {
        let throws = matches!(self.kind, Kind::Tree | Kind::Conifer | Kind::Bush);
        throws.then_some((self.foot, self.tall, self.wide * 1.1))
    }

    /// Paints it where nothing is nearer, and nothing of it that is under water.
    pub(super) fn paint(
        &self,
        canvas: &mut Canvas,
        world: &World,
        air: &Air,
        level: f32,
        view: &View,
    ) {
        let top = [self.foot[0], self.foot[1], self.foot[2] + self.tall];
        let (Some((x, bottom, far)), Some((_, head, _))) = (view.place(self.foot), view.place(top))
        else {
            return;
        };
        let high = bottom - head;
        let half = (high * self.wide / self.tall).max(1.0);
        if high < 1.5 || far > 300.0 {
            return;
        }
        let columns = clip(x - half, x + half, canvas.wide);
        for row in clip(head, bottom, canvas.high) {
            let v = (bottom - row as f32 - 0.5) / high;
            if self.foot[2] + v * self.tall < level {
                continue;
            }
            for column in columns.clone() {
                let u = (column as f32 + 0.5 - x) / half;
                if let Some(colour) = self.look(world, air, u, v, high) {
                    canvas.cover(column, row, far, air.through(colour, far));
                }
            }
        }
    }

    /// What is seen of it at a place of its frame: `u` from -1 to 1, `v` from 0 at its foot to 1. `high` is its height
    /// in pixels.
    fn look(&self, world: &World, air: &Air, u: f32, v: f32, high: f32) -> Option<Colour> {
        let noise = &world.noise;
        let own = self.own;
        let detail = if high > 60.0 { 3 } else { 2 };
        let leaves = noise.octaves(u * 5.0 + own, v * 7.0 + own, detail);
        // Leaves have a few pixels, however near the plant is.
        let grain = (high / 5.0).min(90.0);
        let fine =
            noise.at(u * grain * 0.6 + own, v * grain) + 0.6 * noise.at(u * 13.0, v * 17.0 + own);
        let to_sun = (air.sun[0] * u * 0.8 + (v - 0.4) * air.sun[2]) * 0.8;
        let lit = |colour: Colour, shape: f32| {
            let normal = [u * 0.7, -0.5, 0.5];
            colour.times(air.light(normal, (0.55 - to_sun - 0.5 * shape).clamp(0.0, 1.0)))
        };
        match self.kind {
            Kind::Tree => {
                let trunk = u.abs() < 0.05 + 0.02 * (0.4 - v) && v < 0.55;
                let radius = ((u / 0.95).powi(2) + ((v - 0.60) / 0.40).powi(2)).sqrt();
                let ragged = 0.5 * noise.octaves(u * 2.6 + own, v * 3.4 - own, 3) + 0.10 * fine;
                let crown = radius + ragged < 0.8 - 0.5 * step(0.75, 1.0, radius);
                let hole = leaves + 0.5 * fine > 0.62;
                if crown && !hole {
                    let hue = world.leaves.mix(world.grass, 0.25 + 0.002 * own);
                    return Some(lit(hue * (0.9 + 0.6 * leaves + 0.3 * fine), leaves));
                }
                trunk.then(|| lit(rgb(0.22, 0.18, 0.14) * (0.8 + 0.3 * fine), -0.3))
            }
            Kind::Conifer => {
                let tier = 0.20 * (1.0 - v) * (0.5 - (v * 9.0 + own).fract());
                let wide = (1.0 - v) * 0.72 + tier + 0.10 * leaves + 0.09 * fine;
                let skirt = 0.10 + 0.07 * leaves + 0.04 * fine + 0.10 * u.abs();
                let inside = u.abs() < wide && v > skirt || u.abs() < 0.05 && v < 0.2;
                let hue = rgb(0.06, 0.13, 0.07).mix(world.leaves, 0.3);
                inside.then(|| lit(hue * (0.9 + 0.5 * leaves + 0.4 * fine), leaves))
            }
            Kind::Bush => {
                let inside = u * u * 1.3 + v * v * 1.2 + 0.4 * leaves + 0.2 * fine < 0.75;
                let hue = world.leaves.mix(world.grass, 0.1 + 0.004 * own);
                inside.then(|| lit(hue * (0.7 + 0.7 * leaves + 0.35 * fine + 0.3 * v), leaves))
            }
            Kind::Reeds => {
                let bend = u + 0.25 * v * v * noise.at(own, u * 3.0);
                let blade = noise.at(bend * 26.0 + own, v * 1.2 + own);
                let inside =
                    blade > 0.02 + 0.5 * v + 0.35 * u.abs() - 0.25 * noise.at(u * 4.0 + own, own);
                let hue = world
                    .grass
                    .mix(rgb(0.55, 0.47, 0.26), (own * 0.007).fract());
                inside.then(|| lit(hue * (0.55 + 0.6 * v + 0.5 * blade), 0.2))
            }
            Kind::Boulder => {
                let inside =
                    u * u + (v * 0.95).powi(2) + 0.35 * noise.octaves(u * 1.4 + own, v * 1.4, 2)
                        < 0.75;
                let face = step(-0.2, 1.0, v - 0.3 * u);
                let hue = world.stone * (0.5 + 0.6 * face + 0.2 * leaves + 0.12 * fine);
                inside.then(|| lit(hue, face))
            }
        }
    }
}

/// The pixels of a stretch that lie in the picture.
fn clip(from: f32, to: f32, len: usize) -> std::ops::Range<usize> {
    let edge = |at: f32| at.clamp(0.0, len as f32) as usize;
    edge(from)..edge(to + 1.0)
}
