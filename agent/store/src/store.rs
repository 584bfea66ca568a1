//! Building a store, and the handle to it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use s3s::{S3Error, S3ErrorCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::backing::{Backing, Directory};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::entrance::{self, InProcess, Server};
use crate::faults::Faults;
use crate::front::Front;
use crate::object::{ObjectCreated, ObjectInfo};
use crate::passage::Passage;
use crate::service::{Keys, Service};
use crate::stats::{Ledger, RequestRecord, Stats};
use crate::vault::{Habits, Vault};

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the store in {}: {source}", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// Settings of a store; see the methods for the defaults.
#[derive(Debug)]
pub struct Builder {
    directory: Option<PathBuf>,
    access_key: String,
    secret_key: String,
    clock: Clock,
    habits: Habits,
}

impl Builder {
    fn new(directory: Option<PathBuf>) -> Self {
        let habits = Habits {
            region: "us-west-1".to_owned(),
            conditional_writes: true,
            auto_create_buckets: false,
            discard_bodies: false,
            min_part_size: 5 << 20,
        };
        Self {
            directory,
            access_key: "weir".to_owned(),
            secret_key: "weir-secret".to_owned(),
            clock: Clock::system(),
            habits,
        }
    }

    /// The key pair that requests are signed with (default `weir`, `weir-secret`).
    #[must_use]
    pub fn credentials(
        mut self,
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Self {
        self.access_key = access_key.into();
        self.secret_key = secret_key.into();
        self
    }

    /// The region that buckets say they are in (default `us-west-1`). Signatures for any region are accepted.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.habits.region = region.into();
        self
    }

    /// Whether `If-Match` and `If-None-Match` count on writes and deletes (default yes). Without, they are ignored, as
    /// some S3-compatible stores do.
    #[must_use]
    pub fn conditional_writes(mut self, honoured: bool) -> Self {
        self.habits.conditional_writes = honoured;
        self
    }

    /// Whether a PUT into an unknown bucket makes the bucket (default no).
    #[must_use]
    pub fn auto_create_buckets(mut self, wanted: bool) -> Self {
        self.habits.auto_create_buckets = wanted;
        self
    }

    /// Whether bodies of more than 1 KiB are dropped once checked, keeping sizes and checksums (default no; memory
    /// only): for fleets whose images would not fit. GET of such an object then answers 500.
    #[must_use]
    pub fn discard_bodies(mut self, wanted: bool) -> Self {
        self.habits.discard_bodies = wanted;
        self
    }

    /// The smallest size, in bytes, of any part but the last (default 5 MiB, as on AWS).
    #[must_use]
    pub fn min_part_size(mut self, bytes: u64) -> Self {
        self.habits.min_part_size = bytes;
        self
    }

    /// The store's clock (default the system's). Only a presigned URL must satisfy the system's clock as well: it has
    /// expired when either says so.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the store; a directory is read back.
    ///
    /// # Errors
    /// A directory that cannot be read or written, that another process has open, or whose records are damaged.
    pub fn open(mut self) -> Result<Store, OpenError> {
        let (backing, catalog) = match &self.directory {
            None => (Backing::Memory, Catalog::default()),
            Some(path) => {
                self.habits.discard_bodies = false;
                let failed = |source| OpenError {
                    path: path.clone(),
                    source,
                };
                let (directory, catalog) = Directory::load(path).map_err(failed)?;
                (Backing::Directory(directory), catalog)
            }
        };
        let clock = self.clock.clone();
        let vault = Arc::new(Vault::new(backing, catalog, self.clock, self.habits));
        let mut s3 = S3ServiceBuilder::new(Service(Arc::clone(&vault)));
        s3.set_auth(Keys {
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone().into(),
        });
        // s3s judges signatures by the system's clock; the front does it by the store's, so s3s must not.
        let mut config = S3Config::default();
        config.presigned_url_max_skew_time_secs = u32::MAX;
        s3.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let front = Front {
            s3: s3.build(),
            faults: Faults::default(),
            ledger: Ledger::default(),
            clock,
        };
        Ok(Store {
            vault,
            front,
            access_key: self.access_key,
            secret_key: self.secret_key,
        })
    }
}

/// An S3 store; clones share it.
#[derive(Clone)]
pub struct Store {
    vault: Arc<Vault>,
    front: Front,
    access_key: String,
    secret_key: String,
}

impl Store {
    /// A store in memory.
    pub fn memory() -> Builder {
        Builder::new(None)
    }

    /// A durable store in a directory, which is made if it is not there.
    pub fn directory(path: impl Into<PathBuf>) -> Builder {
        Builder::new(Some(path.into()))
    }

    /// An HTTP client for the AWS SDK that reaches the store without sockets. Give the SDK any endpoint URL and path
    /// style.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(InProcess(self.front.clone()))
    }

    /// Serves HTTP/1.1 on `listener`; call it within a tokio runtime.
    ///
    /// # Errors
    /// When the listener's address cannot be read.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Server> {
        entrance::serve(self.front.clone(), listener)
    }

    /// The access key and the secret key.
    pub fn credentials(&self) -> (&str, &str) {
        (&self.access_key, &self.secret_key)
    }

    /// The script of faults.
    pub fn faults(&self) -> &Faults {
        &self.front.faults
    }

    /// The store's clock.
    pub fn clock(&self) -> &Clock {
        &self.front.clock
    }

    /// Every object that is created from now on, after it is durable.
    pub fn subscribe(&self) -> UnboundedReceiver<ObjectCreated> {
        self.vault.subscribe()
    }

    /// Every request that brings an object, from now on, as it enters and as it leaves. What was not taken from the
    /// channel yet is kept, so it must be read; dropping it ends the watch.
    pub fn watch(&self) -> UnboundedReceiver<Passage> {
        self.front.ledger.watch()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.front.ledger.snapshot()
    }

    /// The last requests (at most 10,000) in the order in which they ended.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.front.ledger.last_requests()
    }

    /// Every object, by bucket and key, straight from the store: for an oracle that trusts no client.
    pub fn objects(&self) -> Vec<ObjectInfo> {
        self.vault.objects()
    }

    /// Every object of a bucket, by key; none where there is no such bucket.
    pub fn objects_in(&self, bucket: &str) -> Vec<ObjectInfo> {
        self.vault.objects_in(bucket)
    }

    /// Makes a bucket; one that is there already is fine.
    ///
    /// # Errors
    /// A directory that cannot be written.
    pub async fn create_bucket(&self, name: &str) -> io::Result<()> {
        let exists = |error: &S3Error| *error.code() == S3ErrorCode::BucketAlreadyOwnedByYou;
        match self.vault.create_bucket(name).await {
            Err(error) if !exists(&error) => Err(io::Error::other(error)),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}
