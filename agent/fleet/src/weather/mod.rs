//! What befalls the sites of a run: outages, slow links, power cuts, wrong clocks, full disks and a store in trouble.
//!
//! A [`Scenario`] is a file that describes a run. A [`Spell`] of it says what happens where and when; a [`Forecast`] works a run's spells out into a sorted list of
//! [`Change`]s. Both are pure, and the same seed gives the same list. Whoever drives a run applies the changes:
//! [`Link`] is the way to the store, [`SimulatedDisk`] the disk, [`power`] says what a power cut leaves.

pub mod change;
pub mod disk;
pub mod forecast;
pub mod library;
pub mod link;
pub mod power;
mod random;
mod reading;
pub mod scenario;
pub mod sites;
pub mod spell;
mod sweep;
mod written;

pub use change::{Change, Step, What};
pub use disk::SimulatedDisk;
pub use forecast::Forecast;
pub use link::{Down, Link, Shape, Traffic};
pub use power::BootClock;
pub use reading::{Fault, Faults};
pub use scenario::{Scenario, ScenarioError};
pub use sites::Sites;
pub use spell::{Fuzz, Kind, Lasts, Repeat, Spell};
