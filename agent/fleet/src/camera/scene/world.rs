//! The land of one site: a channel, its banks, what grows there. Metres; x to the right, y down the valley, z up.
//!
//! The zero of heights is the lowest point of the bed, where the gauge reads 0.

use super::colour::{Colour, rgb};
use super::noise::{Noise, mix, step};

/// What a bank is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bank {
    Grass,
    Mud,
    Rocks,
    Gravel,
    Wall,
}

/// One side of the channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    pub(super) bank: Bank,
    /// Metres up for each metre away.
    slope: f32,
    /// Where the bank ends.
    pub(super) top: f32,
    /// Metres from the top of the bank to the forest.
    forest: f32,
}

pub(super) struct World {
    pub(super) noise: Noise,
    /// Half the width of the bed.
    pub(super) half: f32,
    /// How high the bed's edge lies.
    pub(super) edge: f32,
    /// The middle of the channel, every [`MARK`] metres from [`NEAREST`] on.
    course: Vec<f32>,
    pub(super) sides: [Side; 2],
    roughness: f32,
    trees: f32,
    pub(super) grass: Colour,
    pub(super) leaves: Colour,
    pub(super) soil: Colour,
    pub(super) stone: Colour,
    /// What colour the water itself has at base flow, and how clear it is: metres to a third of the light.
    pub(super) water: Colour,
    pub(super) clear: f32,
    /// Ripples, 0 for a mirror to 1.
    pub(super) rough: f32,
}

/// Where the table of the channel's course begins, and from mark to mark of it.
const NEAREST: f32 = -40.0;
const MARK: f32 = 0.5;
/// Marks up to where no ray goes.
const MARKS: usize = 1500;

/// No land is higher.
pub(super) const HIGHEST: f32 = 46.0;

impl World {
    pub(super) fn new(rng: &mut fastrand::Rng) -> Self {
        let noise = Noise::new(rng);
        let mut between = |from: f32, to: f32| mix(from, to, rng.f32());
        let half = between(2.5, 6.0) * between(1.0, 2.6);
        let dry = between(0.0, 1.0);
        let bends = [
            (
                between(0.2, 1.2) * half,
                between(25.0, 60.0),
                between(0.0, 6.3),
            ),
            (
                between(0.05, 0.3) * half,
                between(8.0, 20.0),
                between(0.0, 6.3),
            ),
        ];
        let (edge, roughness, trees) = (between(0.2, 0.7), between(0.05, 0.35), between(0.5, 1.0));
        let grass = rgb(0.22, 0.33, 0.10).mix(rgb(0.48, 0.42, 0.20), dry * between(0.4, 1.0));
        let leaves = rgb(0.09, 0.19, 0.06).mix(rgb(0.30, 0.26, 0.09), between(0.0, 0.5));
        let soil = rgb(0.34, 0.26, 0.18).mix(rgb(0.42, 0.38, 0.33), between(0.0, 1.0));
        let stone =
            rgb(0.42, 0.41, 0.39).mix(rgb(0.48, 0.40, 0.32), between(0.0, 1.0)) * between(0.7, 1.1);
        let water = rgb(0.10, 0.16, 0.13).mix(rgb(0.24, 0.20, 0.12), between(0.0, 1.0));
        let (clear, rough) = (between(0.2, 1.6), between(0.05, 1.0));
        let sides = [side(rng), side(rng)];
        Self {
            noise,
            half,
            edge,
            course: course(bends),
            sides,
            roughness,
            trees,
            grass,
            leaves,
            soil,
            stone,
            water,
            clear,
            rough,
        }
    }

    /// The middle of the channel; behind the camera and beyond sight it goes straight on.
    pub(super) fn middle(&self, y: f32) -> f32 {
        let mark = ((y - NEAREST) / MARK).clamp(0.0, (MARKS - 2) as f32);
        let nth = mark as usize;
        mix(self.course[nth], self.course[nth + 1], mark - nth as f32)
    }

