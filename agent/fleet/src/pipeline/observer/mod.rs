//! The judge of the cap on sites: it sees the door of the store and what the pipeline writes, never the gate's counters.
//!
//! An image is in the pipeline from the beginning of its first request until the last of its requests has ended and, if
//! it was stored, its hold is over. A site is in the pipeline while one of its images is. A request that stored nothing
//! holds nothing; one that did holds even when its answer was lost, because the pipeline works on the image all the same.
//!
//! A correct gate is never accused: it holds from a later moment (the answer, the verification) for the same time, so
//! what is judged here lies within what it held. At one moment holds end before anything else happens; the rest counts
//! in the order in which it is told. Pure: time goes in, [`Findings`] come out.

mod excess;
mod peak;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use self::excess::Excess;
pub use self::excess::{Breach, Violation};
use self::peak::Level;

/// What the gate must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sites in the pipeline at once.
    pub sites: u32,
    /// Images of one site in the pipeline at once.
    pub images_per_site: u32,
    /// How long an image stays after it was stored.
    pub hold: Hold,
    /// An excess that is shorter is none: over sockets the store learns later than the gate that a client has left. Zero
    /// in virtual time.
    pub grace: Duration,
}

/// How long an image stays in the pipeline after it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Not at all.
    Upload,
    /// For a time.
    For(Duration),
    /// Until its result was written, and no longer than `limit`.
    Result {
        /// The longest wait.
        limit: Duration,
    },
}

/// What was seen, up to a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The most sites at one moment.
    pub sites_peak: u32,
    /// When that was first so.
    pub sites_peak_at: Duration,
    /// Sites in the pipeline, over all of the time.
    pub sites_mean: f64,
    /// The most images of one site at one moment.
    pub images_per_site_peak: u32,
    /// How often a limit was exceeded.
    pub violations: u64,
    /// The first of them, 100 at most.
    pub first: Vec<Violation>,
}

/// The judge; see the module's documentation.
#[derive(Debug)]
pub struct Observer {
    limits: Limits,
    now: Duration,
    sites: BTreeMap<u32, Images>,
    /// When holds end. What ended otherwise is still in here, and passed over.
    ends: BinaryHeap<Reverse<(Duration, u32, Arc<str>)>>,
    /// Images whose result was written.
    results: BTreeSet<(u32, Arc<str>)>,
    level: Level,
    per_site: Level,
    excess: Excess,
}

/// The images of one site that are in the pipeline, by key.
type Images = BTreeMap<Arc<str>, Presence>;

#[derive(Debug, Default)]
struct Presence {
    /// Requests that run.
    requests: u32,
    held_until: Option<Duration>,
}

impl Presence {
    const fn is_over(&self) -> bool {
        self.requests == 0 && self.held_until.is_none()
    }
}

impl Observer {
    /// A judge who has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            excess: Excess::new(limits.grace),
            limits,
            now: Duration::ZERO,
            sites: BTreeMap::new(),
            ends: BinaryHeap::new(),
            results: BTreeSet::new(),
            level: Level::default(),
            per_site: Level::default(),
        }
    }

    /// A request with an image, or a part of one, began. Times must not fall; one that does is taken for the last.
    pub fn began(&mut self, at: Duration, site: u32, key: &str) {
        self.pass_to(at);
        let images = self.sites.entry(site).or_default();
        images.entry(Arc::from(key)).or_default().requests += 1;
        self.judge(site);
    }

    /// It ended; `stored` if the object came to be by it.
    pub fn ended(&mut self, at: Duration, site: u32, key: &str, stored: bool) {
        self.pass_to(at);
        let until = if stored {
            self.hold_of(site, key)
        } else {
            None
        };
        let Some(images) = self.sites.get_mut(&site) else {
            return;
        };
        let Some(presence) = images.get_mut(key) else {
            return;
        };
        presence.requests = presence.requests.saturating_sub(1);
        if let Some(until) = until {
            presence.held_until = presence.held_until.max(Some(until));
            self.ends.push(Reverse((until, site, Arc::from(key))));
        }
        if presence.is_over() {
            images.remove(key);
        }
        self.judge(site);
    }

    /// The pipeline wrote the result of an image.
    pub fn result(&mut self, at: Duration, site: u32, key: &str) {
        self.pass_to(at);
        if !matches!(self.limits.hold, Hold::Result { .. }) {
            return;
        }
        self.results.insert((site, Arc::from(key)));
        self.release(site, key, None);
    }

    /// The most sites at one moment since the last call, for a row of the samples.
    pub fn take_peak(&mut self, at: Duration) -> u32 {
        self.pass_to(at);
        self.level.take_peak()
    }

    /// Sites in the pipeline at `at`.
    pub fn sites(&mut self, at: Duration) -> u32 {
        self.pass_to(at);
        self.level.now()
    }

    /// What was seen up to `at`; what exceeds a limit then counts.
    pub fn findings(&mut self, at: Duration) -> Findings {
        self.pass_to(at);
        let (violations, first) = self.excess.until(self.now);
        let (sites_peak, sites_peak_at) = self.level.peak();
        Findings {
            sites_peak,
            sites_peak_at,
            sites_mean: self.level.mean(self.now),
            images_per_site_peak: self.per_site.peak().0,
            violations,
            first,
        }
    }

    /// How long an image that is stored now is held.
    fn hold_of(&self, site: u32, key: &str) -> Option<Duration> {
        match self.limits.hold {
            Hold::Upload => None,
            Hold::For(time) => Some(self.now.saturating_add(time)),
            Hold::Result { limit } => {
                let written = self.results.contains(&(site, Arc::from(key)));
                (!written).then(|| self.now.saturating_add(limit))
            }
        }
    }

    /// Ends the holds that end up to `at`.
    fn pass_to(&mut self, at: Duration) {
        let at = at.max(self.now);
        while let Some(Reverse((until, ..))) = self.ends.peek()
            && *until <= at
        {
            let Some(Reverse((until, site, key))) = self.ends.pop() else {
                break;
            };
            self.now = until;
            self.release(site, &key, Some(until));
        }
        self.now = at;
    }

    /// Ends the hold of an image: any, or only the one that lasts `until` then.
    fn release(&mut self, site: u32, key: &str, until: Option<Duration>) {
        let Some(images) = self.sites.get_mut(&site) else {
            return;
        };
        let Some(presence) = images.get_mut(key) else {
            return;
        };
        if until.is_none() || presence.held_until == until {
            presence.held_until = None;
        }
        if presence.is_over() {
            images.remove(key);
        }
        self.judge(site);
    }

    /// Counts again after a change of one site.
    fn judge(&mut self, site: u32) {
        let images = self.sites.get(&site).map_or(0, count);
        if images == 0 {
            self.sites.remove(&site);
        }
        let sites = count(&self.sites);
        self.level.set(self.now, sites);
        self.per_site.set(self.now, images);
        let limits = &self.limits;
        let of_site = Breach::ImagesOf(site);
        self.excess
            .judge(self.now, of_site, images, limits.images_per_site, || {
                vec![site]
            });
        let present = &self.sites;
        self.excess
            .judge(self.now, Breach::Sites, sites, limits.sites, || {
                present.keys().copied().collect()
            });
    }
}

fn count<K, V>(of: &BTreeMap<K, V>) -> u32 {
    u32::try_from(of.len()).unwrap_or(u32::MAX)
}
