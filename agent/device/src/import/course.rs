//! The course of an import: files are taken in, uploads go on, and it is told what came of each, until all is certain or
//! nobody waits any longer.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use weir_journey::gate::Hold;
use weir_journey::queue::State;

use super::ending::Summary;
use super::intake::{Counts, Cut};
use super::run::{Audience, Hands, Import, Progress};
use super::survey::Survey;
use super::{ImportError, Request};
use crate::agent::RunError;
use crate::config::{Config, Gatekeeper};
use crate::lock::holder;
use crate::queue::QueueError;
use crate::watch;

/// How often it is looked what has come of the files.
const LOOK: Duration = Duration::from_millis(200);

/// An import under way.
pub(super) struct Course<'a> {
    import: Import,
    config: &'a Config,
    request: &'a Request,
    stop: CancellationToken,
    watch: Watch,
    intake: JoinHandle<Result<(), Cut>>,
    /// The intake has ended.
    taken: bool,
    /// Why it ended before the walk did.
    cut: Option<String>,
    /// This process uploads.
    ours: bool,
    uploading: Option<JoinHandle<Result<(), QueueError>>>,
    /// Ends the uploading.
    halt: CancellationToken,
}

/// Why the course is over.
enum Over {
    /// It is certain what came of every file.
    Complete,
    /// Somebody asked for it.
    Interrupted,
    /// Waiting any longer makes no sense.
    InVain(String),
}

/// What has moved, and when.
struct Watch {
    verified_before: (u64, u64),
    moved: Duration,
    seen: (u64, u64),
    counts: Arc<Counts>,
    progress: Progress,
}

impl<'a> Course<'a> {
    /// Begins to take files in, and to upload unless all of them must be known first.
    pub(super) async fn begin(
        mut import: Import,
        config: &'a Config,
        request: &'a Request,
        surveyed: Survey,
        stop: CancellationToken,
    ) -> Result<Self, ImportError> {
        // Whoever runs this says that what was refused may be asked again.
        import.queue.ask_now().await?;
        import.ending.summary.ignored = surveyed.ignored;
        let total = surveyed.total();
        let ours = matches!(import.hands, Hands::Ours(..));
        ring_when_accepted(&mut import, ours);
        let progress = Progress {
            files: total.files,
            bytes: total.bytes,
            ..Progress::default()
        };
        let watch = Watch {
            verified_before: (0, 0),
            moved: import.world.clock.monotonic(),
            seen: (0, 0),
            counts: Arc::clone(&import.intake.counts),
            progress,
        };
        let intake = tokio::spawn(import.intake.clone().run(stop.child_token()));
        let mut course = Self {
            import,
            config,
            request,
            stop,
            watch,
            intake,
            taken: false,
            cut: None,
            ours,
            uploading: None,
            halt: CancellationToken::new(),
        };
        course.watch.verified_before = course.verified().await?;
        Ok(course)
    }

    /// Goes on to the end, and reports.
    pub(super) async fn run(mut self, audience: &mut dyn Audience) -> Result<Summary, ImportError> {
        let over = loop {
            // With an order, the capture times of all must be known first.
            if self.request.order.is_none() || self.taken {
                self.begin_uploading();
            }
            if let Some(over) = self.step(audience).await? {
                break over;
            }
        };
        self.wind_up(over, audience).await
    }

    fn begin_uploading(&mut self) {
        let Hands::Ours(uploader, lock) = std::mem::replace(&mut self.import.hands, Hands::Daemons)
        else {
            return;
        };
        let (token, drain) = (self.halt.clone(), self.config.daemon.drain);
        self.uploading = Some(tokio::spawn(async move {
            let done = uploader.run(token, drain).await;
            drop(lock);
            done
        }));
    }

