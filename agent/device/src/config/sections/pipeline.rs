//! `[pipeline]`: what the pipeline behind the buckets can carry, and how many sites it is meant for at once.

use std::num::NonZeroU32;
use std::time::Duration;

use weir_journey::gate::{self, Hold};

use super::site::Site;
use super::store::{BUCKET, KEY};
use super::{DAY, seconds};
use crate::config::form::{duration, integer, text, word};
use crate::config::reader::Reader;
use crate::config::template::{BucketName, BucketTemplate, KeyTemplate};

/// What the pipeline behind the buckets can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Images worked on at once; `None` for no bound.
    pub concurrency: Option<NonZeroU32>,
    /// Time for one of them.
    pub per_image: Duration,
    /// Events older than this are dropped; at least twice `per_image`.
    pub max_age: Duration,
    /// Sites in the pipeline at once, at least 1.
    pub max_concurrent_sites: usize,
    /// What ends a site's stay.
    pub hold: Hold,
    /// Longest wait for a result, whatever `hold` is.
    pub hold_limit: Duration,
    /// Bucket of a site's results.
    pub result_bucket: BucketTemplate,
    /// Keys of results; `{name}` and `{stem}` are of the image's object.
    pub result_key: KeyTemplate,
    /// Who counts the sites.
    pub gate: Gatekeeper,
    /// How long the place of a device that fell silent is kept.
    pub lease: Duration,
    /// Bucket in which devices share the places; set where `gate` is [`Gatekeeper::S3`].
    pub control_bucket: Option<BucketName>,
}

/// Who counts the sites in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gatekeeper {
    /// This process, those that it carries itself.
    Local,
    /// All devices that share a control bucket.
    S3,
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

const GATE: &str = "pipeline.gate";
const CONTROL: &str = "pipeline.control_bucket";
const RESULT_BUCKET: &str = "pipeline.result_bucket";

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
    let sites = reader.get("pipeline.max_concurrent_sites", integer(1..=100_000));
    let (hold, hold_limit) = read_hold(reader);
    let (result_bucket, result_key) = (
        reader.get(RESULT_BUCKET, text::<BucketTemplate>(BUCKET)),
        reader.get("pipeline.result_key", text::<KeyTemplate>(KEY)),
    );
    let (gate, control_bucket) = read_gate(reader);
    Pipeline {
        concurrency: concurrency.and_then(NonZeroU32::new),
        per_image,
        max_age,
        max_concurrent_sites: sites as usize,
        hold,
        hold_limit,
        result_bucket,
        result_key,
        gate,
        control_bucket,
        lease: reader.get("pipeline.lease", duration(seconds(10)..=seconds(3600))),
    }
}

fn read_hold(reader: &mut Reader<'_>) -> (Hold, Duration) {
    let time = || duration(seconds(1)..=DAY);
    let hold = reader.get("pipeline.hold", time().or("upload").or("result"));
    let limit = reader.get("pipeline.hold_limit", time());
    let hold = match hold {
        None => Hold::Result { limit },
        Some(None) => Hold::Upload,
        Some(Some(time)) => Hold::For(time),
    };
    (hold, limit)
}

fn read_gate(reader: &mut Reader<'_>) -> (Gatekeeper, Option<BucketName>) {
    let word = word(&[("local", Gatekeeper::Local), ("s3", Gatekeeper::S3)]);
    let gate = reader.get(GATE, word);
    let name = text::<BucketName>(
        "3 to 63 of a-z, 0-9, \"-\" and \".\", beginning and ending with a letter or digit",
    );
    let bucket = reader.get(CONTROL, name.or(""));
    if gate == Gatekeeper::S3 && bucket.is_none() {
        let suggestion = format!("name the bucket that all devices share in {CONTROL}");
        reader.blame(&[GATE], format!("{CONTROL} is not set"), Some(suggestion));
    }
    (gate, bucket)
}

/// Records sites for whose results there could be no bucket, where results are waited for.
pub(in crate::config) fn compare(reader: &mut Reader<'_>, pipeline: &Pipeline, sites: &[Site]) {
    if !matches!(pipeline.hold, Hold::Result { .. }) {
        return;
    }
    let fault = |site: &Site| pipeline.result_bucket.bucket_of(&site.name).err();
    if let Some(fault) = sites.iter().find_map(fault) {
        reader.blame(&[RESULT_BUCKET], fault.to_string(), None);
    }
}
