//! The watcher on real directories with the real inotify, and on stand-ins for what the kernel cannot
//! be made to do on demand.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::chores::Lost;
use super::inotify::{Blind, Eye, Inotify};
use super::task::{Opener, run_with};
use super::*;

const BOUND: Duration = Duration::from_secs(20);

/// A running watcher, and all it saw and said.
struct Site {
    room: TempDir,
    inbox: Inbox,
    seen: Arc<Mutex<Vec<Sighting>>>,
    said: Arc<Mutex<Vec<String>>>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

fn real() -> Option<Opener> {
    Some(Box::new(|listener| Ok(Arc::new(Inotify::open(listener)?))))
}

fn settings(state: &Path) -> Settings {
    Settings {
        rescan: Duration::from_secs(900),
        canary: None,
        grace: Settings::GRACE,
        state: state.to_owned(),
    }
}

impl Site {
    /// Watches the directories `roots` of a fresh room, of which only the first is made.
    fn open(roots: usize, opener: Option<Opener>, adapt: impl FnOnce(&mut Settings)) -> Self {
        let room = tempfile::tempdir().expect("tempdir");
        fs::create_dir(room.path().join("cam0")).expect("created");
        Self::open_in(room, roots, opener, adapt)
    }

    fn open_in(
        room: TempDir,
        roots: usize,
        opener: Option<Opener>,
        adapt: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = settings(&room.path().join("state"));
        adapt(&mut settings);
        let roots = (0..roots)
            .map(|n| Root::new(RootId(n), &room.path().join(format!("cam{n}")), 8).expect("root"))
            .collect();
        let (inbox, seen, said) = (Inbox::new(), Arc::default(), Arc::default());
        let tell = {
            let said: Arc<Mutex<Vec<String>>> = Arc::clone(&said);
            move |report: &Report| said.lock().expect("said").push(report.to_string())
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run_with(opener, roots, settings, inbox.clone(), tell, stop));
        let reader = {
            let (inbox, seen): (_, Arc<Mutex<Vec<Sighting>>>) = (inbox.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                loop {
                    let batch = inbox.next(64, 64).await;
                    seen.lock().expect("seen").extend(batch);
                }
            })
        };
        let tasks = [task, reader].map(AbortOnDropHandle::new);
        Self {
            room,
            inbox,
            seen,
            said,
            _tasks: tasks,
        }
    }

    async fn started(self) -> Self {
        self.until_said("scanned").await;
        self
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.room.path().join("cam0").join(name)
    }

    fn saw(&self, path: &Path, cause: Cause) -> bool {
        let seen = self.seen.lock().expect("seen");
        seen.iter().any(|s| s.path == path && s.cause == cause)
    }

    async fn until_seen(&self, path: &Path) {
        let seen = || {
            let seen = self.seen.lock().expect("seen");
            seen.iter().any(|s| s.path == path)
        };
        until(&format!("{} is seen", path.display()), seen).await;
    }

    fn times_said(&self, words: &str) -> usize {
        let said = self.said.lock().expect("said");
        said.iter().filter(|line| line.contains(words)).count()
    }

