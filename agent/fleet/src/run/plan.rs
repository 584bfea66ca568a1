//! What a run does: a scenario, where it runs, and which part of it.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::report::{ClockKind, Shard};
use crate::weather::scenario::{Scenario, Time};

/// The store of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The embedded one.
    Embedded,
    /// Any S3 service, with the credentials of the environment.
    Endpoint(String),
}

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Sites, cameras, weather, pipeline.
    pub scenario: Scenario,
    /// The part of the fleet that runs here, where it is a part.
    pub shard: Option<Shard>,
    /// The store.
    pub target: Target,
    /// Where the sites' folders are made; nothing else is in it.
    pub work: PathBuf,
    /// The command line that makes this run again, for the report.
    pub command: String,
}

impl Plan {
    /// The numbers of the sites that run here.
    pub fn numbers(&self) -> RangeInclusive<u32> {
        let sites = self.scenario.run.sites;
        let Some(Shard { index, of }) = self.shard else {
            return 1..=sites;
        };
        let bound = |part: u32| u64::from(sites) * u64::from(part) / u64::from(of);
        let at = |part| u32::try_from(bound(part)).unwrap_or(u32::MAX);
        at(index - 1) + 1..=at(index)
    }

    /// The most sites that may be in the pipeline at once: of a shard, its share. The shares of all add up to no more
    /// than the whole; each is at least 1.
    pub fn cap(&self) -> u32 {
        let cap = self.scenario.run.max_concurrent_sites;
        self.shard.map_or(cap, |Shard { index, of }| {
            let bound = |part: u32| u64::from(cap) * u64::from(part) / u64::from(of);
            u32::try_from(bound(index) - bound(index - 1))
                .unwrap_or(cap)
                .max(1)
        })
    }

    /// Whose time it takes.
    pub fn time(&self) -> ClockKind {
        match self.scenario.run.clock {
            Time::Virtual => ClockKind::Virtual,
            Time::Real => ClockKind::Real,
        }
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (index, of) = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)))
            .ok_or_else(|| "write it as i/n, such as 2/8".to_owned())?;
        if index == 0 || index > of {
            return Err(format!(
                "there is no shard {index} of {of}: they are numbered from 1"
            ));
        }
        Ok(Self { index, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_share_sites_and_cap_without_gap_or_overlap(sites in 1u32..5_000, cap in 1u32..400, of in 1u32..50) {
            let mut plan = crate::run::tests::plan(sites);
            plan.scenario.run.max_concurrent_sites = cap;
            let (mut next, mut caps) = (1, 0);
            for index in 1..=of {
                plan.shard = Some(Shard { index, of });
                let numbers = plan.numbers();
                prop_assert_eq!(*numbers.start(), next);
                next = numbers.end() + 1;
                caps += plan.cap();
            }
            prop_assert_eq!(next, sites + 1);
            prop_assert!(caps == cap.max(caps.min(of)), "{} shares of {} are {}", of, cap, caps);
        }
    }

    #[test]
    fn a_shard_is_written_as_a_fraction() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, of: 8 }));
        for bad in ["", "2", "0/3", "4/3", "a/b", "1/0"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
