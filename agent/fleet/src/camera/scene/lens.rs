//! What air, lens and sensor do to the light: rain, snow, drops, blur, vignette, exposure, noise, grey by night.

use image::{Rgb, RgbImage};

use super::air::Air;
use super::canvas::Canvas;
use super::colour::{Colour, rgb};
use super::noise::mix;

/// What one camera does to all of its pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lens {
    blur: f32,
    vignette: f32,
    exposure: f32,
    contrast: f32,
    colours: f32,
    cast: Colour,
    noise: f32,
    /// Quality of its JPEGs.
    pub(super) quality: u8,
}

impl Lens {
    pub(super) fn new(rng: &mut fastrand::Rng) -> Self {
        let mut between = |from: f32, to: f32| mix(from, to, rng.f32());
        Self {
            blur: between(0.2, 1.0).powi(2) * 1.1 + 0.15,
            vignette: between(0.0, 0.5),
            exposure: between(0.95, 1.5),
            contrast: between(0.85, 1.25),
            colours: between(0.65, 1.2),
            cast: rgb(
                between(0.93, 1.07),
                between(0.97, 1.03),
                between(0.92, 1.08),
            ),
            noise: between(0.004, 0.03),
            quality: between(45.0, 93.0) as u8,
        }
    }

    /// The finished picture. Changes the light on the way.
    pub(super) fn expose(
        &self,
        canvas: &mut Canvas,
        air: &Air,
        rng: &mut fastrand::Rng,
    ) -> RgbImage {
        streaks(canvas, air, rng);
        blur(canvas, self.blur * canvas.wide as f32 / 640.0);
        if air.rain > 0.0 && rng.f32() < 0.5 {
            drops(canvas, rng);
        }
        let gain = self.exposure * self.automatic(canvas);
        let grain = self.noise * if air.lamp { 2.5 } else { 1.0 };
        let (w, h) = (canvas.wide as f32, canvas.high as f32);
        let glare = glare(air, rng);
        RgbImage::from_fn(canvas.wide as u32, canvas.high as u32, |x, y| {
            let at = y as usize * canvas.wide + x as usize;
            let (u, v) = (2.0 * x as f32 / w - 1.0, 2.0 * y as f32 / h - 1.0);
            let edge = 1.0 - self.vignette * (u * u + v * v) * 0.5;
            let spot = if air.lamp {
                1.25 - 0.55 * (u * u + v * v)
            } else {
                1.0
            };
            let veil = glare * (0.6 - 0.4 * v);
            let light = canvas.light[at] * (gain * edge * spot) + rgb(veil, veil, veil * 0.95);
            let grey = light.luma();
            let colour = if air.lamp {
                rgb(grey, grey, grey)
            } else {
                (rgb(grey, grey, grey) * (1.0 - self.colours) + light * self.colours)
                    .times(self.cast)
            };
            let speck = (rng.f32() + rng.f32() - 1.0) * grain * 1.6;
            Rgb(colour.0.map(|part| {
                let own = (rng.f32() - 0.5) * grain * if air.lamp { 0.0 } else { 1.0 };
                let film = tone(part, self.contrast) + speck + own;
                (film.clamp(0.0, 1.0) * 255.0) as u8
            }))
        })
    }

    /// What the camera's own exposure makes of the scene.
    fn automatic(&self, canvas: &Canvas) -> f32 {
        let mean: f32 = canvas
            .light
            .iter()
            .step_by(37)
            .map(|light| light.luma())
            .sum::<f32>()
            / canvas.light.len().div_ceil(37) as f32;
        (0.20 / mean.max(0.02)).clamp(0.6, 3.0).powf(0.75)
    }
}

/// From light to what is stored: a gamma with a shoulder.
fn tone(light: f32, contrast: f32) -> f32 {
    let light = light.max(0.0);
    let film = (light * 1.25 / (1.0 + 0.35 * light)).powf(0.4545);
    0.5 + (film - 0.5) * contrast
}

/// A low sun ahead veils the picture.
fn glare(air: &Air, rng: &mut fastrand::Rng) -> f32 {
    let low = air.direct > 0.2 && air.sun[2] < 0.5 && air.sun[1] > 0.3;
    if low && rng.f32() < 0.6 {
        0.04 + 0.10 * rng.f32()
    } else {
        0.0
    }
}

