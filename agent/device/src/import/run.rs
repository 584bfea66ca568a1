//! One import from its beginning to its report.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir_journey::queue::State;

use super::ending::{Ended, Ending, Summary};
use super::intake::{Counts, Cut, Intake, notes, strike};
use super::matching::Matching;
use super::sources::{self, Source};
use super::spool::Spool;
use super::survey::{Survey, survey};
use super::{ImportError, Request};
use crate::agent::register::{Folder, Register};
use crate::agent::{self, RunError, destinations, orders, store_config, take_state};
use crate::complaints::Complaints;
use crate::config::{Config, Site};
use crate::exchange::ReceiptWriter;
use crate::lock::{Lock, LockError, holder};
use crate::queue::{Queue, QueueError};
use crate::s3::Store;
use crate::serve::Vitals;
use crate::settle::AtOnce;
use crate::upload::{Destination, LookAgain, Means, Progress as Carrying, Uploader};
use crate::watch;
use crate::world::World;

/// Files read at the same time: one is read while another is hashed.
const READERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();
/// How often it is looked what has come of the files.
const LOOK: Duration = Duration::from_millis(200);

/// Whoever is told how an import goes on.
pub trait Audience: Send {
    /// It is certain what came of a file.
    fn ended(&mut self, ended: &Ended);
    /// How far it is.
    fn progress(&mut self, progress: &Progress);
}

/// How far an import is.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Files to go through.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that were read or known.
    pub taken: u64,
    /// Files that nothing is left to be done for.
    pub done: u64,
    /// Bytes of images stored since the beginning.
    pub stored_bytes: u64,
    /// What is waited for.
    pub waits_for: Option<String>,
}

/// Does what is asked for, until `stop`; then finishes what is under way and reports.
///
/// # Errors
/// [`ImportError`]: at the beginning, before anything was changed; later when the queue fails for good.
pub async fn run(
    config: Config,
    world: World,
    request: Request,
    audience: &mut dyn Audience,
    stop: CancellationToken,
) -> Result<Summary, ImportError> {
    let sites = sources::sites(&config, &request)?;
    let (sources, matching, surveyed) = look(&request, &sites, &stop).await?;
    if surveyed.unmatched.files > 0 {
        return Err(ImportError::Unmatched(surveyed.unmatched));
    }
    let import = Import::open(&config, &world, &request, sources, matching, sites).await?;
    import
        .carry_out(&config, surveyed, &request, audience, stop)
        .await
}

/// Everything that is there and whose it is.
pub(super) async fn look(
    request: &Request,
    sites: &[Site],
    stop: &CancellationToken,
) -> Result<(Arc<[Source]>, Arc<Matching>, Survey), ImportError> {
    let matching = Arc::new(Matching::new(sites, request.site.is_some()));
    let (paths, sites, stop) = (request.paths.clone(), sites.to_vec(), stop.clone());
    let used = Arc::clone(&matching);
    let looked = tokio::task::spawn_blocking(move || {
        let sources = sources::find(&paths)?;
        let surveyed = survey(&sources, &sites, &used, &stop);
        Ok::<_, ImportError>((sources, surveyed))
    });
    let (sources, surveyed) = looked.await.map_err(ended)??;
    Ok((sources.into(), matching, surveyed))
}

fn ended(error: tokio::task::JoinError) -> ImportError {
    ImportError::Run(RunError::Ended {
        part: "the survey",
        why: error.to_string(),
    })
}

/// Who uploads.
enum Hands {
    /// This process: it has the state directory to itself.
    Ours(Box<Uploader>, Lock),
    /// A daemon that works there.
    Daemons,
}

/// An import, opened and not yet begun.
struct Import {
    world: World,
    queue: Queue,
    hands: Hands,
    intake: Intake,
    ending: Ending,
    carrying: Option<Arc<Mutex<Carrying>>>,
    failures: mpsc::Receiver<QueueError>,
    wake: Arc<Notify>,
    state: PathBuf,
    destinations: Vec<Destination>,
}

