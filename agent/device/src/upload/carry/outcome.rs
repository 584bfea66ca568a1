//! What came of an image: from the answer or the failure to what its row is to say, and the writing of it.

use std::path::Path;
use std::time::Duration;

use weir_journey::upload::{Cause, Scope, Verdict};

use super::super::pace::Lesson;
use super::super::{Destination, day_of, millis};
use super::{Away, Carrier};
use crate::queue::{Class, Delayed, Image, QueueError, Refused, Stored, Unplugged};
use crate::s3::{Delivery, SendError, SourceFault};

/// What is to be written down of one image.
pub(super) enum Outcome {
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
    pub(super) fn gone(
        &self,
        image: &Image,
        replaced: &[std::path::PathBuf],
    ) -> (Outcome, Lesson, Away) {
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
    pub(super) fn revoked(&self, image: &Image) -> (Outcome, Lesson, Away) {
        let why = "broken off: the slot of its site could not be renewed in time".to_owned();
        self.complain("revoked", &format!("{}: {why}", image.site_name));
        self.means.vitals.failed("revoked");
        let outcome = self.delay(SHORTEST_WAIT, false, true, why);
        (outcome, Lesson::Untried, Away::No)
    }

    pub(super) fn unreadable(&self, image: &Image, why: &str) -> (Outcome, Lesson, Away) {
        let sentence = format!("{}: {}: {why}", image.site_name, image.place.path.display());
        self.complain("unreadable", &sentence);
        self.means.vitals.failed("unreadable");
        (
            self.delay(self.wait(image), true, false, why.to_owned()),
            Lesson::Untried,
            Away::No,
        )
    }

    pub(super) fn failed(&self, image: &Image, error: SendError) -> (Outcome, Lesson, Away) {
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

    pub(super) fn judged(
        &self,
        image: &Image,
        verdict: &Verdict,
        words: String,
    ) -> (Outcome, Lesson, Away) {
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
    pub(super) async fn record(
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
pub(in crate::upload) fn unplugged(folder: &Path) -> Unplugged {
    Unplugged {
        failure: format!("{} is away, which it was imported from", folder.display()),
        fix: "put the card back and run the same `weir upload` again, or give it up with `weir queue drop`"
            .to_owned(),
    }
}
