//! From a sighting to a file that is whole, hashed and durable on disk, or set aside with a reason.
//!
//! Promises:
//! - a file is handed on only when it is whole by structure, nobody wrote to it while it was read, and it and
//!   its name are on the disk;
//! - it is read once: digest, structure and EXIF come from one pass;
//! - what cannot be judged yet waits for its moment: there is one timer, and none when nothing waits;
//! - a file that cannot be read, or whose reading panics, costs itself; one that ends the process is set aside
//!   after the third time;
//! - memory is bounded: beyond a number of files under way no more are asked for, and the inbox keeps them.

mod durable;
mod in_hand;
mod pending;
mod reading;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir_journey::identity::Sha256;
use weir_journey::settle::{
    Cause, Inspection, Now, Observation, Outcome, Patience, Reason, Settling, Verdict, leave_alone,
};

use crate::clock::Clock;
use crate::watch::{Inbox, RootId, Sighting};

use durable::Folders;
use in_hand::InHand;
use pending::{File, Pending, Stage};
use reading::{Reading, Standing, is_absent};

/// A file that is whole, hashed and durable.
#[derive(Debug)]
pub struct Settled {
    /// The camera folder it lies in.
    pub root: RootId,
    /// Where it lies.
    pub path: PathBuf,
    /// As it was when it was read.
    pub observation: Observation,
    /// What the reading found.
    pub inspection: Inspection,
    /// The digest of its bytes.
    pub sha256: Sha256,
}

/// A file and what stands for it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The camera folder it lies in.
    pub root: RootId,
    /// Where it lies.
    pub path: PathBuf,
    /// As it is now.
    pub observation: Observation,
}

/// Who remembers what was judged, and takes what is settled.
#[async_trait::async_trait]
pub trait Register: Send + Sync + 'static {
    /// Which of the files were judged already, exactly as they are now.
    async fn judged(&self, files: &[Seen]) -> Result<Vec<bool>, RegisterError>;
    /// Takes a settled file: durable when it returns.
    async fn take(&self, settled: Settled) -> Result<(), RegisterError>;
    /// Sets a file aside: durable when it returns.
    async fn quarantine(&self, file: Seen, reason: &Reason) -> Result<(), RegisterError>;
    /// Counts a death of the process with this file in hand; gives how many there were.
    async fn strike(&self, path: &Path) -> Result<u32, RegisterError>;
}

/// Why the register did not.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Not now (the disk is full): ask again.
    #[error("{0}")]
    Passing(String),
    /// Never again in this run.
    #[error(transparent)]
    Fatal(#[from] crate::queue::QueueError),
}

/// How the step works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long to wait for files.
    pub patience: Patience,
    /// The state directory.
    pub state: PathBuf,
    /// The camera folders, by the number of their root.
    pub roots: Vec<PathBuf>,
}

/// Files read at the same time: one is read while the other is written out.
const READERS: usize = 2;
/// Files under way between reading and being taken: enough for the register to share its commits.
const HANDS: usize = 64;
/// Files that may be known at once; beyond it the inbox waits.
const BOUND: usize = 8_192;
/// Sightings looked at together.
const BATCH: usize = 256;
/// How long to wait after the register or the disk failed.
const PAUSE: Duration = Duration::from_secs(5);
/// Deaths of the process with a file in hand after which the file is set aside.
const STRIKES: u32 = 3;

/// Settles what the inbox announces until `stop`, and finishes what is in hand. `tell` hears how many files are
/// under way or wait to be.
///
/// # Errors
/// [`RegisterError::Fatal`], which ends the agent.
pub async fn run(
    inbox: Inbox,
    register: Arc<dyn Register>,
    settings: Settings,
    clock: Clock,
    tell: impl Fn(usize) + Send,
    stop: CancellationToken,
) -> Result<(), RegisterError> {
    let mut step = Step::new(inbox, register, settings, clock).await?;
    while !stop.is_cancelled() {
        step.hand_out();
        tell(step.pending.len() + step.inbox.waiting());
        let room = step.pending.len() < BOUND && step.pending.ready() < HANDS;
        let moment = step.pending.next_moment();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = step.hands.join_next() => step.learn(ended)?,
            () = sleep_until(&step.clock, moment) => step.look_at_due().await?,
            sightings = step.inbox.next(BATCH), if room => step.hear(sightings).await?,
        }
    }
    while let Some(ended) = step.hands.join_next().await {
        step.learn(ended)?;
    }
    Ok(())
}

