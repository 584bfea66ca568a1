//! What the step works with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Seer, Sensors, Standing};
use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::queue::Queue;
use crate::retain;
use crate::serve::Vitals;

/// What the step works with.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    /// The queue.
    pub(crate) queue: Queue,
    /// The time.
    pub(crate) clock: Clock,
    /// Who looks.
    pub(crate) seer: Arc<dyn Seer>,
    /// How hot the board is.
    pub(crate) sensors: Sensors,
    /// Where it is told how things stand.
    pub(crate) standing: Arc<Standing>,
    /// Told how much room the products take, and that they leave when the store has them.
    pub(crate) disks: Arc<retain::Standing>,
    /// What is counted.
    pub(crate) vitals: Arc<Vitals>,
    /// What is said.
    pub(crate) complaints: Arc<Complaints>,
    /// Rung when something was accepted.
    pub(crate) wake: Arc<Notify>,
    /// Rings the uploader.
    pub(crate) uploader: Arc<Notify>,
}

/// What the step is told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The state directory.
    pub(crate) state: PathBuf,
    /// How long whoever looks is kept ready without work.
    pub(crate) linger: Duration,
    /// Temperature from which on nothing is looked at, degrees Celsius.
    pub(crate) pause_above: Option<f64>,
    /// The store's address, for results; `None` for Amazon's.
    pub(crate) endpoint: Option<String>,
}
