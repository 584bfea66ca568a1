//! Rendered rivers, and what is true of them: which pixels are water, and how high it stands.
//!
//! A [`Scenery`] is one site: the land, what grows and stands there, the camera and its faults of optics, the
//! hydrograph. A [`Scene`] is one picture of it. Promises:
//! - The same seed, size and moment give the same pixels.
//! - The mask is 255 exactly where the picture shows water that nothing covers: not where land, plants, a bridge, a
//!   boat, a branch before the lens or the camera's own text do. Rain, snow and fog are in the picture, not in the
//!   mask.
//! - When the river rises and all else stays, no water is lost from the mask but along edges, by a pixel.
//!
//! Land is a field of heights that rays are marched through, so that perspective is true and the shore is where the
//! level meets the land. Reflections mirror the picture about the shore, as calm water does from near its surface.

mod air;
mod banner;
mod canvas;
mod colour;
mod front;
mod ground;
mod growth;
mod hydrograph;
mod lens;
mod noise;
mod shade;
mod view;
mod water;
mod works;
mod world;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _, Utc};
use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageEncoder as _, ImageError, Luma, RgbImage};

use air::Air;
use banner::Banner;
use canvas::Canvas;
use growth::Growth;
use hydrograph::Hydrograph;
use lens::Lens;
use shade::Shade;
use view::{From, Hit, Seen, View};
use water::River;
use works::Works;
use world::World;

use super::seed::mix;

/// No river stands higher, in metres: its camera would drown.
const HIGHEST_STAGE: f64 = 3.6;

/// One site as its camera sees it.
pub struct Scenery {
    seed: u64,
    size: (u32, u32),
    world: World,
    view: View,
    growth: Vec<Growth>,
    works: Works,
    lens: Lens,
    banner: Banner,
    hydrograph: Hydrograph,
}

/// When a picture is taken.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The moment itself: it decides the level.
    pub at: DateTime<Utc>,
    /// The local time: it decides the light.
    pub local: NaiveDateTime,
    /// What tells this picture from others of the site: its weather, ripples, noise.
    pub shot: u64,
    /// The text burned into the picture; none where it is empty. Letters, digits and `-:/.` are shown.
    pub text: String,
    /// A level in place of the hydrograph's, in metres.
    pub stage: Option<f64>,
}

/// One picture and what is true of it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The picture.
    pub image: RgbImage,
    /// 255 where it shows water, else 0.
    pub mask: GrayImage,
    /// How high the water stands on the gauge, in metres.
    pub stage_m: f64,
    /// Quality of the camera's JPEGs, 1 to 100.
    pub quality: u8,
}

impl Scenery {
    /// The site of a seed, seen by a camera with pictures of this width and height (at least 16 each).
    pub fn new(seed: u64, (wide, high): (u32, u32)) -> Self {
        let size = (wide.max(16), high.max(16));
        let mut rng = fastrand::Rng::with_seed(mix(&[seed, 1]));
        let world = World::new(&mut rng);
        let (view, from) = View::new(&world, size, &mut rng);
        let growth = if from == From::Above && rng.bool() {
            Vec::new()
        } else {
            growth::grow(&world, &view, &mut rng)
        };
        Self {
            works: Works::new(&world, from, &mut rng),
            lens: Lens::new(&mut rng),
            banner: Banner::new(&mut rng),
            hydrograph: Hydrograph::new(mix(&[seed, 2])),
            seed,
            size,
            world,
            view,
            growth,
        }
    }

