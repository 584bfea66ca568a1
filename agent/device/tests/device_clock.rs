//! A board without a battery on a paused clock: it boots with a wrong time, which a time service sets later.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::clock::{Clock, Simulation};
use weir::config::Config;
use weir::gate::{Limits, LocalGate};
use weir::queue::{Filter, Image, View};
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World};
use weir_journey::fixtures::Picture;
use weir_store::Store;
use weir_store::faults::{Action, Rule};

/// A board that boots now, by its wrong clock: the file system of the test has no other. What is right is years later.
struct Board {
    folder: tempfile::TempDir,
    inbox: Inbox,
    store: Store,
    clock: Clock,
    simulation: Simulation,
    agent: JoinHandle<Result<(), RunError>>,
    stop: CancellationToken,
}

/// By how much the clock is off.
const OFF: TimeDelta = TimeDelta::days(700);

impl Board {
    /// The store is away at first, and its clock is right.
    async fn boot(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("camera")).unwrap();
        let wrong = Utc::now();
        let store = Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(wrong + OFF)))
            .open()
            .unwrap();
        store.create_bucket("first-dam-image").await.unwrap();
        store
            .faults()
            .set([Rule::new(Action::Cut { after_bytes: 0 })]);
        let simulation = Simulation::starting(wrong);
        simulation.synchronise(Some(false));
        let clock = Clock::steered(simulation.clone());
        let config = config(&folder, settings);
        let inbox = Inbox::new();
        let world = World {
            http: store.http_client(),
            clock: clock.clone(),
            eyes: Eyes::Announced,
            inbox: inbox.clone(),
            disks: weir::retain::Meter::system(),
            gate: Arc::new(LocalGate::new(Limits::of(&config)).of_agent()),
            seer: None,
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        Self {
            folder,
            inbox,
            store,
            clock,
            simulation,
            agent,
            stop,
        }
    }

    /// The camera writes a picture that says nothing of its time but by its name.
    fn take_picture(&self, name: &str, seed: u64) -> PathBuf {
        let path = self.folder.path().join("camera").join(name);
        std::fs::write(&path, Picture::new(seed).jpeg()).unwrap();
        self.inbox.announce(RootId(0), &path, Cause::Closed);
        path
    }

    /// The time service sets the clock.
    fn set_clock(&self) {
        self.simulation.synchronise(Some(true));
        self.simulation.set(&self.clock, self.clock.now() + OFF);
    }

    fn link_up(&self) {
        self.store.faults().set([]);
    }

    async fn rows(&self) -> Vec<Image> {
        let view = View::open(self.folder.path().join("state")).await.unwrap();
        let mut rows = Vec::new();
        let each = |image| {
            rows.push(image);
            std::ops::ControlFlow::Continue(())
        };
        view.list(Filter::default(), each).await.unwrap();
        rows
    }

    async fn row(&self, path: &PathBuf) -> Image {
        let rows = self.rows().await;
        let found = rows.into_iter().find(|row| row.place.path == *path);
        found.unwrap_or_else(|| panic!("{} was not accepted", path.display()))
    }

    /// How far a row's capture time is from the true one: from when its file was written, by the right clock.
    async fn error_of(&self, path: &PathBuf) -> TimeDelta {
        let written: DateTime<Utc> = path.metadata().unwrap().modified().unwrap().into();
        let captured = DateTime::from_timestamp_millis(self.row(path).await.captured_ms).unwrap();
        captured - (written + OFF)
    }

    async fn end(self) -> Store {
        self.stop.cancel();
        self.agent.await.unwrap().unwrap();
        self.store
    }
}