    async fn until_said(&self, words: &str) {
        until(&format!("'{words}' is said"), || self.times_said(words) > 0).await;
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < BOUND, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn write(path: &Path) {
    let mut file = File::create(path).expect("created");
    file.write_all(b"picture").expect("written");
}

/// The inotify descriptors of this process, each with the inodes it watches.
fn inotify_instances() -> Vec<BTreeSet<u64>> {
    let infos = fs::read_dir("/proc/self/fdinfo").expect("fdinfo");
    infos
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .map(|info| {
            let inodes = info.lines().filter_map(|line| {
                let field = line.strip_prefix("inotify ")?.split_once("ino:")?.1;
                u64::from_str_radix(field.split_whitespace().next()?, 16).ok()
            });
            inodes.collect::<BTreeSet<_>>()
        })
        .filter(|inodes| !inodes.is_empty())
        .collect()
}

fn is_watched(inode: u64) -> bool {
    inotify_instances().iter().any(|one| one.contains(&inode))
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("stat").ino()
}

#[tokio::test]
async fn every_way_to_finish_a_file_is_announced() {
    let site = Site::open(1, real(), |_| {}).started().await;
    let outside = site.room.path().join("outside.jpg");
    write(&site.path("closed.jpg"));
    write(&site.path("a.tmp"));
    fs::rename(site.path("a.tmp"), site.path("renamed.jpg")).expect("renamed");
    write(&outside);
    fs::hard_link(&outside, site.path("linked.jpg")).expect("linked");
    fs::rename(&outside, site.path("moved.jpg")).expect("moved");
    let odd = site.path(OsStr::from_bytes(b"odd-\xff\xfe.jpg"));
    write(&odd);
    until("all are announced", || {
        site.saw(&site.path("closed.jpg"), Cause::Closed)
            && site.saw(&site.path("renamed.jpg"), Cause::Closed)
            && site.saw(&site.path("linked.jpg"), Cause::Found)
            && site.saw(&site.path("moved.jpg"), Cause::Closed)
            && site.saw(&odd, Cause::Closed)
    })
    .await;
}

#[tokio::test]
async fn what_is_there_at_the_start_is_found_and_nothing_else_is() {
    let room = tempfile::tempdir().expect("tempdir");
    let cam = room.path().join("cam0");
    fs::create_dir_all(cam.join("2026/11")).expect("created");
    fs::create_dir_all(cam.join(".thumbs")).expect("created");
    fs::create_dir(room.path().join("elsewhere")).expect("created");
    write(&room.path().join("elsewhere/no.jpg"));
    write(&cam.join("2026/11/yes.jpg"));
    write(&cam.join(".thumbs/no.jpg"));
    symlink(room.path().join("elsewhere"), cam.join("dir-link")).expect("linked");
    symlink(cam.join("2026/11/yes.jpg"), cam.join("file-link.jpg")).expect("linked");
    let _socket = std::os::unix::net::UnixListener::bind(cam.join("socket.jpg")).expect("bound");
    let site = Site::open_in(room, 1, real(), |_| {}).started().await;
    site.until_seen(&cam.join("2026/11/yes.jpg")).await;
    let seen = site.seen.lock().expect("seen");
    let paths: BTreeSet<_> = seen.iter().map(|s| s.path.as_path()).collect();
    assert_eq!(
        paths,
        BTreeSet::from([cam.join("2026/11/yes.jpg").as_path()])
    );
}

#[tokio::test]
async fn a_file_written_right_after_its_directories_is_never_missed() {
    let site = Site::open(1, real(), |_| {}).started().await;
    for n in 0..300 {
        let deep = site.path(format!("{n}/b/c"));
        fs::create_dir_all(&deep).expect("created");
        write(&deep.join("x.jpg"));
    }
    for n in 0..300 {
        site.until_seen(&site.path(format!("{n}/b/c/x.jpg"))).await;
    }
    // And what comes later has its watch.
    write(&site.path("299/b/c/later.jpg"));
    site.until_seen(&site.path("299/b/c/later.jpg")).await;
    assert_eq!(site.times_said("scanned"), 1, "no rescan was needed");
}

#[tokio::test]
async fn directories_that_move_keep_or_lose_their_watch() {
    let site = Site::open(1, real(), |_| {}).started().await;
    let outside = site.room.path().join("outside");
    fs::create_dir_all(outside.join("deep")).expect("created");
    write(&outside.join("deep/old.jpg"));
    let deep = inode(&outside.join("deep"));

    fs::rename(&outside, site.path("in")).expect("moved in");
    site.until_seen(&site.path("in/deep/old.jpg")).await;
    fs::rename(site.path("in"), site.path("renamed")).expect("renamed");
    site.until_seen(&site.path("renamed/deep/old.jpg")).await;
    write(&site.path("renamed/deep/new.jpg"));
    site.until_seen(&site.path("renamed/deep/new.jpg")).await;
    assert!(is_watched(deep));

    fs::rename(site.path("renamed"), &outside).expect("moved out");
    until("the watch is given up", || !is_watched(deep)).await;
}

#[tokio::test]
async fn removed_and_made_again_many_times_leaks_nothing_and_misses_nothing() {
    let site = Site::open(1, real(), |_| {}).started().await;
    for n in 0..200 {
        fs::create_dir_all(site.path("day/hour")).expect("created");
        if n < 199 {
            fs::remove_dir_all(site.path("day")).expect("removed");
        }
    }
    let hour = inode(&site.path("day/hour"));
    until("the last one is watched", || is_watched(hour)).await;
    write(&site.path("day/hour/x.jpg"));
    site.until_seen(&site.path("day/hour/x.jpg")).await;
    let ours = inotify_instances();
    let ours = ours.iter().find(|one| one.contains(&hour)).expect("ours");
    // cam0, day, hour and the private directory.
    assert_eq!(ours.len(), 4);
}

#[tokio::test]
async fn a_root_may_come_late_go_and_return() {
    let room = tempfile::tempdir().expect("tempdir");
    let site = Site::open_in(room, 1, real(), |_| {});
    site.until_said("is not there").await;
    for n in 1..=3 {
        fs::create_dir_all(site.path("sub")).expect("created");
        write(&site.path(format!("sub/{n}.jpg")));
        site.until_seen(&site.path(format!("sub/{n}.jpg"))).await;
        until("it is back", || site.times_said("is there again") == n).await;
        fs::remove_dir_all(site.path("")).expect("removed");
        until("it is gone", || site.times_said("is not there") == n + 1).await;
    }
}

#[tokio::test]
async fn a_root_whose_parents_are_missing_is_awaited_step_by_step() {
    let room = tempfile::tempdir().expect("tempdir");
    let root = room.path().join("mnt/card/DCIM");
    let inbox = Inbox::new();
    let roots = vec![Root::new(RootId(0), &root, 3).expect("root")];
    let settings = settings(&room.path().join("state"));
    let stop = CancellationToken::new();
    let task = run_with(real(), roots, settings, inbox.clone(), |_| {}, stop);
    let _task = AbortOnDropHandle::new(tokio::spawn(task));
    for step in ["mnt", "mnt/card", "mnt/card/DCIM"] {
        // Let the watcher follow, so that each step is an event of its own.
        let parent = inode(room.path().join(step).parent().expect("parent"));
        until("the parent is watched", || is_watched(parent)).await;
        fs::create_dir(room.path().join(step)).expect("created");
    }
    write(&root.join("x.jpg"));
    let seen = tokio::time::timeout(BOUND, inbox.next(1, 1))
        .await
        .expect("in time");
    assert_eq!(seen[0].path, root.join("x.jpg"));
}

#[tokio::test]
async fn twenty_roots_share_one_instance() {
    let room = tempfile::tempdir().expect("tempdir");
    for n in 0..20 {
        fs::create_dir(room.path().join(format!("cam{n}"))).expect("created");
    }
    let site = Site::open_in(room, 20, real(), |_| {});
    until("all are scanned", || site.times_said("scanned") == 20).await;
    let roots: BTreeSet<_> = (0..20)
        .map(|n| inode(&site.room.path().join(format!("cam{n}"))))
        .collect();
    let instances = inotify_instances();
    let with_ours: Vec<_> = instances
        .iter()
        .filter(|one| !one.is_disjoint(&roots))
        .collect();
    assert_eq!(with_ours.len(), 1);
    assert!(with_ours[0].is_superset(&roots));
}

#[tokio::test]
async fn lost_events_are_said_and_made_good_by_a_scan() {
    let site = Site::open(1, real(), |_| {}).started().await;
    write(&site.path("x.jpg"));
    site.until_seen(&site.path("x.jpg")).await;
    site.seen.lock().expect("seen").clear();
    site.inbox.chores().lost(Lost::Overflow);
    site.until_said("events were lost").await;
    site.until_seen(&site.path("x.jpg")).await;
}

#[tokio::test]
async fn a_burst_of_five_thousand_is_announced_whole() {
    let site = Site::open(1, real(), |_| {}).started().await;
    for n in 0..5_000 {
        write(&site.path(format!("{n}.jpg")));
    }
    until("all are seen", || {
        let seen = site.seen.lock().expect("seen");
        let names: BTreeSet<_> = seen.iter().map(|s| s.path.as_path()).collect();
        names.len() == 5_000
    })
    .await;
}

#[tokio::test]
async fn the_living_are_not_declared_dead_and_the_command_line_is_heard() {
    let site = Site::open(1, real(), |settings| {
        settings.canary = Some(Duration::from_millis(1));
        settings.grace = BOUND;
    })
    .started()
    .await;
    for n in 1..20 {
        wake(&site.room.path().join("state")).expect("knocked");
        until("woken", || site.times_said("woken") >= n).await;
    }
    assert_eq!(site.times_said("dead"), 0);
}

/// A watcher that hears nothing and has only so many watches.
struct Deaf {
    watches_left: AtomicUsize,
}

impl Eye for Deaf {
    fn watch(&self, _: &Path) -> Result<(), Blind> {
        let less = |left: usize| left.checked_sub(1);
        self.watches_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .map(|_| ())
            .map_err(|_| Blind::Limit)
    }

    fn unwatch(&self, _: &Path) {}
}

/// Opens deaf watchers and counts them.
fn deaf(watches: usize) -> (Option<Opener>, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let opener: Opener = Box::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(Deaf {
            watches_left: AtomicUsize::new(watches),
        }))
    });
    (Some(opener), opened)
}

