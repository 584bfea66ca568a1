//! `[pipeline]`: what the pipeline behind the buckets can carry.

use std::num::NonZeroU32;
use std::time::Duration;

use weir_journey::gate::Pipeline;

use super::{DAY, seconds};
use crate::config::form::{duration, integer};
use crate::config::reader::Reader;

/// Reads the section; `None` when nothing is to be paced.
pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Option<Pipeline> {
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
    Some(Pipeline {
        concurrency: concurrency.and_then(NonZeroU32::new)?,
        per_image,
        max_age,
    })
}
