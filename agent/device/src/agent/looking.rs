//! What has to do with looking at images, put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Agent;
use crate::config::{Config, Endpoint, Site};
use crate::infer::{self, Looker, Plan, Sensors, Wish};
use crate::queue::{Queue, QueueError, SiteId, View, products_name};
use crate::serve::{InferStatus, OffStatus};
use crate::upload::Destination;

impl Agent {
    /// Who looks at images; `None` where no site wants that, or nobody can.
    pub(super) fn looker(&self) -> Option<Looker> {
        let seer = Arc::clone(self.world.seer.as_ref()?);
        let infer = &self.config.infer;
        let sites = self.destinations.iter().zip(&self.config.sites);
        let plans: Vec<_> = sites
            .filter_map(|(destination, site)| Plan::of(site, infer, destination))
            .collect();
        if plans.is_empty() {
            return None;
        }
        let means = infer::Means {
            queue: self.queue.clone(),
            clock: self.world.clock.clone(),
            seer,
            sensors: Sensors::default(),
            standing: Arc::clone(&self.looks),
            disks: Arc::clone(&self.disks),
            vitals: Arc::clone(&self.vitals),
            complaints: Arc::clone(&self.complaints),
            wake: Arc::clone(&self.look),
            uploader: Arc::clone(&self.wake),
        };
        let settings = infer::Settings {
            state: self.config.state.directory.clone(),
            linger: infer.linger,
            pause_above: infer.pause_above,
            endpoint: endpoint(&self.config),
        };
        Some(Looker::new(means, settings, plans))
    }

    /// Everything that goes up: images, then what is made of them.
    pub(super) fn carried(&self) -> Vec<Destination> {
        let products = self.products.iter().map(|(_, site)| site);
        self.destinations.iter().chain(products).cloned().collect()
    }

    /// What a site wants of the images that it accepts; `None` where nobody would look at them.
    pub(super) fn wish(&self, site: &Site) -> Option<Wish> {
        self.world.seer.as_ref()?;
        Wish::of(site, self.config.infer.wait, &self.looks)
    }
}

/// Where the products of sites go, with the number of each site: of those whose images are looked at, and of those that
/// have products in the queue because they once were.
///
/// # Errors
/// When the queue cannot be read or written.
pub(super) async fn products(
    queue: &Queue,
    sites: &[Site],
    destinations: &[Destination],
) -> Result<Vec<(usize, Destination)>, QueueError> {
    let known: BTreeSet<_> = queue
        .view()
        .sites()
        .await?
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    let mut products = Vec::new();
    for (number, (site, of)) in sites.iter().zip(destinations).enumerate() {
        let Ok(name) = products_name(&site.name) else {
            continue;
        };
        if site.look.is_some() || known.contains(name.as_str()) {
            let id = queue.products_site(site.name.clone()).await?;
            products.push((number, Destination::of_products(id, name, of)));
        }
    }
    Ok(products)
}

/// The store's address, as results tell it.
pub(crate) fn endpoint(config: &Config) -> Option<String> {
    let endpoint = config.store.endpoint.as_ref();
    endpoint.map(Endpoint::as_str).map(str::to_owned)
}

/// How the looks stand of those sites at which somebody looks; `None` where there is no such site.
pub(super) async fn told(
    view: &View,
    looks: &infer::Standing,
    sites: &[Destination],
) -> Result<Option<InferStatus>, QueueError> {
    let waiting = view.infer_waiting().await?;
    let off = looks.off();
    let hot_c = looks.hot();
    if waiting.is_empty() && off.is_empty() && hot_c.is_none() {
        return Ok(None);
    }
    let name = |id: &SiteId| {
        let site = sites.iter().find(|site| site.id == *id);
        site.map(|site| site.name.to_string())
    };
    let due: BTreeMap<_, _> = waiting
        .iter()
        .filter_map(|(id, count)| Some((name(id)?, *count)))
        .collect();
    let off = off.into_iter().filter_map(|(id, troubled)| {
        let told = OffStatus {
            because: troubled.because,
            until: troubled.until,
        };
        Some((name(&id)?, told))
    });
    Ok(Some(InferStatus {
        due,
        off: off.collect(),
        hot_c,
    }))
}
