//! The whole agent on a paused clock with somebody who looks at images as the test says: what follows from what is
//! found, and that nothing that happens to a look keeps an image from its bucket.
#![cfg(feature = "infer")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::clock::Clock;
use weir::config::Config;
use weir::gate::{Limits, LocalGate};
use weir::infer::{Died, Seer};
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World};
use weir_journey::fixtures::Picture;
use weir_journey::infer::{
    Answer, Failure, Flag, Health, Job, Print, Product, ProductKind, Report, RoiCount, Size, Stage,
    Took, Trouble, Water,
};
use weir_store::faults::{Action, Rule};
use weir_store::{ObjectCreated, Store};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What a look comes to.
enum Play {
    Found(Box<Report>),
    Fails(Trouble),
    Dies,
    Hangs,
}

type Script = dyn Fn(&Job) -> Play + Send + Sync;

/// Somebody who looks at images as a script says.
struct Scripted {
    script: Mutex<Arc<Script>>,
    looks: AtomicUsize,
    rests: AtomicUsize,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    fn new(script: impl Fn(&Job) -> Play + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(Arc::new(script)),
            looks: AtomicUsize::new(0),
            rests: AtomicUsize::new(0),
        })
    }

    fn now_plays(&self, script: impl Fn(&Job) -> Play + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl Seer for Scripted {
    async fn look(&self, job: &Job) -> Result<Answer, Died> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let script = Arc::clone(&self.script.lock().unwrap());
        match script(job) {
            Play::Found(report) => Ok(Answer::Done(report)),
            Play::Fails(trouble) => Ok(Answer::Failed(Failure {
                trouble,
                sentence: "the test says so".to_owned(),
            })),
            Play::Dies => Err(Died::Ended {
                how: "signal: 9 (SIGKILL)".to_owned(),
                last: String::new(),
            }),
            Play::Hangs => std::future::pending().await,
        }
    }

    async fn rest(&self) {
        self.rests.fetch_add(1, Ordering::Relaxed);
    }
}

/// A report of this stage and these flags, with an overlay where one was asked for.
fn found(job: &Job, stage: f64, flags: &[Flag]) -> Play {
    let mut products = Vec::new();
    if let (Some(folder), Some(_)) = (&job.products, job.view.overlay) {
        let path = folder.join("overlay.jpg");
        std::fs::write(&path, format!("an overlay of {}", job.stem)).unwrap();
        products.push(Product {
            kind: ProductKind::Overlay,
            path,
        });
    }
    Play::Found(Box::new(Report {
        size: Size {
            width: 64,
            height: 36,
        },
        health: Health {
            brightness: 0.5,
            contrast: 0.2,
            burnt: 0.0,
            sharpness: 0.1,
            plain: 0.1,
            difference: None,
            moved: None,
            flags: flags.to_vec(),
        },
        print: Print {
            luma: "00".repeat(64 * 36),
            digest: 1,
        },
        water: Some(Water {
            model: "water".into(),
            model_sha256: "ab".repeat(32),
            frame: Size {
                width: 64,
                height: 36,
            },
            share: 0.25,
            rois: vec![RoiCount {
                name: "ROI1".into(),
                water: 12,
                pixels: 40,
            }],
            iou: None,
            verified: None,
            stage: Some(Stage {
                model: "stage".into(),
                model_sha256: "cd".repeat(32),
                value: Some(stage),
                unit: "m".into(),
                out_of_range: None,
            }),
        }),
        classes: Vec::new(),
        together: Vec::new(),
        products,
        faults: Vec::new(),
        took: Took::default(),
    }))
}

/// A site in virtual time, which began at midnight UTC of 2026-03-01.
struct Site {
    folder: tempfile::TempDir,
    inbox: Inbox,
    store: Store,
    events: UnboundedReceiver<ObjectCreated>,
    seen: Vec<ObjectCreated>,
    clock: Clock,
    settings: String,
    running: Option<(JoinHandle<Result<(), RunError>>, CancellationToken)>,
    taken: u64,
}

