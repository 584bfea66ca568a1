//! From the store's door to the judge: what [`Store::watch`](weir_store::Store::watch) tells, as the observer counts it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weir_store::{Edge, Operation, Passage};

use super::observer::Observer;
use crate::site::home::site_of_bucket;

/// Tells the judge of one passage, in a run that started at `start`. Buckets that are no site's count for nothing.
///
/// A part brings no object: after it nothing is held, and the next part begins anew.
pub fn tell(observer: &mut Observer, start: Instant, passage: &Passage) {
    let Some(site) = site_of_bucket(&passage.bucket) else {
        return;
    };
    let at: Duration = passage.at.saturating_duration_since(start);
    match passage.edge {
        Edge::Began => observer.began(at, site, &passage.key),
        Edge::Ended { done, .. } => {
            let stored = done && passage.operation != Operation::UploadPart;
            observer.ended(at, site, &passage.key, stored);
        }
    }
}

/// Tells the judge of all passages, until the store is gone.
pub async fn attend(
    observer: &Mutex<Observer>,
    start: Instant,
    mut passages: tokio::sync::mpsc::UnboundedReceiver<Passage>,
) {
    while let Some(passage) = passages.recv().await {
        let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        tell(&mut observer, start, &passage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::observer::{Hold, Limits};

    #[tokio::test(start_paused = true)]
    async fn only_images_that_came_to_be_are_held() {
        let start = Instant::now();
        let mut observer = Observer::new(Limits {
            sites: 9,
            images_per_site: 9,
            hold: Hold::For(Duration::from_secs(10)),
            grace: Duration::ZERO,
        });
        let mut pass = |operation, bucket: &str, seconds: u64, done| {
            for edge in [Edge::Began, Edge::Ended { status: None, done }] {
                let passage = Passage {
                    number: 1,
                    at: start + Duration::from_secs(seconds),
                    operation,
                    bucket: bucket.to_owned(),
                    key: "k".to_owned(),
                    edge,
                };
                tell(&mut observer, start, &passage);
            }
            let left = observer.sites(Duration::from_secs(seconds));
            (left, observer.take_peak(Duration::from_secs(seconds + 11)))
        };
        let mine = "site3-simulatedbucket";
        assert_eq!(pass(Operation::PutObject, mine, 0, true), (1, 1));
        assert_eq!(pass(Operation::PutObject, mine, 20, false), (0, 1));
        assert_eq!(pass(Operation::UploadPart, mine, 40, true), (0, 1));
        assert_eq!(
            pass(Operation::CompleteMultipartUpload, mine, 60, true),
            (1, 1)
        );
        assert_eq!(
            pass(Operation::PutObject, "site3-segmentedoutput", 80, true),
            (0, 0)
        );
    }
}
