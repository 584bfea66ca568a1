//! Watch and settle together on real files, against a register in memory.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use weir_journey::fixtures::Picture;
use weir_journey::settle::{Now, Observation, Patience, Reason};

use super::*;
use crate::watch::{self, Eyes, Inbox, Root, RootId};

pub(super) const BOUND: Duration = Duration::from_secs(30);

/// A register in memory that refuses the first `refusals` takes.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) judged: Mutex<HashMap<PathBuf, Observation>>,
    pub(super) taken: Mutex<Vec<Settled>>,
    pub(super) set_aside: Mutex<BTreeMap<PathBuf, Reason>>,
    strikes: Mutex<HashMap<PathBuf, u32>>,
    refusals: AtomicU32,
}

impl Register for Memory {
    type Error = &'static str;

    async fn known(&self, files: &[Seen]) -> Result<Vec<bool>, Self::Error> {
        let judged = self.judged.lock().expect("judged");
        let known = |file: &Seen| judged.get(&file.path) == Some(&file.observation);
        Ok(files.iter().map(known).collect())
    }

    async fn take(&self, file: Settled) -> Result<bool, Self::Error> {
        let less = |left: u32| left.checked_sub(1);
        if self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            return Err("disk full");
        }
        let seen = file.seen.clone();
        self.judged
            .lock()
            .expect("judged")
            .insert(seen.path, seen.observation);
        self.taken.lock().expect("taken").push(file);
        Ok(true)
    }

    async fn quarantine(&self, file: &Seen, reason: &Reason) -> Result<(), Self::Error> {
        let (path, observation) = (file.path.clone(), file.observation);
        self.judged
            .lock()
            .expect("judged")
            .insert(path.clone(), observation);
        self.set_aside
            .lock()
            .expect("aside")
            .insert(path, reason.clone());
        Ok(())
    }

    async fn strike(&self, path: &Path) -> Result<u32, Self::Error> {
        let mut strikes = self.strikes.lock().expect("strikes");
        let count = strikes.entry(path.to_owned()).or_default();
        *count += 1;
        Ok(*count)
    }
}

impl Memory {
    pub(super) fn times_taken(&self, path: &Path) -> usize {
        let taken = self.taken.lock().expect("taken");
        taken.iter().filter(|file| file.seen.path == path).count()
    }

    fn aside(&self, path: &Path) -> Option<&'static str> {
        let aside = self.set_aside.lock().expect("aside");
        aside.get(path).map(Reason::code)
    }
}

/// The clocks of this machine.
pub(super) fn clock() -> Clock {
    let begun = Instant::now();
    Arc::new(move || Now {
        wall_ns: SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos().cast_signed()),
        monotonic: begun.elapsed(),
        since_step: None,
    })
}

/// A camera site with a watcher, a settler and a register.
pub(super) struct Site {
    pub(super) room: TempDir,
    pub(super) register: Arc<Memory>,
    pub(super) inbox: Inbox,
    said: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
    tasks: [AbortOnDropHandle<()>; 2],
}

impl Site {
    fn open() -> Self {
        Self::open_in(
            tempfile::tempdir().expect("tempdir"),
            Arc::default(),
            Eyes::Inotify,
        )
    }

