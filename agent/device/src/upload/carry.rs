//! One claimed image: find its bytes, bring them to their key, write down what came of it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use weir_journey::stamp::CaptureTime;
use weir_journey::upload::{Cause, Described, Schedule, Scope, Verdict, beside, metadata};

use super::hold::{Stay, Staying};
use super::pace::Lesson;
use super::parts::Parts;
use super::source::{Found, find, holds};
use super::{Destination, Means, Orders, day_of, millis};
use crate::gate::{Linger, Permit, Validity};
use crate::queue::{
    Class, Delayed, Dossier, Image, QueueError, Refused, SiteId, Stored, Unplugged, content_type,
};
use crate::s3::{Delivery, Parcel, SendError, SourceFault};

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

/// What is to be written down of one image.
enum Outcome {
    Delivered(Delivery),
    Delay(Delayed),
    Park(Refused),
    Lose(String),
    Release,
    Unplug(Unplugged),
}

/// After a link failure an image waits no longer than this: the breaker paces the link, and the wait only lets
/// others go first.
const LONGEST_LINK_WAIT: Duration = Duration::from_secs(60);
/// Where nothing lengthens the wait from attempt to attempt, it is at least this long: no busy loop.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// An image that the store took and cannot show so often is parked: sending it again does not mend that.
const UNPROVEN: u32 = 8;
/// How long to wait before the queue is tried again when its disk is full.
const RECORD_PAUSE: Duration = Duration::from_secs(5);

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

    fn gone(&self, image: &Image, replaced: &[std::path::PathBuf]) -> (Outcome, Lesson, Away) {
        replaced
            .iter()
            .for_each(|path| (self.means.look_again.0)(path));
        let path = image.place.path.display();
        let why = if replaced.is_empty() {
            format!("{path} is gone and was not uploaded yet")
        } else {
            format!("{path} was replaced before it was uploaded; what is there now is a new image")
        };
        self.complain("missing", &format!("{}: {why}", image.site_name));
        self.means.vitals.failed("missing");
        (Outcome::Lose(why), Lesson::Untried, Away::No)
    }

    /// The permit is valid no longer: the upload is broken off, which is nobody's failure.
    fn revoked(&self, image: &Image) -> (Outcome, Lesson, Away) {
        let why = "broken off: the slot of its site could not be renewed in time".to_owned();
        self.complain("revoked", &format!("{}: {why}", image.site_name));
        self.means.vitals.failed("revoked");
        let outcome = self.delay(SHORTEST_WAIT, false, true, why);
        (outcome, Lesson::Untried, Away::No)
    }

    fn unreadable(&self, image: &Image, why: &str) -> (Outcome, Lesson, Away) {
        let sentence = format!("{}: {}: {why}", image.site_name, image.place.path.display());
        self.complain("unreadable", &sentence);
        self.means.vitals.failed("unreadable");
        (
            self.delay(self.wait(image), true, false, why.to_owned()),
            Lesson::Untried,
            Away::No,
        )
    }

    fn failed(&self, image: &Image, error: SendError) -> (Outcome, Lesson, Away) {
        let words = error.to_string();
        let (outcome, lesson) = match error {
            SendError::Store(failure) => return self.judged(image, &failure.verdict(), words),
            SendError::Source(SourceFault::Changed(_)) => {
                let path = image.place.path.clone();
                return self.gone(image, &[path]);
            }
            SendError::Source(SourceFault::Unreadable(_)) => return self.unreadable(image, &words),
            SendError::Unproven { .. } | SendError::Conflict { .. }
                if image.attempts >= UNPROVEN =>
            {
                let fix = "look at the object, remove it if it is wrong, then `weir queue retry`";
                (
                    self.park(Scope::Image, words.clone(), fix),
                    Lesson::Answered,
                )
            }
            SendError::Unproven { .. } | SendError::Conflict { .. } => (
                self.delay(self.wait(image), true, true, words.clone()),
                Lesson::Answered,
            ),
            SendError::Log(_) => (
                self.delay(RECORD_PAUSE, false, true, words.clone()),
                Lesson::Untried,
            ),
        };
        self.means.vitals.failed("unproven");
        self.complain("unproven", &words);
        (outcome, lesson, Away::No)
    }

    fn judged(&self, image: &Image, verdict: &Verdict, words: String) -> (Outcome, Lesson, Away) {
        let (outcome, lesson) = match *verdict {
            Verdict::Retry { cause, after } => {
                self.means.vitals.failed(label(cause));
                self.complain(label(cause), &words);
                let wait = match cause {
                    Cause::Link => self.wait(image).min(LONGEST_LINK_WAIT),
                    Cause::Busy | Cause::Race => after
                        .unwrap_or_else(|| self.retries.delay(2, fastrand::f64()))
                        .max(SHORTEST_WAIT),
                    Cause::Server => after.unwrap_or_else(|| self.wait(image)),
                    // The next request is signed with the right time, and need not wait for more than that.
                    Cause::Clock => SHORTEST_WAIT,
                };
                let lesson = Lesson::Failed(cause, wait, words.clone());
                (self.delay(wait, cause.counts(), true, words), lesson)
            }
            Verdict::Park { scope, fix } => {
                self.means.vitals.failed("refused");
                if scope == Scope::Image {
                    self.complain("refused", &format!("{}: {words}; {fix}", image.site_name));
                }
                (self.park(scope, words, fix), Lesson::Answered)
            }
            // Whoever held the key a moment ago does no longer; a changed file was dealt with before.
            Verdict::Exists | Verdict::Changed => (
                self.delay(self.wait(image), true, true, words),
                Lesson::Answered,
            ),
        };
        (outcome, lesson, Away::No)
    }

    fn wait(&self, image: &Image) -> Duration {
        self.retries
            .delay(image.attempts.saturating_add(1), fastrand::f64())
    }

    fn delay(&self, wait: Duration, counts: bool, unsure: bool, failure: String) -> Outcome {
        let until_ms = self.means.clock.now_ms().saturating_add(millis(wait));
        Outcome::Delay(Delayed {
            until_ms,
            counts,
            unsure,
            failure,
        })
    }

    fn park(&self, scope: Scope, failure: String, fix: &str) -> Outcome {
        // Half to the whole of the wait: a refusal is asked about rarely, and not by all devices at once.
        let wait = self.refusals.cap().mul_f64(0.5 + fastrand::f64() / 2.0);
        let next_probe_ms = self.means.clock.now_ms().saturating_add(millis(wait));
        Outcome::Park(Refused {
            scope,
            next_probe_ms,
            failure,
            fix: fix.to_owned(),
        })
    }

    fn complain(&self, about: &str, sentence: &str) {
        self.means
            .complaints
            .warn(about, self.means.clock.monotonic(), &sentence);
    }

    /// Writes the outcome down. While the disk is full it goes on trying: the row says that the image is on its
    /// way, and nobody else would take it up.
    async fn record(
        &self,
        to: &Destination,
        image: &Image,
        outcome: Outcome,
        sent: u64,
    ) -> Result<(), QueueError> {
        let day = day_of(to.zone.at(self.means.clock.now()).naive_local());
        self.means.vitals.sent(sent);
        loop {
            let spent = async {
                if sent > 0 {
                    self.means.queue.spend(to.account(), day, sent).await
                } else {
                    Ok(())
                }
            };
            let (written, spent) = tokio::join!(self.write(image, &outcome), spent);
            match written.and(spent) {
                Err(error) if error.class() == Class::Retry => {
                    self.complain("queue", &error.to_string());
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                Err(error) if error.class() == Class::Refused => {
                    tracing::error!(
                        "image {} was changed behind the uploader's back: {error}",
                        image.id
                    );
                    return Ok(());
                }
                result => return result,
            }
        }
    }

    async fn write(&self, image: &Image, outcome: &Outcome) -> Result<(), QueueError> {
        let queue = &self.means.queue;
        match outcome {
            Outcome::Delivered(delivery) => {
                let stored = Stored {
                    proof: delivery.proof,
                    etag: delivery.facts.etag.clone(),
                    // The store has just told the time, whatever ours is.
                    at_ms: self.means.store.time().now_ms(),
                };
                queue.verified(image.id, stored).await
            }
            Outcome::Delay(delayed) => queue.delay(image.id, delayed.clone()).await,
            Outcome::Park(refused) => queue.park(image.id, refused.clone()).await,
            Outcome::Lose(why) => queue.lose(image.id, why.clone()).await,
            Outcome::Release => queue.release(image.id, false).await,
            Outcome::Unplug(away) => queue.unplug(image.id, away.clone()).await,
        }
    }
}

const fn label(cause: Cause) -> &'static str {
    match cause {
        Cause::Link => "link",
        Cause::Busy => "busy",
        Cause::Server => "server",
        Cause::Clock => "clock",
        Cause::Race => "race",
    }
}

/// What is told of images whose card or folder is away.
pub(super) fn unplugged(folder: &Path) -> Unplugged {
    Unplugged {
        failure: format!("{} is away, which it was imported from", folder.display()),
        fix: "put the card back and run the same `weir upload` again, or give it up with `weir queue drop`"
            .to_owned(),
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
