//! A year of a site with a small disk, on a paused clock: with a link, two months without, and with one again.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use weir::World;
use weir::clock::Clock;
use weir::config::Config;
use weir::gate::{Limits, LocalGate};
use weir::retain::{Disk, Meter};
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir_journey::retain::Room;
use weir_store::Store;
use weir_store::faults::{Action, Rule};

use crate::support::oracle::sha256;

/// Bytes of the disk, which 150 to 200 pictures fill.
const DISK: u64 = 3_000_000;
const PICTURE: usize = 16_000;
const EVERY: Duration = Duration::from_secs(6 * 3600);
const A_YEAR: u64 = 4 * 365;
const WITHOUT_A_LINK: std::ops::Range<u64> = 4 * 120..4 * 180;

fn used(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().map_or(0, |stat| stat.len()))
        .sum()
}

fn meter(camera: PathBuf) -> Meter {
    Meter::simulated(move |path| {
        let on_it = path == camera;
        Ok(Disk {
            device: u64::from(on_it),
            room: Room {
                bytes: DISK,
                free_bytes: DISK - if on_it { used(&camera) } else { 0 },
                inodes: 0,
                free_inodes: 0,
            },
            read_only: false,
        })
    })
}

fn config(home: &Path, retain: &str) -> Config {
    let keys = home.join("keys");
    std::fs::write(
        &keys,
        "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = home.join("weir.toml");
    let text = format!(
        "[state]\ndirectory = \"state\"\n[[site]]\nname = \"first-dam\"\ndirectory = \"camera\"\n\
        [store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys\"\n[daemon]\nlisten = \"\"\n\
        [watch]\nrescan = \"1d\"\n[gate]\nprobe_max = \"6h\"\n\
        [retain]\n{retain}"
    );
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A site whose agent runs.
struct Site {
    home: tempfile::TempDir,
    camera: PathBuf,
    clock: Clock,
    store: Store,
    inbox: Inbox,
    stop: CancellationToken,
    agent: tokio::task::JoinHandle<Result<(), weir::RunError>>,
}

impl Site {
    async fn with(retain: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let camera = home.path().join("camera");
        std::fs::create_dir(&camera).unwrap();
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let clock = Clock::simulated(start);
        let store = Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(start)))
            .open()
            .unwrap();
        store.create_bucket("first-dam-image").await.unwrap();
        let inbox = Inbox::new();
        let config = config(home.path(), retain);
        let world = World {
            http: store.http_client(),
            clock: clock.clone(),
            eyes: Eyes::Announced,
            inbox: inbox.clone(),
            gate: Arc::new(LocalGate::new(Limits::of(&config)).of_agent()),
            disks: meter(camera.clone()),
            seer: None,
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        Self {
            home,
            camera,
            clock,
            store,
            inbox,
            stop,
            agent,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_goes_when_it_was_kept_for_long_enough() {
    for (keep, still, gone) in [
        ("0s", 1, 60),
        ("5m", 290, 400),
        ("3h", 3 * 3600 - 10, 3 * 3600 + 60),
    ] {
        let site = Site::with(&format!("keep = \"{keep}\"\n")).await;
        // The second comes long after everything has come to rest.
        for number in 0..2 {
            let path = site.camera.join(format!("IMG_20260301_00000{number}.jpg"));
            let picture = weir_journey::fixtures::Picture::new(number).jpeg();
            std::fs::write(&path, &picture).unwrap();
            site.inbox.announce(RootId(0), &path, Cause::Closed);
            tokio::time::sleep(Duration::from_secs(still)).await;
            assert!(path.exists(), "{keep}: it is gone after {still} s");
            tokio::time::sleep(Duration::from_secs(gone - still)).await;
            assert!(!path.exists(), "{keep}: it is there after {gone} s");
            assert_eq!(site.store.objects().len() as u64, number + 1);
            tokio::time::sleep(Duration::from_secs(86_400)).await;
        }
        site.stop.cancel();
        site.agent.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_year_on_a_small_disk_never_overflows_and_keeps_the_record_even() {
    let Site {
        home,
        camera,
        clock,
        store,
        inbox,
        stop,
        agent,
    } = Site::with("min_free = \"10%\"\ndrop_unverified = true\nhistory = \"90d\"\n").await;
    let mut taken = Vec::new();
    for number in 0..A_YEAR {
        if number == WITHOUT_A_LINK.start {
            store
                .faults()
                .set([Rule::new(Action::Cut { after_bytes: 0 })]);
        } else if number == WITHOUT_A_LINK.end {
            store.faults().clear();
        }
        let picture = weir_journey::fixtures::Picture::new(number)
            .sized(PICTURE)
            .jpeg();
        let name = clock
            .now()
            .format("image_capture_%Y-%m-%d_%H-%M-%S.jpg")
            .to_string();
        let path = camera.join(name);
        assert!(
            used(&camera) + picture.len() as u64 <= DISK,
            "picture {number} does not fit"
        );
        std::fs::write(&path, &picture).unwrap();
        inbox.announce(RootId(0), &path, Cause::Closed);
        taken.push((number, path, sha256(&picture)));
        tokio::time::sleep(EVERY).await;
    }
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    stop.cancel();
    agent.await.unwrap().unwrap();
    judge(&taken, &store, &camera);
    database_is_small(home.path());
}

/// All that was taken with a link is stored; of the rest as much as the disk holds, spread over the whole time.
fn judge(taken: &[(u64, PathBuf, String)], store: &Store, camera: &Path) {
    let stored: BTreeSet<_> = store
        .objects()
        .into_iter()
        .map(|object| object.sha256)
        .collect();
    let mut without_link = Vec::new();
    for (number, path, sha256) in taken {
        if WITHOUT_A_LINK.contains(number) {
            without_link.extend(stored.contains(sha256).then_some(*number));
        } else {
            assert!(stored.contains(sha256), "picture {number} is not stored");
        }
        assert!(
            stored.contains(sha256) || !path.exists(),
            "{number} is there and not stored"
        );
    }
    let (kept, all) = (
        without_link.len() as u64,
        WITHOUT_A_LINK.end - WITHOUT_A_LINK.start,
    );
    assert!(
        kept > all / 3,
        "{kept} of {all} pictures were kept through the outage"
    );
    let longest = without_link
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or(all);
    let ideal = all.div_ceil(kept);
    assert!(
        longest <= 2 * ideal + 1,
        "a gap of {longest} pictures where {ideal} is ideal"
    );
    assert!(used(camera) <= DISK - DISK / 10);
}

/// Rows older than the history are gone: three months of them are left, and what the disk holds.
fn database_is_small(home: &Path) {
    let size = std::fs::metadata(home.join("state/queue.db"))
        .unwrap()
        .len();
    assert!(size < 2 << 20, "{size} bytes");
}
