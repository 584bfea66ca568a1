//! `weir check`: is everything in place that a site needs, found out before anybody leaves it?
//!
//! Promises:
//! - Every check ends, and ends in one finding: well, a warning, a failure, or not asked and why. Whatever is not
//!   well comes with what to do about it.
//! - It may be run beside a working agent: it takes no lock, changes no image and no row, and removes what it wrote.
//! - A bucket gets one small object of a known name (`bucket.rs`), and only unless that was forbidden.
//! - Its time does not grow with the number of sites times their delays: sixteen of them are asked at once.
//!
//! The judgements are functions of values; what asks the system is apart from them, in the same module.

mod bucket;
mod clock;
mod credentials;
mod disk;
mod events;
mod finding;
mod folder;
mod link;
mod models;
mod sites;
mod slots;
mod state;
mod tls;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;
use weir_journey::identity::SiteName;

pub use finding::{Finding, Outcome, Summary};

use crate::agent::store_config;
use crate::clock::Clock;
use crate::config::{Config, Site};
use crate::s3::Store;
use finding::Check;

/// How long an answer is waited for when all that is asked is small.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Whether to ask the network.
    pub online: bool,
    /// Whether to write a small object into the buckets.
    pub write: bool,
    /// This site alone, and what is not a site's.
    pub site: Option<SiteName>,
}

/// Findings that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The site that all of them are about, if they are about one.
    pub site: Option<SiteName>,
    /// In the order in which they were made.
    pub findings: Vec<Finding>,
}

/// Asks everything, in an order that is always the same; calls `emit` with what is found as it is found.
pub async fn run(
    config: &Arc<Config>,
    http: SharedHttpClient,
    clock: Clock,
    inquiry: &Inquiry,
    emit: &mut dyn FnMut(Batch),
) {
    let mut tell = |findings| {
        emit(Batch {
            site: None,
            findings,
        })
    };
    tell(vec![configuration(config)]);
    tell(clock::alone(config, &clock).await);
    tell(state::check(&config.state.directory).await);
    let sites: Vec<_> = config
        .sites
        .iter()
        .filter(|site| inquiry.site.as_ref().is_none_or(|only| *only == site.name))
        .cloned()
        .collect();
    let reached = reach(config, http.clone(), &clock, inquiry, &sites).await;
    tell(reached.findings);
    let worth = reached.store.as_ref().map(|_| ()).map_err(|why| *why);
    let slots = slots::check(config, http, clock, inquiry, worth).await;
    if !slots.is_empty() {
        tell(slots);
    }
    sites::check(config, inquiry.write, sites, reached.store, emit).await;
}

fn configuration(config: &Config) -> Finding {
    let check = Check::begin("configuration", "configuration");
    match config.sites.len() {
        0 => check.fail(
            "no [[site]] is configured: there is nothing to watch",
            "add one (see `weir config init`)",
        ),
        1 => check.ok("1 site"),
        many => check.ok(format!("{many} sites")),
    }
}

/// What the way to the store showed.
struct Reached {
    findings: Vec<Finding>,
    /// The store, or why it is not worth asking for each site.
    store: Result<Store, &'static str>,
}

/// Asks the link, then whether there are keys and the store knows them.
async fn reach(
    config: &Config,
    http: SharedHttpClient,
    clock: &Clock,
    inquiry: &Inquiry,
    sites: &[Site],
) -> Reached {
    if !inquiry.online {
        let names = ["link", "clock.store", "credentials"];
        let findings =
            names.map(|name| Check::begin(name, "network").skipped("not asked (--offline)"));
        let store = Err("not asked (--offline)");
        return Reached {
            findings: findings.into(),
            store,
        };
    }
    let link = link::check(config, clock).await;
    let mut findings = link.findings;
    findings
        .push(Check::begin("clock.store", "clock").judged(clock::against_the_store(link.ahead)));
    let mut settings = store_config(config);
    settings.no_progress = settings.no_progress.min(PATIENCE);
    let keys = credentials::find(config, &settings, &http, clock).await;
    let found = keys.iter().all(|finding| finding.outcome != Outcome::Fail);
    findings.extend(keys);
    let store = Store::connect(&settings, http, clock.clone());
    let store = match sites.first() {
        _ if !link.works => Err("not asked: there is no way to the store"),
        _ if !found => Err("not asked: there are no keys"),
        None => Err("not asked: there is no site"),
        Some(site) => {
            let (known, finding) = credentials::accepted(&store, site.bucket.as_str()).await;
            findings.push(finding);
            known
                .then_some(store)
                .ok_or("not asked: the store does not let us in")
        }
    };
    Reached { findings, store }
}

/// Bytes in the unit of their size.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    UNITS.iter().find(|(_, unit)| bytes >= *unit).map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{:.1} {name}", bytes as f64 / *unit as f64),
    )
}
