//! The task that takes sightings in and keeps every file moving.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use weir_journey::settle::{Cause, Observation, Reason, Settling, Verdict, leave_alone};

use super::cases::{Admitted, Cases};
use super::durable::Durable;
use super::in_hand::{Found, InHand};
use super::judge::{Look, judge};
use super::reading::look;
use super::work::{Bench, Job, Next, work};
use super::{Clock, Register, Report, Seen, Settings};
use crate::watch::{Inbox, Places, RootId, Sighting};

/// Files under way at the same time, waiting ones included (about 1 MiB).
const CASES: usize = 4_096;
/// Of these, found by a scan and being worked on: the rest of the scan waits.
const FOUND: usize = 256;
/// Files looked at together.
const BATCH: usize = 64;
/// Files being read, made durable and registered: as many may share one commit.
const WORKING: usize = 64;
/// Deaths with one file in hand after which it is set aside.
const STRIKES: u32 = 3;
/// An event may be this late before a file that a scan found counts as missed.
const EVENT_LAG_NS: i128 = 10_000_000_000;

/// Settles what `inbox` announces, until `stop`; then finishes what is being read or
/// registered, begins nothing new, and returns. `tell` is called from this task and must not block; `count`
/// likewise, with the number of files that are under way or wait to be.
pub async fn run<R: Register>(
    inbox: Inbox,
    register: Arc<R>,
    settings: Settings,
    clock: Clock,
    tell: impl Fn(&Report) + Send + Sync,
    count: impl Fn(usize) + Send + Sync,
    stop: CancellationToken,
) {
    let (in_hand, suspects) = match open_in_hand(&settings).await {
        Ok(found) => (found.slots, found.suspects),
        Err(error) => {
            tell(&Report::NotNoted { error });
            (InHand::default(), Vec::new())
        }
    };
    let bench = Arc::new(Bench {
        register,
        clock,
        patience: settings.patience,
        readers: Semaphore::new(settings.readers.get()),
        in_hand,
        durable: Durable::default(),
        stop: stop.clone(),
        spools: settings.spools.clone(),
        state: settings.state.clone(),
    });
    let mut settle = Settle {
        inbox: inbox.clone(),
        places: Places::new(settings.roots.clone()),
        bench,
        tell,
        cases: Cases::new(CASES),
        jobs: JoinSet::new(),
        working: 0,
        surplus: BTreeSet::new(),
    };
    settle.try_suspects(suspects, settings).await;
    loop {
        settle.begin_work();
        count(settle.cases.len() + inbox.waiting());
        let nearest = settle.cases.nearest();
        let found = FOUND.saturating_sub(settle.cases.busy_found()).min(BATCH);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(done) = settle.jobs.join_next() => settle.after(done),
            () = until(nearest) => settle.take_due(),
            sightings = inbox.next(BATCH, found) => settle.admit(sightings),
        }
    }
    while settle.jobs.join_next().await.is_some() {}
}

