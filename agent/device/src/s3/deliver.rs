//! One image on its way: look where that is needed, send, prove.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use weir_journey::identity::Sha256;
use weir_journey::upload::Verdict;
use weir_journey::verify::{Comparison, Expected, ObjectFacts, Proof, compare};

use super::body::Meter;
use super::conditional::Conditional;
use super::part_log::PartLog;
use super::source::{Source, SourceFault};
use super::stall::Watch;
use super::{Failure, SendError, Store};
use crate::config;
use crate::gate::Validity;

/// An accepted image and where it goes.
#[derive(Clone)]
pub struct Parcel<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The opened file; read at offsets, its position does not matter.
    pub file: Arc<File>,
    /// The accepted size in bytes.
    pub size: u64,
    /// The accepted digest.
    pub sha256: Sha256,
    /// The MIME type.
    pub content_type: &'a str,
    /// User metadata: names without `x-amz-meta-`, and values.
    pub metadata: &'a [(&'static str, String)],
    /// An earlier attempt may have stored it: look before anything is sent.
    pub unsure: bool,
    /// Until when it may be sent: no byte is handed to the network afterwards.
    pub validity: Validity,
    /// Counts the bytes handed to the network, repeated ones included.
    pub sent: Arc<AtomicU64>,
    /// The durable record of an upload in parts.
    pub parts: &'a dyn PartLog,
}

impl Parcel<'_> {
    pub(super) const fn place(&self) -> (&str, &str) {
        (self.bucket, self.key)
    }

    pub(super) fn metadata(&self) -> HashMap<String, String> {
        self.metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }
}

/// An image that the store was shown to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// On what the equality rests.
    pub proof: Proof,
    /// What the store said of the object.
    pub facts: ObjectFacts,
    /// It was there before: an earlier attempt's answer was lost, or another camera sent the same bytes.
    pub already_there: bool,
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Written {
    /// Stored, by the store's word.
    Stored(ObjectFacts),
    /// The key is taken.
    Taken(Failure),
}

impl Store {
    /// Brings an image to its key and compares what the store then says with what was accepted.
    ///
    /// # Errors
    /// [`SendError`]: each variant says what follows.
    pub async fn deliver(&self, parcel: &Parcel<'_>) -> Result<Delivery, SendError> {
        let delivered = self.look_send_prove(parcel).await;
        if delivered.as_ref().is_err_and(voids_parts) {
            // Before the failure itself is told: it ends this key's story, and the parts would be orphans.
            self.give_up_parts(parcel).await?;
        }
        delivered
    }

    async fn look_send_prove(&self, parcel: &Parcel<'_>) -> Result<Delivery, SendError> {
        let source = Source::open(Arc::clone(&parcel.file), parcel.size).await?;
        if let Some(found) = self.look_before(parcel).await? {
            return recognise(parcel, found);
        }
        let (written, composite) = if parcel.size > self.0.multipart_above {
            self.send_parts(parcel, &source).await?
        } else {
            (self.send_whole(parcel, &source).await?, None)
        };
        match written {
            Written::Taken(refusal) => {
                if refusal.is_status(412) {
                    self.0.knowledge.learn(parcel.bucket, Conditional::Honoured);
                }
                match self.look(parcel.bucket, parcel.key).await? {
                    Some(found) => recognise(parcel, found),
                    // Taken a moment ago and gone now: whoever it was, try again.
                    None => Err(refusal.into()),
                }
            }
            Written::Stored(answer) => {
                let delivery = self.prove(parcel, &source, composite, answer).await?;
                self.probe(parcel, &source).await;
                Ok(delivery)
            }
        }
    }

    /// Looks whether the key is taken, where a PUT alone would not tell.
    async fn look_before(&self, parcel: &Parcel<'_>) -> Result<Option<ObjectFacts>, SendError> {
        if !parcel.unsure && self.conditional_writes(parcel.bucket) == Conditional::Honoured {
            return Ok(None);
        }
        match self.look(parcel.bucket, parcel.key).await {
            // AWS, to one who may read but not list: most likely there is none. The PUT's own condition and
            // answer settle it.
            Err(SendError::Store(failure)) if failure.is_status(403) => Ok(None),
            looked => looked,
        }
    }