    pub(super) fn open_in(room: TempDir, register: Arc<Memory>, eyes: Eyes) -> Self {
        let (cam, state) = (room.path().join("cam"), room.path().join("state"));
        fs::create_dir_all(&cam).expect("created");
        fs::create_dir_all(&state).expect("created");
        let roots = vec![Root::new(RootId(0), &cam, 8).expect("root")];
        let (inbox, stop) = (Inbox::new(), CancellationToken::new());
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let watching = watch::run(
            eyes,
            roots.clone(),
            watch::Settings {
                rescan: Duration::from_secs(900),
                canary: None,
                grace: watch::Settings::GRACE,
                state: state.clone(),
            },
            inbox.clone(),
            |_| {},
            stop.clone(),
        );
        let settings = Settings {
            roots,
            patience: Patience {
                quiet: Duration::from_millis(150),
                give_up: Duration::from_millis(600),
            },
            readers: NonZeroUsize::new(2).expect("two"),
            spools: Vec::new(),
            state,
        };
        let tell = {
            let said = Arc::clone(&said);
            move |report: &Report| said.lock().expect("said").push(report.to_string())
        };
        let (taker, stopper) = (Arc::clone(&register), stop.clone());
        let settling = run(
            inbox.clone(),
            taker,
            settings,
            clock(),
            tell,
            |_| {},
            stopper,
        );
        let tasks = [
            AbortOnDropHandle::new(tokio::spawn(watching)),
            AbortOnDropHandle::new(tokio::spawn(settling)),
        ];
        Self {
            room,
            register,
            inbox,
            said,
            stop,
            tasks,
        }
    }

    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.room.path().join("cam").join(name)
    }

    async fn until_taken(&self, path: &Path) {
        until(&format!("{} is taken", path.display()), || {
            self.register.times_taken(path) > 0
        })
        .await;
    }

    /// Has a marker taken: everything announced before is at least admitted.
    async fn until_marker(&self, name: &str) {
        fs::write(self.path(name), Picture::new(u64::MAX).jpeg()).expect("written");
        self.until_taken(&self.path(name)).await;
    }

    fn said(&self, words: &str) -> bool {
        self.said
            .lock()
            .expect("said")
            .iter()
            .any(|line| line.contains(words))
    }
}

pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < BOUND, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn jpeg(seed: u64) -> Vec<u8> {
    Picture::new(seed).sized(2_000).jpeg()
}

#[tokio::test]
async fn every_whole_file_is_taken_once_however_it_came() {
    let site = Site::open();
    site.until_marker("marker.jpg").await;
    fs::write(site.path("plain.jpg"), jpeg(1)).expect("written");
    fs::write(site.path("up.jpg.tmp"), jpeg(2)).expect("written");
    fs::rename(site.path("up.jpg.tmp"), site.path("up.jpg")).expect("renamed");
    let outside = site.room.path().join("outside");
    fs::create_dir_all(outside.join("deep")).expect("created");
    fs::write(outside.join("deep/tree.jpg"), jpeg(3)).expect("written");
    fs::rename(&outside, site.path("moved")).expect("moved");
    fs::write(site.room.path().join("link-source"), jpeg(4)).expect("written");
    fs::hard_link(
        site.room.path().join("link-source"),
        site.path("linked.jpg"),
    )
    .expect("linked");
    let old = File::create(site.path("old.jpg")).expect("created");
    (&old).write_all(&jpeg(5)).expect("written");
    old.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .expect("set");
    drop(old);
    let odd = OsStr::from_bytes(b"\xff\xfe.jpg");
    fs::write(site.path(odd), jpeg(6)).expect("written");
    let names: [&Path; 6] = [
        "plain.jpg",
        "up.jpg",
        "moved/deep/tree.jpg",
        "linked.jpg",
        "old.jpg",
    ]
    .map(Path::new)
    .into_iter()
    .chain([Path::new(odd)])
    .collect::<Vec<_>>()
    .try_into()
    .expect("six");
    for name in names {
        site.until_taken(&site.path(name)).await;
    }
    site.inbox.rescan(RootId(0));
    site.until_marker("after.jpg").await;
    for name in names {
        assert_eq!(site.register.times_taken(&site.path(name)), 1, "{name:?}");
    }
    let taken = site.register.taken.lock().expect("taken");
    for file in taken.iter() {
        use sha2::Digest;
        let bytes = fs::read(&file.seen.path).expect("read");
        assert_eq!(
            file.sha256.0,
            <[u8; 32]>::from(sha2::Sha256::digest(&bytes))
        );
        assert_eq!(file.inspection.len, bytes.len() as u64);
    }
}

