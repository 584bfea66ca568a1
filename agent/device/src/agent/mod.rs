//! Where the steps meet: one process, one state directory, any number of sites.
//!
//! The steps do not call each other. Watch announces files to settle; settle hands whole ones to the
//! register, which stamps them and has the queue accept them; the uploader claims from the queue. A wake-up
//! is all that passes between the last two.

mod error;
mod looking;
mod moments;
pub(crate) mod neighbours;
mod pruning;
pub(crate) mod register;
mod room;
mod settings;
mod standing;
pub(crate) mod timekeeper;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir_journey::settle::{Cause, Patience};

use crate::complaints::Complaints;
use crate::config::{Config, Site};
use crate::infer;
use crate::lock::Lock;
use crate::queue::{Queue, QueueError};
use crate::retain;
use crate::s3::Store;
use crate::serve::{self, Vitals};
use crate::settle::{self, Settings as SettleSettings};
use crate::snapshot;
use crate::stamping::Stamping;
use crate::systemd;
use crate::upload::{Destination, Lane, LookAgain, Means, Uploader};
use crate::watch;
use crate::world::World;

pub use error::RunError;
use moments::Moments;
use neighbours::Neighbours;
use pruning::Pruning;
use register::{Folder, Register};
use room::hand_in;
pub(crate) use room::open_queue;
use settings::roots_of;
pub(crate) use settings::{orders, store_config};
pub use standing::resting;
use standing::{Live, Standing};
use timekeeper::Timekeeper;

/// Files read at the same time: one is read while another is written out.
const READERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// What a part of the agent ended with.
type Ended = (&'static str, Result<(), QueueError>);

/// Runs the agent until `stop`, then finishes what is under way within `daemon.drain`.
///
/// # Errors
/// [`RunError`]: at the start before anything was changed, later after a drain; nothing accepted is lost by it.
pub async fn run(config: Config, world: World, stop: CancellationToken) -> Result<(), RunError> {
    if config.sites.iter().all(|site| site.directories.is_empty()) {
        return Err(RunError::NoSite);
    }
    let state = config.state.directory.clone();
    let _lock = take_state(&state).await?;
    let opened = open_queue(&state, &world).await?;
    if let Some(rebuilt) = &opened.rebuilt {
        tracing::error!("{rebuilt}");
    }
    let gate = Arc::clone(&world.gate);
    let agent = Agent::assemble(config, world, opened.queue).await?;
    let halt = stop.child_token();
    let mut working = pin!(agent.work(halt.clone()));
    let ended = tokio::select! {
        biased;
        ended = &mut working => ended,
        refused = gate.refused() => {
            halt.cancel();
            working.await.and(Err(refused.into()))
        }
    };
    gate.close().await;
    ended
}

/// Makes the state directory and takes its lock.
///
/// # Errors
/// [`RunError::State`] and [`RunError::Lock`].
pub(crate) async fn take_state(path: &Path) -> Result<Lock, RunError> {
    let path = path.to_owned();
    let taken = crate::blocking::spawn(move || {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path);
        made.map_err(|source| RunError::State {
            path: path.clone(),
            source,
        })?;
        Lock::take(&path).map_err(RunError::from)
    });
    taken.await.unwrap_or_else(|error| {
        Err(RunError::Ended {
            part: "the start",
            why: error.to_string(),
        })
    })
}

/// Everything, assembled and not yet begun.
struct Agent {
    config: Config,
    world: World,
    queue: Queue,
    destinations: Vec<Destination>,
    /// Where the products of the sites go whose images are, or were, looked at; each with the number of its site.
    products: Vec<(usize, Destination)>,
    live: Arc<Live>,
    store: Arc<Store>,
    timekeeper: Arc<Timekeeper>,
    vitals: Arc<Vitals>,
    disks: Arc<retain::Standing>,
    complaints: Arc<Complaints>,
    wake: Arc<Notify>,
    /// Rung when an image may be to be looked at.
    look: Arc<Notify>,
    looks: Arc<infer::Standing>,
    /// Copies in spools that nobody knows of, each with the number of its site's first root.
    leftovers: Vec<(usize, PathBuf)>,
}

