//! A wall clock that whoever simulates sets: wrong at boot, then right, as on a board without a battery.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::{BootId, Clock, Steps};

/// What a simulated clock shows; a handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Simulation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    steps: watch::Sender<()>,
    boot: BootId,
    booted: Duration,
}

#[derive(Debug)]
struct State {
    /// The wall time when the monotonic clock showed zero.
    origin: DateTime<Utc>,
    synchronised: Option<bool>,
}

impl Simulation {
    /// A clock that shows `start` when it is made, of a boot a minute ago, of which no service says whether it is
    /// right.
    pub fn starting(start: DateTime<Utc>) -> Self {
        let boot = u128::from(start.timestamp().unsigned_abs()).to_be_bytes();
        Self::of_boot(boot, start)
    }

    /// The same, of the boot with this id.
    pub fn of_boot(boot: BootId, start: DateTime<Utc>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                origin: start,
                synchronised: None,
            }),
            steps: watch::Sender::new(()),
            boot,
            booted: Duration::from_secs(60),
        }))
    }

    /// Sets `clock`, which follows this simulation, to `wall`: a step.
    pub fn set(&self, clock: &Clock, wall: DateTime<Utc>) {
        self.lock().origin = wall - delta(clock.monotonic());
        self.0.steps.send_replace(());
    }

    /// Has the time service say that the clock is right, or is not; `None` has it say nothing.
    pub fn synchronise(&self, answer: Option<bool>) {
        self.lock().synchronised = answer;
    }

    pub(super) fn wall(&self, monotonic: Duration) -> DateTime<Utc> {
        self.lock().origin + delta(monotonic)
    }

    pub(super) fn synchronised(&self) -> Option<bool> {
        self.lock().synchronised
    }

    pub(super) fn boot(&self) -> BootId {
        self.0.boot
    }

    pub(super) fn uptime(&self, monotonic: Duration) -> Duration {
        self.0.booted + monotonic
    }

    pub(super) fn steps(&self) -> Steps {
        Steps::simulated(self.0.steps.subscribe())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
