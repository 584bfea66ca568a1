//! What a bucket grants and honours, right by right, tried on one small object of our own.
//!
//! The object is `weir-check/<board>.txt`, where `<board>` stays the same for one machine: a bucket where nothing
//! may be deleted holds one of them, not one a check. A pipeline that listens to the bucket hears of it; its name
//! says what it is. No other key is touched.

use sha2::Digest as _;
use weir_journey::identity::Sha256;
use weir_journey::upload::{Scope, Verdict};

use super::finding::{Check, Finding, Judgement};
use crate::config::Switch;
use crate::s3::{SendError, Store};

/// What the object holds, so that whoever finds it knows what it is.
const BODY: &[u8] =
    b"Written by `weir check` to see whether this bucket may be written. It may be deleted.\n";
/// Bytes whose digest is declared for `BODY`, which a store that looks refuses.
const OTHER: &[u8] = b"not these bytes";

/// The rights of one bucket, by the names of their checks.
const RIGHTS: [&str; 6] = [
    "bucket.put",
    "bucket.get",
    "bucket.conditional",
    "bucket.digest",
    "bucket.parts",
    "bucket.delete",
];

/// A bucket that is tried.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    store: Store,
    bucket: String,
    key: String,
    ordered: Switch,
}

/// The digest of some bytes.
fn digest(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// The key that this machine tries buckets with.
pub(super) fn key() -> String {
    let identity = ["/etc/machine-id", "/proc/sys/kernel/hostname"]
        .iter()
        .find_map(|file| std::fs::read(file).ok().filter(|text| !text.is_empty()))
        .unwrap_or_default();
    // Only a digest of it leaves the machine: machine-id(5) asks for that.
    let name = digest(&[b"weir-check\0", identity.as_slice()].concat()).to_string();
    format!("weir-check/{}.txt", name.get(..12).unwrap_or("board"))
}

/// The findings when nothing of a bucket is asked.
pub(super) fn not_asked(site: &str, why: &str) -> Vec<Finding> {
    RIGHTS
        .iter()
        .map(|&name| Check::begin(name, site).skipped(why))
        .collect()
}

impl Trial {
    pub(super) fn new(store: Store, bucket: &str, ordered: Switch) -> Self {
        Self {
            store,
            bucket: bucket.to_owned(),
            key: key(),
            ordered,
        }
    }

    fn place(&self) -> (&str, &str) {
        (&self.bucket, &self.key)
    }

    fn begin(&self, name: &'static str) -> Check {
        Check::begin(name, &self.bucket)
    }

    /// Tries every right; about the bucket, not yet about a site.
    pub(super) async fn all(&self) -> Vec<Finding> {
        let check = self.begin("bucket.put");
        let put = match self.put().await {
            Ok(put) => put,
            Err(error) => return self.unwritten(check, &error).await,
        };
        let written = format!("s3://{}/{} was written", self.bucket, self.key);
        let mut findings = vec![check.ok(match put {
            Put::Free => written,
            Put::Taken => format!(
                "may be written; s3://{}/{} is there from an earlier check",
                self.bucket, self.key
            ),
        })];
        findings.push(self.get().await);
        let check = self.begin("bucket.conditional");
        findings.push(check.judged(self.conditional(put).await));
        findings.push(self.digest().await);
        findings.push(self.parts().await);
        findings.push(self.delete().await);
        findings
    }

    /// What can be asked where the object could not be written.
    async fn unwritten(&self, check: Check, error: &SendError) -> Vec<Finding> {
        let mut findings = not_asked(&self.bucket, "the object could not be written");
        findings[0] = check.judged(self.refused(error, "s3:PutObject"));
        if status(error) == Some(403) {
            findings[1] = self.read_nothing("the object could not be written").await;
        }
        findings
    }

    /// What can be asked where nothing may be written.
    pub(super) async fn read_only(&self) -> Vec<Finding> {
        const WHY: &str = "not tested (--no-write)";
        let mut findings = not_asked(&self.bucket, WHY);
        findings[1] = self.read_nothing(WHY).await;
        findings
    }

    /// Reads an object that most likely is not there: which tells whether the bucket is, and most often whether
    /// it may be read.
    async fn read_nothing(&self, why_not: &str) -> Finding {
        let check = self.begin("bucket.get");
        let asked = self.store.try_get(self.place()).await;
        let code = match &asked {
            Err(SendError::Store(failure)) => failure.answer.code.clone(),
            _ => None,
        };
        match (code.as_deref(), asked) {
            (_, Ok(_)) => check.ok(format!("s3://{}/{} was read", self.bucket, self.key)),
            (Some("NoSuchKey"), _) => check.ok("the bucket is there and may be read"),
            // AWS, to one who may not list, of an object that is not there: it says nothing about reading.
            (Some("AccessDenied"), _) => {
                check.skipped(format!("{why_not}, and there is nothing to read"))
            }
            (_, Err(error)) => check.judged(self.refused(&error, "s3:GetObject")),
        }
    }

    async fn put(&self) -> Result<Put, SendError> {
        let write = |condition| {
            self.store
                .try_put(self.place(), BODY, digest(BODY), condition)
        };
        if self.ordered == Switch::Off {
            return write(false).await.map(|()| Put::Free);
        }
        match write(true).await {
            Ok(()) => Ok(Put::Free),
            Err(error) if status(&error) == Some(412) => Ok(Put::Taken),
            // A store that knows the condition and does not have it.
            Err(error) if status(&error) == Some(501) => write(false).await.map(|()| Put::Free),
            Err(error) => Err(error),
        }
    }

    async fn get(&self) -> Finding {
        let check = self.begin("bucket.get");
        match self.store.try_get(self.place()).await {
            Ok(bytes) if bytes == BODY => check.ok("it was read back, byte by byte the same"),
            Ok(bytes) => check.fail(
                format!("it was read back and differs: {} bytes", bytes.len()),
                "something between changes objects: nothing can be verified through it",
            ),
            Err(error) => check.judged(self.refused(&error, "s3:GetObject")),
        }
    }

    async fn conditional(&self, put: Put) -> Judgement {
        if self.ordered == Switch::Off {
            return Judgement::skipped("store.conditional_writes is \"off\"");
        }
        if put == Put::Taken {
            return Judgement::ok(HONOURED);
        }
        let again = self
            .store
            .try_put(self.place(), BODY, digest(BODY), true)
            .await;
        match again {
            Err(error) if status(&error) == Some(412) => Judgement::ok(HONOURED),
            Err(error) if status(&error) != Some(501) => self.refused(&error, "s3:PutObject"),
            // 501, or overwritten.
            _ => ignored(self.ordered),
        }
    }

    async fn digest(&self) -> Finding {
        let check = self.begin("bucket.digest");
        let reported = match self.store.look(&self.bucket, &self.key).await {
            Ok(found) => found.and_then(|facts| facts.sha256),
            Err(error) => return check.judged(self.refused(&error, "s3:GetObject")),
        };
        let wrong = self
            .store
            .try_put(self.place(), BODY, digest(OTHER), false)
            .await;
        let refuses = match &wrong {
            Ok(()) => false,
            Err(SendError::Store(failure)) if failure.verdict() == Verdict::Changed => true,
            // Stores spell it in many ways; what counts is that it was a refusal and no failure on the way.
            Err(_) => matches!(status_of(&wrong), Some(400..=499)),
        };
        match wrong {
            Err(error) if !refuses => check.judged(self.refused(&error, "s3:PutObject")),
            _ => check.judged(proof(refuses, reported == Some(digest(BODY)))),
        }
    }

    async fn parts(&self) -> Finding {
        let check = self.begin("bucket.parts");
        let begun = match self.store.try_parts(self.place()).await {
            Ok(begun) => begun,
            Err(error) => return check.judged(self.refused(&error, "s3:PutObject")),
        };
        let listed = self.store.try_list_parts(self.place(), &begun).await;
        let aborted = self.store.try_abort(self.place(), &begun).await;
        match (listed, aborted) {
            (Ok(()), Ok(())) => check.ok("an upload in parts was begun, listed and aborted"),
            (Err(error), _) => check.judged(self.lacking(
                &error,
                "s3:ListMultipartUploadParts",
                "a large upload that was interrupted cannot go on where it stopped",
            )),
            (_, Err(error)) => check.judged(self.lacking(
                &error,
                "s3:AbortMultipartUpload",
                "parts of an upload that was given up stay in the bucket",
            )),
        }
    }

    async fn delete(&self) -> Finding {
        let check = self.begin("bucket.delete");
        match self.store.try_delete(self.place()).await {
            Ok(()) => check.ok("what this check wrote is deleted; weir itself deletes nothing"),
            Err(_) => check.ok(format!(
                "may not be deleted, and need not be: s3://{}/{} stays",
                self.bucket, self.key
            )),
        }
    }

    /// A right that was refused, or a request that failed.
    fn refused(&self, error: &SendError, right: &str) -> Judgement {
        let SendError::Store(failure) = error else {
            return Judgement::fail(error.to_string(), "see the message");
        };
        let denied = failure.answer.transport.is_none()
            && matches!(
                failure.answer.code.as_deref(),
                None | Some("AccessDenied" | "Forbidden")
            )
            && failure.answer.status == Some(403);
        let fix = match failure.verdict() {
            _ if denied => format!(
                "allow {right} on arn:aws:s3:::{}/* to these credentials",
                self.bucket
            ),
            Verdict::Park { fix, .. } => fix.to_owned(),
            Verdict::Retry { .. } => {
                "it may pass: run this again; the agent itself tries again by its own".to_owned()
            }
            Verdict::Exists | Verdict::Changed => {
                "something between this board and the store changes requests".to_owned()
            }
        };
        Judgement::fail(failure.to_string(), fix)
    }

    /// A right that is wanted now and then, and without which most goes well.
    fn lacking(&self, error: &SendError, right: &str, without: &str) -> Judgement {
        let refused = self.refused(error, right);
        let detail = format!("{}: {without}", refused.detail);
        if status(error) == Some(403) {
            Judgement::warn(detail, refused.fix.unwrap_or_default())
        } else {
            Judgement::fail(detail, refused.fix.unwrap_or_default())
        }
    }
}

/// What became of the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// It was stored.
    Free,
    /// An object of an earlier check is there, and the store kept it.
    Taken,
}