impl Agent {
    async fn assemble(config: Config, world: World, queue: Queue) -> Result<Self, RunError> {
        let destinations = destinations(&queue, &config.sites).await?;
        let products = looking::products(&queue, &config.sites, &destinations).await?;
        retain::remove_leftovers(config.state.directory.clone(), queue.view()).await?;
        let (mut leftovers, mut roots) = (Vec::new(), 0);
        for site in &config.sites {
            let spool = snapshot::spool(&config.state.directory, site.name.as_str());
            let copies = snapshot::leftovers(spool, queue.view()).await?;
            leftovers.extend(copies.into_iter().map(|path| (roots, path)));
            roots += site.directories.len();
        }
        let store = Arc::new(Store::connect(
            &store_config(&config),
            world.http.clone(),
            world.clock.clone(),
        ));
        let vitals = Arc::<Vitals>::default();
        let of_site = |site| Stamping::of(site, &config.state.directory);
        let ids = destinations.iter().map(|site| site.id);
        let timekeeper = Arc::new(Timekeeper::new(
            world.clock.clone(),
            Arc::clone(&store),
            queue.clone(),
            Arc::clone(&vitals),
            ids.zip(config.sites.iter().map(of_site)).collect(),
        ));
        timekeeper.look().await?;
        Ok(Self {
            live: Arc::new(Live::new(world.clock.clone(), roots_of(&config))),
            store,
            timekeeper,
            vitals,
            disks: Arc::default(),
            complaints: Arc::default(),
            wake: Arc::default(),
            look: Arc::default(),
            looks: Arc::default(),
            config,
            world,
            queue,
            destinations,
            products,
            leftovers,
        })
    }

    async fn work(self, stop: CancellationToken) -> Result<(), RunError> {
        let listener = match self.config.daemon.listen {
            Some(address) => Some(serve::listen(address).await?),
            None => None,
        };
        let uploader = self.uploader().await?;
        let standing = Arc::new(Standing {
            view: self.queue.view().clone(),
            live: Arc::clone(&self.live),
            progress: uploader.progress(),
            gate: Arc::clone(&self.world.gate),
            timekeeper: Arc::clone(&self.timekeeper),
            vitals: Arc::clone(&self.vitals),
            disks: Arc::clone(&self.disks),
            looks: Arc::clone(&self.looks),
            sites: self.carried(),
        });
        let halt = stop.child_token();
        let mut parts: JoinSet<Ended> = JoinSet::new();
        if let Some(listener) = listener {
            let served = serve::serve(listener, Arc::clone(&standing) as _, halt.clone());
            parts.spawn(until_it_ends("the status page", served));
        }
        if let Some(every) = systemd::watchdog() {
            let beat = standing::beat(Arc::clone(&standing), every, halt.clone());
            parts.spawn(until_it_ends("the watchdog", beat));
        }
        self.begin_intake(&mut parts, &halt);
        let (timekeeper, token) = (Arc::clone(&self.timekeeper), halt.clone());
        parts.spawn(async move { ("the timekeeper", timekeeper.run(token).await) });
        let (retention, token) = (self.retention(), halt.clone());
        parts.spawn(async move { ("retention", retention.run(token).await) });
        if let Some(looker) = self.looker() {
            let token = halt.clone();
            parts.spawn(async move { ("the look at images", looker.run(token).await) });
        }
        let drain = self.config.daemon.drain;
        let token = halt.clone();
        parts.spawn(async move { ("the uploader", uploader.run(token, drain).await) });
        tracing::info!(
            "weir {} watches {} sites, state in {}",
            env!("CARGO_PKG_VERSION"),
            self.destinations.len(),
            self.config.state.directory.display()
        );
        systemd::ready(&format!("watching {} sites", self.destinations.len()));
        supervise(parts, stop, halt).await
    }

