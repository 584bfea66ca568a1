//! The way up: claims images when the gate lets them, carries each to its bucket, proves that it arrived.
//!
//! The table of the queue is the queue: this loop holds nothing but what is under way. It sleeps until
//! something can have changed (an acceptance, an end, a permit, a moment that the queue or a window names) and
//! never polls.

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
use weir_journey::gate::Order;
use weir_journey::identity::SiteName;

use crate::clock::Clock;
use crate::gate::Permit;
use crate::queue::{self, Dossier, Longest, QueueError, SiteId};

use books::Books;
pub(crate) use carry::captured;
use carry::{Carried, Carrier};
use hold::Holds;
pub use hold::Results;
use leave::Permitted;
pub use means::{Destination, Lane, LookAgain, Means, Orders, Progress};
use pace::{Pace, Room};
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

    /// Begins what may be begun; gives the monotonic moment at which more may. What keeps a site back for any reason
    /// but the gate takes its wish from the gate: a wish is for those who would send at once.
    async fn begin(&mut self) -> Result<Option<Duration>, QueueError> {
        let began = self.begin_all().await;
        if !matches!(began, Ok(Begun { wishes: true, .. })) {
            self.withdraw(|_| true);
        }
        began.map(|begun| begun.until)
    }

    async fn begin_all(&mut self) -> Result<Begun, QueueError> {
        let no_wishes = |until| Begun {
            until,
            wishes: false,
        };
        let mut until = self.due().await?;
        loop {
            let now = self.means.clock.monotonic();
            let (free, probe) = match self.pace.room(now, self.hands.len()) {
                Room::For(free) => (free, false),
                Room::Probe => (1, true),
                Room::Until(moment) => return Ok(no_wishes(earlier(until, Some(moment)))),
                Room::Full => return Ok(no_wishes(until)),
            };
            let Means { queue, clock, .. } = &self.means;
            let taken = self.books.take(free, queue, clock).await?;
            let has_products = self.sites.iter().any(Destination::takes_products);
            if taken == 0 && !has_products {
                return Ok(no_wishes(earlier(until, self.books.opens(clock))));
            }
            let some = match self.begin_some(free, taken, probe).await {
                Ok(some) => some,
                Err(error) => {
                    self.books.give_back(taken, &self.means.clock);
                    return Err(error);
                }
            };
            self.books
                .give_back(taken.saturating_sub(some.images), &self.means.clock);
            until = earlier(until, some.until);
            if probe && some.images + some.products > 0 {
                self.pace.probing();
            }
            if taken == 0 {
                return Ok(no_wishes(earlier(
                    until,
                    self.books.opens(&self.means.clock),
                )));
            }
            if some.images < taken {
                return Ok(Begun {
                    until,
                    wishes: true,
                });
            }
        }
    }

    /// Asks the sites in turn for as much as `free` hands carry, of which `paced` may be images.
    async fn begin_some(
        &mut self,
        free: usize,
        paced: usize,
        probe: bool,
    ) -> Result<Round, QueueError> {
        let ready = self.means.queue.view().ready().await?;
        let queued = |site: &Destination| {
            let ready = ready.iter().find(|one| one.site == site.id);
            ready.map_or(0, |one| usize::try_from(one.images).unwrap_or(usize::MAX))
        };
        let mut images_wait = self.sites.iter().filter(|site| !site.takes_products());
        let products = self.room_for_products(images_wait.any(|site| queued(site) > 0));
        let mut held = Vec::new();
        let mut wishing = BTreeSet::new();
        let mut some = Round::default();
        let count = self.sites.len();
        for offset in 0..count {
            let site = self.sites[(self.turn + offset) % count].clone();
            let left = free.saturating_sub(some.images + some.products);
            let room = if site.takes_products() {
                left.min(products.saturating_sub(some.products))
            } else {
                left.min(paced.saturating_sub(some.images))
            };
            let most = room.min(queued(&site));
            if most == 0 {
                continue;
            }
            let asking = match self.leave(&site).await? {
                Permitted::Now { asking } => asking,
                Permitted::Later(moment, why) => {
                    some.until = earlier(some.until, moment);
                    held.push((site.name.clone(), why));
                    continue;
                }
            };
            let most = if asking || probe { 1 } else { most };
            if site.takes_products() {
                let permits = std::iter::repeat_with(|| Permit::new(Arc::clone(&self.products)));
                let permits = permits.take(most).collect();
                some.products += self.claim(&site, permits, asking).await?;
                continue;
            }
            let permits: Vec<_> = std::iter::from_fn(|| self.means.gate.try_admit(&site.name))
                .take(most)
                .collect();
            if permits.len() < most {
                wishing.insert(site.name.clone());
            }
            self.wishing.insert(site.name.clone());
            some.images += self.claim(&site, permits, asking).await?;
        }
        self.withdraw(|site| !wishing.contains(site));
        if count > 0 {
            self.turn = (self.turn + 1) % count;
        }
        // While the pipeline has all that it may have, no site of images was asked.
        if paced > 0 {
            self.progress
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .held = held;
        }
        Ok(some)
    }

    /// How many more products may be on their way: while images wait, no more than half of all hands have one.
    fn room_for_products(&self, images_wait: bool) -> usize {
        let most = if images_wait {
            (self.pace.width() / 2).max(1)
        } else {
            self.pace.width()
        };
        most.saturating_sub(Arc::strong_count(&self.products) - 1)
    }

    /// Takes wishes back.
    fn withdraw(&mut self, which: impl Fn(&SiteName) -> bool) {
        let gate = &self.means.gate;
        self.wishing.retain(|site| {
            let back = which(site);
            if back {
                gate.withdraw(site);
            }
            !back
        });
    }

    async fn claim(
        &mut self,
        site: &Destination,
        permits: Vec<Permit>,
        asking: bool,
    ) -> Result<usize, QueueError> {
        if permits.is_empty() {
            return Ok(0);
        }
        let limit = u32::try_from(permits.len()).unwrap_or(u32::MAX);
        let order = match self.orders.order {
            Order::Freshest => queue::Order::Freshest,
            Order::Oldest => queue::Order::Oldest,
        };
        let mut claimed = Vec::new();
        if asking {
            claimed = self.claim_in(site, queue::Order::Probe, limit).await?;
        }
        if claimed.is_empty() {
            claimed = self.claim_in(site, order, limit).await?;
        }
        let count = claimed.len();
        if asking && count > 0 {
            self.refusals.asking(site.id);
        }
        for (dossier, permit) in claimed.into_iter().zip(permits) {
            let carrier = Arc::clone(&self.carrier);
            let site = site.clone();
            self.hands
                .spawn(async move { carrier.carry(site, dossier, permit).await });
        }
        Ok(count)
    }

    /// Claims images, and writes down with the claim which name each will have: should the configuration
    /// change before the store has answered, the image keeps its name and is not sent twice.
    async fn claim_in(
        &self,
        site: &Destination,
        order: queue::Order,
        limit: u32,
    ) -> Result<Vec<Dossier>, QueueError> {
        let to = site.clone();
        self.means
            .queue
            .claim(site.id, order, limit, move |image| to.target(image))
            .await
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

/// What one round of asking began.
#[derive(Default)]
struct Round {
    images: usize,
    products: usize,
    /// When a site that is held now may be asked again.
    until: Option<Duration>,
}

/// What came of beginning.
struct Begun {
    /// When more may be begun.
    until: Option<Duration>,
    /// Only the gate keeps the sites with wishes back.
    wishes: bool,
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

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

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
