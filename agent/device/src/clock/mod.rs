//! The one source of time: the wall clock, which may be wrong and may step, a monotonic one, and the time since
//! the boot.
//!
//! Everything that needs "now" takes a [`Clock`]; everything that sleeps does so through tokio, so that a
//! simulation on a paused runtime moves both together. A simulated wall clock is set by its [`Simulation`].

mod simulation;
mod steps;
mod synchronised;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

pub use simulation::Simulation;
pub use steps::Steps;

/// The kernel's id of a boot.
pub type BootId = [u8; 16];

/// A handle to the time, cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
struct Source {
    started: Instant,
    boot: Option<BootId>,
    /// The wall time and what sets it, when it is simulated; the system's clock otherwise.
    simulated: Option<Simulation>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source {
            started: Instant::now(),
            boot: boot_id(),
            simulated: None,
        }))
    }

    /// A clock that shows `start` now and moves with tokio's time, which a simulation pauses.
    pub fn simulated(start: DateTime<Utc>) -> Self {
        Self::steered(Simulation::starting(start))
    }

    /// A clock that shows what `simulation` says, and moves with tokio's time.
    pub fn steered(simulation: Simulation) -> Self {
        Self(Arc::new(Source {
            started: Instant::now(),
            boot: Some(simulation.boot()),
            simulated: Some(simulation),
        }))
    }

    /// The wall clock.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0.simulated {
            None => Utc::now(),
            Some(simulation) => simulation.wall(self.monotonic()),
        }
    }

    /// The wall clock in milliseconds since 1970, as the queue keeps it.
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Time since this clock was made; never goes back.
    pub fn monotonic(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// The boot in which the device runs, where the kernel tells.
    pub fn boot(&self) -> Option<BootId> {
        self.0.boot
    }

    /// Time since the boot, suspended time included; never goes back.
    pub fn uptime(&self) -> Duration {
        match &self.0.simulated {
            Some(simulation) => simulation.uptime(self.monotonic()),
            None => {
                let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                let seconds = u64::try_from(since.tv_sec).unwrap_or(0);
                let nanos = u32::try_from(since.tv_nsec).unwrap_or(0);
                Duration::new(seconds, nanos)
            }
        }
    }

    /// Whether a time service says that the wall clock is right; `None` when nobody can be asked. It may start a
    /// program, and wait some seconds for it.
    pub async fn synchronised(&self) -> Option<bool> {
        match &self.0.simulated {
            Some(simulation) => simulation.synchronised(),
            None => synchronised::ask().await,
        }
    }

    /// The steps of the wall clock, from now on.
    ///
    /// # Errors
    /// When the kernel cannot tell of them.
    pub fn steps(&self) -> std::io::Result<Steps> {
        match &self.0.simulated {
            Some(simulation) => Ok(simulation.steps()),
            None => Steps::of_system(),
        }
    }
}

/// Reads the kernel's id of this boot (`random(4)`): 32 hexadecimal digits with dashes between them.
fn boot_id() -> Option<BootId> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    parse(text.trim())
}

fn parse(text: &str) -> Option<BootId> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|&c| c != '-')
        .map(|c| Some(c.to_digit(16)? as u8))
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_moves_with_the_paused_runtime() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::simulated(start);
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert_eq!(clock.now(), start + chrono::Duration::days(1));
        assert_eq!(clock.monotonic(), Duration::from_secs(86_400));
    }

    #[tokio::test(start_paused = true)]
    async fn setting_a_simulated_clock_is_a_step_and_leaves_the_other_clocks_alone() {
        let simulation = Simulation::starting(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let clock = Clock::steered(simulation.clone());
        let mut steps = clock.steps().unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (uptime, right) = (
            clock.uptime(),
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        );
        simulation.set(&clock, right);
        steps.next().await;
        assert_eq!((clock.now(), clock.uptime()), (right, uptime));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), right + chrono::Duration::seconds(5));
    }

    #[test]
    fn the_kernel_tells_the_boot() {
        let clock = Clock::system();
        assert!(clock.boot().is_some() && clock.uptime() > Duration::ZERO);
        let id = "0a1b2c3d-0405-0607-0809-0a0b0c0d0e0f";
        let bytes = [10, 27, 44, 61, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(parse(id), Some(bytes));
        for bad in [
            "",
            "0a1b",
            "zz1b2c3d-0405-0607-0809-0a0b0c0d0e0f",
            "0a1b2c3d-0405-0607-0809-0a0b0c0d0e0f00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