    /// Watch and settle: from the camera's folders to accepted images.
    fn begin_intake(&self, parts: &mut JoinSet<Ended>, halt: &CancellationToken) {
        let roots = roots_of(&self.config);
        let settings = watch::Settings {
            rescan: self.config.watch.rescan,
            canary: self.config.watch.canary,
            grace: watch::Settings::GRACE,
            state: self.config.state.directory.clone(),
        };
        let (live, wake) = (Arc::clone(&self.live), Arc::clone(&self.wake));
        let look = Arc::clone(&self.look);
        let pruning = Pruning::new(self.queue.clone(), self.world.clock.clone());
        let folders: Vec<_> = roots.iter().map(|root| root.directory.clone()).collect();
        let tell = move |report: &watch::Report| {
            live.hear(report);
            if let watch::Report::Scanned { root, .. } = report {
                folders
                    .get(root.0)
                    .into_iter()
                    .for_each(|folder| pruning.scanned(folder));
            }
            if matches!(
                report,
                watch::Report::Woken | watch::Report::RootBack { .. }
            ) {
                wake.notify_one();
                look.notify_one();
            }
        };
        let watched = watch::run(
            self.world.eyes,
            roots,
            settings,
            self.world.inbox.clone(),
            tell,
            halt.clone(),
        );
        parts.spawn(until_it_ends("the watcher", watched));
        let (fatal, mut failures) = mpsc::channel(1);
        let settled = settle::run(
            self.world.inbox.clone(),
            Arc::new(self.register(fatal)),
            SettleSettings {
                roots: roots_of(&self.config),
                patience: Patience {
                    quiet: self.config.settle.quiet,
                    give_up: self.config.settle.give_up,
                },
                readers: READERS,
                spools: self.spools(),
                state: self.config.state.directory.clone(),
            },
            Moments::new(self.world.clock.clone()).teller(),
            self.complainer(),
            self.counter(),
            halt.clone(),
        );
        parts.spawn(until_it_ends("the settle step", settled));
        let (halt, inbox) = (halt.clone(), self.world.inbox.clone());
        let leftovers = self.leftovers.clone();
        parts.spawn(async move {
            let failed = tokio::select! {
                biased;
                () = hand_in(leftovers, inbox, halt.clone()) => Ok(()),
                Some(error) = failures.recv() => Err(error),
            };
            ("the register", failed)
        });
    }

    /// Says what the settle step reports, and counts what repeats.
    fn complainer(&self) -> impl Fn(&settle::Report) + Send + Sync + 'static {
        let (complaints, clock) = (Arc::clone(&self.complaints), self.world.clock.clone());
        let disks = Arc::clone(&self.disks);
        move |report| {
            if let settle::Report::NotCopied { .. } = report {
                disks.refused(&report.to_string(), false);
            }
            complaints.warn(&report.about(), clock.monotonic(), report);
        }
    }

    /// Takes note of how many files are under way, and of the end of the first scan.
    fn counter(&self) -> impl Fn(usize) + Send + Sync + 'static {
        let (live, queue) = (Arc::clone(&self.live), self.queue.clone());
        let inbox = self.world.inbox.clone();
        move |pending| {
            live.pending(pending);
            if live.first_scan_is_over(&inbox) {
                // Should the queue have been rebuilt: what is accepted from now on is new to the store.
                let queue = queue.clone();
                tokio::spawn(async move { queue.rebuilt_done().await });
            }
        }
    }

    fn register(&self, fatal: mpsc::Sender<QueueError>) -> Register {
        Register {
            queue: self.queue.clone(),
            folders: self.folders(),
            clock: self.world.clock.clone(),
            timekeeper: Arc::clone(&self.timekeeper),
            neighbours: Neighbours::default(),
            vitals: Arc::clone(&self.vitals),
            disks: Arc::clone(&self.disks),
            complaints: Arc::clone(&self.complaints),
            wake: Arc::clone(&self.wake),
            look: Arc::clone(&self.look),
            fatal,
        }
    }

    /// The camera folders in the order of their roots.
    fn folders(&self) -> Vec<Folder> {
        let of_site = |(site, settings): (&Destination, _)| {
            let folder = Folder {
                site: site.id,
                name: site.name.to_string(),
                stamping: Stamping::of(settings, &self.config.state.directory),
                look: self.wish(settings),
            };
            std::iter::repeat_n(folder, site.directories.len())
        };
        let sites = self.destinations.iter().zip(&self.config.sites);
        sites.flat_map(of_site).collect()
    }

    async fn uploader(&self) -> Result<Uploader, RunError> {
        let inbox = self.world.inbox.clone();
        let roots = roots_of(&self.config);
        let look_again = LookAgain(Arc::new(move |path| {
            if let Some(root) = roots.iter().find(|root| path.starts_with(&root.directory)) {
                inbox.announce(root.id, path, Cause::Found);
            }
        }));
        let means = Means {
            queue: self.queue.clone(),
            store: Arc::clone(&self.store),
            gate: Arc::clone(&self.world.gate),
            clock: self.world.clock.clone(),
            vitals: Arc::clone(&self.vitals),
            complaints: Arc::clone(&self.complaints),
            wake: Arc::clone(&self.wake),
            look_again,
        };
        Ok(Uploader::new(means, orders(&self.config), self.carried()).await?)
    }
}

