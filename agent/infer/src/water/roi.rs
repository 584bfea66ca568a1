//! The water in a region of interest.

use weir_journey::infer::{Roi, RoiCount};

use super::mask::Mask;

/// Counts the pixels of a region and those of them that are water. The region's corners are in pixels of the mask;
/// what lies outside of it is not counted. The region's pixels are those of [`Mask::polygon`].
pub fn count(mask: &Mask, roi: &Roi) -> RoiCount {
    let inside = Mask::polygon(mask.size(), &roi.points);
    let (mut water, mut pixels) = (0, 0);
    for (&inside, &wet) in inside.wet().iter().zip(mask.wet()) {
        pixels += u64::from(inside);
        water += u64::from(inside && wet);
    }
    RoiCount {
        name: roi.name.clone(),
        water,
        pixels,
    }
}