#[tokio::test(start_paused = true)]
async fn a_dead_watcher_is_noticed_replaced_and_made_good() {
    let (opener, opened) = deaf(usize::MAX);
    let site = Site::open(1, opener, |settings| {
        settings.rescan = Duration::from_secs(1_000_000);
        settings.canary = Some(Duration::from_secs(600));
    })
    .started()
    .await;
    write(&site.path("unheard.jpg"));
    let begun = tokio::time::Instant::now();
    while site.times_said("canary was not heard") == 0 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(620),
            "noticed in time"
        );
    }
    while site.times_said("scanned") < 2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(site.saw(&site.path("unheard.jpg"), Cause::Found));
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_timer_finds_what_no_event_announced_and_marks_it_overdue() {
    let (opener, _) = deaf(usize::MAX);
    let site = Site::open(1, opener, |_| {}).started().await;
    write(&site.path("unheard.jpg"));
    while site.times_said("scanned") < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    {
        let seen = site.seen.lock().expect("seen");
        assert!(seen.iter().all(|s| s.overdue), "events should have told");
        assert_eq!(seen.len(), 1);
    }
    site.inbox.missed(RootId(0), 1);
    while site.times_said("came without an event") == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn directories_beyond_the_watch_limit_are_named_and_still_scanned() {
    let (opener, _) = deaf(2);
    let room = tempfile::tempdir().expect("tempdir");
    for n in 0..3 {
        fs::create_dir_all(room.path().join(format!("cam0/{n}"))).expect("created");
        write(&room.path().join(format!("cam0/{n}/x.jpg")));
    }
    // One watch goes to the private directory, one to the root.
    let site = Site::open_in(room, 1, opener, |_| {}).started().await;
    assert_eq!(site.times_said("3 directories cannot be watched"), 1);
    assert_eq!(site.times_said("max_user_watches"), 1);
    site.until_seen(&site.path("2/x.jpg")).await;
    while site.times_said("scanned") < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let seen = site.seen.lock().expect("seen");
    assert!(
        !seen.iter().any(|s| s.overdue),
        "no event was to be expected"
    );
}

#[tokio::test(start_paused = true)]
async fn without_inotify_rescans_come_sooner_and_it_is_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let opener: Opener = Box::new(move |listener| {
        if counted.fetch_add(1, Ordering::SeqCst) < 2 {
            return Err(std::io::Error::from_raw_os_error(24));
        }
        Ok(Arc::new(Inotify::open(listener)?))
    });
    let site = Site::open(1, Some(opener), |_| {}).started().await;
    let begun = tokio::time::Instant::now();
    let cam = inode(&site.path(""));
    while !is_watched(cam) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(begun.elapsed() < Duration::from_secs(150), "tried again");
    }
    assert_eq!(site.times_said("max_user_instances"), 2);
}

