//! The control bucket: a request of the machine as requests to the store, and what the answer means.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use weir_journey::gate::slots::{Answer, Condition, Exchange, Found, Record, Request};

use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::s3::{Dated, Failure, SendError, Small, Store, When};

/// The key of the mark that somebody waits.
const MARK: &str = "waiting";
/// What complaints about the control bucket are filed under.
const ABOUT: &str = "control bucket";

/// How a slot is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// By a DELETE on a condition.
    Delete,
    /// By writing that it is free: where a DELETE takes no condition, it might hit the next holder.
    Overwrite,
}

/// The control bucket and the way to it.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) store: Store,
    pub(super) bucket: String,
    pub(super) clock: Clock,
    /// How long an answer is waited for.
    pub(super) patience: Duration,
    /// Set by the start-up probe.
    pub(super) removal: OnceLock<Removal>,
    pub(super) complaints: Complaints,
}

/// The key of a slot.
pub(super) fn key(slot: u32) -> String {
    format!("slots/{slot}")
}

impl Control {
    /// Asks, and waits no longer than the patience for an answer. It says in the log what an operator has to mend.
    pub(super) async fn ask(&self, request: &Request) -> (Exchange, Answer) {
        let dated = Dated::default();
        let sent = self.clock.uptime();
        let asked = tokio::time::timeout(self.patience, self.request(request, &dated)).await;
        let answer = match asked {
            Ok(Ok(answer)) => {
                let works = format!("s3://{} answers again", self.bucket);
                self.complaints.over(ABOUT, &works);
                answer
            }
            Ok(Err(SendError::Store(failure))) if failure.is_condition() => Answer::Refused,
            Ok(Err(error)) => {
                self.complain(&sentence(&self.bucket, &error));
                Answer::Unknown
            }
            Err(_) => {
                let seconds = self.patience.as_secs_f32();
                self.complain(&format!(
                    "s3://{} did not answer within {seconds:.1} s: no slot without it",
                    self.bucket
                ));
                Answer::Unknown
            }
        };
        let received = self.clock.uptime();
        let date = dated.date();
        let exchange = Exchange {
            sent,
            received,
            date,
        };
        (exchange, answer)
    }

    pub(super) fn complain(&self, sentence: &str) {
        self.complaints
            .warn(ABOUT, self.clock.monotonic(), &sentence);
    }

    async fn request(&self, request: &Request, dated: &Dated) -> Result<Answer, SendError> {
        match request {
            Request::Read { slot } => self.read(&key(*slot), dated).await,
            Request::ReadMark => self.read(MARK, dated).await,
            Request::Mark => {
                let bytes = Bytes::from_static(b"{}");
                self.put(MARK, bytes, When::Always, dated).await
            }
            Request::Write {
                slot,
                record,
                condition,
            } => {
                let when = match condition {
                    Condition::Absent => When::Absent,
                    Condition::Same(etag) => When::Same(etag),
                };
                self.put(&key(*slot), json(record), when, dated).await
            }
            Request::Remove { slot, etag, record } => {
                let key = key(*slot);
                match self.removal.get() {
                    Some(Removal::Delete) => {
                        let place = (self.bucket.as_str(), key.as_str());
                        let when = When::Same(etag);
                        self.store.delete_small(place, when, dated).await?;
                        let etag = String::new();
                        Ok(Answer::Done { etag })
                    }
                    Some(Removal::Overwrite) | None => {
                        self.put(&key, json(record), When::Same(etag), dated).await
                    }
                }
            }
        }
    }

    async fn put(
        &self,
        key: &str,
        bytes: Bytes,
        when: When<'_>,
        dated: &Dated,
    ) -> Result<Answer, SendError> {
        let place = (self.bucket.as_str(), key);
        let etag = self.store.put_small(place, bytes, when, dated).await?;
        Ok(Answer::Done { etag })
    }

    async fn read(&self, key: &str, dated: &Dated) -> Result<Answer, SendError> {
        let place = (self.bucket.as_str(), key);
        let read = self.store.get_small(place, dated).await?;
        Ok(Answer::Read(read.map(found)))
    }
}

fn json(record: &Record) -> Bytes {
    serde_json::to_vec(record).unwrap_or_default().into()
}

fn found(small: Small) -> Found {
    Found {
        etag: small.etag,
        record: serde_json::from_slice(&small.bytes).ok(),
        modified: small.modified,
    }
}

/// What to tell the operator of a control bucket that does not answer as it should.
pub(super) fn sentence(bucket: &str, error: &SendError) -> String {
    let fix = match error {
        SendError::Store(failure) => fix(bucket, failure),
        _ => None,
    };
    match fix {
        Some(fix) => format!("no slot in the control bucket: {error}; {fix}"),
        None => format!("no slot in the control bucket: {error}"),
    }
}

fn fix(bucket: &str, failure: &Failure) -> Option<String> {
    if failure.is_no_bucket() {
        Some(format!(
            "create {bucket}, or correct pipeline.control_bucket"
        ))
    } else if failure.is_forbidden() {
        Some(format!(
            "allow s3:GetObject, s3:PutObject and s3:DeleteObject on {bucket}/* and s3:ListBucket on {bucket} to these credentials"
        ))
    } else {
        None
    }
}
