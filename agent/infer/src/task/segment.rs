//! Which pixels are water.

use weir_journey::infer::Size;

use super::prepare::{Line, Place, prepare};
use super::{Id, TaskError, misfit};
use crate::engine::{Engine, Kind, LoadError, RunError, Values};
use crate::model::{Scores, Segmentation};
use crate::picture::Picture;
use crate::water::Mask;

/// A model that tells which pixels are water.
#[derive(Debug)]
pub struct Segmenter {
    id: Id,
    spec: Segmentation,
    engine: Engine,
    /// Channels of the network's output.
    channels: usize,
    /// Width and height of the network's output.
    size: Size,
}

impl Segmenter {
    pub(super) fn new(id: Id, spec: Segmentation, engine: Engine) -> Result<Self, LoadError> {
        let channels = match &spec.scores {
            Scores::Probability { .. } | Scores::Logit { .. } => 1,
            Scores::Classes { labels, .. } => labels.len(),
        };
        let shape = match *engine.output() {
            [1, c, h, w] => Some((c, h, w)),
            [1, h, w] => Some((1, h, w)),
            _ => None,
        };
        let size = shape
            .filter(|&(c, ..)| c == channels && engine.kind() == Kind::Float)
            .and_then(|(_, h, w)| Some((u32::try_from(h).ok()?, u32::try_from(w).ok()?)))
            .filter(|&(h, w)| h > 0 && w > 0);
        match size {
            Some((height, width)) => Ok(Self {
                id,
                spec,
                engine,
                channels,
                size: Size { width, height },
            }),
            None => Err(misfit(
                &engine,
                format!("floats of shape [1, {channels}, height, width]"),
            )),
        }
    }

