//! What an image shows: pictures decoded within limits, preprocessed, and looked at by ONNX models through tract.

pub mod health;
pub mod picture;
