//! The limits of one process, shared by all of its agents.
//!
//! Each agent has its own view of the gate ([`LocalGate::of_agent`]) and is woken for its own wishes only. A permit
//! that is dropped by an agent that died keeps its place for as long as the pipeline may be at the image.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;
use weir_journey::identity::SiteName;

use super::line::{AgentId, Line, Stage, Wake};
use super::{Gate, GateStanding, Held, Linger, Permit};
use crate::config::Config;

/// What a gate lets in at once; each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sites in the pipeline.
    pub sites: usize,
    /// Uploads under way, of all sites.
    pub images: usize,
    /// Images of one site in the pipeline, those held after their upload among them.
    pub images_per_site: usize,
}

impl Limits {
    /// What a configuration says.
    pub const fn of(config: &Config) -> Self {
        Self {
            sites: config.pipeline.max_concurrent_sites,
            images: config.gate.max_in_flight,
            images_per_site: config.gate.max_in_flight_per_site,
        }
    }
}

/// The gate of one process. Cheap to clone; the clones are one gate.
#[derive(Debug, Clone)]
pub struct LocalGate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Mutex<Line>,
    /// Who is woken by which number.
    agents: Mutex<HashMap<AgentId, Arc<Notify>>>,
}

impl LocalGate {
    /// A gate with nobody inside.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner {
            line: Mutex::new(Line::new(limits)),
            agents: Mutex::default(),
        }))
    }

    /// The gate as one agent sees it. Its wishes end with it; its permits do not.
    pub fn of_agent(&self) -> AgentGate {
        let (id, bell) = (lock(&self.0.line).number(), Arc::new(Notify::new()));
        lock(&self.0.agents).insert(id, Arc::clone(&bell));
        AgentGate {
            gate: Arc::clone(&self.0),
            id,
            bell,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn wake(&self, wake: Wake) {
        if wake.is_empty() {
            return;
        }
        let agents = lock(&self.agents);
        for bell in wake.iter().filter_map(|id| agents.get(id)) {
            // Kept for whoever listens next, should nobody listen now.
            bell.notify_one();
        }
    }

    /// Changes the books, then wakes whom the change lets in.
    fn change<T>(&self, change: impl FnOnce(&mut Line) -> (T, Wake)) -> T {
        let (result, wake) = change(&mut lock(&self.line));
        self.wake(wake);
        result
    }
}

/// A [`LocalGate`] as one agent sees it.
#[derive(Debug)]
pub struct AgentGate {
    gate: Arc<Inner>,
    id: AgentId,
    bell: Arc<Notify>,
}

impl AgentGate {
    fn permit(&self, site: &SiteName, stage: Stage) -> Permit {
        Permit::of(Place {
            gate: Arc::clone(&self.gate),
            site: site.clone(),
            stage,
            linger: Linger::No,
        })
    }
}

#[async_trait::async_trait]
impl Gate for AgentGate {
    fn try_admit(&self, site: &SiteName) -> Option<Permit> {
        let granted = lock(&self.gate.line).ask(self.id, site, Instant::now());
        granted.then(|| self.permit(site, Stage::Upload))
    }

    fn readmit(&self, site: &SiteName) -> Permit {
        lock(&self.gate.line).readmit(site);
        self.permit(site, Stage::Held)
    }

    fn withdraw(&self, site: &SiteName) {
        self.gate.change(|line| ((), line.withdraw(self.id, site)));
    }

    async fn freed(&self) {
        self.bell.notified().await;
    }

    fn standing(&self) -> GateStanding {
        lock(&self.gate.line).standing(self.id, Instant::now())
    }
}

impl Drop for AgentGate {
    fn drop(&mut self) {
        lock(&self.gate.agents).remove(&self.id);
        self.gate.change(|line| ((), line.withdraw_all(self.id)));
    }
}

/// One image in the pipeline.
struct Place {
    gate: Arc<Inner>,
    site: SiteName,
    stage: Stage,
    linger: Linger,
}

impl Held for Place {
    fn stored(&mut self) {
        if self.stage == Stage::Upload {
            self.stage = Stage::Held;
            self.gate.change(|line| ((), line.stored(&self.site)));
        }
    }

    fn linger(&mut self, linger: Linger) {
        self.linger = linger;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = Instant::now();
        let until = match self.linger {
            Linger::No => now,
            Linger::For(time) => now + time,
            Linger::Until(moment) => moment,
        };
        // Without a runtime nobody could free the place later, and nobody is left to be let in.
        match Handle::try_current() {
            Ok(runtime) if until > now => self.leave_behind(&runtime, until),
            _ => self
                .gate
                .change(|line| ((), line.over(&self.site, self.stage))),
        }
    }
}

impl Place {
    fn leave_behind(&self, runtime: &Handle, until: Instant) {
        let number = self
            .gate
            .change(|line| line.left_behind(&self.site, self.stage, until));
        let left = LeftBehind {
            gate: Arc::clone(&self.gate),
            site: self.site.clone(),
            until,
            number,
        };
        // Supervised by nobody: all it does is to end. A runtime that ends drops it, which frees the place too.
        runtime.spawn(async move {
            tokio::time::sleep_until(left.until).await;
            drop(left);
        });
    }
}

/// An image whose agent is gone.
struct LeftBehind {
    gate: Arc<Inner>,
    site: SiteName,
    until: Instant,
    number: u64,
}

impl Drop for LeftBehind {
    fn drop(&mut self) {
        self.gate
            .change(|line| ((), line.expired(&self.site, self.until, self.number)));
    }
}
