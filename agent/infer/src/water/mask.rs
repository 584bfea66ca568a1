//! A mask: which pixels of a frame are water.

use weir_journey::infer::Size;

use super::{component, polygon};

/// Which pixels of a frame are water.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    /// Row by row, as many as the size has pixels.
    wet: Vec<bool>,
}

impl Mask {
    /// A mask of a frame's pixels, row by row; `None` when they are not as many as the size has.
    pub fn new(size: Size, wet: Vec<bool>) -> Option<Self> {
        (wet.len() == pixels(size)).then_some(Self { size, wet })
    }

    /// As [`Mask::new`], where the pixels are known to be as many.
    pub(super) fn of(size: Size, wet: Vec<bool>) -> Self {
        debug_assert_eq!(wet.len(), pixels(size));
        Self { size, wet }
    }

    /// Water where the score is above the threshold; a score that is no number is none. `scores` are one a pixel,
    /// row by row; `None` when they are not as many as the size has.
    pub fn from_scores(size: Size, scores: &[f32], threshold: f32) -> Option<Self> {
        Self::new(
            size,
            scores.iter().map(|&score| score > threshold).collect(),
        )
    }

    /// Water where one of the classes `wet` has the highest score; of equal scores the first class counts, as in
    /// NumPy's `argmax`. `scores` are classes x height x width; `None` when they are not as many, or when there is
    /// no class.
    pub fn from_classes(size: Size, classes: usize, scores: &[f32], wet: &[usize]) -> Option<Self> {
        let area = pixels(size);
        if classes == 0 || area.checked_mul(classes) != Some(scores.len()) {
            return None;
        }
        // Class by class, so that the scores are read in the order in which they lie.
        let (first, others) = scores.split_at(area);
        let mut highest = first.to_vec();
        let mut is_wet = vec![wet.contains(&0); area];
        // A frame without pixels has no chunks to walk.
        for (class, plane) in others.chunks_exact(area.max(1)).enumerate() {
            let counts = wet.contains(&(class + 1));
            for ((&score, highest), is_wet) in plane.iter().zip(&mut highest).zip(&mut is_wet) {
                if score > *highest {
                    *highest = score;
                    *is_wet = counts;
                }
            }
        }
        Self::new(size, is_wet)
    }

    /// The pixels of a polygon: those that `cv2.fillPoly` colours (even-odd, and the outline belongs to it). Its
    /// corners may lie outside of the frame.
    pub fn polygon(size: Size, corners: &[[i32; 2]]) -> Self {
        Self::of(size, polygon::fill(size, corners))
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Whether each pixel is water, row by row.
    pub fn wet(&self) -> &[bool] {
        &self.wet
    }

    /// The mask stretched to a size: each pixel is that of the source at the floor of its place, which is what
    /// OpenCV's `INTER_NEAREST` takes. Dry where there is no source.
    pub fn resized(&self, size: Size) -> Self {
        if size == self.size {
            return self.clone();
        }
        if self.wet.is_empty() {
            return Self::of(size, vec![false; pixels(size)]);
        }
        let columns = sources(self.size.width, size.width);
        let mut wet = Vec::with_capacity(pixels(size));
        for row in sources(self.size.height, size.height) {
            let row = &self.wet[row * self.size.width as usize..][..self.size.width as usize];
            wet.extend(columns.iter().map(|&column| row[column]));
        }
        Self::of(size, wet)
    }

    /// The largest patch of water whose pixels touch each other by their sides or corners, and nothing else. Of
    /// patches of the same size it is the one that comes first, row by row.
    pub fn largest_component(&self) -> Self {
        Self::of(
            self.size,
            component::largest(&self.wet, self.size.width as usize),
        )
    }

    /// The share of the pixels that are water (0 to 1); 0 of a frame without pixels.
    pub fn share(&self) -> f64 {
        self.count() as f64 / self.wet.len().max(1) as f64
    }

    /// How many pixels are water.
    fn count(&self) -> usize {
        self.wet.iter().filter(|&&wet| wet).count()
    }
}

/// Intersection over union of two masks (0 to 1); of two masks without any water 1, because they agree. The second
/// is brought to the size of the first ([`Mask::resized`]).
pub fn iou(ours: &Mask, truth: &Mask) -> f64 {
    let truth = truth.resized(ours.size);
    let both = ours
        .wet
        .iter()
        .zip(&truth.wet)
        .filter(|&(&a, &b)| a && b)
        .count();
    let either = ours.count() + truth.count() - both;
    if either == 0 {
        1.0
    } else {
        both as f64 / either as f64
    }
}

/// How many pixels a frame has.
pub(super) const fn pixels(size: Size) -> usize {
    size.width as usize * size.height as usize
}

/// The source of each pixel of a row or column that is stretched from `from` to `to` pixels. The scale is worked out
/// by the two divisions of OpenCV: one would round differently now and then.
fn sources(from: u32, to: u32) -> Vec<usize> {
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    (0..to)
        .map(|at| ((f64::from(at) * scale) as usize).min(from as usize - 1))
        .collect()
}
