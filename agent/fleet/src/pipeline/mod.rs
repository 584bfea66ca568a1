//! The pipeline behind the buckets, as a twin: what an uploaded image sets off, who judges how many sites are in it at
//! once, and what all of it would cost.
//!
//! The decisions are pure ([`cloud`]); what is modelled and what is not is told in `docs/pipeline-twin.md`.

pub mod cloud;
mod measured;
mod settings;
mod times;

pub use self::settings::{Functions, Habits, Settings, SettingsError, Spread};
pub use self::times::Times;
