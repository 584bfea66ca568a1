//! When a site takes pictures: as moments since the start of the run.
//!
//! Promises, for every schedule: the moments of a site rise strictly, lie within the run, are at least
//! a second apart where the schedule itself does not ask for more (names have seconds), and are the same for the same
//! seed. Sites do not drift apart by themselves: as in the field, all cameras shoot on the same mark of the clock.
//!
//! A schedule is written as one line, in scenarios and on the command line alike:
//!
//! ```text
//! every 30m [jitter 20s] [daylight 6-20]
//! bursts 6/d of 5 apart 2s [daylight 6-20]
//! rate 1/s for 180s
//! staircase [5,10,20] [repeat 5] [apart 60s] [pause 10m]
//! trace times.csv
//! ```

mod moments;
mod text;
mod trace;

use std::time::Duration;

use chrono::{DateTime, Utc};
use weir_journey::stamp::Zone;

pub use text::NotASchedule;
pub use trace::{NotATrace, Trace};

/// Steps of the reference experiment, in sites at once (hydrocam/scalability-test).
pub const REFERENCE_STEPS: [u32; 11] = [5, 10, 20, 30, 40, 50, 100, 150, 200, 250, 300];

/// When the sites of a fleet take pictures.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// On every mark of the clock: the whole multiples of `period` since the Unix epoch.
    Every {
        /// From mark to mark; at least a second.
        period: Duration,
        /// Each picture comes later than its mark by less than this; at most the period less a second.
        jitter: Duration,
        /// Only by day.
        daylight: Option<Daylight>,
    },
    /// Several pictures in a row at random moments, as a motion sensor sets them off.
    Bursts {
        /// So many bursts a period, on average, at each site.
        rate: Rate,
        /// Pictures in a burst.
        pictures: u32,
        /// From picture to picture; at least a second.
        apart: Duration,
        /// Only by day.
        daylight: Option<Daylight>,
    },
    /// A constant rate over all sites together; the sites take turns.
    Rate {
        /// Pictures a period, of all sites together.
        rate: Rate,
        /// How long it lasts.
        length: Duration,
    },
    /// In each step, so many sites take a picture at the same moment, several times.
    Staircase {
        /// Sites at once, step by step: those with the smallest numbers.
        steps: Vec<u32>,
        /// Pictures of each site in a step.
        repeat: u32,
        /// From picture to picture within a step; at least a second.
        apart: Duration,
        /// From the last picture of a step to the first of the next.
        pause: Duration,
    },
    /// Moments from a file.
    Trace(Trace),
}

/// So many in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// In which time; not zero.
    pub per: Duration,
}

/// The hours of day, in the site's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daylight {
    /// The hour of sunrise, 0 to 23.
    pub from: u32,
    /// The hour of sunset, `from` + 1 to 24: the first that is dark again.
    pub until: u32,
}

/// The run and the site for which moments are asked.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Number of the site, from 1.
    pub site: u32,
    /// How many sites the fleet has.
    pub sites: u32,
    /// The seed of the run.
    pub seed: u64,
    /// When the run starts.
    pub start: DateTime<Utc>,
    /// How long it is: no moment lies at its end or after.
    pub length: Duration,
    /// The zone of the site, for what happens by day only.
    pub zone: Zone,
}

impl Schedule {
    /// When the site takes pictures, since the start of the run, in rising order.
    ///
    /// # Panics
    /// A trace whose file was not read ([`Trace::read`]).
    pub fn of_site(&self, span: Span) -> Box<dyn Iterator<Item = Duration> + Send> {
        let moments: Box<dyn Iterator<Item = Duration> + Send> = match self {
            Self::Every {
                period,
                jitter,
                daylight,
            } => moments::every(*period, *jitter, *daylight, span),
            Self::Bursts {
                rate,
                pictures,
                apart,
                daylight,
            } => moments::bursts(*rate, *pictures, *apart, *daylight, span),
            Self::Rate { rate, length } => moments::rate(*rate, *length, span),
            Self::Staircase {
                steps,
                repeat,
                apart,
                pause,
            } => moments::staircase(steps, *repeat, *apart, *pause, span),
            Self::Trace(trace) => trace.of_site(span.site),
        };
        Box::new(moments.take_while(move |at| *at < span.length))
    }

    /// How long the schedule lasts by itself; `None` where it goes on for ever, or its trace was not read yet.
    pub fn length(&self) -> Option<Duration> {
        match self {
            Self::Every { .. } | Self::Bursts { .. } => None,
            Self::Rate { length, .. } => Some(*length),
            Self::Staircase {
                steps,
                repeat,
                apart,
                pause,
            } => {
                let step = *apart * repeat.saturating_sub(1) + *pause;
                Some(step * steps.len() as u32)
            }
            Self::Trace(trace) => trace.length(),
        }
    }
}

impl Daylight {
    /// Whether it is day in the zone.
    pub(super) fn has(self, zone: Zone, at: DateTime<Utc>) -> bool {
        use chrono::Timelike as _;
        (self.from..self.until).contains(&zone.at(at).hour())
    }
}

impl Default for Schedule {
    /// Every 30 minutes, as most sites in the field do.
    fn default() -> Self {
        Self::Every {
            period: Duration::from_secs(30 * 60),
            jitter: Duration::ZERO,
            daylight: None,
        }
    }
}

#[cfg(test)]
mod tests;