impl Site {
    async fn begin(settings: &str, seer: &Arc<Scripted>) -> Self {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("camera")).unwrap();
        for model in ["water", "stage"] {
            std::fs::create_dir(folder.path().join(model)).unwrap();
            std::fs::write(folder.path().join(model).join("model.toml"), "").unwrap();
        }
        let store = Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(start)))
            .open()
            .unwrap();
        for bucket in ["first-dam-image", "first-dam-segmentedoutput"] {
            store.create_bucket(bucket).await.unwrap();
        }
        let mut site = Self {
            events: store.subscribe(),
            seen: Vec::new(),
            folder,
            inbox: Inbox::new(),
            store,
            clock: Clock::simulated(start),
            settings: settings.to_owned(),
            running: None,
            taken: 0,
        };
        site.start(seer);
        site
    }

    fn start(&mut self, seer: &Arc<Scripted>) {
        let config = config(self.folder.path(), &self.settings);
        self.inbox = Inbox::new();
        let world = World {
            http: self.store.http_client(),
            clock: self.clock.clone(),
            eyes: Eyes::Announced,
            inbox: self.inbox.clone(),
            gate: Arc::new(LocalGate::new(Limits::of(&config)).of_agent()),
            disks: weir::retain::Meter::system(),
            seer: Some(Arc::clone(seer) as _),
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        self.running = Some((agent, stop));
    }

    async fn stop(&mut self) {
        let (agent, stop) = self.running.take().unwrap();
        stop.cancel();
        agent.await.unwrap().unwrap();
    }

    /// The camera takes a picture and says so.
    fn take_picture(&mut self) -> PathBuf {
        self.taken += 1;
        let name = self
            .clock
            .now()
            .format("image_capture_%Y-%m-%d_%H-%M-%S.jpg");
        let path = self.folder.path().join("camera").join(name.to_string());
        std::fs::write(&path, Picture::new(self.taken).sized(20_000).jpeg()).unwrap();
        self.inbox.announce(RootId(0), &path, Cause::Closed);
        path
    }

    /// The keys that a bucket got, in order, each with its second of the day.
    fn stored(&mut self, bucket: &str) -> Vec<(String, i64)> {
        let midnight: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        self.seen
            .extend(std::iter::from_fn(|| self.events.try_recv().ok()));
        let of_bucket = self.seen.iter().filter(|event| event.bucket == bucket);
        of_bucket
            .map(|event| {
                (
                    event.key.clone(),
                    (DateTime::<Utc>::from(event.at) - midnight).num_seconds(),
                )
            })
            .collect()
    }

    fn link(&self, up: bool) {
        let cut = Rule::new(Action::Cut { after_bytes: 0 });
        self.store.faults().set((!up).then_some(cut));
    }
}

