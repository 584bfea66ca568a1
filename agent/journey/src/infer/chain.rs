//! A preprocessing chain as it is written: `["grayscale", "resize 256 256"]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One step of a [`Chain`]. Lengths are pixels of the picture as the step finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Step {
    /// Luma (ITU-R BT.601) in all channels.
    Grayscale,
    /// Left and right change places.
    FlipHorizontal,
    /// Top and bottom change places.
    FlipVertical,
    /// By so many quarter turns clockwise, 1 to 3.
    Rotate {
        /// How many.
        quarters: u8,
    },
    /// Keeps a rectangle, which must lie within the picture.
    Crop {
        /// Left edge.
        x: u32,
        /// Upper edge.
        y: u32,
        /// Width, not 0.
        width: u32,
        /// Height, not 0.
        height: u32,
    },
    /// Stretches to a size.
    Resize {
        /// New width, not 0.
        width: u32,
        /// New height, not 0.
        height: u32,
    },
}

/// Steps in the order in which they are done.
pub type Chain = Vec<Step>;

/// Why a text is no [`Step`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no step: write \"grayscale\", \"flip horizontal\", \"flip vertical\", \"rotate 90\" (or 180, 270), \
     \"crop X Y WIDTH HEIGHT\" or \"resize WIDTH HEIGHT\" with sides of 1 to 65535 pixels"
)]
pub struct NotAStep(String);

const LONGEST_SIDE: u32 = 65_535;

impl FromStr for Step {
    type Err = NotAStep;

    fn from_str(text: &str) -> Result<Self, NotAStep> {
        let not = || NotAStep(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let offset = |word: &str| word.parse().ok().filter(|&at: &u32| at <= LONGEST_SIDE);
        let side = |word: &str| offset(word).filter(|&side| side > 0);
        match words.as_slice() {
            ["grayscale"] => Some(Self::Grayscale),
            ["flip", "horizontal"] => Some(Self::FlipHorizontal),
            ["flip", "vertical"] => Some(Self::FlipVertical),
            ["rotate", "90"] => Some(Self::Rotate { quarters: 1 }),
            ["rotate", "180"] => Some(Self::Rotate { quarters: 2 }),
            ["rotate", "270"] => Some(Self::Rotate { quarters: 3 }),
            ["crop", x, y, width, height] => offset(x).zip(offset(y)).and_then(|(x, y)| {
                let (width, height) = side(width).zip(side(height))?;
                Some(Self::Crop {
                    x,
                    y,
                    width,
                    height,
                })
            }),
            ["resize", width, height] => side(width)
                .zip(side(height))
                .map(|(width, height)| Self::Resize { width, height }),
            _ => None,
        }
        .ok_or_else(not)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grayscale => write!(f, "grayscale"),
            Self::FlipHorizontal => write!(f, "flip horizontal"),
            Self::FlipVertical => write!(f, "flip vertical"),
            Self::Rotate { quarters } => write!(f, "rotate {}", u32::from(*quarters) * 90),
            Self::Crop {
                x,
                y,
                width,
                height,
            } => write!(f, "crop {x} {y} {width} {height}"),
            Self::Resize { width, height } => write!(f, "resize {width} {height}"),
        }
    }
}

impl TryFrom<String> for Step {
    type Error = NotAStep;

    fn try_from(text: String) -> Result<Self, NotAStep> {
        text.parse()
    }
}

impl From<Step> for String {
    fn from(step: Step) -> Self {
        step.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step() -> impl Strategy<Value = Step> {
        let side = 1u32..=LONGEST_SIDE;
        prop_oneof![
            Just(Step::Grayscale),
            Just(Step::FlipHorizontal),
            Just(Step::FlipVertical),
            (1u8..=3).prop_map(|quarters| Step::Rotate { quarters }),
            (
                0..=LONGEST_SIDE,
                0..=LONGEST_SIDE,
                side.clone(),
                side.clone()
            )
                .prop_map(|(x, y, width, height)| Step::Crop {
                    x,
                    y,
                    width,
                    height
                }),
            (side.clone(), side).prop_map(|(width, height)| Step::Resize { width, height }),
        ]
    }

    proptest! {
        #[test]
        fn a_step_is_read_as_it_is_written(step in step()) {
            prop_assert_eq!(step.to_string().parse(), Ok(step));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Step>();
        }
    }

    #[test]
    fn what_makes_no_picture_is_refused() {
        for text in [
            "",
            "resize 0 10",
            "resize 70000 10",
            "rotate 45",
            "crop 1 2 3",
            "blur",
            "flip",
        ] {
            assert_eq!(text.parse::<Step>(), Err(NotAStep(text.to_owned())));
        }
    }
}
