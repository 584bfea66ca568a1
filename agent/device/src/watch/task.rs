//! The task that keeps the watches, walks the directories and judges the canary.

mod walks;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::canary::{self, Act, Canary};
use super::chores::{Lost, Todo};
use super::inbox::Inbox;
use super::inotify::{Eye, Inotify, Listener};
use super::mounts::Mounts;
use super::presence::{Change, Presence};
use super::roots::{Places, Root, RootId};
use super::scan::Why;
use super::tree::Tree;
use super::{Eyes, Report, Settings};
use walks::Lane;

/// Without a watcher the rescans are this frequent, where the settings do not ask for more.
const BLIND_RESCAN: Duration = Duration::from_secs(60);

/// Watches `roots` until `stop`: announces files to `inbox` and reports about itself to `tell` (called
/// from this task; must not block). The first thing it does is scan every root.
///
/// Never fails: without inotify, without a readable root, it goes on with what works and says so.
pub async fn run(
    eyes: Eyes,
    roots: Vec<Root>,
    settings: Settings,
    inbox: Inbox,
    tell: impl Fn(&Report) + Send + Sync,
    stop: CancellationToken,
) {
    let opener: Option<Opener> = match eyes {
        Eyes::Announced => None,
        Eyes::Inotify => Some(Box::new(|listener| {
            Ok(Arc::new(Inotify::open(listener)?) as Arc<dyn Eye>)
        })),
    };
    run_with(opener, roots, settings, inbox, tell, stop).await;
}

/// Opens a watcher; called again when the last one died.
pub(super) type Opener = Box<dyn Fn(Listener) -> io::Result<Arc<dyn Eye>> + Send + Sync>;

pub(super) async fn run_with(
    opener: Option<Opener>,
    roots: Vec<Root>,
    settings: Settings,
    inbox: Inbox,
    tell: impl Fn(&Report) + Send + Sync,
    stop: CancellationToken,
) {
    let mounts = if opener.is_some() {
        Mounts::open()
    } else {
        Mounts::unheard()
    };
    let mut watch = Watch::new(opener, roots, settings, inbox.clone(), tell);
    watch.open_eye().await;
    watch.look_at_roots().await;
    loop {
        watch.begin_steps();
        let timer = watch.next_timer();
        let held = watch.routine.is_held();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            todo = inbox.chores().next() => watch.do_chores(todo).await,
            (walk, step) = watch.urgent.stepped() => watch.urgent_stepped(walk, step),
            (walk, step) = watch.routine.stepped() => watch.routine_stepped(walk, step).await,
            () = inbox.room(), if held => watch.routine.held = false,
            () = mounts.changed() => watch.mounts_changed().await,
            () = sleep_until(timer) => watch.on_timer().await,
        }
    }
}

struct Watch<T> {
    places: Arc<Places>,
    settings: Settings,
    inbox: Inbox,
    tell: T,
    opener: Option<Opener>,
    eye: Option<Arc<dyn Eye>>,
    tree: Arc<Tree>,
    presence: Presence,
    canary: Option<Canary>,
    urgent: Lane,
    routine: Lane,
    walks: u64,
    next_rescan: Instant,
    missed_said: Vec<RootId>,
}

impl<T: Fn(&Report) + Send + Sync> Watch<T> {
    fn new(
        opener: Option<Opener>,
        roots: Vec<Root>,
        settings: Settings,
        inbox: Inbox,
        tell: T,
    ) -> Self {
        Self {
            places: Arc::new(Places::new(roots)),
            next_rescan: Instant::now() + settings.rescan,
            settings,
            inbox,
            tell,
            opener,
            eye: None,
            tree: Arc::default(),
            presence: Presence::default(),
            canary: None,
            urgent: Lane::default(),
            routine: Lane::default(),
            walks: 0,
            missed_said: Vec::new(),
        }
    }

    fn say(&self, report: &Report) {
        report.log();
        (self.tell)(report);
    }

    fn ground(&self) -> (Arc<Places>, Arc<Tree>, Option<Arc<dyn Eye>>) {
        (
            Arc::clone(&self.places),
            Arc::clone(&self.tree),
            self.eye.clone(),
        )
    }

    fn next_timer(&self) -> Instant {
        match &self.canary {
            Some(canary) => canary.due().min(self.next_rescan),
            None => self.next_rescan,
        }
    }

    /// Opens the watcher, where there is to be one and none is open.
    async fn open_eye(&mut self) {
        let Some(opener) = &self.opener else { return };
        if self.eye.is_some() {
            return;
        }
        let private = canary::directory(&self.settings.state);
        let listener = Listener {
            places: Places::clone(&self.places),
            tree: Arc::clone(&self.tree),
            inbox: self.inbox.clone(),
            private: private.clone(),
        };
        match opener(listener) {
            Ok(eye) => self.eye = Some(eye),
            Err(error) => {
                self.hurry_rescan();
                return self.say(&Report::NoWatcher { error });
            }
        }
        self.canary = None;
        match self.watch_private(private).await {
            Ok(()) => {
                self.canary = self
                    .settings
                    .canary
                    .map(|period| Canary::new(period, self.settings.grace, Instant::now()));
            }
            Err((directory, error)) => self.say(&Report::Unreadable { directory, error }),
        }
    }

