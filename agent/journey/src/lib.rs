//! What must happen to a camera image, decided without doing it.
//!
//! Every step of an image's life (`watch -> settle -> stamp -> queue -> infer -> gate -> upload -> verify -> retain`) has
//! its decisions here as functions of values: no tokio, no file system, no clock, no SQLite. Whoever
//! calls brings the bytes, the moment and the answer of the store, and carries out the verdict.

#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
pub mod gate;
pub mod identity;
pub mod import;
pub mod infer;
pub mod queue;
pub mod retain;
pub mod settle;
pub mod stamp;
pub mod upload;
pub mod verify;