impl Import {
    async fn open(
        config: &Config,
        world: &World,
        request: &Request,
        sources: Arc<[Source]>,
        matching: Arc<Matching>,
        sites: Vec<Site>,
    ) -> Result<Self, ImportError> {
        let state = config.state.directory.clone();
        let (queue, lock) = open_queue(&state, world).await?;
        let destinations = destinations(&queue, &sites).await?;
        let (vitals, complaints) = (Arc::<Vitals>::default(), Arc::<Complaints>::default());
        let wake = Arc::new(Notify::new());
        let (fatal, failures) = mpsc::channel(1);
        let register = Register {
            queue: queue.clone(),
            folders: folders(&sources, &destinations),
            clock: world.clock.clone(),
            vitals: Arc::clone(&vitals),
            disks: Arc::default(),
            complaints: Arc::clone(&complaints),
            wake: Arc::clone(&wake),
            fatal,
        };
        let (at_once, condemned, spool) = open_notes(&state, &queue).await?;
        let hands = match lock {
            None => Hands::Daemons,
            Some(lock) => {
                let means = Means {
                    queue: queue.clone(),
                    store: Arc::new(Store::connect(
                        &store_config(config),
                        world.http.clone(),
                        world.clock.clone(),
                    )),
                    gate: Arc::clone(&world.gate),
                    clock: world.clock.clone(),
                    vitals,
                    complaints,
                    wake: Arc::clone(&wake),
                    // A file that was replaced is taken by the next import.
                    look_again: LookAgain(Arc::new(|_| {})),
                };
                let mut orders = orders(config);
                orders.order = request.order.unwrap_or(orders.order);
                Hands::Ours(
                    Box::new(Uploader::new(means, orders, destinations.clone()).await?),
                    lock,
                )
            }
        };
        let mut ending = Ending::new(
            Arc::clone(&spool),
            queue.clone(),
            world.clock.clone(),
            Arc::clone(&sources),
            sites,
        );
        ending.delete = request.delete;
        if let Some(path) = &request.receipt {
            ending.receipt = Some(ReceiptWriter::begin(path, world.clock.now())?);
        }
        let intake = Intake {
            sources,
            matching,
            sites: destinations.len(),
            queue: queue.clone(),
            register: Arc::new(register),
            at_once,
            spool,
            counts: Arc::new(Counts::default()),
            condemned: Arc::new(condemned),
            accepted: Arc::new(|| {}),
        };
        Ok(Self {
            world: world.clone(),
            carrying: match &hands {
                Hands::Ours(uploader, _) => Some(uploader.progress()),
                Hands::Daemons => None,
            },
            queue,
            hands,
            intake,
            ending,
            failures,
            wake,
            state,
            destinations,
        })
    }

