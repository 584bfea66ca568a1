//! What an image shows: pictures decoded within limits, preprocessed, and looked at by ONNX models through tract.

mod caught;
pub mod check;
pub mod engine;
pub mod health;
pub mod look;
pub mod model;
pub mod picture;
#[cfg(test)]
mod sample;
pub mod task;
pub mod water;

pub use look::{Seer, Settings, serve};