/// Rain as streaks, snow as flakes; by the lamp's light the near ones are bright.
fn streaks(canvas: &mut Canvas, air: &Air, rng: &mut fastrand::Rng) {
    let (w, h) = (canvas.wide as f32, canvas.high as f32);
    let light = if air.lamp { 0.55 } else { air.ambient };
    let slant = (rng.f32() - 0.5) * 0.3;
    for _ in 0..(air.rain * 900.0) as u32 {
        let (x, y) = (rng.f32() * w, rng.f32() * h);
        let long = h * (0.01 + 0.05 * rng.f32());
        let strong = 0.05 + 0.16 * rng.f32();
        for step in 0..long as u32 {
            let (x, y) = (x + slant * step as f32, y + step as f32);
            veil(canvas, x, y, strong, light);
        }
    }
    for _ in 0..(air.snowfall * 1500.0) as u32 {
        let (x, y) = (rng.f32() * w, rng.f32() * h);
        let r = (w / 640.0 * (0.4 + 2.4 * rng.f32().powi(4))) as i32;
        for (dx, dy) in (-r..=r).flat_map(|dx| (-r..=r).map(move |dy| (dx, dy))) {
            if dx * dx + dy * dy <= r * r {
                veil(canvas, x + dx as f32, y + dy as f32, 0.7, light * 1.4);
            }
        }
    }
}

fn veil(canvas: &mut Canvas, x: f32, y: f32, part: f32, light: f32) {
    if x >= 0.0 && y >= 0.0 && x < canvas.wide as f32 && y < canvas.high as f32 {
        let spot = &mut canvas.light[y as usize * canvas.wide + x as usize];
        *spot = spot.mix(rgb(light, light, light), part);
    }
}

/// Drops on the glass: small lenses that show the scene upside down.
fn drops(canvas: &mut Canvas, rng: &mut fastrand::Rng) {
    let before = canvas.light.clone();
    let (w, h) = (canvas.wide as i32, canvas.high as i32);
    for _ in 0..rng.u32(2..16) {
        let (x, y) = (rng.i32(0..w), rng.i32(0..h));
        let r = (w / 40).max(2) * rng.i32(3..12) / 10;
        for (dx, dy) in (-r..=r).flat_map(|dx| (-r..=r).map(move |dy| (dx, dy))) {
            let (px, py) = (x + dx, y + dy);
            if dx * dx + dy * dy > r * r || px < 0 || py < 0 || px >= w || py >= h {
                continue;
            }
            let (sx, sy) = ((x - 3 * dx).clamp(0, w - 1), (y - 3 * dy).clamp(0, h - 1));
            let rim = (dx * dx + dy * dy) as f32 / (r * r) as f32;
            let spot = &mut canvas.light[(py * w + px) as usize];
            *spot = spot.mix(
                before[(sy * w + sx) as usize] * (1.1 - 0.4 * rim),
                0.75 * (1.0 - rim * rim),
            );
        }
    }
}

/// Spreads each pixel over its neighbours, twice for more than a pixel.
fn blur(canvas: &mut Canvas, radius: f32) {
    let (w, h) = (canvas.wide, canvas.high);
    let passes = (radius * radius).ceil().clamp(1.0, 6.0);
    let side = (radius * radius / passes * 0.5).min(0.33);
    for _ in 0..passes as u32 {
        for row in canvas.light.chunks_mut(w) {
            spread(row, 1, w, side);
        }
        for column in 0..w {
            spread(&mut canvas.light[column..], w, h, side);
        }
    }
}

/// Each of `len` pixels takes so much from either neighbour.
fn spread(line: &mut [Colour], stride: usize, len: usize, side: f32) {
    let mut before = line[0];
    for nth in 0..len {
        let here = line[nth * stride];
        let after = if nth + 1 < len {
            line[(nth + 1) * stride]
        } else {
            here
        };
        line[nth * stride] = here * (1.0 - 2.0 * side) + (before + after) * side;
        before = here;
    }
}