    /// The picture of a moment.
    pub fn picture(&self, moment: &Moment) -> Scene {
        let mut rng = fastrand::Rng::with_seed(mix(&[self.seed, 3, moment.shot]));
        let stage = moment
            .stage
            .unwrap_or_else(|| self.hydrograph.stage(moment.at));
        let stage = stage.clamp(0.0, HIGHEST_STAGE);
        let above = moment.stage.map_or_else(
            || self.hydrograph.above_base(moment.at),
            |stage| stage - 0.8,
        );
        let hour = moment.local.num_seconds_from_midnight() as f32 / 3600.0;
        let rising = moment.stage.is_none() && self.hydrograph.rises(moment.at);
        let air = Air::new(hour, moment.local.ordinal0() as f32, rising, &mut rng);
        let river = River {
            level: stage as f32,
            flood: (above.max(0.0) / 1.6).min(1.0) as f32,
            drift: rng.f32() * 200.0,
        };
        let mut canvas = self.paint(&air, river);
        let front = &mut fastrand::Rng::with_seed(mix(&[self.seed, 4]));
        front::paint(&mut canvas, &self.world, &air, front);
        let image = self.lens.expose(&mut canvas, &air, &mut rng);
        self.written(image, &canvas, moment, stage)
    }

    /// The land, what stands on it, and the water.
    fn paint(&self, air: &Air, river: River) -> Canvas {
        let crowns = self.growth.iter().filter_map(Growth::crown);
        let shade = Shade::new(&self.world, air, crowns);
        let hits = self.view.look(&self.world, river.level);
        let mut canvas = self.land(air, river.level, &hits, &shade);
        for growth in &self.growth {
            growth.paint(&mut canvas, &self.world, air, river.level, &self.view);
        }
        self.works
            .paint(&mut canvas, &self.world, air, river.level, &self.view);
        water::paint(&mut canvas, &self.world, air, river, &self.view, &shade);
        canvas
    }

    /// Sky and land; water is not painted yet.
    fn land(&self, air: &Air, level: f32, hits: &[Hit], shade: &Shade) -> Canvas {
        let (wide, high) = (self.size.0 as usize, self.size.1 as usize);
        let mut canvas = Canvas {
            wide,
            high,
            light: vec![colour::Colour::default(); hits.len()],
            far: hits.iter().map(|hit| hit.far).collect(),
            water: hits.iter().map(|hit| hit.seen == Seen::Water).collect(),
        };
        for (at, hit) in hits.iter().enumerate() {
            let d = self.view.ray((at % wide) as u32, (at / wide) as u32);
            canvas.light[at] = match hit.seen {
                Seen::Sky => air.sky(d, &self.world.noise),
                Seen::Water => continue,
                Seen::Ground => {
                    let point = std::array::from_fn(|i| self.view.at[i] + d[i] * hit.far);
                    let grain = hit.far * self.view.pixel();
                    let dark = shade.at(point[0], point[1]);
                    air.through(
                        ground::lit(&self.world, air, point, level, (grain, dark)),
                        hit.far,
                    )
                }
            };
        }
        canvas
    }

    /// With the camera's text, and the mask.
    fn written(
        &self,
        mut image: RgbImage,
        canvas: &Canvas,
        moment: &Moment,
        stage_m: f64,
    ) -> Scene {
        let mut mask = GrayImage::from_fn(self.size.0, self.size.1, |x, y| {
            Luma([u8::from(canvas.water[y as usize * canvas.wide + x as usize]) * 255])
        });
        if !moment.text.is_empty() {
            let cover = |x, y| mask.put_pixel(x, y, Luma([0]));
            self.banner.write(&moment.text, &mut image, cover);
        }
        Scene {
            image,
            mask,
            stage_m,
            quality: self.lens.quality,
        }
    }
}

impl Scene {
    /// The picture as the camera's JPEG.
    ///
    /// # Errors
    /// A picture that is larger than a JPEG can be.
    pub fn jpeg(&self) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, self.quality).encode_image(&self.image)?;
        Ok(bytes)
    }

    /// The mask as a PNG of 8-bit grey.
    ///
    /// # Errors
    /// A picture that is larger than a PNG can be.
    pub fn mask_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut bytes = Vec::new();
        let (wide, high) = self.mask.dimensions();
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(
            self.mask.as_raw(),
            wide,
            high,
            image::ExtendedColorType::L8,
        )?;
        Ok(bytes)
    }

    /// The share of the picture that is water.
    pub fn water(&self) -> f64 {
        let wet = self
            .mask
            .as_raw()
            .iter()
            .filter(|pixel| **pixel > 0)
            .count();
        wet as f64 / self.mask.as_raw().len() as f64
    }
}

#[cfg(test)]
mod tests;
