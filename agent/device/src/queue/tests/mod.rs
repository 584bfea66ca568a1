//! The queue from outside, against real files.

mod damage;
mod due;
mod filter;
mod import;
mod infer;
mod life;
mod model;
mod operator;
mod retain;
mod retime;
mod sharing;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use weir_journey::identity::Sha256;
use weir_journey::queue::State;
use weir_journey::verify::Proof;

use super::*;

/// Runs a case of a property.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// A queue in a directory of its own.
struct Bench {
    dir: tempfile::TempDir,
    queue: Queue,
    site: SiteId,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path()).await.queue;
        let site = queue.site_id(site_name("first-dam")).await.unwrap();
        Self { dir, queue, site }
    }

    /// A plain connection to the same file, to look and to tamper.
    fn backdoor(&self) -> Connection {
        Connection::open(self.dir.path().join("queue.db")).unwrap()
    }

    async fn accept(&self, number: u8) -> ImageId {
        let accepted = self.queue.accept(image(self.site, number)).await.unwrap();
        match accepted {
            Accepted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn claim(&self, order: Order, limit: u32) -> Vec<ImageId> {
        let claimed = self
            .queue
            .claim(self.site, order, limit, target)
            .await
            .unwrap();
        claimed
            .into_iter()
            .map(|dossier| dossier.image.id)
            .collect()
    }

    async fn image(&self, id: ImageId) -> Image {
        let mut shown = self.queue.view().show(Selector::Id(id)).await.unwrap();
        shown.remove(0).image
    }

    async fn state(&self, id: ImageId) -> State {
        self.image(id).await.state
    }

    /// Closes the database as a clean end does: all of it is in one file.
    async fn close(self) -> tempfile::TempDir {
        let Self { dir, queue, .. } = self;
        drop(queue);
        tidied(dir.path()).await;
        dir
    }

    async fn assert_sound(&self) {
        assert_eq!(self.queue.view().check().await.unwrap(), []);
    }
}

/// Waits until the last connection is gone: a commit is answered a moment before its thread lets go.
async fn tidied(dir: &Path) {
    for _ in 0..100_000 {
        drop(
            Connection::open(dir.join("queue.db"))
                .and_then(|conn| conn.execute_batch("SELECT * FROM sqlite_schema")),
        );
        if !dir.join("queue.db-wal").exists() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the log is still there");
}

fn now() -> DateTime<Utc> {
    "2026-11-21T05:10:00Z".parse().unwrap()
}

fn site_name(name: &str) -> SiteName {
    name.parse().unwrap()
}

async fn open(dir: &Path) -> Opened {
    Queue::open(dir.to_owned(), now()).await.unwrap()
}

fn target(image: &Image) -> (String, String) {
    (
        "first-dam-image".to_owned(),
        format!("{}.jpg", image.sha256),
    )
}

fn multipart(upload_id: &str) -> Multipart {
    Multipart {
        upload_id: upload_id.to_owned(),
        part_size: 5 << 20,
    }
}

fn digest(number: u8) -> Sha256 {
    Sha256([number; 32])
}

fn path(number: u8) -> PathBuf {
    format!("/cam/{number}.jpg").into()
}

fn place(number: u8) -> Place {
    Place {
        path: path(number),
        identity: FileIdentity {
            size: 1000 + u64::from(number),
            device: u64::MAX,
            inode: u64::from(number),
            mtime_ns: 1,
            ctime_ns: 2,
        },
    }
}

/// Image `number`, captured at second `number`.
fn image(site: SiteId, number: u8) -> NewImage {
    NewImage {
        site,
        sha256: digest(number),
        place: place(number),
        format: 0,
        captured_ms: i64::from(number) * 1000,
        offset_s: -25200,
        capture: r#"{"source":"exif"}"#.into(),
        accepted_ms: 7,
        clock: DeviceClock::default(),
        dated: true,
        held: None,
        infer: InferWish::None,
    }
}

fn stored() -> Stored {
    Stored {
        proof: Proof::Checksum,
        etag: Some("\"e\"".into()),
        at_ms: 9,
    }
}

fn delayed(until_ms: i64) -> Delayed {
    Delayed {
        until_ms,
        counts: true,
        unsure: false,
        failure: "503 SlowDown".into(),
    }
}

fn refused(scope: Scope, next_probe_ms: i64) -> Refused {
    Refused {
        scope,
        next_probe_ms,
        failure: "403 AccessDenied".into(),
        fix: "allow s3:PutObject".into(),
    }
}
