//! The camera's view of the land: for each pixel, what its ray meets first.

use super::noise::mix;
use super::world::{HIGHEST, World};

/// What a ray goes without meeting anything.
pub(super) const FAR: f32 = 700.0;

/// What a pixel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Sky,
    Ground,
    Water,
}

/// Where a ray ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) seen: Seen,
    /// Metres along the ray.
    pub(super) far: f32,
}

/// Place and direction of a camera.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) at: [f32; 3],
    forward: [f32; 3],
    right: [f32; 3],
    up: [f32; 3],
    /// Width of the picture over twice its distance.
    wide: f32,
    size: (u32, u32),
}

/// From where a river is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Bank,
    Bridge,
    Above,
}

impl View {
    pub(super) fn new(world: &World, size: (u32, u32), rng: &mut fastrand::Rng) -> (Self, From) {
        let from = match rng.u32(0..100) {
            0..62 => From::Bank,
            62..90 => From::Bridge,
            _ => From::Above,
        };
        let side = if rng.bool() { 1.0_f32 } else { -1.0 };
        let mut between = |a: f32, b: f32| mix(a, b, rng.f32());
        let (at, yaw, pitch) = match from {
            From::Bank => {
                let index = usize::from(side > 0.0);
                let out = world.shoulder(index).min(6.0) + between(0.2, 2.5);
                let x = world.middle(0.0) + side * (world.half * 1.1 + out);
                let above = between(1.8, 5.0) + world.sides[index].top;
                (
                    [x, 0.0, above],
                    -side * between(0.15, 1.1),
                    -between(0.10, 0.42),
                )
            }
            From::Bridge => {
                let x = world.middle(0.0) + between(-0.5, 0.5) * world.half;
                (
                    [x, 0.0, between(4.5, 9.0)],
                    between(-0.2, 0.2),
                    -between(0.15, 0.6),
                )
            }
            From::Above => {
                let x = world.middle(0.0) + side * between(0.75, 1.15) * world.half;
                let high = between(5.0, 11.0);
                ([x, 0.0, high], between(-1.0, 1.0), -between(0.9, 1.45))
            }
        };
        let (roll, wide) = (between(-0.04, 0.04), between(0.42, 0.85));
        (Self::looking(at, (yaw, pitch, roll), wide, size), from)
    }

    fn looking(
        at: [f32; 3],
        (yaw, pitch, roll): (f32, f32, f32),
        wide: f32,
        size: (u32, u32),
    ) -> Self {
        let forward = [
            yaw.sin() * pitch.cos(),
            yaw.cos() * pitch.cos(),
            pitch.sin(),
        ];
        let level = [yaw.cos(), -yaw.sin(), 0.0];
        let top = cross(level, forward);
        let turn = |a: f32, b: f32| std::array::from_fn(|i| level[i] * a + top[i] * b);
        Self {
            at,
            forward,
            right: turn(roll.cos(), roll.sin()),
            up: turn(-roll.sin(), roll.cos()),
            wide,
            size,
        }
    }

    /// The direction of a pixel's ray, of length 1.
    pub(super) fn ray(&self, x: u32, y: u32) -> [f32; 3] {
        let (w, h) = (self.size.0 as f32, self.size.1 as f32);
        let u = (2.0 * (x as f32 + 0.5) / w - 1.0) * self.wide;
        let v = (h - 2.0 * (y as f32 + 0.5)) / w * self.wide;
        let d: [f32; 3] =
            std::array::from_fn(|i| self.forward[i] + u * self.right[i] + v * self.up[i]);
        let len = dot(d, d).sqrt();
        d.map(|part| part / len)
    }

    /// Where a point is in the picture: its column, row and distance; `None` behind the camera.
    pub(super) fn place(&self, point: [f32; 3]) -> Option<(f32, f32, f32)> {
        let to: [f32; 3] = std::array::from_fn(|i| point[i] - self.at[i]);
        let depth = dot(to, self.forward);
        if depth < 0.3 {
            return None;
        }
        let scale = self.size.0 as f32 / (2.0 * self.wide * depth);
        let x = self.size.0 as f32 / 2.0 + dot(to, self.right) * scale;
        let y = self.size.1 as f32 / 2.0 - dot(to, self.up) * scale;
        Some((x, y, dot(to, to).sqrt()))
    }

    /// Metres that a pixel covers, a metre away.
    pub(super) fn pixel(&self) -> f32 {
        2.0 * self.wide / self.size.0 as f32
    }

    /// What every pixel's ray meets first, row by row from the top, with the water standing at `level`.
    pub(super) fn look(&self, world: &World, level: f32) -> Vec<Hit> {
        let (w, h) = self.size;
        let sky = Hit {
            seen: Seen::Sky,
            far: FAR,
        };
        let mut hits = vec![sky; (w * h) as usize];
        for x in 0..w {
            // From the bottom up, land gets farther: each ray starts near the end of the one below.
            let mut from = 0.3;
            for y in (0..h).rev() {
                let hit = self.march(world, level, self.ray(x, y), from);
                from = (hit.far * 0.965 - 0.15).max(0.3);
                hits[(y * w + x) as usize] = hit;
            }
        }
        hits
    }

    fn march(&self, world: &World, level: f32, d: [f32; 3], from: f32) -> Hit {
        let at = |t: f32| -> [f32; 3] { std::array::from_fn(|i| self.at[i] + d[i] * t) };
        let flat = if d[2] < -1e-4 {
            (level - self.at[2]) / d[2]
        } else {
            f32::MAX
        };
        let (mut t, mut before, mut gap_before) = (from, from, 0.1);
        while t < FAR {
            // The water's plane is met exactly, so that it reaches the shore and not beyond.
            let wet = t >= flat;
            let t_here = if wet { flat } else { t };
            let [x, y, z] = at(t_here);
            if z > HIGHEST && d[2] > 0.0 {
                break;
            }
            let gap = z - world.height(x, y);
            if gap < 0.0 {
                let part = gap_before / (gap_before - gap);
                let far = mix(before, t_here, part.clamp(0.0, 1.0));
                return Hit {
                    seen: Seen::Ground,
                    far,
                };
            }
            if wet {
                return Hit {
                    seen: Seen::Water,
                    far: flat,
                };
            }
            (before, gap_before) = (t, gap);
            t += (gap * 0.7).max(0.015 * t + 0.015);
        }
        Hit {
            seen: Seen::Sky,
            far: FAR,
        }
    }
}

pub(super) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}
