//! One import from its beginning to its report.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::course::Course;
use super::ending::{Ended, Ending, Summary};
use super::intake::{Counts, Intake, notes, strike};
use super::matching::Matching;
use super::sources::{self, Source};
use super::spool::Spool;
use super::survey::{Survey, survey};
use super::{ImportError, Request};
use crate::agent::neighbours::Neighbours;
use crate::agent::register::{Folder, Register};
use crate::agent::timekeeper::Timekeeper;
use crate::agent::{self, RunError, destinations, orders, store_config, take_state};
use crate::complaints::Complaints;
use crate::config::{Config, Site};
use crate::exchange::ReceiptWriter;
use crate::infer::Wish;
use crate::lock::{Lock, LockError};
use crate::queue::{Queue, QueueError};
use crate::s3::Store;
use crate::serve::Vitals;
use crate::settle::AtOnce;
use crate::stamping::Stamping;
use crate::upload::{Destination, LookAgain, Means, Progress as Carrying, Uploader};
use crate::world::World;

/// Files read at the same time: one is read while another is hashed.
const READERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

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
    let (gate, halt) = (Arc::clone(&world.gate), stop.child_token());
    let ours = matches!(import.hands, Hands::Ours(..));
    let course = Course::begin(import, &config, &request, surveyed, halt.clone()).await?;
    let mut working = pin!(course.run(audience));
    let done = tokio::select! {
        biased;
        done = &mut working => done,
        refused = gate.refused(), if ours => {
            halt.cancel();
            working.await.and(Err(RunError::Gate(refused).into()))
        }
    };
    gate.close().await;
    done
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
    let looked = crate::blocking::spawn(move || {
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
pub(super) enum Hands {
    /// This process: it has the state directory to itself.
    Ours(Box<Uploader>, Lock),
    /// A daemon that works there.
    Daemons,
}

/// An import, opened and not yet begun.
pub(super) struct Import {
    pub(super) world: World,
    pub(super) queue: Queue,
    pub(super) hands: Hands,
    pub(super) intake: Intake,
    pub(super) ending: Ending,
    pub(super) carrying: Option<Arc<Mutex<Carrying>>>,
    pub(super) failures: mpsc::Receiver<QueueError>,
    pub(super) wake: Arc<Notify>,
    pub(super) state: PathBuf,
    pub(super) destinations: Vec<Destination>,
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
        let http = (world.http.clone(), world.clock.clone());
        let store = Arc::new(Store::connect(&store_config(config), http.0, http.1));
        let stamping = |site| Stamping::of(site, &state);
        let timekeeper = Timekeeper::new(
            world.clock.clone(),
            Arc::clone(&store),
            queue.clone(),
            Arc::clone(&vitals),
            destinations
                .iter()
                .map(|site| site.id)
                .zip(sites.iter().map(stamping))
                .collect(),
        );
        if lock.is_some() {
            // Beside an agent that is its business.
            timekeeper.look().await?;
        }
        let register = Register {
            queue: queue.clone(),
            folders: folders(&sources, &destinations, &sites, &state),
            clock: world.clock.clone(),
            timekeeper: Arc::new(timekeeper),
            neighbours: Neighbours::default(),
            vitals: Arc::clone(&vitals),
            disks: Arc::default(),
            complaints: Arc::clone(&complaints),
            wake: Arc::clone(&wake),
            // Whoever looks at images does so in the running agent.
            look: Arc::default(),
            fatal,
        };
        let (at_once, condemned, spool) = open_notes(&state, &queue).await?;
        let hands = match lock {
            None => Hands::Daemons,
            Some(lock) => {
                let means = Means {
                    queue: queue.clone(),
                    store,
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
fn folders(
    sources: &[Source],
    destinations: &[Destination],
    sites: &[Site],
    state: &Path,
) -> Vec<Folder> {
    let of = |source: &Source| {
        let of_site = |(site, settings): (&Destination, &Site)| Folder {
            site: site.id,
            name: site.name.to_string(),
            stamping: stamping_of(source, settings, state),
            look: Wish::by_hand(settings),
        };
        destinations
            .iter()
            .zip(sites)
            .map(of_site)
            .collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

/// How the images of a source are stamped: a path below what was given is evidence.
pub(super) fn stamping_of(source: &Source, site: &Site, state: &Path) -> Stamping {
    let mut stamping = Stamping::of(site, state);
    stamping.folders = vec![source.base.clone()];
    stamping
}
