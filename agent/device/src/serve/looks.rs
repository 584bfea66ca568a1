//! The counters of the look at images.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use weir_journey::infer::{Outcome, Trouble};

use super::Status;

type Labels<const N: usize> = [(&'static str, String); N];

/// What is counted of the look at images, and the gauges that a scrape fills in.
#[derive(Debug)]
pub(super) struct LookVitals {
    looked: Family<Labels<1>, Counter>,
    failed: Family<Labels<2>, Counter>,
    took: Histogram,
    due: Family<Labels<1>, Gauge>,
    off: Family<Labels<1>, Gauge>,
}

impl Default for LookVitals {
    fn default() -> Self {
        Self {
            looked: Family::default(),
            failed: Family::default(),
            // 50 ms to about 100 s in steps of 2.
            took: Histogram::new(exponential_buckets(0.05, 2.0, 12)),
            due: Family::default(),
            off: Family::default(),
        }
    }
}

impl LookVitals {
    pub(super) fn describe(&self, registry: &mut Registry) {
        registry.register(
            "infer_images",
            "Images that were looked at, by site",
            self.looked.clone(),
        );
        registry.register(
            "infer_failures",
            "Looks at images that failed, by site and whose fault it was: picture, model, device, or died where the \
             process that looks ended",
            self.failed.clone(),
        );
        registry.register_with_unit(
            "infer",
            "What a look at an image took",
            Unit::Seconds,
            self.took.clone(),
        );
        registry.register(
            "infer_due",
            "Images that are to be looked at, by site",
            self.due.clone(),
        );
        registry.register(
            "infer_off",
            "1 while a site's images are not looked at because that failed again and again",
            self.off.clone(),
        );
    }

    pub(super) fn looked(&self, name: &str, took: Duration) {
        self.looked.get_or_create(&site(name)).inc();
        self.took.observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self, name: &str, outcome: Outcome) {
        let trouble = match outcome {
            Outcome::Done => return,
            Outcome::Failed(Trouble::Picture) => "picture",
            Outcome::Failed(Trouble::Model) => "model",
            Outcome::Failed(Trouble::Device) => "device",
            Outcome::Died => "died",
        };
        let labels = [("site", name.to_owned()), ("trouble", trouble.to_owned())];
        self.failed.get_or_create(&labels).inc();
    }

    pub(super) fn fill(&self, status: &Status) {
        self.due.clear();
        self.off.clear();
        let Some(infer) = &status.infer else { return };
        for (name, count) in &infer.due {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.due.get_or_create(&site(name)).set(count);
        }
        for name in infer.off.keys() {
            self.off.get_or_create(&site(name)).set(1);
        }
    }
}

fn site(name: &str) -> Labels<1> {
    [("site", name.to_owned())]
}
