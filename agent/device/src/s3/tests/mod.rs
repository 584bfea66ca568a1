//! The uploader against the embedded store: what the bucket holds afterwards is what counts.

mod bench;
mod clock;
mod conditional;
mod faults;
mod keys;
mod parts;
mod wire;