    /// Waits for something to happen, and looks what has.
    async fn step(&mut self, audience: &mut dyn Audience) -> Result<Option<Over>, ImportError> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return Ok(Some(Over::Interrupted)),
            ended = &mut self.intake, if !self.taken => {
                self.cut = flatten(ended)?.err().map(|cut| cut.to_string());
                self.taken = true;
                if !self.ours {
                    self.knock();
                }
            }
            Some(error) = self.import.failures.recv() => return Err(error.into()),
            failed = failure(&mut self.uploading) => return Err(failed),
            () = tokio::time::sleep(LOOK) => {}
        }
        let passed = self.import.ending.go_on(None, audience).await?;
        self.look_on(passed, audience).await?;
        if self.taken && self.passed() >= self.watch.counts.files.load(Ordering::Relaxed) {
            return Ok(Some(Over::Complete));
        }
        if self.taken && !self.ours && agent_ended(&self.import.state).await {
            let why = "the agent that works in this state directory has ended: run the same command again";
            return Ok(Some(Over::InVain(why.to_owned())));
        }
        let idle = self
            .import
            .world
            .clock
            .monotonic()
            .saturating_sub(self.watch.moved);
        if idle > self.request.give_up && !self.is_held() {
            return Ok(Some(Over::InVain(self.nothing_moves())));
        }
        Ok(None)
    }

    /// Lets what is under way finish, and tells what came of the rest.
    async fn wind_up(
        mut self,
        over: Over,
        audience: &mut dyn Audience,
    ) -> Result<Summary, ImportError> {
        if !self.taken {
            self.stop.cancel();
            let _ = flatten((&mut self.intake).await)?;
        }
        self.halt.cancel();
        if let Some(uploading) = self.uploading.take() {
            flatten_upload(uploading.await)?;
        }
        let (why, trouble) = match over {
            Over::Complete => ("not stored yet".to_owned(), None),
            Over::Interrupted => ("interrupted: run the same command again".to_owned(), None),
            Over::InVain(ref why) => (why.clone(), Some(why.clone())),
        };
        self.import.ending.go_on(Some(&why), audience).await?;
        self.look_on(0, audience).await?;
        let not_reached = self.watch.progress.files.saturating_sub(self.passed());
        let summary = &mut self.import.ending.summary;
        summary.interrupted = matches!(over, Over::Interrupted);
        summary.trouble = self.cut.or(trouble);
        summary.not_reached = not_reached;
        self.import.ending.finish()
    }

    /// Files of which it is certain what came.
    fn passed(&self) -> u64 {
        self.import.ending.summary.outcomes.values().sum()
    }

    fn knock(&self) {
        if let Err(error) = watch::wake(&self.import.state) {
            tracing::debug!("the agent was not woken: {error}");
        }
    }

    /// Images and bytes of the import's sites that are verified.
    async fn verified(&self) -> Result<(u64, u64), ImportError> {
        let stats = self.import.queue.view().stats().await?;
        let mut sum = (0, 0);
        for destination in &self.import.destinations {
            let site = stats.sites.get(&destination.name);
            if let Some(count) = site.and_then(|site| site.states.get(&State::Verified)) {
                sum = (sum.0 + count.images, sum.1 + count.bytes);
            }
        }
        Ok(sum)
    }

    async fn look_on(
        &mut self,
        passed: u64,
        audience: &mut dyn Audience,
    ) -> Result<(), ImportError> {
        let (verified, waits_for) = (self.verified().await?, self.waits_for());
        let watch = &mut self.watch;
        let stored = verified.0.saturating_sub(watch.verified_before.0);
        let taken = watch.counts.files.load(Ordering::Relaxed);
        let closed = watch.counts.closed.load(Ordering::Relaxed);
        if passed > 0 || watch.seen != (stored, taken) {
            watch.seen = (stored, taken);
            watch.moved = self.import.world.clock.monotonic();
        }
        let progress = &mut watch.progress;
        progress.taken = taken.min(progress.files);
        progress.done = (closed + stored).min(progress.files);
        progress.stored_bytes = verified.1.saturating_sub(watch.verified_before.1);
        progress.waits_for = waits_for;
        audience.progress(progress);
        Ok(())
    }

    /// What the uploader of this process waits for.
    fn waits_for(&self) -> Option<String> {
        let carrying = self.import.carrying.as_ref()?;
        let carrying = carrying.lock().unwrap_or_else(PoisonError::into_inner);
        if carrying.down_since.is_some() {
            let why = carrying
                .last_failure
                .as_deref()
                .unwrap_or("no reason given");
            return Some(format!("the store does not answer: {why}"));
        }
        if let Some(pause) = carrying.paced {
            return Some(format!(
                "the pipeline is full: the next image in {} s",
                pause.as_secs() + 1
            ));
        }
        let held = carrying.held.first();
        held.map(|(site, why)| format!("{site}: {why}"))
            .or_else(|| {
                let standing = self.import.world.gate.standing();
                let first = standing.waiting.first()?;
                Some(format!("{}: waits for a place in the pipeline", first.site))
            })
    }

    /// Whether something that was configured holds images back: then nothing moves, and rightly so.
    fn is_held(&self) -> bool {
        match &self.import.carrying {
            None => {
                !self.config.gate.windows.0.is_empty()
                    || self.config.gate.daily_budget.is_some()
                    || self.config.pipeline.concurrency.is_some()
                    || self.config.pipeline.hold != Hold::Upload
                    || self.config.pipeline.gate == Gatekeeper::S3
            }
            Some(carrying) => {
                let carrying = carrying.lock().unwrap_or_else(PoisonError::into_inner);
                carrying.down_since.is_none()
                    && (carrying.paced.is_some()
                        || !carrying.held.is_empty()
                        || !self.import.world.gate.standing().waiting.is_empty())
            }
        }
    }

    fn nothing_moves(&self) -> String {
        let why = self
            .waits_for()
            .unwrap_or_else(|| "nothing moves".to_owned());
        format!(
            "{why}; given up after {} s without progress: what is accepted stays queued, run the same command again",
            self.request.give_up.as_secs()
        )
    }
}

