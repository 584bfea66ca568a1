//! Light and weather: sun, clouds, fog, rain, snow, night.

use super::colour::{Colour, rgb};
use super::noise::{Noise, mix, step};
use super::view::dot;

/// Light and weather at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Air {
    /// Where the sun is.
    pub(super) sun: [f32; 3],
    /// How strong it shines, 0 behind clouds and by night.
    pub(super) direct: f32,
    /// Light from everywhere.
    pub(super) ambient: f32,
    /// Clouds, 0 to 1.
    clouds: f32,
    /// Share of light that fog takes on each metre.
    pub(super) fog: f32,
    /// Rain and falling snow, 0 to 1.
    pub(super) rain: f32,
    pub(super) snowfall: f32,
    /// Snow on the ground, 0 to 1.
    pub(super) snow: f32,
    /// By night the camera sees by its own lamp, in grey.
    pub(super) lamp: bool,
    /// How low and red the sun is.
    warm: f32,
}

impl Air {
    /// The air at an hour (0..24, local) of a day of the year (0..365), with random weather; it rains while the river
    /// rises.
    pub(super) fn new(hour: f32, day: f32, rising: bool, rng: &mut fastrand::Rng) -> Self {
        let season = ((day - 172.0) / 365.0 * std::f32::consts::TAU).cos();
        let turn = (hour - 12.5) / 24.0 * std::f32::consts::TAU;
        let elevation = (turn.cos() * 0.86 + 0.16 + 0.26 * season).clamp(-1.0, 1.0) * 1.05;
        let azimuth = turn * 1.15 + rng.f32() * std::f32::consts::TAU;
        let sun = [
            azimuth.sin() * elevation.cos(),
            azimuth.cos() * elevation.cos(),
            elevation.sin(),
        ];
        let lamp = elevation < -0.06;
        let winter = season < -0.45;
        let kind = if rising {
            rng.u32(35..85)
        } else {
            rng.u32(0..100)
        };
        let mut between = |from: f32, to: f32| mix(from, to, rng.f32());
        let (clouds, fog, wet) = match kind {
            0..35 => (between(0.0, 0.4), 0.0004, 0.0),
            35..55 => (between(0.4, 0.8), 0.0007, 0.0),
            55..70 => (between(0.8, 1.0), between(0.0005, 0.003), 0.0),
            70..85 => (1.0, between(0.003, 0.009), between(0.3, 1.0)),
            85..95 => (between(0.5, 1.0), between(0.010, 0.045), 0.0),
            _ => (0.7, between(0.002, 0.01), 0.0),
        };
        let high = step(-0.05, 0.5, elevation);
        let direct = high * (1.0 - step(0.45, 0.9, clouds)) * 1.15;
        let cover = if winter {
            between(-0.5, 1.0).max(0.0)
        } else {
            0.0
        };
        Self {
            sun,
            direct,
            ambient: mix(0.16, 0.55, high) * mix(1.0, 0.8, clouds),
            clouds,
            fog,
            rain: if winter { wet * 0.3 } else { wet },
            snowfall: if winter { wet } else { 0.0 },
            snow: cover,
            lamp,
            warm: 1.0 - step(0.05, 0.45, elevation),
        }
    }

    /// The colour of the sun's light.
    pub(super) fn sunlight(&self) -> Colour {
        rgb(1.0, 0.96, 0.88).mix(rgb(1.0, 0.66, 0.38), self.warm) * self.direct
    }

    /// The light of the sky on a level surface.
    pub(super) fn skylight(&self) -> Colour {
        rgb(0.82, 0.93, 1.1).mix(rgb(0.97, 0.99, 1.0), self.clouds) * self.ambient
    }

    /// The sky in a direction.
    pub(super) fn sky(&self, d: [f32; 3], noise: &Noise) -> Colour {
        if self.lamp {
            return rgb(0.015, 0.015, 0.015);
        }
        let up = d[2].max(0.0);
        let blue = rgb(0.62, 0.76, 0.92).mix(rgb(0.20, 0.40, 0.78), step(0.0, 0.6, up));
        let evening = rgb(0.96, 0.70, 0.46);
        let clear = blue.mix(evening, self.warm * (1.0 - step(0.0, 0.45, up)) * 0.8);
        let (u, v) = (d[0] / (up + 0.12), d[1] / (up + 0.12));
        let field = noise.octaves(u * 1.3 + 40.0, v * 1.3, 4) * 0.8 + 0.5;
        let cover = step(
            1.02 - self.clouds,
            1.25 - self.clouds * 0.9,
            field + self.clouds * 0.25,
        );
        let cloud = rgb(0.93, 0.94, 0.96) * mix(1.0, 0.62 + 0.3 * field, self.clouds);
        let bright = mix(0.35, 1.0, (self.ambient - 0.13) / 0.42);
        let toward = dot(d, self.sun).max(0.0);
        let glow = (toward.powi(6) * 0.18 + toward.powi(200) * 3.0) * self.direct;
        let sky = clear.mix(cloud, cover) * bright + self.sunlight() * glow;
        sky.mix(self.haze(), (self.fog * 60.0).min(1.0))
    }

    /// The colour of fog.
    pub(super) fn haze(&self) -> Colour {
        if self.lamp {
            return rgb(0.07, 0.07, 0.07);
        }
        rgb(0.80, 0.84, 0.88) * mix(0.3, 1.0, (self.ambient - 0.13) / 0.42)
    }

    /// A colour behind so many metres of air.
    pub(super) fn through(&self, colour: Colour, far: f32) -> Colour {
        let part = 1.0 - (-self.fog * far).exp();
        let lit = if self.lamp {
            // The lamp's light falls off on the way there and back.
            colour * (1.0 / (1.0 + (far / 9.0).powi(2)))
        } else {
            colour
        };
        lit.mix(self.haze(), part * if self.lamp { 0.5 } else { 1.0 })
    }

    /// The light on a surface that looks along `normal` and is so much in the shade.
    pub(super) fn light(&self, normal: [f32; 3], shade: f32) -> Colour {
        if self.lamp {
            return rgb(1.0, 1.0, 1.0) * 1.5;
        }
        let facing = dot(normal, self.sun).max(0.0);
        self.skylight() * (0.7 + 0.3 * normal[2]) + self.sunlight() * (facing * (1.0 - shade))
    }
}
