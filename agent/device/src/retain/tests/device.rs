//! A device with a queue and camera folders whose disks are as large as the test says.

use super::*;

pub(super) const MINUTE_MS: i64 = 60_000;

/// A device with one site, two camera folders on disks of their own, and a queue.
pub(super) struct Device {
    pub(super) home: tempfile::TempDir,
    pub(super) queue: Queue,
    pub(super) site: SiteId,
    pub(super) clock: Clock,
    pub(super) retention: Retention,
    pub(super) standing: Arc<Standing>,
    /// Size of each camera folder's disk in bytes, and whether it is read-only.
    pub(super) sizes: Arc<Mutex<[(u64, bool); 2]>>,
    pub(super) written: u64,
}

pub(super) fn policy() -> Policy {
    Policy {
        keep: None,
        max_bytes: None,
        min_free: Level::Percent(10),
        min_free_inodes: Level::Percent(0),
        drop_unverified: false,
    }
}

/// Bytes of the files below a folder.
pub(super) fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|stat| stat.len())
        .sum()
}

impl Device {
    pub(super) async fn new(policy: Policy, size: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let folders: Vec<_> = ["a", "b"].map(|name| home.path().join(name)).into();
        for folder in &folders {
            std::fs::create_dir(folder).unwrap();
        }
        let state = home.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let queue = Queue::open(state.clone(), Utc::now()).await.unwrap().queue;
        let site = queue.site_id("first-dam".parse().unwrap()).await.unwrap();
        let clock = Clock::simulated("2026-03-01T00:00:00Z".parse().unwrap());
        let sizes = Arc::new(Mutex::new([(size, false), (size, false)]));
        let standing = Arc::<Standing>::default();
        let means = Means {
            queue: queue.clone(),
            clock: clock.clone(),
            time: crate::s3::StoreTime::new(clock.clone()),
            meter: meter(folders.clone(), Arc::clone(&sizes)),
            standing: Arc::clone(&standing),
            vitals: Arc::default(),
            complaints: Arc::default(),
        };
        let folder = |path| Folder {
            path,
            site,
            name: "first-dam".into(),
            overwritten: vec!["latest.jpg".parse().unwrap()],
            kind: Kind::Camera,
        };
        let spool = Folder {
            kind: Kind::Spool,
            ..folder(state.join("spool/first-dam"))
        };
        let settings = Settings {
            policy,
            history: None,
            folders: folders.into_iter().map(folder).chain([spool]).collect(),
            state,
        };
        Self {
            home,
            queue,
            site,
            clock,
            retention: Retention::new(means, settings),
            standing,
            sizes,
            written: 0,
        }
    }

    /// The next picture of a camera, of so many bytes, taken at a minute and accepted an hour ago.
    pub(super) async fn take(&mut self, folder: &str, size: usize, minute: i64) -> ImageId {
        self.written += 1;
        let path = self
            .home
            .path()
            .join(folder)
            .join(format!("{}.jpg", self.written));
        self.take_at(&path, size, minute).await
    }

    pub(super) async fn take_at(&mut self, path: &Path, size: usize, minute: i64) -> ImageId {
        self.written += 1;
        let mut bytes = vec![0; size.max(8)];
        bytes[..8].copy_from_slice(&self.written.to_be_bytes());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &bytes).unwrap();
        let new = NewImage {
            site: self.site,
            sha256: Sha256(sha2::Sha256::digest(&bytes).into()),
            place: place(path),
            format: 0,
            captured_ms: minute * MINUTE_MS,
            offset_s: 0,
            capture: "{}".into(),
            accepted_ms: self.clock.now_ms() - 60 * MINUTE_MS,
            clock: DeviceClock::default(),
            dated: true,
            held: None,
            infer: crate::queue::InferWish::None,
        };
        match self.queue.accept(new).await.unwrap() {
            Accepted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Has the freshest image verified, an hour ago.
    pub(super) async fn store(&self, id: ImageId) {
        let target = |image: &Image| ("bucket".to_owned(), image.sha256.to_string());
        let claimed = self
            .queue
            .claim(self.site, Order::Freshest, 1, target)
            .await;
        assert_eq!(
            claimed.unwrap()[0].image.id,
            id,
            "the test stores the freshest"
        );
        let stored = Stored {
            proof: Proof::Checksum,
            etag: None,
            at_ms: self.clock.now_ms() - 60 * MINUTE_MS,
        };
        self.queue.verified(id, stored).await.unwrap();
    }

    pub(super) async fn pass(&mut self) -> Pass {
        self.retention
            .pass(&CancellationToken::new())
            .await
            .unwrap()
    }

    pub(super) async fn image(&self, id: ImageId) -> Image {
        let mut found = self.queue.view().show(Selector::Id(id)).await.unwrap();
        found.remove(0).image
    }

    pub(super) async fn drops(&self) -> Vec<Drop> {
        let mut drops = Vec::new();
        let each = |drop| {
            drops.push(drop);
            ControlFlow::Continue(())
        };
        self.queue.view().dropped(None, each).await.unwrap();
        drops
    }

    pub(super) fn names(&self, folder: &str) -> Vec<u64> {
        let entries = std::fs::read_dir(self.home.path().join(folder)).unwrap();
        let number = |name: PathBuf| name.file_stem()?.to_str()?.parse().ok();
        let mut names: Vec<_> = entries
            .filter_map(|entry| number(entry.unwrap().path()))
            .collect();
        names.sort_unstable();
        names
    }
}

pub(super) fn place(path: &Path) -> Place {
    Place {
        path: path.to_owned(),
        identity: FileIdentity::from(&std::fs::metadata(path).unwrap()),
    }
}

/// Tells of each folder a disk of its own that the folder alone fills; the state has one that never fills.
fn meter(folders: Vec<PathBuf>, sizes: Arc<Mutex<[(u64, bool); 2]>>) -> Meter {
    Meter::simulated(move |path| {
        let number = folders.iter().position(|folder| path.starts_with(folder));
        let (size, read_only) =
            number.map_or((1 << 40, false), |number| sizes.lock().unwrap()[number]);
        Ok(Disk {
            device: number.map_or(99, |number| number as u64),
            room: Room {
                bytes: size,
                free_bytes: size.saturating_sub(used(path)),
                inodes: 0,
                free_inodes: 0,
            },
            read_only,
        })
    })
}
