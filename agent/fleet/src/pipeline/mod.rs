//! The pipeline behind the buckets, as a twin: what an uploaded image sets off, who judges how many sites are in it at
//! once, and what all of it would cost.
//!
//! The decisions are pure ([`cloud`], [`observer`], [`cost`]); [`twin`] and [`door`] bring time and the store. What is modelled and what is not is told in `docs/pipeline-twin.md`.

pub mod cloud;
pub mod cost;
pub mod door;
mod measured;
mod names;
pub mod observer;
mod settings;
#[cfg(test)]
mod tests;
mod times;
pub mod twin;

pub use self::settings::{Functions, Habits, Settings, SettingsError, Spread};
pub use self::times::Times;
