//! What is taken from a card or a folder that somebody brought home, and what came of each file.
//!
//! Promises:
//! - [`candidate`] passes over what cameras, operating systems and file managers leave beside pictures, by names that
//!   are documented; whatever else there is gets looked into, so that no picture is left behind for its name;
//! - [`outcome`] says of each image one of five things, and never "stored" of one whose row is not verified.

mod names;
mod outcome;

pub use names::{Candidate, candidate, look_into};
pub use outcome::{Outcome, Standing, outcome};
