//! The gate that independent devices share: slots in a control bucket, without a server of ours.
//!
//! What is decided is decided in [`weir_journey::gate::slots`], which also says what it rests on; here it is done.
//! Promises:
//! - A permit is given only under a slot that this agent holds, and says itself when it is valid no longer
//!   ([`Permit::validity`]): at most `max_concurrent_sites` sites of all devices have a valid one at any moment.
//! - A site that has nothing to send asks the store for nothing and holds no slot.
//! - While the control bucket cannot be reached nobody gets a permit, and images wait.
//! - A store without conditional writes is refused ([`Gate::refused`]).
//! - An agent that ends gives its slots back ([`Gate::close`]); one that dies leaves them to expire.

mod books;
mod control;
mod keeper;
mod probe;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use weir_journey::gate::slots::Terms;
use weir_journey::identity::SiteName;

use super::{AgentGate, Gate, GateStanding, Held, Limits, Linger, LocalGate, Permit, Validity};
use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::s3::Store;

use books::Books;
use control::Control;
pub use probe::ProbeError;

/// How long an agent that ends waits for its slots to be given back.
const CLOSING: Duration = Duration::from_secs(5);
/// Between two probes of a control bucket that does not answer: first, and at most.
const PROBES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(120));

/// Probes that must have found a store unfit before it is refused.
const PROOFS: u32 = 2;

/// What an [`S3Gate`] is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The bucket that the devices share.
    pub bucket: String,
    /// What they agree on.
    pub terms: Terms,
    /// The limits of this agent.
    pub limits: Limits,
    /// Names this run of the agent and spreads its waits: another number for every start of every agent.
    pub seed: u64,
}

/// Slots in a control bucket, as one agent sees them. Dropping it is dying: nothing is given back.
#[derive(Debug)]
pub struct S3Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    control: Control,
    terms: Terms,
    /// A random name of this run of the agent.
    holder: String,
    limits: Limits,
    /// The limits within the agent.
    local: AgentGate,
    books: Mutex<Books>,
    /// A wish may be granted.
    freed: Notify,
    /// A site is done with its slot.
    ended: Notify,
    /// Whether the store was shown to do what slots need.
    proven: watch::Sender<bool>,
    keepers: Mutex<JoinSet<()>>,
}

impl S3Gate {
    /// A gate with nobody inside; nothing is asked yet.
    pub fn new(settings: Settings, store: Store, clock: Clock) -> Self {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let holder = format!("{:032x}", random.u128(..));
        // The sites of all devices are counted by the slots.
        let limits = Limits {
            sites: usize::MAX,
            ..settings.limits
        };
        Self(Arc::new(Inner {
            control: Control {
                store,
                bucket: settings.bucket,
                clock,
                patience: settings.terms.patience(),
                removal: OnceLock::new(),
                complaints: Complaints::default(),
            },
            terms: settings.terms,
            holder,
            limits: settings.limits,
            local: LocalGate::new(limits).of_agent(),
            books: Mutex::new(Books::new(random)),
            freed: Notify::new(),
            ended: Notify::new(),
            proven: watch::Sender::new(false),
            keepers: Mutex::default(),
        }))
    }

    /// Tries once whether the control bucket does what slots need.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn prove(&self) -> Result<(), ProbeError> {
        let (number, holder) = (self.0.books().chance(), &self.0.holder);
        let name = format!("{holder}-{:08x}", (number * f64::from(u32::MAX)) as u32);
        let removal = probe::probe(&self.0.control, &name).await?;
        self.0.control.removal.get_or_init(|| removal);
        self.0.proven.send_replace(true);
        Ok(())
    }
}

impl Inner {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody look after the claim of a site.
    fn keep(self: &Arc<Self>, site: SiteName) {
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = keepers.try_join_next() {
            if let Err(error) = ended {
                tracing::error!("a slot's keeper ended by a fault of this program: {error}");
            }
        }
        keepers.spawn(keeper::keep(Arc::clone(self), site));
    }
}

