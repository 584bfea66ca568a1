//! The way up: claims images when the gate lets them, carries each to its bucket, proves that it arrived.
//!
//! The table of the queue is the queue: this loop holds nothing but what is under way. It sleeps until
//! something can have changed (an acceptance, an end, a permit, a moment that the queue or a window names) and
//! never polls.

mod begin;
mod books;
mod carry;
mod hold;
mod learn;
mod leave;
mod means;
mod pace;
mod parts;
mod refusals;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDateTime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_journey::identity::SiteName;

use crate::clock::Clock;
use crate::queue::{self, Longest, QueueError, SiteId};

use books::Books;
pub(crate) use carry::captured;
use carry::{Carried, Carrier};
use hold::Holds;
pub use hold::Results;
pub use means::{Destination, Lane, LookAgain, Means, Orders, Progress};
use pace::Pace;
use refusals::Refusals;
pub(crate) use source::holds;

/// Carries images up until it is told to stop.
#[derive(Debug)]
pub struct Uploader {
    means: Means,
    orders: Orders,
    sites: Vec<Destination>,
    /// Which site is asked first next time, so that none is always last.
    turn: usize,
    pace: Pace,
    /// What the pipeline behind the store has to work off.
    books: Books,
    refusals: Refusals,
    /// When the next row that waits is due.
    due: Due,
    /// Sites whose folder is away, and until when they are left alone.
    away: HashMap<SiteId, Duration>,
    /// Sites that may have a wish at the gate.
    wishing: BTreeSet<SiteName>,
    hands: JoinSet<Carried>,
    /// Each product on its way has a copy.
    products: Arc<()>,
    /// Images that the pipeline may be at.
    holds: Holds,
    carrier: Arc<Carrier>,
    progress: Arc<Mutex<Progress>>,
}

