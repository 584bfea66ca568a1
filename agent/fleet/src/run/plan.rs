//! What a run does, worked out from a scenario and the command line.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::report::{ClockKind, Shard};
use crate::weather::Spell;
use crate::{camera, pipeline};

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
    /// The scenario's name.
    pub scenario: String,
    /// What the scenario says of itself.
    pub about: String,
    /// Sites of the whole fleet.
    pub sites: u32,
    /// The part that runs here, where it is a part.
    pub shard: Option<Shard>,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// How long the cameras take pictures.
    pub length: Duration,
    /// How long after that what is owed may take to be uploaded.
    pub drain: Duration,
    /// Where all randomness comes from.
    pub seed: u64,
    /// How time passes.
    pub time: ClockKind,
    /// What the cameras do.
    pub camera: camera::Settings,
    /// What befalls the sites.
    pub weather: Vec<Spell>,
    /// The pipeline behind the buckets.
    pub pipeline: pipeline::Settings,
    /// Settings of every agent.
    pub device: toml::Table,
    /// The store.
    pub target: Target,
    /// Where the sites' folders are made.
    pub work: PathBuf,
    /// A fresh image must be stored so soon after the last fault; `None` where a scenario holds images back.
    pub fresh_within: Option<Duration>,
}

impl Plan {
    /// The numbers of the sites that run here.
    pub fn numbers(&self) -> RangeInclusive<u32> {
        let Some(Shard { index, of }) = self.shard else {
            return 1..=self.sites;
        };
        let bound = |part: u32| u64::from(self.sites) * u64::from(part) / u64::from(of);
        let at = |part| u32::try_from(bound(part)).unwrap_or(u32::MAX);
        at(index - 1) + 1..=at(index)
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
        fn shards_share_the_sites_without_gap_or_overlap(sites in 0u32..5_000, of in 1u32..50) {
            let mut plan = crate::run::tests::plan(sites);
            let mut next = 1;
            for index in 1..=of {
                plan.shard = Some(Shard { index, of });
                let numbers = plan.numbers();
                prop_assert_eq!(*numbers.start(), next);
                next = numbers.end() + 1;
            }
            prop_assert_eq!(next, sites + 1);
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