/// An accepted image rings for the uploader; the daemon's is rung for by the watcher, now and then.
fn ring_when_accepted(import: &mut Import, ours: bool) {
    if ours {
        let wake = Arc::clone(&import.wake);
        import.intake.accepted = Arc::new(move || wake.notify_one());
        return;
    }
    let (state, clock) = (import.state.clone(), import.world.clock.clone());
    let rung = Mutex::new(None);
    import.intake.accepted = Arc::new(move || {
        let now = clock.monotonic();
        let mut rung = rung.lock().unwrap_or_else(PoisonError::into_inner);
        if rung.is_none_or(|at| now.saturating_sub(at) >= Duration::from_millis(500)) {
            *rung = Some(now);
            let _ = watch::wake(&state);
        }
    });
}

/// Whether nobody works in the state directory any more.
async fn agent_ended(state: &Path) -> bool {
    let state = state.to_owned();
    let free = crate::blocking::spawn(move || matches!(holder(&state), Ok(None))).await;
    free.unwrap_or(false)
}

fn flatten(ended: Result<Result<(), Cut>, JoinError>) -> Result<Result<(), Cut>, ImportError> {
    match ended {
        Ok(Err(Cut::Queue(error))) => Err(error.into()),
        Ok(outcome) => Ok(outcome),
        Err(error) => Err(RunError::Ended {
            part: "the intake",
            why: error.to_string(),
        }
        .into()),
    }
}

fn flatten_upload(ended: Result<Result<(), QueueError>, JoinError>) -> Result<(), ImportError> {
    match ended {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(RunError::Ended {
            part: "the uploader",
            why: error.to_string(),
        }
        .into()),
    }
}

/// Returns when the uploader has ended although nobody asked it to.
async fn failure(uploading: &mut Option<JoinHandle<Result<(), QueueError>>>) -> ImportError {
    let Some(handle) = uploading else {
        return std::future::pending().await;
    };
    match flatten_upload(handle.await) {
        Err(error) => error,
        Ok(()) => RunError::Ended {
            part: "the uploader",
            why: "it returned".to_owned(),
        }
        .into(),
    }
}