#[tokio::test]
async fn a_slow_writer_is_waited_for_although_it_pauses() {
    let site = Site::open();
    let whole = jpeg(1);
    let path = site.path("slow.jpg");
    let mut file = File::create(&path).expect("created");
    for part in whole.chunks(whole.len() / 3 + 1) {
        assert_eq!(site.register.times_taken(&path), 0);
        file.write_all(part).expect("written");
        file.flush().expect("flushed");
        // Longer than the quiet: the writer pauses in the middle.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(file);
    site.until_taken(&path).await;
    assert_eq!(site.register.times_taken(&path), 1);
    let taken = site.register.taken.lock().expect("taken");
    assert_eq!(taken[0].inspection.len, whole.len() as u64);
}

#[tokio::test]
async fn what_is_not_whole_is_set_aside_with_its_reason_and_kept() {
    let site = Site::open();
    let whole = jpeg(1);
    fs::write(site.path("cut.jpg"), &whole[..whole.len() / 2]).expect("written");
    fs::write(site.path("empty.jpg"), b"").expect("written");
    fs::write(site.path("page.jpg"), b"<!DOCTYPE html><html></html>").expect("written");
    for (name, code) in [
        ("cut.jpg", "truncated"),
        ("empty.jpg", "empty"),
        ("page.jpg", "not-an-image"),
    ] {
        let path = site.path(name);
        until(name, || site.register.aside(&path) == Some(code)).await;
        assert!(path.exists());
        assert_eq!(site.register.times_taken(&path), 0);
    }
    // The writer comes back: the case is opened again.
    let path = site.path("cut.jpg");
    let mut file = OpenOptions::new().append(true).open(&path).expect("opened");
    file.write_all(&whole[whole.len() / 2..]).expect("written");
    drop(file);
    site.until_taken(&path).await;
}

#[tokio::test]
async fn links_pipes_and_unfinished_names_are_left_alone() {
    let site = Site::open();
    let elsewhere = site.room.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("created");
    fs::write(elsewhere.join("x.jpg"), jpeg(1)).expect("written");
    symlink(elsewhere.join("x.jpg"), site.path("link.jpg")).expect("linked");
    symlink(&elsewhere, site.path("folder")).expect("linked");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let pipe = site.path("pipe.jpg");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    fs::write(site.path("a.jpg.part"), jpeg(2)).expect("written");
    fs::write(site.path(".hidden.jpg"), jpeg(3)).expect("written");
    site.inbox.rescan(RootId(0));
    site.until_marker("marker.jpg").await;
    // Patience with any of them would have ended before that with this one.
    let last = site.path("last.jpg");
    fs::write(&last, b"").expect("written");
    until("the last is set aside", || {
        site.register.aside(&last).is_some()
    })
    .await;
    assert_eq!(site.register.taken.lock().expect("taken").len(), 1);
    assert_eq!(site.register.set_aside.lock().expect("aside").len(), 1);
}

#[tokio::test]
async fn five_thousand_at_once_are_taken_once_each() {
    let site = Site::open();
    let picture = jpeg(1);
    for n in 0..5_000 {
        fs::write(site.path(format!("{n}.jpg")), &picture).expect("written");
    }
    until("all are taken", || {
        site.register.taken.lock().expect("taken").len() >= 5_000
    })
    .await;
    site.inbox.rescan(RootId(0));
    site.until_marker("marker.jpg").await;
    let taken = site.register.taken.lock().expect("taken");
    let mut paths: Vec<_> = taken.iter().map(|file| file.seen.path.clone()).collect();
    paths.sort();
    paths.dedup();
    assert_eq!((taken.len(), paths.len()), (5_001, 5_001));
}

#[tokio::test]
async fn a_register_that_refuses_is_asked_again() {
    let register = Arc::new(Memory::default());
    register.refusals.store(2, Ordering::SeqCst);
    let room = tempfile::tempdir().expect("tempdir");
    let site = Site::open_in(room, register, Eyes::Inotify);
    fs::write(site.path("x.jpg"), jpeg(1)).expect("written");
    site.until_taken(&site.path("x.jpg")).await;
    assert!(site.said("disk full"));
    assert_eq!(site.register.times_taken(&site.path("x.jpg")), 1);
}

#[tokio::test]
async fn a_replaced_file_is_a_new_one() {
    let site = Site::open();
    let path = site.path("latest.jpg");
    for seed in 0..5 {
        fs::write(site.path("next"), jpeg(seed)).expect("written");
        fs::rename(site.path("next"), &path).expect("renamed");
        let count = usize::try_from(seed).expect("small") + 1;
        until("each is taken", || {
            site.register.times_taken(&path) == count
        })
        .await;
    }
}

#[tokio::test]
async fn three_deaths_with_one_file_set_it_aside_and_no_other() {
    let room = tempfile::tempdir().expect("tempdir");
    let (cam, state) = (room.path().join("cam"), room.path().join("state"));
    fs::create_dir_all(&cam).expect("created");
    fs::create_dir_all(&state).expect("created");
    let (bomb, good) = (cam.join("bomb.jpg"), cam.join("good.jpg"));
    for n in 1..=3_u32 {
        // A process dies with the bomb in hand, and a neighbour the first time.
        let left = in_hand::InHand::open(&state, 2).expect("opened").slots;
        std::mem::forget(left.note(&bomb));
        if n == 1 {
            std::mem::forget(left.note(&good));
        }
        drop(left);
        if n == 3 {
            fs::write(&bomb, jpeg(1)).expect("written");
            fs::write(&good, jpeg(2)).expect("written");
        }
    }
    let register = Arc::new(Memory::default());
    register
        .strikes
        .lock()
        .expect("strikes")
        .insert(bomb.clone(), 2);
    let site = Site::open_in(room, register, Eyes::Inotify);
    until("it is set aside", || {
        site.register.aside(&bomb) == Some("fatal-to-agent")
    })
    .await;
    site.until_taken(&good).await;
    site.inbox.rescan(RootId(0));
    site.until_marker("marker.jpg").await;
    assert_eq!(site.register.times_taken(&bomb), 0);
    assert_eq!(site.register.times_taken(&good), 1);
    assert_eq!(site.register.aside(&good), None);
    let later = in_hand::InHand::open(&state, 2).expect("opened");
    assert!(later.suspects.is_empty(), "the notes are cleared");
}

#[tokio::test]
async fn stopping_finishes_and_begins_nothing_new() {
    let site = Site::open();
    for n in 0..500 {
        fs::write(site.path(format!("{n}.jpg")), jpeg(n)).expect("written");
    }
    until("it has begun", || {
        !site.register.taken.lock().expect("taken").is_empty()
    })
    .await;
    site.stop.cancel();
    let [watching, settling] = site.tasks;
    let both = async { tokio::join!(watching, settling) };
    let ended = tokio::time::timeout(BOUND, both).await.expect("in time");
    assert!(ended.0.is_ok() && ended.1.is_ok());
    let left = in_hand::InHand::open(&site.room.path().join("state"), 2).expect("opened");
    assert!(left.suspects.is_empty(), "nothing was left in hand");
}

#[tokio::test]
async fn a_fresh_file_is_taken_within_moments() {
    let site = Site::open();
    site.until_marker("marker.jpg").await;
    let bytes = Picture::new(7).sized(350_000).jpeg();
    let mut times = Vec::new();
    for n in 0..20 {
        let path = site.path(format!("{n}.jpg"));
        fs::write(&path, &bytes).expect("written");
        let closed = Instant::now();
        while site.register.times_taken(&path) == 0 {
            assert!(closed.elapsed() < BOUND);
            tokio::task::yield_now().await;
        }
        times.push(closed.elapsed());
    }
    times.sort();
    println!(
        "close to take: median {:?}, longest {:?}",
        times[10], times[19]
    );
    // Far above what it takes (see the printed figure), far below any timer: no timer is on this path.
    assert!(times[10] < Duration::from_millis(100), "{times:?}");
}
