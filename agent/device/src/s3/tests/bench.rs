//! A store, a directory with an image, and an uploader between them.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::Digest as _;
use tokio::net::TcpListener;
use weir_journey::identity::Sha256;
use weir_store::{Builder, ObjectInfo, Operation, Server};

use crate::clock::Clock;
use crate::config::{Credentials, Proof, Switch};
use crate::s3::{
    Delivery, LogFault, Parcel, Part, PartLog, SendError, Store, StoreConfig, Unfinished,
    https_client,
};

pub(super) const BUCKET: &str = "first-dam-image";
pub(super) const KEY: &str = "2024/August/image_capture_2024-08-09_14-30-00.jpg";
pub(super) const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-not-to-be-seen";

/// Wall time of the store when a test begins.
pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_723_000_000, 0).unwrap()
}

pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) service: weir_store::Store,
    pub(super) server: Option<Server>,
    pub(super) config: StoreConfig,
    pub(super) store: Store,
}

pub(super) fn config(dir: &Path, endpoint: String) -> StoreConfig {
    let keys = dir.join("keys");
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&keys)
        .unwrap();
    writeln!(
        file,
        "access_key_id = AKIDEXAMPLE\nsecret_access_key = {SECRET}"
    )
    .unwrap();
    StoreConfig {
        endpoint: Some(endpoint),
        region: "us-west-1".into(),
        path_style: true,
        credentials: Credentials::File(keys),
        conditional_writes: Switch::Auto,
        prove_with: Proof::Answer,
        connect_timeout: Duration::from_secs(3),
        no_progress: Duration::from_millis(1500),
        multipart_above: 1 << 20,
        part_size: 300_000,
        bandwidth: None,
    }
}

fn keyed(builder: Builder) -> Builder {
    builder
        .credentials("AKIDEXAMPLE", SECRET)
        .region("us-west-1")
        .min_part_size(1)
}

impl Bench {
    /// In process, on tokio's paused time.
    pub(super) async fn in_process(builder: Builder) -> Self {
        Self::with_clock_behind(builder, TimeDelta::zero()).await
    }

    /// As [`Bench::in_process`], our clock being `behind` the store's.
    pub(super) async fn with_clock_behind(builder: Builder, behind: TimeDelta) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let service = keyed(builder)
            .clock(weir_store::Clock::tokio(SystemTime::from(start())))
            .open()
            .unwrap();
        service.create_bucket(BUCKET).await.unwrap();
        let config = config(dir.path(), "http://store.invalid".into());
        let clock = Clock::simulated(start() - behind);
        let store = Store::connect(&config, service.http_client(), clock);
        Self {
            dir,
            service,
            server: None,
            config,
            store,
        }
    }

    /// Over sockets, in real time.
    pub(super) async fn over_tcp(builder: Builder) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let service = keyed(builder).open().unwrap();
        service.create_bucket(BUCKET).await.unwrap();
        let server = service
            .serve(TcpListener::bind("127.0.0.1:0").await.unwrap())
            .unwrap();
        let config = config(dir.path(), server.endpoint());
        let store = Store::connect(&config, https_client(None).unwrap(), Clock::system());
        Self {
            dir,
            service,
            server: Some(server),
            config,
            store,
        }
    }

    /// Connects anew, in process, as a restart does: what was learned is forgotten.
    pub(super) fn restart(&mut self, change: impl FnOnce(&mut StoreConfig)) {
        change(&mut self.config);
        let clock = Clock::simulated(start());
        self.store = Store::connect(&self.config, self.service.http_client(), clock);
    }

    pub(super) fn image(&self, name: &str, bytes: &[u8]) -> Image {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let sha256 = Sha256(sha2::Sha256::digest(bytes).into());
        Image {
            path,
            size: bytes.len() as u64,
            sha256,
            metadata: vec![("sha256", sha256.to_string()), ("site", "first-dam".into())],
            log: MemoryLog::default(),
            sent: Arc::default(),
        }
    }

    pub(super) async fn deliver(&self, image: &Image) -> Result<Delivery, SendError> {
        self.store.deliver(&image.parcel(false)).await
    }

    /// The one object that there is.
    pub(super) fn object(&self) -> ObjectInfo {
        let [object] = <[ObjectInfo; 1]>::try_from(self.service.objects()).unwrap();
        object
    }

    pub(super) fn count(&self, operation: Operation) -> u64 {
        self.service.stats().count(operation)
    }
}

pub(super) struct Image {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) metadata: Vec<(&'static str, String)>,
    pub(super) log: MemoryLog,
    pub(super) sent: Arc<AtomicU64>,
}

impl Image {
    pub(super) fn parcel(&self, unsure: bool) -> Parcel<'_> {
        Parcel {
            bucket: BUCKET,
            key: KEY,
            file: Arc::new(File::open(&self.path).unwrap()),
            size: self.size,
            sha256: self.sha256,
            content_type: "image/jpeg",
            metadata: &self.metadata,
            unsure,
            sent: Arc::clone(&self.sent),
            validity: crate::gate::Validity::FOR_EVER,
            parts: &self.log,
        }
    }
}

/// Bytes that differ from piece to piece and from seed to seed.
pub(super) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// A record of parts that outlives the uploader, as the queue's does.
#[derive(Default)]
pub(super) struct MemoryLog(pub(super) Mutex<Option<Unfinished>>);

#[async_trait]
impl PartLog for MemoryLog {
    async fn unfinished(&self) -> Result<Option<Unfinished>, LogFault> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn begun(&self, upload_id: &str, part_size: u64) -> Result<(), LogFault> {
        *self.0.lock().unwrap() = Some(Unfinished {
            upload_id: upload_id.to_owned(),
            part_size,
            parts: Vec::new(),
        });
        Ok(())
    }

    async fn stored(&self, part: &Part) -> Result<(), LogFault> {
        self.0
            .lock()
            .unwrap()
            .as_mut()
            .unwrap()
            .parts
            .push(part.clone());
        Ok(())
    }

    async fn ended(&self) -> Result<(), LogFault> {
        *self.0.lock().unwrap() = None;
        Ok(())
    }
}
