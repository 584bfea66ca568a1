//! The verdict: what the agents' queues and the store's buckets say, against what the cameras wrote.
//!
//! It shares no code with the agent's decisions: what a key must be is worked out anew, and the store is read itself
//! where it is the embedded one.

mod judge;
mod queue;

pub use judge::{Findings, Judged, Object, judge};
pub use queue::{Row, accepted, rows};