async fn until(nearest: Option<Instant>) {
    match nearest {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn open_in_hand(settings: &Settings) -> Result<Found, String> {
    let (state, readers) = (settings.state.clone(), settings.readers.get());
    match crate::blocking::spawn(move || InHand::open(&state, readers)).await {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// What a job brings back.
enum Done {
    Looked(Vec<(PathBuf, Look)>),
    Worked(PathBuf, Settling, Next),
}

struct Settle<R, T> {
    inbox: Inbox,
    places: Places,
    bench: Arc<Bench<R>>,
    tell: T,
    cases: Cases,
    jobs: JoinSet<Done>,
    /// Of the jobs, those that work.
    working: usize,
    /// Roots to rescan when there is room again.
    surplus: BTreeSet<RootId>,
}

impl<R: Register, T: Fn(&Report) + Send + Sync> Settle<R, T> {
    /// Counts a strike against each file that was in hand when the agent died, sets the hopeless aside, and
    /// works on the others one by one, so that at the next death the guilty one alone is in hand.
    async fn try_suspects(&mut self, suspects: Vec<PathBuf>, settings: Settings) {
        if suspects.is_empty() {
            return;
        }
        let mut hopeful = Vec::new();
        for path in suspects {
            let strikes = match self.bench.register.strike(&path).await {
                Ok(strikes) => strikes,
                Err(error) => {
                    let error = error.to_string();
                    // The notes stay: the strikes are counted at the next start.
                    return (self.tell)(&Report::Unregistered { path, error });
                }
            };
            let suspect = path.clone();
            (self.tell)(&Report::Suspect { path, strikes });
            if strikes >= STRIKES {
                self.set_aside(suspect).await;
            } else {
                hopeful.push(suspect);
            }
        }
        let forgotten = crate::blocking::spawn(move || InHand::forget(&settings.state)).await;
        if let Ok(Err(error)) = forgotten {
            let error = error.to_string();
            (self.tell)(&Report::NotNoted { error });
        }
        for path in hopeful {
            self.work_alone(path).await;
        }
    }

    async fn set_aside(&mut self, path: PathBuf) {
        let Some(root) = self.places.root_of(&path).map(|root| root.id) else {
            return;
        };
        let looked = {
            let path = path.clone();
            crate::blocking::spawn(move || look(&path)).await
        };
        let Ok(Ok(observation)) = looked else { return };
        let seen = Seen {
            root,
            path,
            observation,
        };
        if let Err(error) = self
            .bench
            .register
            .quarantine(&seen, &Reason::FatalToAgent)
            .await
        {
            let (path, error) = (seen.path, error.to_string());
            (self.tell)(&Report::Unregistered { path, error });
        }
    }

    async fn work_alone(&mut self, path: PathBuf) {
        let Some(root) = self.places.root_of(&path).map(|root| root.id) else {
            return;
        };
        self.admit(vec![Sighting {
            root,
            path,
            cause: Cause::Found,
            overdue: false,
        }]);
        loop {
            self.begin_work();
            let Some(done) = self.jobs.join_next().await else {
                break;
            };
            self.after(done);
        }
    }

    fn admit(&mut self, sightings: Vec<Sighting>) {
        let mut judge: BTreeMap<RootId, Vec<PathBuf>> = BTreeMap::new();
        for sighting in sightings {
            if sighting
                .path
                .file_name()
                .is_none_or(|name| leave_alone(name).is_some())
            {
                continue;
            }
            match self.cases.admit(&sighting) {
                Admitted::Judge => judge.entry(sighting.root).or_default().push(sighting.path),
                Admitted::Joined => {}
                Admitted::Full => {
                    if self.surplus.insert(sighting.root) {
                        (self.tell)(&Report::Surplus { bound: CASES });
                    }
                }
            }
        }
        for (root, paths) in judge {
            self.judge(root, paths);
        }
    }

    fn judge(&mut self, root: RootId, paths: Vec<PathBuf>) {
        let register = Arc::clone(&self.bench.register);
        self.jobs
            .spawn(async move { Done::Looked(judge(register, root, paths).await) });
    }

    /// Looks again at cases that are busy in name only.
    fn judge_each(&mut self, paths: Vec<PathBuf>) {
        let mut by_root: BTreeMap<RootId, Vec<PathBuf>> = BTreeMap::new();
        for path in paths {
            if let Some(case) = self.cases.get(&path) {
                by_root.entry(case.root).or_default().push(path);
            }
        }
        for (root, paths) in by_root {
            self.judge(root, paths);
        }
    }

    fn take_due(&mut self) {
        let due = self.cases.take_due(Instant::now());
        self.judge_each(due);
    }

    /// Begins as much work as there is room for.
    fn begin_work(&mut self) {
        while self.working < WORKING {
            let Some(path) = self.cases.next_ready() else {
                break;
            };
            let Some(case) = self.cases.get(&path) else {
                continue;
            };
            let (root, settling) = (case.root, case.settling.clone());
            let (Some(settling), Some(place)) = (settling, self.places.get(root)) else {
                self.close(&path);
                continue;
            };
            let job = Job {
                root,
                directory: place.directory.clone(),
                path,
                settling,
            };
            let bench = Arc::clone(&self.bench);
            self.working += 1;
            self.jobs.spawn(async move {
                let (path, settling, next) = work(bench, job).await;
                Done::Worked(path, settling, next)
            });
        }
    }

    fn after(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Looked(looks)) => {
                for (path, look) in looks {
                    self.looked(path, look);
                }
            }
            Ok(Done::Worked(path, settling, next)) => {
                self.working -= 1;
                if let Some(case) = self.cases.get(&path) {
                    case.settling = Some(settling);
                }
                self.worked(path, next);
            }
            // Only a panic of ours or of the register's ends a job so: end visibly, and be restarted.
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        if self.cases.len() < CASES / 2 {
            for root in std::mem::take(&mut self.surplus) {
                self.inbox.rescan(root);
            }
        }
    }

    fn looked(&mut self, path: PathBuf, look: Look) {
        match look {
            Look::Known | Look::Nothing => self.close(&path),
            Look::Failed(failure) => {
                (self.tell)(&failure.report(&path));
                self.cases.wait_after_failure(&path, Instant::now());
            }
            Look::New(observation) => self.decide(path, observation),
        }
    }

    fn decide(&mut self, path: PathBuf, seen: Observation) {
        let now = (self.bench.clock)();
        let Some(case) = self.cases.get(&path) else {
            return;
        };
        let root = case.root;
        let missed =
            std::mem::take(&mut case.overdue) && now.wall_ns - seen.ctime_ns > EVENT_LAG_NS;
        let verdict = case.observe(seen, now, &self.bench.patience);
        if missed {
            self.inbox.missed(root, 1);
        }
        match verdict {
            Verdict::Inspect => self.cases.ready(path),
            Verdict::Wait(pause) => self.rest(path, pause),
        }
    }

    fn worked(&mut self, path: PathBuf, next: Next) {
        match next {
            Next::Done => self.close(&path),
            // The start-up scan of the next run finds it.
            Next::Untouched => {}
            Next::Wait(pause) => self.rest(path, pause),
            Next::Failed(report) => {
                (self.tell)(&report);
                self.cases.wait_after_failure(&path, Instant::now());
            }
        }
    }

    fn rest(&mut self, path: PathBuf, pause: std::time::Duration) {
        if !self.cases.wait(&path, Instant::now(), pause) {
            self.judge_each(vec![path]);
        }
    }

    fn close(&mut self, path: &std::path::Path) {
        if !self.cases.close(path) {
            self.judge_each(vec![path.to_owned()]);
        }
    }
}
