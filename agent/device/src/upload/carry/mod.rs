//! One claimed image: find its bytes, bring them to their key, write down what came of it.

mod outcome;

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use weir_journey::stamp::CaptureTime;
use weir_journey::upload::{Cause, Described, Schedule, Scope, Verdict, beside, metadata};

use self::outcome::Outcome;
pub(super) use self::outcome::unplugged;
use super::hold::{Stay, Staying};
use super::pace::Lesson;
use super::parts::Parts;
use super::source::{Found, find, holds};
use super::{Destination, Means, Orders};
use crate::gate::{Linger, Permit, Validity};
use crate::queue::{Dossier, Image, QueueError, Refused, SiteId, content_type};
use crate::s3::{Delivery, Parcel, SendError};

/// Carries images; shared by all that are under way.
#[derive(Debug)]
pub(super) struct Carrier {
    means: Means,
    retries: Schedule,
    refusals: Schedule,
    staying: Staying,
}

/// What came of one image, as far as others are concerned.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) site: SiteId,
    pub(super) lesson: Lesson,
    /// A refusal that reaches further than this image.
    pub(super) refused: Option<Refused>,
    /// Whether its files were there.
    pub(super) away: Away,
    /// Whether the pipeline's books have room taken for it.
    pub(super) paced: bool,
    /// Whether the store may have a new object by it, which the pipeline behind it will work on.
    pub(super) event: bool,
    /// The image as it stays in the pipeline; `None` where the end of its upload ended that.
    pub(super) stay: Option<Stay>,
    /// The queue failed for good while the outcome was written down.
    pub(super) queue_error: Option<QueueError>,
}

/// Whether the place of an image's files is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Away {
    /// It is.
    No,
    /// The camera's folder is away: the site's other images are no use trying.
    Camera,
    /// The card or folder that it was imported from is.
    Card(PathBuf),
}

impl Carrier {
    pub(super) fn new(means: Means, orders: &Orders) -> Self {
        Self {
            means,
            retries: orders.retries,
            refusals: orders.refusals,
            staying: Staying::of(orders),
        }
    }

    /// Carries one image; the permit comes back with it where the pipeline may have got the image, and is given back
    /// else.
    pub(super) async fn carry(
        &self,
        to: Destination,
        dossier: Dossier,
        mut permit: Permit,
    ) -> Carried {
        // No pipeline waits for products.
        let longest = if to.takes_products() {
            Duration::ZERO
        } else {
            self.staying.hold.longest()
        };
        // Should this task end on the way, nobody knows whether the pipeline got the image.
        permit.linger(Linger::For(longest));
        let sent = Arc::new(AtomicU64::new(0));
        let mut place = place(&to, &dossier.image);
        let validity = permit.validity();
        let (mut outcome, lesson, away) = tokio::select! {
            biased;
            () = validity.over() => self.revoked(&dossier.image),
            done = self.attempt(&to, &dossier, &mut place, &sent, &validity) => done,
        };
        if let Outcome::Delay(delayed) = &mut outcome {
            // An attempt that sent none of its bytes (no link, no name server) has left nothing in the store.
            let none_sent = sent.load(Ordering::Relaxed) == 0 && dossier.image.multipart.is_none();
            delayed.unsure &= !none_sent;
        }
        let event = match &outcome {
            Outcome::Delivered(delivery) => !delivery.already_there,
            // An answer may have been lost; another try then finds the object, and gives its room back.
            Outcome::Delay(delayed) => delayed.unsure,
            Outcome::Park(_) | Outcome::Lose(_) | Outcome::Release | Outcome::Unplug(_) => false,
        };
        let stay = if event && !longest.is_zero() {
            let unsure = matches!(outcome, Outcome::Delay(_));
            let about = (&to, &dossier.image);
            Ok(Stay::new(
                &self.staying,
                about,
                place,
                unsure,
                (permit, longest),
            ))
        } else {
            permit.linger(Linger::No);
            Err(permit)
        };
        let refused = match &outcome {
            Outcome::Park(refused) if refused.scope != Scope::Image => Some(refused.clone()),
            _ => None,
        };
        let queue_error = self
            .record(&to, &dossier.image, outcome, sent.load(Ordering::Relaxed))
            .await;
        Carried {
            site: to.id,
            lesson,
            refused,
            away,
            paced: !to.takes_products(),
            event,
            // Without a stay the permit is given back here, after the outcome was written down.
            stay: stay.ok(),
            queue_error: queue_error.err(),
        }
    }

    async fn attempt(
        &self,
        to: &Destination,
        dossier: &Dossier,
        place: &mut (String, String),
        sent: &Arc<AtomicU64>,
        validity: &Validity,
    ) -> (Outcome, Lesson, Away) {
        let looked = {
            let (dossier, folders) = (dossier.clone(), to.directories.clone());
            crate::blocking::spawn(move || find(&dossier, &folders)).await
        };
        let file = match looked {
            Ok(Found::Here(file)) => file,
            // Products lie in a folder of our own: what is not there is nowhere.
            Ok(Found::Gone { .. } | Found::Away | Found::Unplugged(_)) if to.takes_products() => {
                return self.gone(&dossier.image, &[]);
            }
            Ok(Found::Gone { replaced }) => return self.gone(&dossier.image, &replaced),
            Ok(Found::Away) => return (Outcome::Release, Lesson::Untried, Away::Camera),
            Ok(Found::Unplugged(folder)) => {
                let outcome = Outcome::Unplug(unplugged(&folder));
                return (outcome, Lesson::Untried, Away::Card(folder));
            }
            Ok(Found::Unreadable(error)) => {
                return self.unreadable(&dossier.image, &format!("cannot read the file: {error}"));
            }
            Err(error) => return self.unreadable(&dossier.image, &error.to_string()),
        };
        let delivered = self.deliver(to, dossier, place, Arc::clone(&file), sent, validity);
        match delivered.await {
            Ok(delivery) => {
                self.arrived(&dossier.image, &delivery);
                (Outcome::Delivered(delivery), Lesson::Fine, Away::No)
            }
            Err(SendError::Store(failure)) if failure.verdict() == Verdict::Changed => {
                self.garbled(&dossier.image, file, failure.to_string())
                    .await
            }
            Err(error) => self.failed(&dossier.image, error),
        }
    }

