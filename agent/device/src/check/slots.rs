//! Whether the control bucket does what devices need that share their number of sites through it.

use aws_sdk_s3::config::SharedHttpClient;

use super::finding::{Check, Finding};
use super::{Inquiry, PATIENCE};
use crate::clock::Clock;
use crate::config::{Config, Gatekeeper};
use crate::gate::{self, ProbeError};

/// Tries the control bucket, where the configuration has one; `reached` says why it is not worth asking.
pub(super) async fn check(
    config: &Config,
    http: SharedHttpClient,
    clock: Clock,
    inquiry: &Inquiry,
    reached: Result<(), &'static str>,
) -> Vec<Finding> {
    let bucket = match (config.pipeline.gate, &config.pipeline.control_bucket) {
        (Gatekeeper::S3, Some(bucket)) => bucket.as_str(),
        _ => return Vec::new(),
    };
    let check = Check::begin("pipeline.slots", format!("s3://{bucket}"));
    if let Err(why) = reached {
        return vec![check.skipped(why)];
    }
    if !inquiry.write {
        return vec![check.skipped("not tested (--no-write)")];
    }
    let settings = gate::settings(config, bucket, fastrand::u64(..));
    let gate = gate::connect(config, settings, http, clock);
    let proven = tokio::time::timeout(PATIENCE, gate.prove()).await;
    vec![match proven {
        Ok(Ok(())) => check.ok("conditional writes work, tried with races: devices can share slots"),
        Ok(Err(ProbeError::Unfit { why, .. })) => check.fail(
            why,
            "use a store with conditional writes for pipeline.control_bucket, or pipeline.gate = \"local\"",
        ),
        Ok(Err(unknown @ ProbeError::Unknown(_))) => check.fail(
            unknown,
            "see \"Devices that share the number\" in the manual (docs/operations.md) for what it needs",
        ),
        Err(_) => check.fail("it does not answer in time", "see the findings about the link"),
    }]
}