    async fn carry_out(
        mut self,
        config: &Config,
        surveyed: Survey,
        request: &Request,
        audience: &mut dyn Audience,
        stop: CancellationToken,
    ) -> Result<Summary, ImportError> {
        // Whoever runs this says that what was refused may be asked again.
        self.queue.ask_now().await?;
        let total = surveyed.total();
        self.ending.summary.ignored = surveyed.ignored;
        let mut watch = Watch {
            verified_before: self.verified().await?,
            moved: self.world.clock.monotonic(),
            seen: (0, 0),
            counts: Arc::clone(&self.intake.counts),
            progress: Progress {
                files: total.files,
                bytes: total.bytes,
                ..Progress::default()
            },
        };
        let ours = matches!(self.hands, Hands::Ours(..));
        self.ring_when_accepted(ours);
        let halt = CancellationToken::new();
        let mut intake = tokio::spawn(self.intake.clone().run(stop.child_token()));
        let (mut taken, mut uploading, mut cut) = (None, None, None);
        let mut hands = Some(std::mem::replace(&mut self.hands, Hands::Daemons));
        let why_over = loop {
            // With an order, the capture times of all must be known first.
            let may_begin = request.order.is_none() || taken.is_some();
            if may_begin && let Some(Hands::Ours(uploader, lock)) = hands.take_if(|_| may_begin) {
                let (token, drain) = (halt.clone(), config.daemon.drain);
                uploading = Some(tokio::spawn(async move {
                    let done = uploader.run(token, drain).await;
                    drop(lock);
                    done
                }));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break Some("interrupted: run the same command again".to_owned()),
                ended = &mut intake, if taken.is_none() => {
                    let ended = flatten(ended)?;
                    cut = ended.err().map(|cut| cut.to_string());
                    taken = Some(());
                    if !ours { self.knock(); }
                }
                Some(error) = self.failures.recv() => return Err(error.into()),
                failed = failure(&mut uploading) => return Err(failed),
                () = tokio::time::sleep(LOOK) => {}
            }
            let passed = self.ending.go_on(None, audience).await?;
            self.look_on(&mut watch, passed, audience).await?;
            let all_taken = taken.is_some() && passed_all(&self.ending, &watch);
            if all_taken {
                break None;
            }
            if taken.is_some() && !ours && agent_ended(&self.state).await {
                break Some("the agent that works in this state directory has ended: run the same command again".to_owned());
            }
            if watch.idle(self.world.clock.monotonic()) > request.give_up && !self.is_held(config) {
                break Some(self.nothing_moves(request.give_up));
            }
        };
        if taken.is_none() {
            stop.cancel();
            let _ = flatten(intake.await);
        }
        halt.cancel();
        if let Some(uploading) = uploading {
            flatten_upload(uploading.await)?;
        }
        self.ending.summary.interrupted = why_over
            .as_deref()
            .is_some_and(|why| why.starts_with("interrupted"));
        self.ending.summary.trouble = cut.or_else(|| {
            why_over
                .clone()
                .filter(|_| !self.ending.summary.interrupted)
        });
        self.ending
            .go_on(
                Some(why_over.as_deref().unwrap_or("not stored yet")),
                audience,
            )
            .await?;
        self.look_on(&mut watch, 0, audience).await?;
        let counted: u64 = self.ending.summary.outcomes.values().sum();
        self.ending.summary.not_reached = total.files.saturating_sub(counted);
        self.ending.finish()
    }

    /// An accepted image rings for the uploader; the daemon's is rung for by the watcher, now and then.
    fn ring_when_accepted(&mut self, ours: bool) {
        if ours {
            let wake = Arc::clone(&self.wake);
            self.intake.accepted = Arc::new(move || wake.notify_one());
            return;
        }
        let (state, clock) = (self.state.clone(), self.world.clock.clone());
        let rung = Mutex::new(None);
        self.intake.accepted = Arc::new(move || {
            let now = clock.monotonic();
            let mut rung = rung.lock().unwrap_or_else(PoisonError::into_inner);
            if rung.is_none_or(|at| now.saturating_sub(at) >= Duration::from_millis(500)) {
                *rung = Some(now);
                let _ = watch::wake(&state);
            }
        });
    }

    fn knock(&self) {
        if let Err(error) = watch::wake(&self.state) {
            tracing::debug!("the agent was not woken: {error}");
        }
    }

    /// Images and bytes of the import's sites that are verified.
    async fn verified(&self) -> Result<(u64, u64), ImportError> {
        let stats = self.queue.view().stats().await?;
        let mut sum = (0, 0);
        for destination in &self.destinations {
            let site = stats.sites.get(&destination.name);
            if let Some(count) = site.and_then(|site| site.states.get(&State::Verified)) {
                sum = (sum.0 + count.images, sum.1 + count.bytes);
            }
        }
        Ok(sum)
    }

    async fn look_on(
        &self,
        watch: &mut Watch,
        passed: u64,
        audience: &mut dyn Audience,
    ) -> Result<(), ImportError> {
        let verified = self.verified().await?;
        let stored = verified.0.saturating_sub(watch.verified_before.0);
        let taken = watch.counts.files.load(Ordering::Relaxed);
        let closed = watch.counts.closed.load(Ordering::Relaxed);
        if passed > 0 || watch.seen != (stored, taken) {
            watch.seen = (stored, taken);
            watch.moved = self.world.clock.monotonic();
        }
        let progress = &mut watch.progress;
        progress.taken = taken.min(progress.files);
        progress.done = (closed + stored).min(progress.files);
        progress.stored_bytes = verified.1.saturating_sub(watch.verified_before.1);
        progress.waits_for = self.waits_for();
        audience.progress(progress);
        Ok(())
    }

