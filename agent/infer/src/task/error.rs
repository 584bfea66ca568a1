//! Why a model that was loaded gave nothing for an input.

use crate::engine::RunError;
use crate::picture::ChainError;

/// Why a model gave nothing for a picture.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// The model's preprocessing does not suit the picture.
    #[error("the model's preprocessing does not suit the picture: {0}")]
    Chain(#[from] ChainError),
    /// The picture's sides differ too much to be brought to the size that the model wants.
    #[error(
        "a picture of {width} x {height} pixels is too narrow for this model, which cuts out its middle: \
         use another model"
    )]
    Narrow {
        /// Width of the picture.
        width: u32,
        /// Height of the picture.
        height: u32,
    },
    /// The network failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a row of numbers has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RowError {
    /// It has not as many numbers as the model takes.
    #[error("row {row} has {found} numbers, and the model takes {wanted} ({names})")]
    Length {
        /// The row, counted from 1.
        row: usize,
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
        /// What they are.
        names: String,
    },
    /// A number of it is none.
    #[error("{name} of row {row} is {value}: give a finite number")]
    NotFinite {
        /// The row, counted from 1.
        row: usize,
        /// Which number.
        name: String,
        /// What it is.
        value: f64,
    },
    /// The network gave a class that does not exist.
    #[error(
        "the model gave class {class} for row {row}, and knows {labels} classes: use another model"
    )]
    Class {
        /// The row, counted from 1.
        row: usize,
        /// What it gave.
        class: i64,
        /// How many there are.
        labels: usize,
    },
    /// The network failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why there is no stage.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StageError {
    /// The view lacks a region that the model wants.
    #[error(
        "the stage model {model} wants the region {name}, which the site does not have: draw it, or name it so"
    )]
    Region {
        /// The model.
        model: String,
        /// The region's name.
        name: String,
    },
    /// The model tells classes.
    #[error("the stage model {model} tells classes and no value: name another model")]
    Classes {
        /// The model.
        model: String,
    },
    /// The network failed.
    #[error(transparent)]
    Row(#[from] RowError),
}