impl Uploader {
    /// An uploader for `sites`, with the refusals that the queue remembers.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn new(
        means: Means,
        orders: Orders,
        sites: Vec<Destination>,
    ) -> Result<Self, QueueError> {
        let holds = means.queue.view().holds().await?;
        let carrier = Carrier::new(means.clone(), &orders);
        let mut stays = Holds::new(means.clone());
        stays.take_up(&orders, &sites).await?;
        Ok(Self {
            books: Books::open(orders.pipeline, &means.queue, &means.clock).await?,
            pace: Pace::new(orders.tolerance, orders.probes, orders.most),
            refusals: Refusals::new(holds),
            due: Due::Unknown,
            away: HashMap::new(),
            wishing: BTreeSet::new(),
            hands: JoinSet::new(),
            products: Arc::default(),
            holds: stays,
            carrier: Arc::new(carrier),
            progress: Arc::default(),
            turn: 0,
            means,
            orders,
            sites,
        })
    }

    /// What it shows of itself, live.
    pub fn progress(&self) -> Arc<Mutex<Progress>> {
        Arc::clone(&self.progress)
    }

    /// Works until `stop`; then finishes what is under way, for at most `drain`, and gives the rest back.
    ///
    /// # Errors
    /// When the queue is damaged: whatever is under way is then found again by the next start.
    pub async fn run(mut self, stop: CancellationToken, drain: Duration) -> Result<(), QueueError> {
        while !stop.is_cancelled() {
            let until = match self.begin().await {
                Ok(until) => until,
                Err(error) => self.queue_failed(error)?,
            };
            self.show();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(carried) = self.hands.join_next() => self.learn(carried).await?,
                () = self.means.wake.notified() => self.woken().await?,
                () = self.means.gate.freed() => {}
                () = sleep_until(&self.means.clock, until) => {}
            }
            // Whatever else has ended by now is learned from in the same round.
            while let Some(carried) = self.hands.try_join_next() {
                self.learn(carried).await?;
            }
        }
        self.drain(drain).await
    }

    /// Something was accepted, a folder came back, or the operator changed the queue.
    async fn woken(&mut self) -> Result<(), QueueError> {
        self.due = Due::Unknown;
        self.pace.fresh();
        self.look_for_folders().await;
        if !self.refusals.is_empty() {
            match self.means.queue.view().holds().await {
                Ok(holds) => self.refusals.renew(holds),
                Err(error) => {
                    self.queue_failed(error)?;
                }
            }
        }
        Ok(())
    }

    /// Sites whose folders are all there again need not wait any longer.
    async fn look_for_folders(&mut self) {
        if self.away.is_empty() {
            return;
        }
        let away = self
            .sites
            .iter()
            .filter(|site| self.away.contains_key(&site.id));
        let folders: Vec<_> = away
            .map(|site| (site.id, site.directories.clone()))
            .collect();
        let looked = crate::blocking::spawn(move || {
            let there = |(_, folders): &(SiteId, Vec<PathBuf>)| {
                folders.iter().all(|folder| folder.is_dir())
            };
            folders
                .into_iter()
                .filter(there)
                .map(|(id, _)| id)
                .collect::<Vec<_>>()
        });
        for id in looked.await.unwrap_or_default() {
            self.away.remove(&id);
        }
    }

    async fn drain(mut self, within: Duration) -> Result<(), QueueError> {
        self.withdraw(|_| true);
        let deadline = Instant::now() + within;
        while let Ok(Some(carried)) =
            tokio::time::timeout_at(deadline, self.hands.join_next()).await
        {
            self.learn(carried).await?;
        }
        if !self.hands.is_empty() {
            tracing::warn!(
                "{} images were still on their way after {} s: they are looked for in the store at the next start",
                self.hands.len(),
                within.as_secs()
            );
            self.hands.shutdown().await;
        }
        Ok(())
    }

    /// A passing failure of the queue (full disk) is waited out; any other ends the agent.
    fn queue_failed(&self, error: QueueError) -> Result<Option<Duration>, QueueError> {
        match error.class() {
            queue::Class::Fatal => Err(error),
            queue::Class::Retry | queue::Class::Refused => {
                let now = self.means.clock.monotonic();
                self.means.complaints.warn("queue", now, &error);
                Ok(Some(now + QUEUE_PAUSE))
            }
        }
    }

    /// What is only remembered for the next start may fail while the disk is full.
    fn tolerate(&self, done: Result<(), QueueError>) -> Result<(), QueueError> {
        done.or_else(|error| self.queue_failed(error).map(|_| ()))
    }

    /// When the next row that waits is due, which is asked of the queue only when it may have changed.
    async fn due(&mut self) -> Result<Option<Duration>, QueueError> {
        match self.due {
            Due::Never => return Ok(None),
            Due::At(moment) if moment > self.means.clock.monotonic() => return Ok(Some(moment)),
            Due::At(_) | Due::Unknown => {}
        }
        let next = self.promote().await?;
        self.due = next.map_or(Due::Never, Due::At);
        Ok(next)
    }

    /// Rows whose moment has come are queued again; gives when the next one comes.
    async fn promote(&self) -> Result<Option<Duration>, QueueError> {
        let longest = Longest {
            delay_ms: millis(self.orders.retries.cap().max(self.orders.look)),
            probe_ms: millis(self.orders.refusals.cap()),
        };
        let now_ms = self.means.clock.now_ms();
        let next = self.means.queue.promote(now_ms, longest).await?;
        Ok(next.map(|at_ms| self.monotonic_of(at_ms)))
    }

    fn monotonic_of(&self, at_ms: i64) -> Duration {
        let ahead = at_ms
            .saturating_sub(self.means.clock.now_ms())
            .max(0)
            .unsigned_abs();
        self.means.clock.monotonic() + Duration::from_millis(ahead)
    }

    fn show(&self) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.in_flight = self.hands.len();
        progress.width = self.pace.width();
        progress.down_since = self.pace.down_since();
        progress.last_failure = self.pace.last_failure().map(str::to_owned);
        let clock = &self.means.clock;
        let opens = self.books.opens(clock);
        progress.paced = opens.map(|at| at.saturating_sub(clock.monotonic()));
    }
}

/// Whoever shares the gate does not wait for one that is gone.
impl Drop for Uploader {
    fn drop(&mut self) {
        self.withdraw(|_| true);
    }
}

/// When a row that waits comes next.
#[derive(Debug, Clone, Copy)]
enum Due {
    Unknown,
    Never,
    /// On the monotonic clock.
    At(Duration),
}

/// How long the queue is left alone after a passing failure of it.
const QUEUE_PAUSE: Duration = Duration::from_secs(5);
/// How long a site whose folder is away is left alone; its return also wakes the uploader.
const AWAY_PAUSE: Duration = Duration::from_secs(60);

async fn sleep_until(clock: &Clock, until: Option<Duration>) {
    match until {
        Some(moment) => tokio::time::sleep(moment.saturating_sub(clock.monotonic())).await,
        None => std::future::pending().await,
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Days since 1970 of a local time.
fn day_of(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp().div_euclid(86_400)
}