const HONOURED: &str = "honoured: a second write was refused, so nothing is ever overwritten";

fn ignored(ordered: Switch) -> Judgement {
    const DETAIL: &str = "ignored: a second write went over the first";
    if ordered == Switch::On {
        return Judgement::fail(
            format!("{DETAIL}, and store.conditional_writes is \"on\""),
            "set store.conditional_writes to \"auto\": then every key is looked at before it is written",
        );
    }
    Judgement::warn(
        format!("{DETAIL}; weir looks before it writes instead"),
        "let one agent only write to this bucket, or use a store with conditional writes",
    )
}

/// What a verification can rest on.
fn proof(refuses: bool, reports: bool) -> Judgement {
    const FIX: &str = "use a store, or a newer version of it, that checks x-amz-checksum-sha256";
    match (refuses, reports) {
        (true, true) => Judgement::ok(
            "bytes that are not those declared are refused; the store tells the SHA-256 it holds",
        ),
        (true, false) => Judgement::ok(
            "bytes that are not those declared are refused; the store tells no SHA-256, so proofs rest on that",
        ),
        (false, true) => Judgement::warn(
            "bytes that are not those declared were stored; proofs rest on the SHA-256 that the store tells",
            FIX,
        ),
        (false, false) => Judgement::fail(
            "bytes that are not those declared were stored, and the store tells no SHA-256: nothing proves that an image arrived whole",
            FIX,
        ),
    }
}

