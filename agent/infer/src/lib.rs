//! What an image shows: pictures decoded within limits, preprocessed, and looked at by ONNX models through tract.

pub mod picture;
pub mod water;
