//! Colours as three amounts of light, 1 for white paper in the sun.

use std::ops::{Add, Mul};

/// Red, green and blue light.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Colour(pub(super) [f32; 3]);

pub(super) const fn rgb(r: f32, g: f32, b: f32) -> Colour {
    Colour([r, g, b])
}

impl Colour {
    pub(super) fn mix(self, other: Self, part: f32) -> Self {
        self * (1.0 - part) + other * part
    }

    pub(super) fn luma(self) -> f32 {
        let Self([r, g, b]) = self;
        0.3 * r + 0.59 * g + 0.11 * b
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }
}

impl Add for Colour {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Mul<f32> for Colour {
    type Output = Self;

    fn mul(self, by: f32) -> Self {
        Self(self.0.map(|light| light * by))
    }
}