fn status(error: &SendError) -> Option<u16> {
    match error {
        SendError::Store(failure) if failure.answer.transport.is_none() => failure.answer.status,
        _ => None,
    }
}

fn status_of(result: &Result<(), SendError>) -> Option<u16> {
    result.as_ref().err().and_then(status)
}

/// Whether the credentials themselves were refused: then no bucket needs to be asked.
pub(super) fn is_of_the_account(error: &SendError) -> bool {
    matches!(
        error,
        SendError::Store(failure)
            if matches!(failure.verdict(), Verdict::Park { scope: Scope::Account, .. })
    )
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn what_proves_nothing_fails() {
        assert_eq!(proof(true, true).outcome, Outcome::Ok);
        assert_eq!(proof(true, false).outcome, Outcome::Ok);
        assert_eq!(proof(false, true).outcome, Outcome::Warn);
        assert_eq!(proof(false, false).outcome, Outcome::Fail);
    }

    #[test]
    fn a_store_that_overwrites_fails_only_where_it_must_not() {
        assert_eq!(ignored(Switch::Auto).outcome, Outcome::Warn);
        assert_eq!(ignored(Switch::On).outcome, Outcome::Fail);
    }

    #[test]
    fn the_key_is_the_same_for_every_check_and_tells_nothing() {
        assert_eq!(key(), key());
        assert!(key().starts_with("weir-check/"), "{}", key());
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        assert!(machine.trim().is_empty() || !key().contains(machine.trim()));
    }
}