struct Step {
    inbox: Inbox,
    register: Arc<dyn Register>,
    settings: Settings,
    clock: Clock,
    /// The difference of the clocks, to notice when the wall clock is set.
    wall_origin_ns: i128,
    stepped_at: Option<Duration>,
    pending: Pending,
    hands: JoinSet<Ended>,
    readers: Arc<Semaphore>,
    shared: Arc<Shared>,
}

struct Shared {
    folders: Folders,
    in_hand: Option<InHand>,
}

/// What came of one file in hand.
struct Ended {
    root: RootId,
    path: PathBuf,
    settling: Settling,
    end: End,
}

enum End {
    /// Taken or set aside, durably.
    Done,
    /// Gone meanwhile.
    Gone,
    /// To be looked at again after so long.
    Again(Duration),
    /// The register ended.
    Fatal(RegisterError),
}

impl Step {
    async fn new(
        inbox: Inbox,
        register: Arc<dyn Register>,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, RegisterError> {
        let state = settings.state.clone();
        let opened = tokio::task::spawn_blocking(move || InHand::open(&state, READERS)).await;
        let in_hand = match opened.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok((in_hand, left)) => {
                judge_survivors(&*register, &settings, left).await?;
                Some(in_hand)
            }
            Err(error) => {
                tracing::warn!("files that end the agent cannot be told apart: {error}");
                None
            }
        };
        let wall_origin_ns = wall_origin(&clock);
        Ok(Self {
            inbox,
            register,
            settings,
            clock,
            wall_origin_ns,
            stepped_at: None,
            pending: Pending::default(),
            hands: JoinSet::new(),
            readers: Arc::new(Semaphore::new(READERS)),
            shared: Arc::new(Shared {
                folders: Folders::default(),
                in_hand,
            }),
        })
    }

    fn now(&mut self) -> Now {
        let monotonic = self.clock.monotonic();
        let origin = wall_origin(&self.clock);
        // Half a second is more than the two readings lie apart, and less than any quiet that is asked for.
        if (origin - self.wall_origin_ns).abs() > 500_000_000 {
            self.stepped_at = Some(monotonic);
        }
        self.wall_origin_ns = origin;
        Now {
            wall_ns: i128::from(self.clock.now().timestamp_nanos_opt().unwrap_or(0)),
            monotonic,
            since_step: self.stepped_at.map(|at| monotonic.saturating_sub(at)),
        }
    }

    /// Takes sightings in.
    async fn hear(&mut self, sightings: Vec<Sighting>) -> Result<(), RegisterError> {
        let sightings: Vec<_> = sightings
            .into_iter()
            .filter(|sighting| {
                sighting
                    .path
                    .file_name()
                    .is_some_and(|name| leave_alone(name).is_none())
            })
            .collect();
        self.look(sightings).await
    }

    async fn look_at_due(&mut self) -> Result<(), RegisterError> {
        let due = self.pending.due(self.clock.monotonic(), BATCH);
        let sightings = due.into_iter().map(|(path, root)| Sighting {
            root,
            path,
            cause: Cause::Found,
            overdue: false,
        });
        self.look(sightings.collect()).await
    }

    async fn look(&mut self, sightings: Vec<Sighting>) -> Result<(), RegisterError> {
        let looked = tokio::task::spawn_blocking(move || {
            let look = |sighting: Sighting| (reading::look(&sighting.path), sighting);
            sightings.into_iter().map(look).collect::<Vec<_>>()
        });
        let Ok(looked) = looked.await else {
            return Ok(());
        };
        let (mut seen, mut heard) = (Vec::new(), Vec::new());
        for (standing, sighting) in looked {
            match standing {
                Standing::File(observation) => {
                    let (root, path) = (sighting.root, sighting.path.clone());
                    seen.push(Seen {
                        root,
                        path,
                        observation,
                    });
                    heard.push(sighting);
                }
                Standing::Nothing => self.forget(&sighting.path),
                Standing::Unknown(error) => self.unknown(&sighting.path, &error),
            }
        }
        let judged = match self.register.judged(&seen).await {
            Ok(judged) => judged,
            Err(RegisterError::Passing(why)) => {
                tracing::debug!("the register does not answer, files are read again: {why}");
                vec![false; seen.len()]
            }
            Err(fatal) => return Err(fatal),
        };
        for ((seen, sighting), judged) in seen.into_iter().zip(heard).zip(judged) {
            if judged {
                self.forget(&seen.path);
            } else {
                if sighting.overdue {
                    self.inbox.missed(sighting.root, 1);
                }
                self.weigh(seen, sighting.cause);
            }
        }
        Ok(())
    }