    /// The store got other bytes than were accepted: either the file has changed although `stat` shows
    /// nothing (a failing card), or something on the way garbled them.
    async fn garbled(
        &self,
        image: &Image,
        file: Arc<std::fs::File>,
        words: String,
    ) -> (Outcome, Lesson, Away) {
        let sha256 = image.sha256;
        let holds = crate::blocking::spawn(move || holds(&file, sha256)).await;
        match holds.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(false) => self.gone(image, std::slice::from_ref(&image.place.path)),
            Ok(true) => {
                let garbled = Verdict::Retry {
                    cause: Cause::Link,
                    after: None,
                };
                self.judged(image, &garbled, words)
            }
            Err(error) => self.unreadable(image, &error.to_string()),
        }
    }

    /// Delivers to the image's key, or to the one beside it when that is taken by another image, which then stands in
    /// the place.
    async fn deliver(
        &self,
        to: &Destination,
        dossier: &Dossier,
        (bucket, key): &mut (String, String),
        file: Arc<std::fs::File>,
        sent: &Arc<AtomicU64>,
        validity: &Validity,
    ) -> Result<Delivery, SendError> {
        let image = &dossier.image;
        let about = self.describe(to, image).await;
        let parts = Parts::new(self.means.queue.clone(), dossier);
        loop {
            let parcel = Parcel {
                bucket,
                key,
                file: Arc::clone(&file),
                size: image.place.identity.size,
                sha256: image.sha256,
                content_type: content_type(image.format),
                metadata: &about,
                unsure: image.unsure,
                sent: Arc::clone(sent),
                validity: validity.clone(),
                parts: &parts,
            };
            match self.means.store.deliver(&parcel).await {
                Err(SendError::Conflict { found, ours, .. }) if is_own(to, image, key) && !ours => {
                    let next = beside(key, &image.sha256);
                    tracing::info!(
                        "{} keeps both: {key} holds another image ({found}), this one becomes {next}",
                        to.name
                    );
                    let placed = self
                        .means
                        .queue
                        .place(image.id, bucket.clone(), next.clone())
                        .await;
                    placed.map_err(|error| SendError::Log(Box::new(error)))?;
                    *key = next;
                }
                result => return result,
            }
        }
    }

    async fn describe(&self, to: &Destination, image: &Image) -> Vec<(&'static str, String)> {
        let capture = serde_json::from_str::<CaptureTime>(&image.capture).ok();
        let parent = match image.parent {
            // A product without it is as good a product.
            Some(parent) => self.means.queue.view().parent_digest(parent).await,
            None => Ok(None),
        };
        metadata(&Described {
            site: to.told_site(),
            sha256: image.sha256,
            captured: image.dated.then(|| captured(image)),
            capture: capture.as_ref(),
            name: name(image),
            parent: parent.ok().flatten(),
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    fn arrived(&self, image: &Image, delivery: &Delivery) {
        let now_ms = self.means.clock.now_ms();
        let took = now_ms
            .saturating_sub(image.accepted_ms)
            .max(0)
            .unsigned_abs();
        self.means
            .vitals
            .verified(image.site_name.as_str(), Duration::from_millis(took));
        tracing::debug!(
            image = %image.id, sha256 = %image.sha256, again = delivery.already_there, "verified"
        );
    }
}

/// Bucket and key of an image: those of an earlier claim, or those that it gets.
pub(super) fn place(to: &Destination, image: &Image) -> (String, String) {
    image.target.clone().unwrap_or_else(|| to.target(image))
}

/// The capture time of a row, in its own offset.
pub(crate) fn captured(image: &Image) -> DateTime<FixedOffset> {
    let at = DateTime::from_timestamp_millis(image.captured_ms).unwrap_or_default();
    // The table's own check keeps the offset within a day.
    FixedOffset::east_opt(image.offset_s)
        .map_or_else(|| at.fixed_offset(), |offset| at.with_timezone(&offset))
}

/// The file's own name, as the kernel's bytes.
pub(super) fn name(image: &Image) -> &[u8] {
    image.place.path.file_name().unwrap_or_default().as_bytes()
}

/// Whether a key is the one that an image has unless that is taken. A product's stands in its row alone, where the one
/// beside it takes its place.
fn is_own(to: &Destination, image: &Image, key: &str) -> bool {
    if !to.takes_products() {
        return key == to.target(image).1;
    }
    let digits = &image.sha256.to_string()[..8];
    let name = key.rsplit('/').next().unwrap_or(key);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.strip_suffix(digits)
        .is_none_or(|rest| !rest.ends_with('_'))
}
