//! The picture of a river that a site's camera takes, with what is true of it.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;

use super::picture::{Identity, Shown, with_exif};
use super::scene::{Moment, Scenery};
use super::seed::mix;

/// A file that says what is true of a picture.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    ending: &'static str,
    bytes: Vec<u8>,
}

/// What `{stem}.json` says.
#[derive(Debug, Serialize)]
struct Stage {
    time: DateTime<FixedOffset>,
    stage_m: f64,
    water: f64,
}

impl Truth {
    /// The name of the file, and its bytes, beside the picture of this name.
    pub(super) fn beside(self, picture: &str) -> (String, Vec<u8>) {
        let stem = picture.strip_suffix(".jpg").unwrap_or(picture);
        (format!("{stem}{}", self.ending), self.bytes)
    }
}

/// The picture of a shot at `at`, of this width and height, and the files `{stem}_mask.png` and `{stem}.json`.
///
/// # Panics
/// A size that JPEG does not have: above 65535.
pub(super) fn picture(
    identity: Identity,
    shown: &Shown,
    at: DateTime<FixedOffset>,
    size: (u32, u32),
) -> (Vec<u8>, Vec<Truth>) {
    let Identity { seed, site, shot } = identity;
    let scenery = Scenery::new(mix(&[seed, site.into()]), size);
    let scene = scenery.picture(&Moment {
        at: at.to_utc(),
        local: at.naive_local(),
        shot,
        text: format!("SITE{site} {}", shown.local.format("%Y-%m-%d %H:%M:%S")),
        stage: None,
    });
    let stage = Stage {
        time: at,
        stage_m: (scene.stage_m * 1000.0).round() / 1000.0,
        water: (scene.water() * 10_000.0).round() / 10_000.0,
    };
    let encoded = scene.jpeg().and_then(|jpeg| Ok((jpeg, scene.mask_png()?)));
    let (jpeg, mask) = encoded.unwrap_or_else(|fault| panic!("a picture of {size:?}: {fault}"));
    let truth = [
        ("_mask.png", mask),
        (".json", serde_json::to_vec(&stage).unwrap_or_default()),
    ];
    let truth = truth.map(|(ending, bytes)| Truth { ending, bytes });
    (with_exif(&jpeg, identity, shown), truth.into())
}
