//! What a picture says about its camera ([`examine`]).
//!
//! All of it is taken from the picture's luma at a width of at most 320 pixels, so it costs milliseconds whatever the
//! camera makes, and says the same of two cameras of different resolution.
//!
//! - A picture that is *dark* or *burnt* has no structure for that reason, so it is called neither blurred nor
//!   obstructed.
//! - A picture is *blurred* when there is little sharp in it as a whole: out of focus, behind a drop, in fog.
//! - It is *obstructed* when most of it has no structure while what is left is sharp enough. A lens that is covered
//!   all over, evenly lit, cannot be told from fog and is called blurred.
//! - It is *frozen* when it has the very pixels of the picture before, or differs less than the bound says. Of
//!   pictures that differ at all the default calls none frozen: at night they hardly differ.
//! - The view has *shifted* when it fits the one before better elsewhere. That is told only where both pictures show
//!   enough to be compared, and up to a quarter of the picture.

mod measures;
mod print;
mod shift;
#[cfg(test)]
mod tests;

use weir_journey::infer::{Bounds, Flag, Health, Print, Size};

use crate::picture::{Filter, Picture, resize};
use measures::Measures;
use print::Small;

/// Width at which pictures are examined, unless they are smaller.
const WIDTH: u32 = 320;

/// What a picture says about its camera, and what the next picture of the same view is to be compared with.
/// A print `before` that is none counts as no picture before.
pub fn examine(picture: &Picture, before: Option<&Print>, bounds: &Bounds) -> (Health, Print) {
    let shrunk = resize(picture, examined(picture.size()), Filter::Area);
    let Measures {
        brightness,
        contrast,
        burnt,
        sharpness,
        plain,
    } = measures::of(&shrunk.luma(), shrunk.size());

    let small = Small::of(&shrunk);
    let print = Print {
        luma: small.hex(),
        digest: print::digest(picture),
    };
    let earlier = before.and_then(|before| Some((before, Small::read(&before.luma)?)));
    let same = earlier
        .as_ref()
        .is_some_and(|(before, _)| before.digest == print.digest);
    let earlier = earlier.map(|(_, small)| small);
    let difference = earlier.as_ref().map(|earlier| small.difference(earlier));
    let moved = earlier
        .filter(|earlier| earlier.brightness().min(small.brightness()) >= bounds.dark)
        .and_then(|earlier| shift::between(&earlier, &small));

    let is_dark = brightness < bounds.dark;
    let is_burnt = burnt > bounds.burnt;
    let lit = !is_dark && !is_burnt;
    let is_blurred = lit && sharpness < bounds.blurred;
    let is = |flag: Flag| match flag {
        Flag::Dark => is_dark,
        Flag::Burnt => is_burnt,
        Flag::Blurred => is_blurred,
        Flag::Frozen => same || difference.is_some_and(|difference| difference < bounds.frozen),
        Flag::Obstructed => lit && !is_blurred && plain > bounds.obstructed,
        Flag::Shifted => moved.is_some_and(|moved| way(moved, picture.size()) > bounds.shifted),
    };
    let health = Health {
        brightness,
        contrast,
        burnt,
        sharpness,
        plain,
        difference,
        moved,
        flags: Flag::ALL.into_iter().filter(|&flag| is(flag)).collect(),
    };
    (health, print)
}

/// The size at which a picture is examined.
fn examined(size: Size) -> Size {
    if size.width <= WIDTH {
        return size;
    }
    let height = f64::from(size.height) * f64::from(WIDTH) / f64::from(size.width);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "less than the picture's height"
    )]
    let height = (height.round() as u32).max(1);
    Size {
        width: WIDTH,
        height,
    }
}

/// How far that is, as a share of the picture's width.
fn way([right, down]: [f64; 2], size: Size) -> f64 {
    right.hypot(down * f64::from(size.height) / f64::from(size.width))
}
