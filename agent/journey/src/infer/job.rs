//! One image to be looked at, and the answer.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::report::{Print, Report};
use super::view::View;

/// One image to be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The image's file.
    #[serde(with = "super::path")]
    pub image: PathBuf,
    /// What is wanted of it.
    pub view: View,
    /// What the site's picture before it looked like, to see whether the camera froze or was moved.
    pub before: Option<Print>,
    /// Folder that exists and takes the overlay and the derivatives; without one, none are made.
    pub products: Option<PathBuf>,
    /// Folder that exists and takes the mask, black and white in the reference frame; without one, none is made.
    #[serde(default)]
    pub masks: Option<PathBuf>,
    /// What the products' names begin with.
    pub stem: String,
}

/// What came of a [`Job`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It was looked at; a part of the work may have failed ([`Report::faults`]).
    Done(Box<Report>),
    /// Nothing came of it.
    Failed(Failure),
}

/// Why nothing came of an image. The image itself goes its way all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// Whose fault it is.
    pub trouble: Trouble,
    /// What failed, why, and what to do.
    pub sentence: String,
}

/// Whose fault a failure is, which decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trouble {
    /// The image's: it cannot be decoded, or not within the limits. Another image may fare better.
    Picture,
    /// The model's, or its settings': every image fares so.
    Model,
    /// The device's: no memory, no room, no time. Later it may work.
    Device,
}
