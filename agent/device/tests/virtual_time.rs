//! The whole agent on a paused clock, with the embedded store in the same process: days in seconds. Windows,
//! budgets, order and the breaker are judged by what the store saw and when.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Timelike as _, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::clock::Clock;
use weir::config::Config;
use weir::gate::{Limits, LocalGate};
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World};
use weir_journey::fixtures::Picture;
use weir_store::faults::{Action, Rule};
use weir_store::{ObjectCreated, Operation, Store};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A site in virtual time, which began at midnight UTC of 2026-03-01.
struct Site {
    folder: tempfile::TempDir,
    inbox: Inbox,
    store: Store,
    events: UnboundedReceiver<ObjectCreated>,
    clock: Clock,
    agent: JoinHandle<Result<(), RunError>>,
    stop: CancellationToken,
    taken: u64,
}

impl Site {
    async fn begin(settings: &str) -> Self {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("camera")).unwrap();
        let store = Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(start)))
            .open()
            .unwrap();
        store.create_bucket("first-dam-image").await.unwrap();
        let events = store.subscribe();
        let config = config(&folder, settings);
        let inbox = Inbox::new();
        let clock = Clock::simulated(start);
        let world = World {
            http: store.http_client(),
            clock: clock.clone(),
            eyes: Eyes::Announced,
            inbox: inbox.clone(),
            gate: Arc::new(LocalGate::new(Limits::of(&config)).of_agent()),
            disks: weir::retain::Meter::system(),
            seer: None,
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        Self {
            folder,
            inbox,
            store,
            events,
            clock,
            agent,
            stop,
            taken: 0,
        }
    }

    /// The camera takes a picture and says so.
    fn take_picture(&mut self) -> PathBuf {
        self.taken += 1;
        let name = self
            .clock
            .now()
            .format("image_capture_%Y-%m-%d_%H-%M-%S.jpg")
            .to_string();
        let path = self.folder.path().join("camera").join(name);
        std::fs::write(&path, Picture::new(self.taken).sized(20_000).jpeg()).unwrap();
        self.inbox.announce(RootId(0), &path, Cause::Closed);
        path
    }

    /// What has been stored since the last call, with the time of the store.
    fn stored(&mut self) -> Vec<(String, DateTime<Utc>)> {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|event| (event.key, event.at.into()))
            .collect()
    }

    fn link_down(&self) {
        self.store
            .faults()
            .set([Rule::new(Action::Cut { after_bytes: 0 })]);
    }

    async fn end(self) -> Store {
        self.stop.cancel();
        self.agent.await.unwrap().unwrap();
        self.store
    }
}

fn config(folder: &tempfile::TempDir, settings: &str) -> Config {
    use std::os::unix::fs::PermissionsExt as _;
    let keys = folder.path().join("keys.toml");
    std::fs::write(
        &keys,
        "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.path().join("weir.toml");
    let text = format!(
        "[state]\ndirectory = \"state\"\n[[site]]\nname = \"first-dam\"\ndirectory = \"camera\"\n\
         [store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys.toml\"\n\
         [daemon]\nlisten = \"\"\n[retain]\nmin_free = \"0%\"\n{settings}"
    );
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
}

fn size_of(path: &PathBuf) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_day_of_images_is_stored_each_within_a_minute_of_its_capture() {
    let mut site = Site::begin("").await;
    for _ in 0..48 {
        site.take_picture();
        tokio::time::sleep(30 * MINUTE).await;
    }
    let stored = site.stored();
    let mut keys: Vec<_> = stored.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 48);
    for (key, at) in &stored {
        let name = key.rsplit('/').next().unwrap();
        let taken =
            chrono::NaiveDateTime::parse_from_str(name, "image_capture_%Y-%m-%d_%H-%M-%S.jpg");
        let delay = *at - taken.unwrap().and_utc();
        assert!(
            (0..60).contains(&delay.num_seconds()),
            "{key} was stored after {delay}"
        );
    }
    assert_eq!(site.end().await.objects().len(), 48);
}