    /// Compares the answer to the write, or what the store says when asked, with what was accepted.
    async fn prove(
        &self,
        parcel: &Parcel<'_>,
        source: &Arc<Source>,
        composite: Option<String>,
        answer: ObjectFacts,
    ) -> Result<Delivery, SendError> {
        let expected = Expected {
            size: parcel.size,
            sha256: parcel.sha256,
            composite,
        };
        let mut facts = answer;
        let enough = self.0.prove_with == config::Proof::Answer
            && matches!(compare(&expected, &facts), Comparison::Same(_));
        if !enough {
            facts = self
                .look(parcel.bucket, parcel.key)
                .await?
                .ok_or_else(|| unproven(parcel, "nothing is there".to_owned()))?;
        }
        match compare(&expected, &facts) {
            Comparison::Same(proof) => {
                if proof == Proof::Claim {
                    // The store vouches for nothing but the size, so the file must not have moved under us.
                    source.check_unchanged().await?;
                }
                Ok(Delivery {
                    proof,
                    facts,
                    already_there: false,
                })
            }
            Comparison::Differs(found) => Err(unproven(parcel, found)),
            Comparison::Unproven => Err(unproven(parcel, "no checksum to compare".to_owned())),
        }
    }

    /// Finds out about conditional writes with an image that is proven to be there (see `conditional.rs`).
    /// Whatever goes wrong here is no failure of the image.
    async fn probe(&self, parcel: &Parcel<'_>, source: &Arc<Source>) {
        if !self.0.knowledge.should_probe(parcel.bucket, parcel.size) {
            return;
        }
        let found = match self.send_whole(parcel, source).await {
            Ok(Written::Taken(refusal)) if refusal.is_status(412) => Some(Conditional::Honoured),
            Ok(Written::Stored(_)) => Some(Conditional::Ignored),
            _ => None,
        };
        self.0.knowledge.probed(parcel.bucket, found);
    }

    pub(super) fn meter(&self, parcel: &Parcel<'_>) -> Meter {
        Meter {
            limiter: Arc::clone(&self.0.limiter),
            watch: Arc::new(Watch::new()),
            sent: Arc::clone(&parcel.sent),
            validity: parcel.validity.clone(),
        }
    }
}

/// Whether parts sent so far can be of no more use.
fn voids_parts(error: &SendError) -> bool {
    match error {
        SendError::Conflict { .. } | SendError::Source(SourceFault::Changed(_)) => true,
        SendError::Store(failure) => {
            failure.verdict() == Verdict::Changed || failure.is_lost_upload()
        }
        _ => false,
    }
}

/// What stands under the key: this image, or another.
fn recognise(parcel: &Parcel<'_>, facts: ObjectFacts) -> Result<Delivery, SendError> {
    let expected = Expected {
        size: parcel.size,
        sha256: parcel.sha256,
        composite: None,
    };
    let found = match compare(&expected, &facts) {
        Comparison::Same(proof) => {
            return Ok(Delivery {
                proof,
                facts,
                already_there: true,
            });
        }
        Comparison::Differs(found) => found,
        Comparison::Unproven => "nothing shows that it is this one".to_owned(),
    };
    Err(SendError::Conflict {
        ours: parcel.unsure
            && facts.claimed == Some(parcel.sha256)
            && facts.size == Some(parcel.size),
        bucket: parcel.bucket.to_owned(),
        key: parcel.key.to_owned(),
        found,
    })
}

fn unproven(parcel: &Parcel<'_>, found: String) -> SendError {
    SendError::Unproven {
        bucket: parcel.bucket.to_owned(),
        key: parcel.key.to_owned(),
        found,
    }
}
