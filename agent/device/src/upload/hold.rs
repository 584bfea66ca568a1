//! Permits kept after their upload: for as long as the pipeline behind the bucket may be at the image.
//!
//! A held image occupies no hand of the uploader. Should the agent end or die, the permit tells its gate until when
//! the place is to be kept; a later start finds in the queue which images were in the pipeline, and holds them on.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use weir_journey::gate::{Hold, next_look};
use weir_journey::upload::Template;

use super::{Destination, Means, Orders, carry};
use crate::config::BucketTemplate;
use crate::gate::{Linger, Permit};
use crate::queue::{Image, QueueError};

/// Where the pipeline leaves its results.
#[derive(Debug, Clone)]
pub struct Results {
    /// The bucket of a site.
    pub bucket: BucketTemplate,
    /// The key of an image; name and stem are those of its object.
    pub key: Template,
}

impl Results {
    /// Bucket and key of an image's result; `None` where no bucket can have the name.
    fn of(&self, to: &Destination, image: &Image, object: &str) -> Option<(String, String)> {
        let bucket = self.bucket.bucket_of(&to.name).ok()?;
        let name = object.rsplit('/').next().unwrap_or(object);
        let key = self.key.render(&to.naming(image, name.as_bytes()));
        Some((bucket.as_str().to_owned(), key))
    }
}

/// An image that the store has, or may have, with the permit it came in by.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) permit: Permit,
    /// Since when the pipeline can be at it.
    since: Instant,
    until: Instant,
    result: Option<(String, String)>,
    /// Its bucket and key, where it is not certain that it arrived.
    unsure: Option<(String, String)>,
}

impl Stay {
    /// The stay of an image under `place` (bucket and key) that may last until `left` from now.
    pub(super) fn new(
        orders: &Staying,
        (to, image): (&Destination, &Image),
        place: (String, String),
        unsure: bool,
        (permit, left): (Permit, Duration),
    ) -> Self {
        let now = Instant::now();
        let mut stay = Self {
            permit,
            since: now,
            until: now + left,
            result: match orders.hold {
                Hold::Result { .. } => orders.results.of(to, image, &place.1),
                Hold::Upload | Hold::For(_) => None,
            },
            unsure: unsure.then_some(place),
        };
        stay.permit.linger(Linger::Until(stay.until));
        stay
    }
}

/// How long images are held, and by what they are let go.
#[derive(Debug, Clone)]
pub(super) struct Staying {
    pub(super) hold: Hold,
    pub(super) results: Results,
}

impl Staying {
    pub(super) fn of(orders: &Orders) -> Self {
        Self {
            hold: orders.hold,
            results: orders.results.clone(),
        }
    }
}

/// After so long an object whose upload was cut off is there, or never will be.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// The images that are held.
#[derive(Debug)]
pub(super) struct Holds {
    means: Arc<Means>,
    tasks: JoinSet<()>,
}

impl Holds {
    pub(super) fn new(means: Means) -> Self {
        Self {
            means: Arc::new(means),
            tasks: JoinSet::new(),
        }
    }

    /// Holds an image on; gives its place back when its stay is over.
    pub(super) fn begin(&mut self, mut stay: Stay) {
        while self.tasks.try_join_next().is_some() {}
        stay.permit.stored();
        let means = Arc::clone(&self.means);
        self.tasks.spawn(async move {
            wait_out(&means, &mut stay).await;
            stay.permit.linger(Linger::No);
        });
    }

    /// Takes up what the agent before this one left in the pipeline: what was verified less than a hold ago, and what
    /// was on its way when it died.
    pub(super) async fn take_up(
        &mut self,
        orders: &Orders,
        sites: &[Destination],
    ) -> Result<(), QueueError> {
        let hold = orders.hold;
        if hold.longest().is_zero() {
            return Ok(());
        }
        let staying = Staying::of(orders);
        let now_ms = self.means.clock.now_ms();
        let since_ms = now_ms.saturating_sub(super::millis(hold.longest()));
        let most = u32::try_from(orders.most).unwrap_or(u32::MAX);
        let (queue, gate) = (self.means.queue.clone(), Arc::clone(&self.means.gate));
        let interrupted = queue.view().images(queue.interrupted().to_vec()).await?;
        for site in sites.iter().filter(|site| !site.takes_products()) {
            let verified = queue.view().verified_since(site.id, since_ms, most);
            let of_site = interrupted
                .iter()
                .filter(|image| image.site_name == site.name);
            for image in verified.await?.iter().chain(of_site) {
                let left = image
                    .verified_ms
                    .map_or(hold.longest(), |at_ms| hold.left(at_ms, now_ms));
                let place = carry::place(site, image);
                let unsure = image.verified_ms.is_none();
                let permit = (gate.readmit(&site.name), left);
                self.begin(Stay::new(&staying, (site, image), place, unsure, permit));
            }
        }
        Ok(())
    }
}

/// Returns when the pipeline is done with an image, or the stay is over.
async fn wait_out(means: &Means, stay: &mut Stay) {
    let Some(result) = stay.result.clone() else {
        return sleep_until(stay.until).await;
    };
    loop {
        let now = Instant::now();
        let next = now + next_look(now.duration_since(stay.since));
        sleep_until(next.min(stay.until)).await;
        if Instant::now() >= stay.until {
            return;
        }
        let over = timeout_at(stay.until, is_over(means, stay, &result));
        if over.await.unwrap_or(true) {
            return;
        }
    }
}

/// Whether the result is there, or the image is not.
async fn is_over(means: &Means, stay: &mut Stay, result: &(String, String)) -> bool {
    if stay.since.elapsed() >= ARRIVES_WITHIN
        && let Some((bucket, key)) = &stay.unsure
    {
        match means.store.look(bucket, key).await {
            Ok(None) => return true,
            Ok(Some(_)) => stay.unsure = None,
            Err(_) => {}
        }
    }
    match means.store.look(&result.0, &result.1).await {
        Ok(found) => found.is_some(),
        Err(error) => {
            let now = means.clock.monotonic();
            let what = format!("cannot look for the pipeline's result: {error}");
            means.complaints.warn("result", now, &what);
            false
        }
    }
}