#[tokio::test(start_paused = true)]
async fn outside_the_window_nothing_goes_up_and_inside_it_everything_does() {
    let mut site = Site::begin("[gate]\nwindows = [\"22:00-06:00\"]\n").await;
    for _ in 0..48 {
        site.take_picture();
        tokio::time::sleep(HOUR).await;
    }
    tokio::time::sleep(24 * HOUR).await;
    let stored = site.stored();
    let mut keys: Vec<_> = stored.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 48);
    for (key, at) in stored {
        assert!(at.hour() >= 22 || at.hour() < 6, "{key} went up at {at}");
    }
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_daily_budget_spreads_a_backlog_over_days() {
    let mut site = Site::begin("[gate]\ndaily_budget = \"200KiB\"\nmax_in_flight = 1\n").await;
    let size = size_of(&site.take_picture());
    for _ in 0..29 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.take_picture();
    }
    tokio::time::sleep(10 * 24 * HOUR).await;
    let mut days = std::collections::BTreeMap::new();
    for (_, at) in site.stored() {
        *days.entry(at.date_naive()).or_insert(0) += size;
    }
    assert_eq!(days.values().sum::<u64>() / size, 30);
    assert!(days.len() > 2, "{days:?}");
    for (day, bytes) in &days {
        // The image that crosses the line is finished.
        assert!(*bytes <= 200 * 1024 + size, "{bytes} bytes on {day}");
    }
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_the_freshest_image_goes_first_and_none_is_missing() {
    let mut site = Site::begin("[gate]\nmax_in_flight = 1\n").await;
    site.take_picture();
    tokio::time::sleep(HOUR).await;
    site.stored();
    site.link_down();
    for _ in 0..12 {
        site.take_picture();
        tokio::time::sleep(30 * MINUTE).await;
    }
    assert_eq!(site.stored(), []);
    site.store.faults().clear();
    let fresh = site.take_picture();
    tokio::time::sleep(HOUR).await;
    let keys: Vec<_> = site.stored().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.len(), 13);
    let name = fresh.file_name().unwrap().to_str().unwrap();
    // The probe that finds the link working again may be an older image; then comes the freshest.
    assert!(keys[..2].iter().any(|key| key.ends_with(name)), "{keys:?}");
    // So does the backlog from its newest end, but for the image of the last probe that failed: it may still have a
    // part of its minute to wait.
    let later = keys[2..].windows(2).filter(|pair| pair[0] < pair[1]);
    assert!(later.count() <= 1, "{keys:?}");
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_link_is_asked_rarely_and_its_return_is_noticed_soon() {
    let mut site = Site::begin("").await;
    site.link_down();
    for _ in 0..48 {
        site.take_picture();
        tokio::time::sleep(30 * MINUTE).await;
    }
    let asked = site.store.stats().requests;
    // Probes wait 5 minutes on average at their longest: 288 a day, and a few at its beginning.
    assert!(
        (48..600).contains(&asked),
        "{asked} requests in a day without a link"
    );
    site.store.faults().clear();
    tokio::time::sleep(15 * MINUTE).await;
    assert_eq!(site.store.objects().len(), 48);
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_wants_fewer_requests_gets_them_and_every_image_in_the_end() {
    let mut site = Site::begin("[gate]\nmax_in_flight = 8\n").await;
    let busy = Action::Error(weir_store::faults::Refusal::SlowDown);
    site.store
        .faults()
        .set([Rule::new(busy).on(Operation::PutObject).rate(0.5, 7)]);
    for _ in 0..100 {
        site.take_picture();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(6 * HOUR).await;
    assert_eq!(site.store.objects().len(), 100);
    site.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_backlog_goes_up_no_faster_than_the_pipeline_works_it_off() {
    // 0.8 * 100 s / 10 s - 1 = 7 rounds of 2: 14 at once, then one every 5 s.
    let settings =
        "[pipeline]\nconcurrency = 2\nseconds_per_image = \"10s\"\nmax_event_age = \"100s\"\n";
    let mut site = Site::begin(settings).await;
    site.link_down();
    for _ in 0..120 {
        site.take_picture();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // Long enough for whatever the failed tries were counted as.
    tokio::time::sleep(HOUR).await;
    assert_eq!(site.stored(), []);
    site.store.faults().clear();
    tokio::time::sleep(HOUR).await;
    let stored: Vec<_> = site.stored().into_iter().map(|(_, at)| at).collect();
    assert_eq!(stored.len(), 120);
    expires_nothing(
        &stored,
        2,
        Duration::from_secs(10),
        Duration::from_secs(100),
    );
    let (first, last) = (stored[0], stored[119]);
    let took = (last - first).num_seconds();
    // All but the first 14 at the pipeline's rate, within 5 %.
    assert!((504..=557).contains(&took), "{took} s for 120 images");
    site.end().await;
}

/// Plays the pipeline against the times at which events came: none may wait longer than `age`.
fn expires_nothing(events: &[DateTime<Utc>], workers: usize, each: Duration, age: Duration) {
    let mut free = vec![events[0]; workers];
    for came in events {
        let next = free.iter_mut().min().unwrap();
        let begins = (*next).max(*came);
        assert!(
            (begins - *came).to_std().unwrap() < age,
            "the event of {came} waits until {begins}"
        );
        *next = begins + each;
    }
}