fn config(folder: &Path, settings: &str) -> Config {
    use std::os::unix::fs::PermissionsExt as _;
    let keys = folder.join("keys.toml");
    std::fs::write(
        &keys,
        "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.join("weir.toml");
    let text = format!(
        "[state]\ndirectory = \"state\"\n[store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys.toml\"\n\
         [daemon]\nlisten = \"\"\n[retain]\nmin_free = \"0%\"\n[infer]\npause_above = \"off\"\n\
         [[site]]\nname = \"first-dam\"\ndirectory = \"camera\"\nmodel = \"./water\"\n{settings}"
    );
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
}

const IMAGES: &str = "first-dam-image";
const RESULTS: &str = "first-dam-segmentedoutput";
const RULES: &str = "rois = { ROI1 = [[0, 0], [9, 0], [9, 9]] }\nstage_model = \"./stage\"\n\
                     first = [\"stage > 1.5\"]\nlater = [\"dark\"]\nskip = [\"frozen\"]\n";

#[tokio::test(start_paused = true)]
async fn what_is_found_decides_what_goes_first_later_or_not_at_all() {
    let seer = Scripted::new(|job| match job.stem.as_str() {
        stem if stem.ends_with("00-01-00") => found(job, 1.0, &[Flag::Dark]),
        stem if stem.ends_with("00-02-00") => found(job, 2.0, &[Flag::Dark, Flag::Frozen]),
        stem if stem.ends_with("00-04-00") => found(job, 1.0, &[Flag::Frozen]),
        _ => found(job, 1.0, &[]),
    });
    // All of them are looked at before the window opens, and then they go one by one.
    let window = "[gate]\nwindows = [\"01:00-24:00\"]\nmax_in_flight = 1\n";
    let mut site = Site::begin(&format!("{RULES}{window}"), &seer).await;
    for _ in 0..5 {
        tokio::time::sleep(MINUTE).await;
        site.take_picture();
    }
    tokio::time::sleep(30 * MINUTE).await;
    assert_eq!(seer.looks(), 5);
    tokio::time::sleep(60 * MINUTE).await;
    let keys: Vec<_> = site
        .stored(IMAGES)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let times: Vec<_> = keys
        .iter()
        .map(|key| &key[key.len() - 12..key.len() - 4])
        .collect();
    assert_eq!(
        times.first(),
        Some(&"00-02-00"),
        "the flood goes first although it is dark and frozen: {times:?}"
    );
    assert_eq!(
        times.last(),
        Some(&"00-01-00"),
        "the dark one goes last: {times:?}"
    );
    assert_eq!(times.len(), 4, "the frozen one stays: {times:?}");
    assert_eq!(seer.looks(), 5, "nothing is looked at twice");
    site.stop().await;
}

#[tokio::test(start_paused = true)]
async fn results_and_overlays_come_to_their_bucket_and_leave_the_device() {
    let seer = Scripted::new(|job| found(job, 1.0, &[]));
    let mut site = Site::begin("overlay = \"64px jpeg\"\n", &seer).await;
    tokio::time::sleep(MINUTE).await;
    site.link(false);
    site.take_picture();
    tokio::time::sleep(MINUTE).await;
    let products = site.folder.path().join("state/products/first-dam");
    let bytes = std::fs::read(products.join("1/result.json")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    site.link(true);
    tokio::time::sleep(30 * MINUTE).await;
    let mut keys: Vec<_> = site
        .stored(RESULTS)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    keys.sort();
    let [overlay, result] = &keys[..] else {
        panic!("{keys:?}")
    };
    assert_eq!(
        overlay,
        "2026/March/image_capture_2026-03-01_00-01-00_segmented.jpg"
    );
    assert_eq!(
        result,
        "results/2026/March/image_capture_2026-03-01_00-01-00.json"
    );
    assert_eq!(told["site_id"], "first-dam");
    assert_eq!(told["roi"], "{12}");
    assert_eq!(told["stage_m"], 1.0);
    assert_eq!(
        told["image_path"],
        "first-dam-image/2026/March/image_capture_2026-03-01_00-01-00.jpg"
    );
    assert_eq!(told["segmented_path"], format!("{RESULTS}/{overlay}"));
    assert_eq!(
        std::fs::read_dir(products).unwrap().count(),
        0,
        "what the store has is still on the device"
    );
    assert_eq!(
        seer.rests.load(Ordering::Relaxed),
        1,
        "the memory is still held"
    );
    site.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_keeps_an_image_for_no_longer_than_the_wait() {
    let seer = Scripted::new(|_| Play::Hangs);
    let mut site = Site::begin(RULES, &seer).await;
    tokio::time::sleep(MINUTE).await;
    for _ in 0..3 {
        site.take_picture();
        tokio::time::sleep(SECOND).await;
    }
    tokio::time::sleep(10 * MINUTE).await;
    let stored = site.stored(IMAGES);
    assert_eq!(stored.len(), 3, "{stored:?}");
    let waited: Vec<_> = stored.iter().map(|(_, at)| at - 60).collect();
    assert!(
        waited.iter().all(|waited| (110..=140).contains(waited)),
        "{waited:?}"
    );
    // Given up with the agent, and made good by the next one.
    site.stop().await;
    seer.now_plays(|job| found(job, 1.0, &[]));
    site.start(&seer);
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(site.stored(RESULTS).len(), 3);
    site.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_is_switched_off_and_the_images_go_on_at_once() {
    let seer = Scripted::new(|_| Play::Fails(Trouble::Model));
    let mut site = Site::begin(RULES, &seer).await;
    for _ in 0..30 {
        tokio::time::sleep(MINUTE).await;
        site.take_picture();
    }
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(seer.looks(), 5, "it was not switched off");
    let stored = site.stored(IMAGES);
    assert_eq!(stored.len(), 30);
    let late = stored
        .iter()
        .skip(2)
        .enumerate()
        .filter(|(at, (_, second))| second - 60 * (*at as i64 + 3) > 20);
    assert_eq!(
        late.count(),
        0,
        "images wait for looks that nobody takes: {stored:?}"
    );
    // An hour later one is tried, and then all are made good.
    seer.now_plays(|job| found(job, 1.0, &[]));
    tokio::time::sleep(70 * MINUTE).await;
    assert_eq!(site.stored(RESULTS).len(), 30);
    site.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_kills_who_looks_at_it_is_left_alone_and_arrives() {
    let seer = Scripted::new(|job| match job.stem.ends_with("00-02-00") {
        true => Play::Dies,
        false => found(job, 1.0, &[]),
    });
    let mut site = Site::begin("", &seer).await;
    for _ in 0..4 {
        tokio::time::sleep(MINUTE).await;
        site.take_picture();
    }
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(seer.looks(), 3 + 2, "twice, not for ever");
    assert_eq!(site.stored(IMAGES).len(), 4);
    assert_eq!(site.stored(RESULTS).len(), 3);
    site.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_cannot_be_decoded_is_not_tried_again() {
    let seer = Scripted::new(|_| Play::Fails(Trouble::Picture));
    let mut site = Site::begin(RULES, &seer).await;
    for _ in 0..8 {
        tokio::time::sleep(MINUTE).await;
        site.take_picture();
    }
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(seer.looks(), 8);
    let stored = site.stored(IMAGES);
    assert_eq!(stored.len(), 8);
    let waited: Vec<_> = stored
        .iter()
        .enumerate()
        .map(|(at, (_, second))| second - 60 * (at as i64 + 1))
        .collect();
    assert!(waited.iter().all(|waited| *waited <= 20), "{waited:?}");
    site.stop().await;
}