#[tokio::test]
async fn an_announced_camera_needs_no_kernel_and_is_scanned_all_the_same() {
    let site = Site::open(1, None, |_| {}).started().await;
    let path = site.path("x.jpg");
    write(&path);
    site.inbox.announce(RootId(0), &path, Cause::Closed);
    site.until_seen(&path).await;
    site.seen.lock().expect("seen").clear();
    site.inbox.rescan(RootId(0));
    site.until_seen(&path).await;
}

/// Needs the right to mount (root): `cargo test -p weir --lib mounted -- --ignored`.
#[tokio::test]
#[ignore = "mounts a tmpfs: needs CAP_SYS_ADMIN"]
async fn a_card_mounted_over_a_root_is_noticed_without_a_timer() {
    let site = Site::open(1, real(), |_| {}).started().await;
    let root = site.path("");
    let mount = |command: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(command);
        let status = command.args(arguments).arg(&root).status().expect("run");
        assert!(status.success(), "{command:?}");
    };
    mount("mount", &["-t", "tmpfs", "card"]);
    site.until_said("is there again").await;
    let card = inode(&root);
    until("the card is watched", || is_watched(card)).await;
    write(&site.path("x.jpg"));
    site.until_seen(&site.path("x.jpg")).await;
    mount("umount", &[]);
    until("its leaving is noticed", || {
        site.times_said("is there again") == 2
    })
    .await;
}
