//! Whether a store does what slots need, tried and not believed: stores that lack conditions ignore them silently.
//!
//! On an object of its own (`probe/…`), which is removed afterwards: of several writes at once that each want to be
//! the first, one must win; of several that each want to replace the same version, one must win; a version that is
//! gone must not be replaced, nor deleted; and the store's `Date` must fit its `Last-Modified`. About a dozen
//! requests, once a start.

use std::time::Duration;

use bytes::Bytes;

use super::control::{Control, Removal};
use crate::s3::{Dated, SendError, Small, When};

/// Writers in a race.
const RACERS: usize = 4;
/// What `Date` may be behind or ahead of `Last-Modified` of an object written just now.
const FITS: Duration = Duration::from_secs(3);

/// Why a store cannot be used for slots.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It lacks what they rest on: only another store helps.
    #[error(
        "pipeline.gate = \"s3\" needs a store with conditional writes, and s3://{bucket} has none: {why}; \
         use another store for pipeline.control_bucket, or pipeline.gate = \"local\""
    )]
    Unfit {
        /// The control bucket.
        bucket: String,
        /// What it did.
        why: String,
    },
    /// It could not be found out.
    #[error("{0}")]
    Unknown(String),
}

/// A condition that held, or did not.
type Held = Option<String>;

struct Trial<'a> {
    control: &'a Control,
    key: String,
}

/// Tries the control bucket with the object `probe/{name}`.
///
/// # Errors
/// [`ProbeError`].
pub(super) async fn probe(control: &Control, name: &str) -> Result<Removal, ProbeError> {
    let trial = Trial {
        control,
        key: format!("probe/{name}"),
    };
    let found = trial.all().await;
    // What is left of it, should it have ended half-way, is removed if that is possible at all.
    let place = (control.bucket.as_str(), trial.key.as_str());
    let dated = Dated::default();
    let removing = control.store.delete_small(place, When::Always, &dated);
    let _ = tokio::time::timeout(control.patience, removing).await;
    found
}

impl Trial<'_> {
    async fn all(&self) -> Result<Removal, ProbeError> {
        self.race("If-None-Match", When::Absent, "first").await?;
        let written = self.look().await?;
        self.race("If-Match", When::Same(&written.etag), "second")
            .await?;
        if self.put("late", When::Same(&written.etag)).await?.is_some() {
            return Err(self.unfit("it replaced a version that was gone (If-Match)"));
        }
        let stands = self.look().await?;
        let removal = self.removal(&written.etag, &stands.etag).await?;
        if removal == Removal::Delete && self.put("none", When::Same(&stands.etag)).await?.is_some()
        {
            return Err(self.unfit("it replaced an object that was deleted (If-Match)"));
        }
        Ok(removal)
    }

    /// Several writes on one condition, at once: one of them must be the only one.
    async fn race(&self, name: &str, when: When<'_>, round: &str) -> Result<(), ProbeError> {
        let bodies: [String; RACERS] = std::array::from_fn(|number| format!("{round} {number}"));
        let [a, b, c, d] = &bodies;
        let (a, b, c, d) = tokio::join!(
            Box::pin(self.put(a, when)),
            Box::pin(self.put(b, when)),
            Box::pin(self.put(c, when)),
            Box::pin(self.put(d, when))
        );
        let won = [a?, b?, c?, d?].iter().flatten().count();
        if won == 1 {
            return Ok(());
        }
        Err(self.unfit(&format!(
            "of {RACERS} writes at once with {name}, {won} were taken instead of 1"
        )))
    }

    async fn removal(&self, gone: &str, stands: &str) -> Result<Removal, ProbeError> {
        let stale = self.delete(When::Same(gone)).await?;
        if stale {
            return Ok(Removal::Overwrite);
        }
        let deleted = self.delete(When::Same(stands)).await?;
        Ok(if deleted {
            Removal::Delete
        } else {
            Removal::Overwrite
        })
    }

    /// Writes; the ETag, if the condition held.
    async fn put(&self, body: &str, when: When<'_>) -> Result<Held, ProbeError> {
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let dated = Dated::default();
        let put = self
            .control
            .store
            .put_small(self.place(), bytes, when, &dated);
        match self.timely(put).await? {
            Ok(etag) => Ok(Some(etag)),
            Err(SendError::Store(failure))
                if failure.is_condition() || failure.answer.status == Some(409) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Deletes; whether the condition held.
    async fn delete(&self, when: When<'_>) -> Result<bool, ProbeError> {
        let dated = Dated::default();
        let delete = self.control.store.delete_small(self.place(), when, &dated);
        match self.timely(delete).await? {
            Ok(()) => Ok(true),
            Err(SendError::Store(failure))
                if failure.is_condition() || failure.is_not_implemented() =>
            {
                Ok(false)
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Reads what stands there, and compares the store's clocks.
    async fn look(&self) -> Result<Small, ProbeError> {
        let dated = Dated::default();
        let look = self.control.store.get_small(self.place(), &dated);
        let small = match self.timely(look).await? {
            Ok(Some(small)) => small,
            Ok(None) => {
                return Err(self.unfit("an object that was written is not there when it is read"));
            }
            Err(error) => return Err(self.failed(&error)),
        };
        let Some(date) = dated.date() else {
            return Err(self.unfit("its answers carry no Date"));
        };
        let apart = (date - small.modified).num_seconds();
        let allowed = (FITS + self.control.patience).as_secs().cast_signed();
        if apart < -FITS.as_secs().cast_signed() || apart > allowed {
            return Err(ProbeError::Unknown(format!(
                "the clocks of s3://{} disagree: it dates an answer {apart} s after what it wrote just before",
                self.control.bucket
            )));
        }
        Ok(small)
    }

    async fn timely<T>(&self, asked: impl Future<Output = T>) -> Result<T, ProbeError> {
        tokio::time::timeout(self.control.patience, asked)
            .await
            .map_err(|_| {
                ProbeError::Unknown(format!("s3://{} does not answer", self.control.bucket))
            })
    }

    fn place(&self) -> (&str, &str) {
        (&self.control.bucket, &self.key)
    }

    fn failed(&self, error: &SendError) -> ProbeError {
        match error {
            SendError::Store(failure) if failure.is_not_implemented() => {
                self.unfit(&error.to_string())
            }
            _ => ProbeError::Unknown(super::control::sentence(&self.control.bucket, error)),
        }
    }

    fn unfit(&self, why: &str) -> ProbeError {
        ProbeError::Unfit {
            bucket: self.control.bucket.clone(),
            why: why.to_owned(),
        }
    }
}
