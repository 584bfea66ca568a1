//! The simulated fleet: hundreds of camera sites, each the real agent ([`weir::run`] in another
//! [`World`](weir::World)), the pipeline that their uploads set off, and the verdict on what became of every image.
//!
//! ```text
//! plan ─► camera ─► site (the agent) ─► store ─► pipeline
//!           └─── weather: what befalls them ──┘       │
//!                         oracle ◄─ record ◄──────────┘ ─► report
//! ```

pub mod camera;
pub mod cli;
pub mod course;
pub mod oracle;
pub mod pipeline;
pub mod record;
pub mod report;
pub mod run;
pub mod site;
pub mod units;
pub mod weather;