fn config(folder: &tempfile::TempDir, settings: &str) -> Config {
    use std::os::unix::fs::PermissionsExt as _;
    let keys = folder.path().join("keys");
    std::fs::write(
        &keys,
        "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.path().join("weir.toml");
    let text = format!(
        "[state]\ndirectory = \"state\"\n[store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys\"\n\
         [daemon]\nlisten = \"\"\n\
         [[site]]\nname = \"first-dam\"\ndirectory = \"camera\"\ntimezone = \"Etc/GMT+7\"\n{settings}"
    );
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Long enough for the settle step, the time service and a probe of the link.
const A_WHILE: Duration = Duration::from_secs(1200);
/// What clocks and roundings differ by.
const CLOSE: TimeDelta = TimeDelta::seconds(3);

#[tokio::test(start_paused = true)]
async fn times_that_came_from_the_wrong_clock_are_put_right_when_it_is_set() {
    let board = Board::boot("").await;
    let nameless = board.take_picture("a.jpg", 1);
    let named = board.take_picture("image_capture_2024-08-09_14-30-00.jpg", 2);
    tokio::time::sleep(A_WHILE).await;
    let before = board.row(&nameless).await;
    assert!(
        before.capture.contains("device-clock"),
        "{}",
        before.capture
    );
    assert!(board.error_of(&nameless).await < -OFF / 2);

    board.set_clock();
    tokio::time::sleep(A_WHILE).await;
    let row = board.row(&nameless).await;
    let error = board.error_of(&nameless).await;
    assert!(error.abs() < CLOSE, "off by {error}: {}", row.capture);
    for part in [
        "device-clock-corrected",
        "clock-step",
        "\"applied\":true",
        "\"raw\"",
    ] {
        assert!(
            row.capture.contains(part),
            "{part} is not in {}",
            row.capture
        );
    }
    let taken = board.row(&named).await.captured_ms;
    assert_eq!(
        taken,
        DateTime::parse_from_rfc3339("2024-08-09T14:30:00-07:00")
            .unwrap()
            .timestamp_millis()
    );
    let view = View::open(board.folder.path().join("state")).await.unwrap();
    let step = view
        .last_clock_step()
        .await
        .unwrap()
        .expect("the step is recorded");
    assert_eq!((step.by_ms, step.images), (OFF.num_milliseconds(), 1));

    board.link_up();
    tokio::time::sleep(A_WHILE).await;
    let right = DateTime::from_timestamp_millis(row.captured_ms).unwrap() - TimeDelta::hours(7);
    let name = right
        .format("image_capture_%Y-%m-%d_%H-%M-%S.jpg")
        .to_string();
    let keys: Vec<_> = board
        .end()
        .await
        .objects()
        .into_iter()
        .map(|object| object.key)
        .collect();
    assert!(
        keys.iter().any(|key| key.ends_with(&name)),
        "{name} is not in {keys:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_that_has_its_name_keeps_it_and_says_that_its_time_is_wrong() {
    let board = Board::boot("").await;
    board.link_up();
    let path = board.take_picture("a.jpg", 1);
    tokio::time::sleep(A_WHILE).await;
    let stored = board.row(&path).await;
    assert!(stored.verified_ms.is_some());
    board.set_clock();
    tokio::time::sleep(A_WHILE).await;
    let row = board.row(&path).await;
    assert_eq!(
        (row.captured_ms, &row.target),
        (stored.captured_ms, &stored.target)
    );
    assert!(row.capture.contains("\"applied\":false"), "{}", row.capture);
    board.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_proven_is_dated_by_the_stores_time() {
    let board =
        Board::boot("[retain]\nmin_free = \"0%\"\nkeep = \"6h\"\nhistory = \"400d\"\n").await;
    let path = board.take_picture("a.jpg", 1);
    board.link_up();
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(board.store.objects().len(), 1);
    let right = board.clock.now() + OFF;
    let row = board.row(&path).await;
    let verified = DateTime::from_timestamp_millis(row.verified_ms.unwrap()).unwrap();
    assert!((right - verified).abs() < TimeDelta::hours(1), "{verified}");
    // By the right clock it was proven just now, and not 700 days ago.
    board.set_clock();
    tokio::time::sleep(2 * A_WHILE).await;
    assert!(path.exists() && board.rows().await.len() == 1);
    tokio::time::sleep(Duration::from_secs(8 * 3600)).await;
    assert!(!path.exists() && board.rows().await.len() == 1);
    board.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_written_after_the_clock_was_set_is_left_alone() {
    let board = Board::boot("").await;
    board.set_clock();
    tokio::time::sleep(A_WHILE).await;
    let path = board.take_picture("a.jpg", 1);
    tokio::time::sleep(A_WHILE).await;
    let before = board.row(&path).await.capture;
    // A second step: of a clock that was right.
    board
        .simulation
        .set(&board.clock, board.clock.now() + TimeDelta::hours(1));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(board.row(&path).await.capture, before);
    board.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_card_that_another_clock_wrote_is_not_corrected_by_this_one() {
    let board = Board::boot("").await;
    let path = board.take_picture("a.jpg", 1);
    let taken = SystemTime::from(Utc::now() - TimeDelta::days(30));
    std::fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(taken)
        .unwrap();
    tokio::time::sleep(A_WHILE).await;
    let before = board.row(&path).await.captured_ms;
    board.set_clock();
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(board.row(&path).await.captured_ms, before);
    board.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_doubtful_image_waits_for_a_person_or_goes_without_a_date() {
    let board = Board::boot("doubtful = \"hold\"\n").await;
    board.link_up();
    let path = board.take_picture("a.jpg", 1);
    tokio::time::sleep(A_WHILE).await;
    let row = board.row(&path).await;
    assert!(row.held && row.failure.is_some_and(|why| why.contains("doubtful")));
    assert!(board.end().await.objects().is_empty());

    let board = Board::boot("doubtful = \"undated\"\n").await;
    board.link_up();
    let path = board.take_picture("a.jpg", 1);
    tokio::time::sleep(A_WHILE).await;
    let sha256 = board.row(&path).await.sha256.to_string();
    let objects = board.end().await.objects();
    let keys: Vec<_> = objects.iter().map(|object| object.key.clone()).collect();
    assert_eq!(keys, [format!("undated/{}_a.jpg", &sha256[..8])]);
}