#[async_trait::async_trait]
impl Gate for S3Gate {
    fn try_admit(&self, site: &SiteName) -> Option<Permit> {
        let inner = &self.0;
        let now = inner.control.clock.uptime();
        let mut books = inner.books();
        if books.wishes(site, now, inner) {
            inner.keep(site.clone());
        }
        let claimed = books.admits(site, now)?;
        // The slot is there; the agent's own limits may not be.
        let local = inner.local.try_admit(site)?;
        claimed.sites_permit(now);
        let validity = Validity::until(inner.control.clock.clone(), claimed.until.subscribe());
        drop(books);
        Some(Permit::of(Ticket {
            inner: Arc::clone(inner),
            site: site.clone(),
            local,
            validity,
            linger: Linger::No,
        }))
    }

    fn readmit(&self, site: &SiteName) -> Permit {
        // The slot of the run before stands for as long as the pipeline may be at its images.
        self.0.local.readmit(site)
    }

    fn withdraw(&self, site: &SiteName) {
        self.0.local.withdraw(site);
        self.0.books().withdraw(site);
    }

    async fn freed(&self) {
        tokio::select! {
            biased;
            () = self.0.freed.notified() => {}
            () = self.0.local.freed() => {}
        }
    }

    fn standing(&self) -> GateStanding {
        let local = self.0.local.standing();
        let now = self.0.control.clock.uptime();
        let books = self.0.books();
        GateStanding {
            sites: books.holding(),
            most_sites: usize::try_from(self.0.terms.slots).unwrap_or(usize::MAX),
            waiting: books.waiting(now),
            ..local
        }
    }

    async fn refused(&self) -> ProbeError {
        let (mut wait, mut unfit) = (PROBES.0, 0);
        loop {
            match self.prove().await {
                Ok(()) => return std::future::pending().await,
                Err(ProbeError::Unknown(sentence)) => self.0.control.complain(&sentence),
                // One garbled answer is no reason to stay at home.
                Err(refused @ ProbeError::Unfit { .. }) => {
                    unfit += 1;
                    if unfit == PROOFS {
                        return refused;
                    }
                }
            }
            let chance = self.0.books().chance();
            tokio::time::sleep(wait.mul_f64(0.5 + chance)).await;
            wait = (wait * 2).min(PROBES.1);
        }
    }

    async fn close(&self) {
        self.0.books().stop();
        if !*self.0.proven.borrow() {
            return;
        }
        let empty = async {
            loop {
                let ended = self.0.ended.notified();
                if self.0.books().is_empty() {
                    return;
                }
                ended.await;
            }
        };
        if tokio::time::timeout(CLOSING, empty).await.is_err() {
            tracing::warn!(
                "slots in s3://{} could not be given back: they expire within {} s",
                self.0.control.bucket,
                self.0.terms.stands().as_secs()
            );
        }
    }
}

impl Drop for S3Gate {
    fn drop(&mut self) {
        let keepers = &self.0.keepers;
        keepers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .abort_all();
    }
}

/// One image of a site that has a slot.
struct Ticket {
    inner: Arc<Inner>,
    site: SiteName,
    local: Permit,
    validity: Validity,
    linger: Linger,
}

impl Held for Ticket {
    fn stored(&mut self) {
        self.local.stored();
    }

    fn linger(&mut self, linger: Linger) {
        self.linger = linger;
        self.local.linger(linger);
    }

    fn validity(&self) -> Validity {
        self.validity.clone()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.inner.control.clock.uptime();
        let until = match self.linger {
            Linger::No => now,
            Linger::For(time) => now + time,
            Linger::Until(moment) => {
                now + moment.saturating_duration_since(tokio::time::Instant::now())
            }
        };
        self.inner.books().given_back(&self.site, now, until);
    }
}
