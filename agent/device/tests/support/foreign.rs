//! S3 servers that others wrote, as processes of their own, and a judge that reads everything back through the SDK.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use tokio::runtime::Runtime;

use super::oracle::{Oracle, sha256};
use super::wait;

/// A server, started by `command` and killed when this goes out of scope.
pub(crate) struct Foreign {
    command: Box<dyn Fn() -> Command>,
    log: PathBuf,
    child: Child,
    runtime: Runtime,
    client: Client,
}

/// What such a server is reached with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) endpoint: String,
    pub(crate) access: String,
    pub(crate) secret: String,
}

impl Foreign {
    /// Starts a server and waits until it answers.
    #[track_caller]
    pub(crate) fn start(command: impl Fn() -> Command + 'static, keys: &Keys, log: &Path) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(
                &keys.access,
                &keys.secret,
                None,
                None,
                "test",
            ))
            .region(Region::new("us-west-1"))
            .force_path_style(true)
            .endpoint_url(&keys.endpoint)
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let mut server = Self {
            child: begin(&command, log),
            command: Box::new(command),
            log: log.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: Client::from_conf(config),
        };
        server.answers();
        server
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was killed.
    #[track_caller]
    pub(crate) fn revive(&mut self) {
        self.child = begin(&self.command, &self.log);
        self.answers();
    }

    #[track_caller]
    fn answers(&mut self) {
        wait::until("the server answers", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended: {status}");
            }
            self.runtime
                .block_on(self.client.list_buckets().send())
                .is_ok()
        });
    }

    /// Makes a bucket, as soon as the server can.
    #[track_caller]
    pub(crate) fn make(&self, bucket: &str) {
        wait::until("the bucket can be made", || {
            let made = self.client.create_bucket().bucket(bucket).send();
            self.runtime.block_on(made).is_ok()
        });
    }

    /// How many objects a bucket has.
    pub(crate) fn count(&self, bucket: &str) -> usize {
        self.keys(bucket).len()
    }

    fn keys(&self, bucket: &str) -> Vec<String> {
        let listing = self.client.list_objects_v2().bucket(bucket).send();
        let page = self.runtime.block_on(listing).unwrap();
        assert_ne!(page.is_truncated(), Some(true), "more than one page");
        page.contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect()
    }

    /// Reads every object of `bucket` back and compares it with what the camera wrote.
    #[track_caller]
    pub(crate) fn holds(&self, bucket: &str, oracle: &Oracle) {
        let mut found = BTreeMap::new();
        for key in self.keys(bucket) {
            let (digest, claimed) = self.read(bucket, &key);
            assert_eq!(claimed, digest, "{key}: the metadata name other bytes");
            let twin = found.insert((bucket.to_owned(), digest), key.clone());
            assert_eq!(twin, None, "{key} is there twice");
        }
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            oracle.images().collect::<Vec<_>>()
        );
    }

    /// The digest of an object's bytes, and the one that its metadata claim.
    fn read(&self, bucket: &str, key: &str) -> (String, String) {
        self.runtime.block_on(async {
            let object = self
                .client
                .get_object()
                .bucket(bucket)
                .key(key)
                .send()
                .await
                .unwrap();
            let metadata = object.metadata().cloned().unwrap_or_default();
            let bytes = object.body.collect().await.unwrap().into_bytes();
            (sha256(&bytes), metadata["sha256"].clone())
        })
    }
}

fn begin(command: &dyn Fn() -> Command, log: &Path) -> Child {
    let out = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    command()
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap()
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // Killed already, perhaps.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read(&self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            eprintln!("-- the end of the server's log --\n{}", last.join("\n"));
        }
    }
}

/// So many ports that are free now, and free with 10,000 added, outside the range of outgoing connections.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let mut taken = Vec::new();
    std::array::from_fn(|_| {
        loop {
            let port = fastrand::u16(11_000..19_900);
            let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
            if !taken.contains(&port) && free(port) && free(port + 10_000) {
                taken.push(port);
                return port;
            }
        }
    })
}