    /// What the uploader of this process waits for.
    fn waits_for(&self) -> Option<String> {
        let carrying = self.carrying.as_ref()?;
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
        carrying
            .held
            .first()
            .map(|(site, why)| format!("{site}: {why}"))
    }

    /// Whether something that was configured holds images back: then nothing moves, and rightly so.
    fn is_held(&self, config: &Config) -> bool {
        match &self.carrying {
            None => {
                !config.gate.windows.0.is_empty()
                    || config.gate.daily_budget.is_some()
                    || config.pipeline.concurrency.is_some()
            }
            Some(carrying) => {
                let carrying = carrying.lock().unwrap_or_else(PoisonError::into_inner);
                carrying.down_since.is_none()
                    && (carrying.paced.is_some() || !carrying.held.is_empty())
            }
        }
    }

    fn nothing_moves(&self, since: Duration) -> String {
        let why = self
            .waits_for()
            .unwrap_or_else(|| "nothing moves".to_owned());
        format!(
            "{why}; given up after {} s without progress: what is accepted stays queued, run the same command again",
            since.as_secs()
        )
    }
}

/// What has moved, and when.
struct Watch {
    verified_before: (u64, u64),
    moved: Duration,
    seen: (u64, u64),
    counts: Arc<Counts>,
    progress: Progress,
}

impl Watch {
    fn idle(&self, now: Duration) -> Duration {
        now.saturating_sub(self.moved)
    }
}

/// Whether every record has been passed.
fn passed_all(ending: &Ending, watch: &Watch) -> bool {
    ending.summary.outcomes.values().sum::<u64>() >= watch.counts.files.load(Ordering::Relaxed)
}

async fn open_queue(state: &Path, world: &World) -> Result<(Queue, Option<Lock>), ImportError> {
    match take_state(state).await {
        Ok(lock) => {
            let opened = agent::open_queue(state, world).await?;
            if let Some(rebuilt) = &opened.rebuilt {
                tracing::error!("{rebuilt}");
            }
            Ok((opened.queue, Some(lock)))
        }
        Err(RunError::Lock(LockError::Held { .. })) => {
            Ok((Queue::open_beside(state.to_owned()).await?, None))
        }
        Err(error) => Err(error.into()),
    }
}

async fn open_notes(
    state: &Path,
    queue: &Queue,
) -> Result<(Arc<AtOnce>, HashSet<PathBuf>, Arc<Spool>), ImportError> {
    let folder = notes(state);
    let fault = |source| ImportError::Notes {
        path: notes(state),
        source,
    };
    let (at_once, suspects) = AtOnce::open(&folder, READERS).map_err(fault)?;
    let condemned = strike(queue, suspects).await?;
    AtOnce::forget(&folder).map_err(fault)?;
    let spool = Spool::create(&folder).map_err(fault)?;
    Ok((Arc::new(at_once), condemned, Arc::new(spool)))
}

/// A folder for each source and site, in the order of [`Intake::root`].
fn folders(sources: &[Source], destinations: &[Destination]) -> Vec<Folder> {
    let of = |source: &Source| {
        let base = source.base.clone();
        destinations.iter().map(move |site| Folder {
            path: base.clone(),
            site: site.id,
            name: site.name.to_string(),
            zone: site.zone,
        })
    };
    sources.iter().flat_map(of).collect()
}

/// Whether nobody works in the state directory any more.
async fn agent_ended(state: &Path) -> bool {
    let state = state.to_owned();
    let free = tokio::task::spawn_blocking(move || matches!(holder(&state), Ok(None))).await;
    free.unwrap_or(false)
}

fn flatten(
    ended: Result<Result<(), Cut>, tokio::task::JoinError>,
) -> Result<Result<(), Cut>, ImportError> {
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

fn flatten_upload(
    ended: Result<Result<(), QueueError>, tokio::task::JoinError>,
) -> Result<(), ImportError> {
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
