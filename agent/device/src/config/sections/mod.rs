//! The sections of the configuration: of each the typed result and how it is read.

mod block;
pub(super) mod daemon;
pub(super) mod gate;
pub(super) mod infer;
pub(super) mod look;
pub(super) mod pipeline;
pub(super) mod retain;
pub(super) mod settle;
pub(super) mod site;
pub(super) mod state;
pub(super) mod store;
pub(super) mod upload;
pub(super) mod verify;
pub(super) mod watch;

use std::num::NonZeroU64;
use std::time::Duration;

/// A pair of waits: the first, and the longest it may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ramp {
    /// The first wait.
    pub first: Duration,
    /// The longest wait; not shorter than the first.
    pub max: Duration,
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const DAY: Duration = seconds(86_400);

/// A bound in bytes, whose form excludes 0 already.
fn bound(bytes: Option<u64>) -> Option<NonZeroU64> {
    bytes.and_then(NonZeroU64::new)
}