    /// Which model it is.
    pub const fn id(&self) -> &Id {
        &self.id
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Which pixels of a picture are water, in the pixels of `frame`: the picture stretched to that size. What the
    /// model does not see of the picture is dry.
    ///
    /// # Errors
    /// When the model's preprocessing does not suit the picture, or the network fails.
    pub fn segment(&self, picture: &Picture, frame: Size) -> Result<Mask, TaskError> {
        let prepared = prepare(picture, &self.spec.input)?;
        let seen = self.mask(&self.engine.run(&prepared.tensor)?)?;
        let seen = uncovered(seen, prepared.place);
        let seen = if self.spec.largest_component {
            seen.largest_component()
        } else {
            seen
        };
        Ok(returned(&seen, prepared.place, frame))
    }

    /// The mask in the pixels of the network's output.
    fn mask(&self, values: &Values) -> Result<Mask, TaskError> {
        let Values::Floats(scores) = values else {
            return Err(RunError::Runtime("it gave integers".to_owned()).into());
        };
        match &self.spec.scores {
            Scores::Probability { threshold } => Mask::from_scores(self.size, scores, *threshold),
            // The logit of the threshold, rather than the probability of each score.
            Scores::Logit { threshold } => {
                Mask::from_scores(self.size, scores, (threshold / (1.0 - threshold)).ln())
            }
            Scores::Classes { water, .. } => {
                Mask::from_classes(self.size, self.channels, scores, water)
            }
        }
        .ok_or_else(|| RunError::Runtime("its output is not as large as it said".to_owned()).into())
    }
}

/// The mask without what lies beyond the picture: a filling that the network takes for water is none, and must not
/// be the largest region either.
fn uncovered(mask: Mask, place: Place) -> Mask {
    let covers = |line: Line, length: u32| -> Vec<bool> {
        let (one, other) = (line.at(0.0), line.at(1.0));
        let covered = one.min(other)..=one.max(other);
        (0..length)
            .map(|at| covered.contains(&((f64::from(at) + 0.5) / f64::from(length))))
            .collect()
    };
    let size = mask.size();
    let (columns, rows) = (covers(place.x, size.width), covers(place.y, size.height));
    if columns.iter().chain(&rows).all(|&covered| covered) {
        return mask;
    }
    let covered = rows
        .iter()
        .flat_map(|&row| columns.iter().map(move |&column| row && column));
    let wet = mask
        .wet()
        .iter()
        .zip(covered)
        .map(|(&wet, covered)| wet && covered);
    Mask::new(size, wet.collect()).unwrap_or(mask)
}

/// The mask of a network's input, brought back to the picture it was made of, in the pixels of `frame`: each is that
/// of the mask at its upper left corner, as [`Mask::resized`] has it.
fn returned(mask: &Mask, place: Place, frame: Size) -> Mask {
    if place == Place::WHOLE {
        return mask.resized(frame);
    }
    let size = mask.size();
    let (of_x, of_y) = if place.swapped {
        (frame.height, frame.width)
    } else {
        (frame.width, frame.height)
    };
    let columns = sources(place.x, of_x, size.width);
    let rows = sources(place.y, of_y, size.height);
    let wet_at = |column: Option<usize>, row: Option<usize>| {
        column
            .zip(row)
            .is_some_and(|(column, row)| mask.wet()[row * size.width as usize + column])
    };
    let pixels =
        (0..frame.height as usize).flat_map(|y| (0..frame.width as usize).map(move |x| (x, y)));
    let wet = pixels.map(|(x, y)| {
        let (x, y) = if place.swapped { (y, x) } else { (x, y) };
        wet_at(columns[x], rows[y])
    });
    Mask::new(frame, wet.collect()).unwrap_or_else(|| mask.resized(frame))
}

/// For each of `length` pixels along an axis of the frame, the pixel among `of` that it takes.
fn sources(line: Line, length: u32, of: u32) -> Vec<Option<usize>> {
    // Shares are computed, and a pixel whose corner falls on the border of two must not be taken for the one before.
    const ROUNDING: f64 = 1e-9;
    (0..length)
        .map(|at| {
            let share = |at: u32| line.at(f64::from(at) / f64::from(length));
            let corner = share(at).min(share(at + 1));
            let place = (corner * f64::from(of) + ROUNDING).floor();
            (place >= 0.0 && place < f64::from(of)).then_some(place as usize)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weir_journey::infer::Step;

    fn size() -> impl Strategy<Value = Size> {
        (1u32..40, 1u32..40).prop_map(|(width, height)| Size { width, height })
    }

    fn mask(size: Size) -> impl Strategy<Value = Mask> {
        let pixels = (size.width * size.height) as usize;
        proptest::collection::vec(any::<bool>(), pixels)
            .prop_map(move |wet| Mask::new(size, wet).expect("as many as the size has"))
    }

    proptest! {
        /// However a picture is turned before a model sees it, its mask comes back upright.
        #[test]
        fn turns_and_flips_are_undone(
            mask in size().prop_flat_map(mask),
            steps in proptest::collection::vec(
                prop_oneof![
                    Just(Step::FlipHorizontal),
                    Just(Step::FlipVertical),
                    (1u8..4).prop_map(|quarters| Step::Rotate { quarters }),
                ],
                0..5,
            ),
        ) {
            let levels: Vec<u8> = mask.wet().iter().map(|&wet| if wet { 255 } else { 0 }).collect();
            let picture = Picture::from_luma(mask.size(), &levels).expect("fits");
            let turned = crate::picture::apply(picture, &steps).expect("no crop");
            let seen = turned.luma().iter().map(|&level| level > 127).collect();
            let seen = Mask::new(turned.size(), seen).expect("fits");
            let place = steps.iter().fold((Place::WHOLE, mask.size()), |(place, before), &step| {
                let after = match step {
                    Step::Rotate { quarters: 1 | 3 } => Size { width: before.height, height: before.width },
                    _ => before,
                };
                (place.after(step, before), after)
            }).0;
            prop_assert_eq!(returned(&seen, place, mask.size()), mask);
        }

        /// The general way gives what the plain one gives.
        #[test]
        fn what_fills_the_input_is_stretched_alone(mask in size().prop_flat_map(mask), times in 1u32..5) {
            let frame = Size { width: mask.size().width * times, height: mask.size().height * times };
            let twice = Place::WHOLE.after(Step::FlipVertical, frame).after(Step::FlipVertical, frame);
            let nearly = Place { x: Line { scale: 1.0, offset: 1e-13 }, ..twice };
            prop_assert_eq!(returned(&mask, nearly, frame), mask.resized(frame));
        }
    }
}
