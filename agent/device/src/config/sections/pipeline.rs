//! `[pipeline]`: what the pipeline behind the buckets can carry.

use std::num::NonZeroU32;
use std::time::Duration;

use weir_journey::gate;

use super::{DAY, seconds};
use crate::config::form::{duration, integer};
use crate::config::reader::Reader;

/// What the pipeline behind the buckets can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pipeline {
    /// Images worked on at once; `None` for no bound.
    pub concurrency: Option<NonZeroU32>,
    /// Time for one of them.
    pub per_image: Duration,
    /// Events older than this are dropped; at least twice `per_image`.
    pub max_age: Duration,
}

impl Pipeline {
    /// What is paced by; `None` when nothing is.
    pub fn paced(&self) -> Option<gate::Pipeline> {
        Some(gate::Pipeline {
            concurrency: self.concurrency?,
            per_image: self.per_image,
            max_age: self.max_age,
        })
    }
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Pipeline {
    const PER_IMAGE: &str = "pipeline.seconds_per_image";
    const MAX_AGE: &str = "pipeline.max_event_age";
    let concurrency = reader.get("pipeline.concurrency", integer(1..=100_000).or("unlimited"));
    let per_image = reader.get(
        PER_IMAGE,
        duration(Duration::from_millis(100)..=seconds(3600)),
    );
    let max_age = reader.get(MAX_AGE, duration(seconds(1)..=DAY * 14));
    if max_age < per_image * 2 {
        let suggestion = "an image that waits for one other would be too old already";
        reader.blame(
            &[MAX_AGE, PER_IMAGE],
            format!("{MAX_AGE} is less than twice {PER_IMAGE}"),
            Some(suggestion.to_owned()),
        );
    }
    Pipeline {
        concurrency: concurrency.and_then(NonZeroU32::new),
        per_image,
        max_age,
    }
}
