//! The keys: where they come from, how long they last, and whether the store knows them.

use std::time::SystemTime;

use aws_sdk_s3::config::SharedHttpClient;

use super::bucket::{self, is_of_the_account};
use super::finding::{Check, Finding, Judgement};
use crate::clock::Clock;
use crate::config::{Config, Credentials};
use crate::s3::{SendError, Store, StoreConfig, find_keys};

/// Keys that end sooner, and that nobody renews, would end in the field.
const SOON: u64 = 7 * 86_400;

/// Whether there are keys at all, and how long they last.
pub(super) async fn find(
    config: &Config,
    store: &StoreConfig,
    http: &SharedHttpClient,
    clock: &Clock,
) -> Vec<Finding> {
    let (source, cure) = described(&config.store.credentials);
    let check = Check::begin("credentials.found", source);
    match find_keys(store, http, clock.clone()).await {
        Ok(facts) => {
            let expiry = Check::begin("credentials.expiry", source);
            let renewed = matches!(config.store.credentials, Credentials::Process(_));
            let left = facts.expiry.map(|at| {
                let left = at.duration_since(SystemTime::from(clock.now()));
                left.map(|left| left.as_secs()).ok()
            });
            vec![check.ok("found"), expiry.judged(lasting(left, renewed))]
        }
        Err(error) => vec![check.fail(error, cure)],
    }
}

/// The source of keys in words, and what to do when it gives none.
fn described(credentials: &Credentials) -> (&'static str, &'static str) {
    match credentials {
        Credentials::File(_) => (
            "store.credentials_file",
            "put access_key_id and secret_access_key into it, mode 0600",
        ),
        Credentials::Process(_) => (
            "store.credential_process",
            "run the command as the agent's user: it has to print the keys as JSON",
        ),
        Credentials::Profile(_) => (
            "store.profile",
            "see ~/.aws/credentials and ~/.aws/config of the agent's user, or $AWS_SHARED_CREDENTIALS_FILE",
        ),
        Credentials::Ambient => (
            "environment or default profile",
            "set store.credentials_file, store.profile or store.credential_process, or the AWS_* variables",
        ),
    }
}

/// `left`: seconds that they last; `None` where nobody said, `Some(None)` when they have ended.
fn lasting(left: Option<Option<u64>>, renewed: bool) -> Judgement {
    match left {
        None => Judgement::ok("they do not expire, as far as is told"),
        Some(None) => Judgement::fail(
            "they have expired",
            "renew them, or set the board's clock if it is wrong",
        ),
        Some(Some(seconds)) if renewed => Judgement::ok(format!(
            "for {} min; the command gives new ones",
            seconds / 60
        )),
        Some(Some(seconds)) if seconds < SOON => Judgement::warn(
            format!(
                "they expire in {} h, and nobody renews them",
                seconds / 3600
            ),
            "use keys that last, or a store.credential_process that renews them",
        ),
        Some(Some(seconds)) => Judgement::ok(format!("they expire in {} days", seconds / 86_400)),
    }
}

/// Whether the store takes the keys, asked by reading from a bucket; that the bucket itself may be refused is
/// another matter.
pub(super) async fn accepted(store: &Store, bucket: &str) -> (bool, Finding) {
    let check = Check::begin("credentials.accepted", format!("s3://{bucket}"));
    let key = bucket::key();
    let asked = store.try_get((bucket, &key)).await;
    match asked {
        Err(error) if is_of_the_account(&error) => (
            false,
            check.fail(
                error,
                "check the key and its secret, and that store.endpoint is the service that knows them",
            ),
        ),
        Err(SendError::Store(failure)) if failure.answer.transport.is_some() => (
            false,
            check.fail(
                failure,
                "see the findings about the link; an answer that is not S3's comes from a proxy or a captive portal",
            ),
        ),
        Err(SendError::Store(failure)) if failure.answer.status.is_some_and(|status| status >= 500) => (
            true,
            check.warn(failure, "the store is unwell: run this again"),
        ),
        _ => (true, check.ok("the store knows them")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn keys_that_end_in_the_field_are_told() {
        assert_eq!(lasting(None, false).outcome, Outcome::Ok);
        assert_eq!(lasting(Some(None), true).outcome, Outcome::Fail);
        assert_eq!(lasting(Some(Some(3600)), true).outcome, Outcome::Ok);
        assert_eq!(lasting(Some(Some(3600)), false).outcome, Outcome::Warn);
        assert_eq!(lasting(Some(Some(SOON)), false).outcome, Outcome::Ok);
    }
}
