//! The `[camera]` table of a scenario.

use serde::{Deserialize, Serialize};
use weir_journey::stamp::Zone;

use super::fault::Faults;
use super::schedule::Schedule;
use super::seed::{Purpose, normal, stream};
use crate::units;

/// What the cameras of a fleet do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// When they take pictures.
    pub schedule: Schedule,
    /// What the pictures show.
    pub picture: Kind,
    /// Median size of a picture of noise, in bytes.
    #[serde(with = "units::size")]
    pub median: u64,
    /// Spread of the sizes of pictures of noise: sigma of their log-normal distribution; 0 for one size.
    pub spread: f64,
    /// Width and height of a picture of a river, in pixels.
    pub size: (u32, u32),
    /// The zone of the cameras' clocks.
    #[serde(with = "zone")]
    pub zone: Zone,
    /// Whether the EXIF block says the offset from UTC.
    pub exif_offset: bool,
    /// What they do wrong.
    pub faults: Faults,
}

/// What pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing: fast.
    #[default]
    Noise,
    /// A river; what is true of it comes beside the picture.
    Scene,
}

impl Default for Settings {
    /// Noise of 24 KiB every 30 minutes, in the zone of the HydroCam sites. (Their pictures have some 350 KiB; in
    /// virtual time the size of a picture is nothing but work.)
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            picture: Kind::Noise,
            median: 24 << 10,
            spread: 0.3,
            size: (640, 360),
            zone: "Etc/GMT+7".parse().expect("a zone of the database"),
            exif_offset: false,
            faults: Faults::default(),
        }
    }
}

impl Settings {
    /// The size of a shot's picture, in bytes: at most 16 times the median.
    pub(super) fn bytes(&self, seed: u64, site: u32, shot: u64) -> usize {
        let mut rng = stream(Purpose::Size, seed, site, shot);
        let factor = (self.spread * normal(&mut rng)).exp();
        (self.median as f64 * factor.clamp(1.0 / 16.0, 16.0)) as usize
    }
}

/// For serde: a zone as text.
mod zone {
    use serde::{Deserialize, Deserializer, Serializer};
    use weir_journey::stamp::Zone;

    pub(super) fn serialize<S: Serializer>(zone: &Zone, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(zone)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Zone, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
