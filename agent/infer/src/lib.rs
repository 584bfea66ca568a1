//! What an image shows: pictures decoded within limits, preprocessed, and looked at by ONNX models through tract.

mod caught;
pub mod check;
pub mod engine;
pub mod model;
pub mod picture;
pub mod task;
pub mod water;