    /// Nothing is there, or what is there was judged; a file in hand is judged by who has it.
    fn forget(&mut self, path: &Path) {
        let in_hand = |file: &mut File| matches!(file.stage, Stage::InHand(_));
        if !self.pending.get_mut(path).is_some_and(in_hand) {
            self.pending.remove(path);
        }
    }

    fn unknown(&mut self, path: &Path, error: &io::Error) {
        tracing::warn!("cannot look at {}: {error}", path.display());
        // The next scan asks again.
        self.forget(path);
    }

    fn weigh(&mut self, seen: Seen, cause: Cause) {
        let now = self.now();
        let Seen {
            root,
            path,
            observation,
        } = seen;
        if let Some(File {
            stage: Stage::InHand(heard),
            ..
        }) = self.pending.get_mut(&path)
        {
            *heard = Some(heard.map_or(
                cause,
                |before| if cause == Cause::Found { before } else { cause },
            ));
            return;
        }
        let file = match self.pending.remove(&path) {
            Some(mut file) => {
                file.settling.observe(observation, cause, now);
                file
            }
            None => File {
                root,
                settling: Settling::new(observation, cause, now),
                stage: Stage::Ready,
            },
        };
        self.place(path, file, now, cause != Cause::Found);
    }

    fn place(&mut self, path: PathBuf, file: File, now: Now, fresh: bool) {
        match file.settling.verdict(now, &self.settings.patience) {
            Verdict::Inspect => self.pending.make_ready(path, file, fresh),
            Verdict::Wait(time) => self.pending.wait(path, file, now.monotonic + time),
        }
    }

    /// Gives ready files to free hands.
    fn hand_out(&mut self) {
        while self.hands.len() < HANDS {
            let Some((path, root, settling)) = self.pending.next_ready() else {
                return;
            };
            let now = self.now();
            let hand = Hand {
                register: Arc::clone(&self.register),
                readers: Arc::clone(&self.readers),
                shared: Arc::clone(&self.shared),
                patience: self.settings.patience,
                folder: self.settings.roots.get(root.0).cloned().unwrap_or_default(),
                clock: self.clock.clone(),
                since_step: now.since_step,
            };
            self.hands.spawn(hand.settle(root, path, settling));
        }
    }

    fn learn(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Result<(), RegisterError> {
        let Ended {
            root,
            path,
            settling,
            end,
        } = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!("settling a file ended by a fault of this program: {error}");
                return Ok(());
            }
        };
        let heard = match self.pending.remove(&path) {
            Some(File {
                stage: Stage::InHand(heard),
                ..
            }) => heard,
            _ => None,
        };
        let now = self.now();
        let file = File {
            root,
            settling,
            stage: Stage::Ready,
        };
        match end {
            End::Fatal(error) => return Err(error),
            End::Again(time) => self.pending.wait(path.clone(), file, now.monotonic + time),
            End::Done | End::Gone => {}
        }
        if let Some(cause) = heard {
            // Something happened to it while it was in hand: it is looked at with fresh eyes.
            self.inbox.announce(root, &path, cause);
        }
        Ok(())
    }
}

/// One file in hand.
struct Hand {
    register: Arc<dyn Register>,
    readers: Arc<Semaphore>,
    shared: Arc<Shared>,
    patience: Patience,
    folder: PathBuf,
    clock: Clock,
    since_step: Option<Duration>,
}

impl Hand {
    async fn settle(self, root: RootId, path: PathBuf, mut settling: Settling) -> Ended {
        let end = self.judge(root, &path, &mut settling).await;
        Ended {
            root,
            path,
            settling,
            end,
        }
    }

