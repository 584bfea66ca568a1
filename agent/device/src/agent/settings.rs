//! What the parts of the agent are told, out of the configuration.

use weir_journey::upload::Schedule;

use crate::config::{Config, Ramp};
use crate::s3::StoreConfig;
use crate::upload::{Orders, Results};
use crate::watch::{Root, RootId};

/// The camera folders of all sites, numbered in the order of the configuration.
pub(super) fn roots_of(config: &Config) -> Vec<Root> {
    let depth = usize::try_from(config.watch.depth).unwrap_or(usize::MAX);
    config
        .sites
        .iter()
        .flat_map(|site| &site.directories)
        .enumerate()
        .map(|(id, directory)| Root {
            id: RootId(id),
            directory: directory.clone(),
            max_depth: depth,
        })
        .collect()
}

/// How a configuration's store is reached.
pub(crate) fn store_config(config: &Config) -> StoreConfig {
    let store = &config.store;
    StoreConfig {
        endpoint: store
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.as_str().to_owned()),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: store.credentials.clone(),
        conditional_writes: store.conditional_writes,
        prove_with: config.verify.with,
        connect_timeout: config.upload.connect_timeout,
        no_progress: config.upload.timeout,
        multipart_above: config.upload.multipart_above,
        part_size: config.upload.part_size,
        bandwidth: config.gate.bandwidth,
    }
}

/// What the uploader is told.
pub(crate) fn orders(config: &Config) -> Orders {
    Orders {
        order: config.gate.order,
        most: config.gate.max_in_flight,
        windows: config.gate.windows.clone(),
        daily_budget: config.gate.daily_budget.map(std::num::NonZeroU64::get),
        pipeline: config.pipeline.paced(),
        hold: config.pipeline.hold,
        results: Results {
            bucket: config.pipeline.result_bucket.clone(),
            key: config.pipeline.result_key.template().clone(),
        },
        tolerance: config.gate.breaker_failures,
        probes: schedule(config.gate.probe),
        retries: schedule(config.upload.backoff),
        refusals: schedule(config.upload.park_probe),
        look: config.infer.wait,
    }
}

/// The configuration has checked what a schedule asks for: first above nothing, and no longer than the last.
fn schedule(ramp: Ramp) -> Schedule {
    Schedule::between(ramp.first, ramp.max)
}
