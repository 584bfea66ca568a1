//! The agent of a camera site: what `weir-journey` decides about an image, done to real files, a real
//! queue and a real bucket.

pub mod agent;
pub mod blocking;
pub mod check;
pub mod cli;
pub mod clock;
pub mod complaints;
pub mod config;
pub mod exchange;
pub mod export;
pub mod gate;
pub mod import;
pub mod infer;
pub mod lock;
pub mod logging;
pub mod queue;
pub mod retain;
pub mod s3;
pub mod serve;
pub mod settle;
pub mod snapshot;
mod stamping;
pub mod systemd;
pub mod upload;
pub mod watch;
mod whole_file;
pub mod world;

pub use agent::{RunError, run};
pub use world::World;