    async fn judge(&self, root: RootId, path: &Path, settling: &mut Settling) -> End {
        let (outcome, seen, reading) = match self.read(path).await {
            Ok(reading) => {
                let Reading {
                    before,
                    ref inspection,
                    after,
                    ..
                } = reading;
                let outcome =
                    settling.inspected(before, inspection, after, self.now(), &self.patience);
                (outcome, after, Some(reading))
            }
            Err(error) if is_absent(&error) => return End::Gone,
            Err(error) => {
                let Ok(Standing::File(seen)) = self.look(path).await else {
                    return End::Gone;
                };
                let outcome =
                    settling.unreadable(seen, error.to_string(), self.now(), &self.patience);
                (outcome, seen, None)
            }
        };
        let seen = Seen {
            root,
            path: path.to_owned(),
            observation: seen,
        };
        let registered = match (outcome, reading) {
            (Outcome::Wait(time), _) => return End::Again(time),
            (Outcome::Take(_), Some(reading)) => {
                let settled = Settled {
                    root,
                    path: seen.path,
                    observation: seen.observation,
                    inspection: reading.inspection,
                    sha256: reading.sha256,
                };
                self.register.take(settled).await
            }
            (Outcome::Quarantine(reason), _) => self.register.quarantine(seen, &reason).await,
            // Only a reading is ever taken.
            (Outcome::Take(_), None) => return End::Again(PAUSE),
        };
        match registered {
            Ok(()) => End::Done,
            Err(RegisterError::Passing(why)) => {
                tracing::debug!("{} waits for the queue: {why}", path.display());
                End::Again(PAUSE)
            }
            Err(fatal) => End::Fatal(fatal),
        }
    }

    async fn read(&self, path: &Path) -> io::Result<Reading> {
        let _reader = self.readers.acquire().await.map_err(io::Error::other)?;
        let (shared, folder, path) = (
            Arc::clone(&self.shared),
            self.folder.clone(),
            path.to_owned(),
        );
        let read = tokio::task::spawn_blocking(move || {
            let _noted = shared
                .in_hand
                .as_ref()
                .and_then(|in_hand| in_hand.take(&path));
            reading::read(&path, &folder, &shared.folders)
        });
        // A panic in the reading is an error of this file.
        read.await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn look(&self, path: &Path) -> io::Result<Standing> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || reading::look(&path))
            .await
            .map_err(io::Error::other)
    }

    fn now(&self) -> Now {
        Now {
            wall_ns: i128::from(self.clock.now().timestamp_nanos_opt().unwrap_or(0)),
            monotonic: self.clock.monotonic(),
            since_step: self.since_step,
        }
    }
}

/// Counts a strike for each file that was in hand when the last process died; sets those aside that had their
/// share.
async fn judge_survivors(
    register: &dyn Register,
    settings: &Settings,
    left: Vec<PathBuf>,
) -> Result<(), RegisterError> {
    for path in left {
        let strikes = match register.strike(&path).await {
            Err(RegisterError::Passing(_)) => continue,
            counted => counted?,
        };
        let root = settings
            .roots
            .iter()
            .position(|root| path.starts_with(root));
        if strikes < STRIKES {
            tracing::info!("{} was in hand when the agent last died", path.display());
        } else if let (Some(root), Standing::File(observation)) = (root, reading::look(&path)) {
            let seen = Seen {
                root: RootId(root),
                path,
                observation,
            };
            match register.quarantine(seen, &Reason::FatalToAgent).await {
                Ok(()) | Err(RegisterError::Passing(_)) => {}
                Err(fatal) => return Err(fatal),
            }
        }
    }
    Ok(())
}

fn wall_origin(clock: &Clock) -> i128 {
    let wall = i128::from(clock.now().timestamp_nanos_opt().unwrap_or(0));
    wall - i128::try_from(clock.monotonic().as_nanos()).unwrap_or(0)
}

async fn sleep_until(clock: &Clock, moment: Option<Duration>) {
    match moment {
        Some(moment) => tokio::time::sleep(moment.saturating_sub(clock.monotonic())).await,
        None => std::future::pending().await,
    }
}