/// Where the images of these sites go, in their order.
///
/// # Errors
/// When the queue cannot be written.
pub(crate) async fn destinations(
    queue: &Queue,
    sites: &[Site],
) -> Result<Vec<Destination>, QueueError> {
    let mut destinations = Vec::with_capacity(sites.len());
    for site in sites {
        destinations.push(Destination {
            id: queue.site_id(site.name.clone()).await?,
            name: site.name.clone(),
            zone: site.timezone.zone(),
            bucket: site.bucket.as_str().to_owned(),
            key: site.key.template().clone(),
            directories: site.directories.clone(),
            lane: Lane::Images,
        });
    }
    Ok(destinations)
}

/// A part that has nothing to report when it ends.
async fn until_it_ends(name: &'static str, part: impl Future<Output = ()>) -> Ended {
    part.await;
    (name, Ok(()))
}

/// Waits for `stop` or the first part that ends on its own; then lets the others drain.
async fn supervise(
    mut parts: JoinSet<Ended>,
    stop: CancellationToken,
    halt: CancellationToken,
) -> Result<(), RunError> {
    let mut outcome = tokio::select! {
        // Asked first: the parts end by the same token, and their ends are then what was asked for.
        biased;
        () = stop.cancelled() => Ok(()),
        Some(ended) = parts.join_next() => judge(ended, false),
    };
    tracing::info!("draining");
    halt.cancel();
    while let Some(ended) = parts.join_next().await {
        outcome = outcome.and(judge(ended, true));
    }
    tracing::info!("stopped");
    outcome
}

/// What the end of a part means: while draining an end is what was asked for.
fn judge(ended: Result<Ended, tokio::task::JoinError>, draining: bool) -> Result<(), RunError> {
    match ended {
        Ok((_, Err(error))) => Err(error.into()),
        Ok((_, Ok(()))) if draining => Ok(()),
        Ok((part, Ok(()))) => Err(RunError::Ended {
            part,
            why: "it returned".into(),
        }),
        Err(error) => Err(RunError::Ended {
            part: "a task",
            why: error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_obeys_at_once_is_not_taken_for_one_that_failed() {
        // Without an order the two branches are drawn by lot: one run proves nothing.
        for _ in 0..100 {
            let stop = CancellationToken::new();
            let halt = stop.child_token();
            let mut parts: JoinSet<Ended> = JoinSet::new();
            let token = halt.clone();
            parts.spawn(async move {
                token.cancelled().await;
                ("a part", Ok(()))
            });
            stop.cancel();
            tokio::task::yield_now().await;
            supervise(parts, stop, halt).await.unwrap();
        }
    }
}