    async fn watch_private(&self, private: PathBuf) -> Result<(), (PathBuf, io::Error)> {
        let eye = self.eye.clone();
        blocking(move || {
            canary::prepare(&private)
                .and_then(|()| match eye {
                    Some(eye) => eye.watch(&private).map_err(io::Error::other),
                    None => Ok(()),
                })
                .map_err(|error| (private, error))
        })
        .await
    }

    fn hurry_rescan(&mut self) {
        let soon = Instant::now() + self.settings.rescan.min(BLIND_RESCAN);
        self.next_rescan = self.next_rescan.min(soon);
    }

    /// The watcher is of no use any more: a new one, new watches, and a scan for what was missed.
    async fn rebuild(&mut self, why: &str) {
        self.say(&Report::WatcherDead {
            why: why.to_owned(),
        });
        self.eye = None;
        self.tree.clear();
        self.open_eye().await;
        self.look_at_roots().await;
        self.rescan_all(Why::Whole);
    }

    /// Looks which roots are there, reports what changed and scans those that came.
    async fn look_at_roots(&mut self) {
        let (places, tree, eye) = self.ground();
        let mut presence = std::mem::take(&mut self.presence);
        let (presence, changes) = blocking(move || {
            let changes: Vec<_> = places
                .iter()
                .map(|root| {
                    let change = presence.look(root, &tree, eye.as_deref());
                    (root.clone(), change)
                })
                .collect();
            (presence, changes)
        })
        .await;
        self.presence = presence;
        for (root, change) in changes {
            let directory = root.directory.clone();
            match change {
                Change::None => continue,
                Change::Left(awaited_at) => {
                    self.say(&Report::RootGone {
                        root: root.id,
                        directory,
                        awaited_at,
                    });
                    continue;
                }
                Change::Returned => self.say(&Report::RootBack {
                    root: root.id,
                    directory,
                }),
                Change::Came => {}
            }
            self.rescan(root, Why::Whole);
        }
    }

    async fn do_chores(&mut self, todo: Todo) {
        if let Some(lost) = todo.lost {
            let why = match lost {
                Lost::Overflow => "too many at once".to_owned(),
                Lost::Fault(why) => why,
            };
            self.say(&Report::EventsLost { why });
            self.rescan_all(Why::Whole);
        }
        if todo.canary_heard
            && let Some(canary) = &mut self.canary
        {
            canary.heard(Instant::now());
            self.say(&Report::EventsArrive);
        }
        // What left comes first: if the same name came again, that is looked at afresh below.
        for directory in todo.left {
            self.tree.forget(&directory);
        }
        if todo.roots_moved {
            self.look_at_roots().await;
        }
        for directory in todo.appeared {
            self.look_into(directory);
        }
        for root in todo.rescan {
            if let Some(root) = self.places.get(root).cloned() {
                self.rescan(root, Why::Whole);
            }
        }
        for (root, files) in todo.missed {
            self.report_missed(root, files);
        }
        if todo.woken {
            self.say(&Report::Woken);
            // What the operator had forgotten is found by nothing else before the next rescan.
            self.rescan_all(Why::Whole);
        }
    }

    fn report_missed(&mut self, root: RootId, files: u64) {
        let Some(place) = self.places.get(root) else {
            return;
        };
        let report = Report::Missed {
            root,
            directory: place.directory.clone(),
            files,
        };
        (self.tell)(&report);
        // One line a root and rescan; the counting goes on.
        if !self.missed_said.contains(&root) {
            self.missed_said.push(root);
            report.log();
        }
    }

    /// Something was mounted or unmounted: names may lead to other directories.
    async fn mounts_changed(&mut self) {
        self.look_at_roots().await;
        let tree = Arc::clone(&self.tree);
        for directory in blocking(move || tree.displaced()).await {
            self.look_into(directory);
        }
    }

    async fn on_timer(&mut self) {
        let now = Instant::now();
        if now >= self.next_rescan {
            self.next_rescan = now + self.settings.rescan;
            self.missed_said.clear();
            self.open_eye().await;
            self.look_at_roots().await;
            self.rescan_all(Why::Routine);
        }
        match self.canary.as_mut().map(|canary| canary.act(now)) {
            Some(Act::Sing) => self.sing().await,
            Some(Act::Dead) => self.rebuild("its canary was not heard").await,
            Some(Act::Rest) | None => {}
        }
    }

    async fn sing(&mut self) {
        let private = canary::directory(&self.settings.state);
        let sung = {
            let private = private.clone();
            blocking(move || canary::knock(&private, canary::CANARY)).await
        };
        if let Err(error) = sung {
            // A song that could not be sung proves nothing about the watcher.
            if let Some(canary) = &mut self.canary {
                canary.heard(Instant::now());
            }
            self.say(&Report::Unreadable {
                directory: private,
                error,
            });
        }
    }
}

/// Runs file-system work off the runtime's threads.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    match crate::blocking::spawn(work).await {
        Ok(result) => result,
        Err(error) => ended(error).await,
    }
}

/// Blocking work ends early by a panic of ours, which shall end the task too, visibly; or because the
/// runtime is going down, and this task with it.
async fn ended<R>(error: tokio::task::JoinError) -> R {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}
