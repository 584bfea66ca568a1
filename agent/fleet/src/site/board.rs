//! The board of a site: its clocks, boot by boot.

use chrono::{DateTime, TimeDelta, Utc};
use weir::clock::{BootId, Clock, Simulation};

use crate::course::Course;

/// The clocks of a board.
#[derive(Debug)]
pub struct Board {
    site: u32,
    course: Course,
    simulation: Simulation,
    clock: Clock,
    /// Every boot with the true moment at which its time began.
    boots: Vec<(BootId, DateTime<Utc>)>,
}

impl Board {
    /// A board that was switched on a minute ago, with a clock that is right.
    pub fn on(site: u32, course: Course) -> Self {
        let (simulation, clock) = power_on(site, 0, course.wall());
        let mut board = Self {
            site,
            course,
            simulation,
            clock,
            boots: Vec::new(),
        };
        board.note_boot();
        board
    }

    /// Switches it on again, with a wall clock that shows `wall`.
    pub fn boot(&mut self, wall: DateTime<Utc>) {
        (self.simulation, self.clock) = power_on(self.site, self.boots.len(), wall);
        self.note_boot();
    }

    fn note_boot(&mut self) {
        let uptime = TimeDelta::from_std(self.clock.uptime()).unwrap_or_default();
        let began = self.course.wall() - uptime;
        self.boots
            .extend(self.clock.boot().map(|boot| (boot, began)));
    }

    /// The clock, as the agent of this boot has it.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Sets the wall clock.
    pub fn set(&self, wall: DateTime<Utc>) {
        self.simulation.set(&self.clock, wall);
    }

    /// Has the time service say that the clock is right, or is not.
    pub fn synchronise(&self, right: bool) {
        self.simulation.synchronise(Some(right));
    }

    /// Whether the wall clock shows the time, to the second.
    pub fn is_right(&self) -> bool {
        (self.clock.now() - self.course.wall()).abs() < TimeDelta::seconds(1)
    }

    /// The true moment of an uptime of a boot.
    pub fn moment(&self, boot: BootId, uptime_ms: i64) -> Option<DateTime<Utc>> {
        let (_, began) = self.boots.iter().find(|(id, _)| *id == boot)?;
        Some(*began + TimeDelta::milliseconds(uptime_ms))
    }
}

fn power_on(site: u32, boots: usize, wall: DateTime<Utc>) -> (Simulation, Clock) {
    let id = (u128::from(site) << 64) | (boots as u128 + 1);
    let simulation = Simulation::of_boot(id.to_be_bytes(), wall);
    let clock = Clock::steered(simulation.clone());
    (simulation, clock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_true_moment_of_an_uptime_is_found_whatever_the_wall_clock_showed() {
        let course = Course::begin("2026-03-01T00:00:00Z".parse().unwrap());
        let mut board = Board::on(3, course);
        tokio::time::sleep(Duration::from_secs(100)).await;
        board.boot(DateTime::UNIX_EPOCH);
        assert!(!board.is_right());
        tokio::time::sleep(Duration::from_secs(50)).await;
        let clock = board.clock();
        let uptime_ms = i64::try_from(clock.uptime().as_millis()).unwrap();
        let moment = board.moment(clock.boot().unwrap(), uptime_ms);
        assert_eq!(moment, Some(course.at(Duration::from_secs(150))));
        board.set(course.wall());
        assert!(board.is_right());
        assert_eq!(board.moment([0; 16], 5), None);
    }
}
