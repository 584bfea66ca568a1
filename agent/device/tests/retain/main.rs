//! The disk never overflows, and nothing that the store does not have is lost to that end: the real program on small
//! file systems, judged by what the store holds.
//!
//! What mounts a file system needs root: `cargo test -p weir --test retain -- --ignored` (`scripts/test` does it
//! where it can).

#[path = "../support/mod.rs"]
mod support;

mod camera;
mod crash;
mod full;
mod overwritten;
mod year;
