//! From a local file to an object that is shown to hold the same bytes, on any S3.
//!
//! What is promised by [`Store::deliver`]:
//! - It ends well only when the store itself was compared with what was accepted ([`weir_journey::verify`]).
//! - Nothing that stands in a bucket is overwritten, as far as the store allows (`conditional.rs`): the same
//!   bytes under the key are success, other bytes are a [`SendError::Conflict`].
//! - The bytes sent are signed with the digest of the accepted bytes (`signing.rs`), so a file that changed
//!   is refused, not stored; a fault of the local file is never taken for one of the link.
//! - It can be dropped at any moment: the connection closes; an upload in parts can be taken up again.
//! - Memory does not depend on the file's size: pieces of 112 KiB, few of them at a time.
//! - It tries nothing twice on its own, but for a request refused because our clock was wrong
//!   (`server_time.rs`). When to try again is decided from [`Failure::verdict`].
//!
//! The seam to the outside is the HTTP client: [`https_client`] in the field, an in-process store in a
//! simulation.

mod body;
mod client;
mod conditional;
mod credentials;
mod deliver;
mod failure;
mod limiter;
mod look;
mod multipart;
mod part_log;
mod server_time;
mod signing;
mod source;
mod stall;
mod swap;
#[cfg(test)]
mod tests;
mod trial;
mod whole;

use std::future::Future;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use chrono::TimeDelta;

pub use client::https_client;
pub use conditional::Conditional;
pub use credentials::{KeyFacts, NoKeys, find_keys};
pub use deliver::{Delivery, Parcel};
pub use failure::{Doing, Failure, LogFault, SendError};
pub use part_log::{Part, PartLog, Unfinished};
pub use source::SourceFault;
pub use swap::{Dated, Small, When};

use crate::clock::Clock;
use crate::config::{Credentials, Proof, Switch};
use limiter::Limiter;
pub use server_time::StoreTime;
use stall::Watch;

/// What is needed to reach a store and to be let in.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// URL of the service; `None` for AWS.
    pub endpoint: Option<String>,
    /// Region that requests are signed for.
    pub region: String,
    /// Whether the bucket stands in the path rather than in the host name.
    pub path_style: bool,
    /// Where the keys come from.
    pub credentials: Credentials,
    /// Whether to write on condition that the object is not there yet.
    pub conditional_writes: Switch,
    /// What proves that an object arrived.
    pub prove_with: Proof,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// How long no byte may move before a request is broken off.
    pub no_progress: Duration,
    /// Size in bytes above which a file goes up in parts.
    pub multipart_above: u64,
    /// Size of a part in bytes; grows for files of more than 10,000 such parts.
    pub part_size: u64,
    /// Bytes a second that all uploads together may use; `None` for no limit.
    pub bandwidth: Option<NonZeroU64>,
}

/// Why a store cannot be used at all. Fatal at start: only another configuration helps.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The extra certificate authorities cannot be used.
    #[error("store.tls_ca_file {}: {why}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A store and what was learned of it; cheap to clone, the clones share what they learn.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    time: StoreTime,
    limiter: Arc<Limiter>,
    knowledge: conditional::Knowledge,
    prove_with: Proof,
    no_progress: Duration,
    multipart_above: u64,
    part_size: u64,
}

impl Store {
    /// A store as `config` says, reached through `http`. Nothing is sent yet, and no keys are looked for.
    pub fn connect(config: &StoreConfig, http: SharedHttpClient, clock: Clock) -> Self {
        let time = StoreTime::new(clock);
        Self(Arc::new(Inner {
            client: client::sdk(config, http, &time),
            time,
            limiter: Arc::new(Limiter::new(config.bandwidth)),
            knowledge: conditional::Knowledge::new(config.conditional_writes),
            prove_with: config.prove_with,
            no_progress: config.no_progress,
            multipart_above: config.multipart_above,
            part_size: config.part_size,
        }))
    }

    /// The time as far as the store's answers tell it.
    pub fn time(&self) -> &StoreTime {
        &self.0.time
    }

    /// How far the store's clock is ahead of ours; `None` before its first answer.
    pub fn clock_offset(&self) -> Option<TimeDelta> {
        self.0.time.offset()
    }

    /// What is known of a bucket's conditional writes.
    pub fn conditional_writes(&self, bucket: &str) -> Conditional {
        self.0.knowledge.of(bucket)
    }

    /// Runs one request of the SDK, to its end or until nothing moves.
    async fn ask<T, E>(
        &self,
        doing: Doing,
        (bucket, key): (&str, &str),
        watch: &Watch,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let limit = self.0.no_progress;
        let answer = match watch.over(limit, Box::pin(request)).await {
            Ok(Ok(output)) => return Ok(output),
            Ok(Err(error)) => failure::answer_of(&error),
            Err(stall::Stalled) => failure::stalled(limit),
        };
        Err(Failure {
            doing,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            answer,
        })
    }

    /// Makes a request, and makes it once more if it was refused while the answer showed that our time was
    /// wrong.
    async fn timely<T, Asked>(&self, request: impl Fn() -> Asked) -> Result<T, SendError>
    where
        Asked: Future<Output = Result<T, SendError>>,
    {
        let mark = self.0.time.mark();
        match request().await {
            Err(SendError::Store(failure))
                if failure.is_refusal() && self.0.time.corrected_since(&mark) =>
            {
                request().await
            }
            result => result,
        }
    }
}