    /// Metres from the edge of the bed, negative in the channel, and the side.
    pub(super) fn beyond_edge(&self, x: f32, y: f32) -> (f32, usize) {
        let across = x - self.middle(y);
        let ragged = 0.25
            * self.half
            * self
                .noise
                .at(y * 0.13, if across < 0.0 { 3.5 } else { 9.5 });
        (across.abs() - self.half + ragged, usize::from(across > 0.0))
    }

    /// The height of the land with what covers it all over: stones, forest.
    pub(super) fn height(&self, x: f32, y: f32) -> f32 {
        let (out, side) = self.beyond_edge(x, y);
        let side = &self.sides[side];
        if out < 0.0 {
            let inside = (out / self.half + 1.0).max(0.0);
            let bars =
                self.noise.at(x * 0.35, y * 0.12) * 0.6 + self.noise.at(x * 1.7, y * 1.5) * 0.4;
            return self.edge * (inside * inside + self.roughness * 2.0 * bars);
        }
        let bump = match side.bank {
            Bank::Rocks => {
                0.22 * self.noise.at(x * 1.9, y * 1.9).abs()
                    + 0.10 * self.noise.at(x * 5.0, y * 5.0)
            }
            Bank::Grass | Bank::Mud => 0.10 * self.noise.at(x * 0.9, y * 0.9),
            Bank::Gravel => 0.05 * self.noise.at(x * 2.2, y * 2.2),
            Bank::Wall => 0.0,
        };
        let ease = (out * 1.5).min(1.0);
        let bank = self.edge + (side.slope * out).min(side.top - self.edge);
        let run = out - (side.top - self.edge) / side.slope;
        if run <= 0.0 {
            return bank + bump * ease;
        }
        bank + bump * ease + self.upland(x, y, run, side)
    }

    /// What rises behind the bank.
    fn upland(&self, x: f32, y: f32, run: f32, side: &Side) -> f32 {
        let plain = run * 0.03 + 0.15 * self.noise.at(x * 0.5, y * 0.5) * (run * 0.5).min(1.0);
        let into = run - side.forest;
        if into <= 0.0 {
            return plain;
        }
        let hill = step(0.0, 160.0, into) * (14.0 + 10.0 * self.noise.at(x * 0.012, y * 0.012));
        let crowns =
            5.0 + 3.0 * self.noise.at(x * 0.35, y * 0.35) + 1.6 * self.noise.at(x * 1.1, y * 1.1);
        plain + hill + self.trees * crowns.max(0.5) * (into * 0.8).min(1.0)
    }

    /// Whether forest stands there.
    pub(super) fn wooded(&self, out: f32, side: usize) -> bool {
        let side = &self.sides[side];
        out - (side.top - self.edge) / side.slope > side.forest
    }

    /// Where the bank begins to be flat.
    pub(super) fn shoulder(&self, side: usize) -> f32 {
        let side = &self.sides[side];
        (side.top - self.edge) / side.slope
    }
}

/// A channel that winds in two waves: their width, length and phase.
fn course(bends: [(f32, f32, f32); 2]) -> Vec<f32> {
    let at = |y: f32| -> f32 {
        bends
            .iter()
            .map(|(wide, long, phase)| wide * ((y / long + phase).sin() - phase.sin()))
            .sum()
    };
    (0..MARKS)
        .map(|nth| at(NEAREST + nth as f32 * MARK))
        .collect()
}

fn side(rng: &mut fastrand::Rng) -> Side {
    let bank = match rng.u32(0..100) {
        0..35 => Bank::Grass,
        35..50 => Bank::Mud,
        50..70 => Bank::Rocks,
        70..85 => Bank::Gravel,
        _ => Bank::Wall,
    };
    let steep = match bank {
        Bank::Wall => mix(3.0, 8.0, rng.f32()),
        Bank::Rocks => mix(0.4, 1.0, rng.f32()),
        Bank::Gravel => mix(0.06, 0.25, rng.f32()),
        Bank::Grass | Bank::Mud => mix(0.2, 0.9, rng.f32()),
    };
    Side {
        bank,
        slope: steep,
        top: mix(1.6, 4.2, rng.f32()),
        forest: mix(9.0, 50.0, rng.f32() * rng.f32()),
    }
}
