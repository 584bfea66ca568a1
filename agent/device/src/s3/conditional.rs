//! Whether a bucket honours `If-None-Match: *`, and what is done until that is known.
//!
//! Two images may want the same key (two cameras, one second), and an answer may be lost after the object was
//! stored. With conditional writes the store itself keeps the first and answers 412. Without them the
//! only protection is to look (HEAD) before every PUT. Stores that lack them ignore the header silently, so it
//! has to be found out, per bucket:
//!
//! - *Unknown*: look first, then PUT with the header. Safe on every store, one round trip dearer.
//! - A 412 to any PUT proves it: *Honoured*. From then on a fresh image is one request.
//! - After an image of at most [`LARGEST_PROBE`] was stored and proven, that very PUT is made once more, with the
//!   header: 412 means Honoured, success means *Ignored*. Nothing new is written in either case: no
//!   probe object that a pipeline behind the bucket would choke on, no right beyond PutObject. On a store that
//!   ignores the header the same bytes are written over themselves, and an event may repeat, once a bucket and run.
//! - A store that answers 501 to the header is *Ignored*, too, and the PUT is made without.
//! - A probe that fails (link, rights) leaves it Unknown; after [`PROBES`] of them no more are made.
//!
//! Known gap: between the look and the PUT of a store that ignores the header another writer can come. Sites do
//! not share buckets in the intended use, so the other writer would have to be a copy of this agent.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::config::Switch;

/// Largest image, in bytes, that is sent twice to find out.
pub(super) const LARGEST_PROBE: u64 = 1024 * 1024;
/// Probes without a result after which a bucket stays unknown for this run.
const PROBES: u8 = 3;

/// What is known of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditional {
    /// Not found out yet.
    Unknown,
    /// The store keeps what is there and says so.
    Honoured,
    /// The store overwrites.
    Ignored,
}

/// What is known of every bucket, and how often it was tried.
#[derive(Debug)]
pub(super) struct Knowledge {
    ordered: Switch,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    known: Conditional,
    /// Probes made so far.
    probes: u8,
    /// One is under way: images that are carried at the same time leave it at that.
    probing: bool,
}

impl Knowledge {
    pub(super) fn new(ordered: Switch) -> Self {
        Self {
            ordered,
            buckets: Mutex::default(),
        }
    }

    pub(super) fn of(&self, bucket: &str) -> Conditional {
        match self.ordered {
            Switch::On => Conditional::Honoured,
            Switch::Off => Conditional::Ignored,
            Switch::Auto => self.with(bucket, |bucket| bucket.known),
        }
    }

    pub(super) fn learn(&self, bucket: &str, found: Conditional) {
        self.with(bucket, |bucket| bucket.known = found);
    }

    /// Whether an image of `len` bytes should be sent again to find out. Then [`Knowledge::probed`] has to follow.
    pub(super) fn should_probe(&self, bucket: &str, len: u64) -> bool {
        self.of(bucket) == Conditional::Unknown
            && len <= LARGEST_PROBE
            && self.with(bucket, |bucket| {
                let allowed = !bucket.probing && bucket.probes < PROBES;
                if allowed {
                    bucket.probing = true;
                    bucket.probes += 1;
                }
                allowed
            })
    }

    /// A probe is over, with this result, if any.
    pub(super) fn probed(&self, bucket: &str, found: Option<Conditional>) {
        self.with(bucket, |bucket| {
            bucket.probing = false;
            bucket.known = found.unwrap_or(bucket.known);
        });
    }

    fn with<T>(&self, bucket: &str, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        change(buckets.entry(bucket.to_owned()).or_insert(Bucket {
            known: Conditional::Unknown,
            probes: 0,
            probing: false,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_probed_a_few_times_and_never_once_it_is_known() {
        let knowledge = Knowledge::new(Switch::Auto);
        assert!(!knowledge.should_probe("a", LARGEST_PROBE + 1));
        let probes = (0..10).filter(|_| {
            let probing = knowledge.should_probe("a", 1);
            assert!(!knowledge.should_probe("a", 1), "two probes at once");
            if probing {
                knowledge.probed("a", None);
            }
            probing
        });
        assert_eq!(probes.count(), usize::from(PROBES));
        knowledge.learn("b", Conditional::Honoured);
        assert!(!knowledge.should_probe("b", 1));
        assert_eq!(knowledge.of("b"), Conditional::Honoured);
        assert_eq!(knowledge.of("a"), Conditional::Unknown);
    }

    #[test]
    fn what_the_operator_ordered_needs_no_probe() {
        for (ordered, known) in [
            (Switch::On, Conditional::Honoured),
            (Switch::Off, Conditional::Ignored),
        ] {
            let knowledge = Knowledge::new(ordered);
            assert_eq!(knowledge.of("a"), known);
            assert!(!knowledge.should_probe("a", 1));
        }
    }
}
