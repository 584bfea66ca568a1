//! The gate that a configuration names.

use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;
use weir_journey::gate::slots::Terms;

use super::s3::Settings;
use super::{Gate, Limits, LocalGate, S3Gate};
use crate::agent::store_config;
use crate::clock::Clock;
use crate::config::{Config, Gatekeeper};
use crate::s3::Store;

/// The gate that `config` names, for one agent; nothing is asked of a store yet.
pub fn open(config: &Config, http: SharedHttpClient, clock: Clock) -> Arc<dyn Gate> {
    match (config.pipeline.gate, &config.pipeline.control_bucket) {
        (Gatekeeper::S3, Some(bucket)) => {
            let settings = settings(config, bucket.as_str(), fastrand::u64(..));
            Arc::new(connect(config, settings, http, clock))
        }
        // The configuration has a bucket wherever the slots are shared.
        (Gatekeeper::S3, None) | (Gatekeeper::Local, _) => {
            Arc::new(LocalGate::new(Limits::of(config)).of_agent())
        }
    }
}

/// What a gate over the slots in `bucket` is told; `seed` is another for every start of every agent.
pub fn settings(config: &Config, bucket: &str, seed: u64) -> Settings {
    Settings {
        bucket: bucket.to_owned(),
        terms: Terms {
            slots: u32::try_from(config.pipeline.max_concurrent_sites).unwrap_or(u32::MAX),
            lease: config.pipeline.lease,
            hold: config.pipeline.hold.longest(),
        },
        limits: Limits::of(config),
        seed,
    }
}

/// A gate over slots, by the configured way to the store.
pub fn connect(
    config: &Config,
    settings: Settings,
    http: SharedHttpClient,
    clock: Clock,
) -> S3Gate {
    let mut way = store_config(config);
    way.no_progress = way.no_progress.min(settings.terms.patience());
    // Renewals are small, and must not wait behind images.
    way.bandwidth = None;
    let store = Store::connect(&way, http, clock.clone());
    S3Gate::new(settings, store, clock)
}
