//! Which of the agent's sites have a claim, which wait for their turn to make one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use weir_journey::gate::slots::{Answer, Claim, Demand, Exchange, IDLE, Request, Step, StoreTime};
use weir_journey::identity::SiteName;

use super::Inner;
use crate::gate::Waiting;

/// The sites of one agent.
#[derive(Debug)]
pub(super) struct Books {
    claims: BTreeMap<SiteName, Claimed>,
    /// Sites that wish for a slot while the agent has as many claims as it can use.
    line: VecDeque<(SiteName, Duration)>,
    random: fastrand::Rng,
    /// Claims made so far: each has a holder's name of its own, so that no two records are ever alike.
    made: u64,
    /// What was last learned of the store's clock: where a new claim begins.
    time: StoreTime,
    stopping: bool,
}

/// A site that has a slot, or is about to have one.
#[derive(Debug)]
pub(super) struct Claimed {
    claim: Claim,
    demand: Demand,
    /// Until when dropped permits of an agent that died still count.
    lingers: Duration,
    since: Duration,
    /// Tells the claim's keeper that the demand has changed.
    pub(super) bell: Arc<Notify>,
    /// Until when its permits are valid.
    pub(super) until: watch::Sender<Duration>,
}

impl Claimed {
    /// An image was given a permit.
    pub(super) fn sites_permit(&mut self, now: Duration) {
        self.demand.permits += 1;
        self.demand.used = now;
    }
}

impl Books {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self {
            claims: BTreeMap::new(),
            line: VecDeque::new(),
            random,
            made: 0,
            time: StoreTime::default(),
            stopping: false,
        }
    }

    /// A number from 0 to 1.
    pub(super) fn chance(&mut self) -> f64 {
        self.random.f64()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Takes a wish; `true` when a claim was made for it, which wants a keeper.
    pub(super) fn wishes(&mut self, site: &SiteName, now: Duration, inner: &Inner) -> bool {
        if self.stopping {
            return false;
        }
        if let Some(claimed) = self.claims.get_mut(site) {
            if !claimed.demand.wanted {
                claimed.demand.wanted = true;
                claimed.demand.used = now;
                claimed.since = now;
                claimed.bell.notify_one();
            }
            return false;
        }
        if self.claims.len() >= inner.limits.images {
            if !self.line.iter().any(|(waiting, _)| waiting == site) {
                self.line.push_back((site.clone(), now));
                self.claims
                    .values_mut()
                    .for_each(|one| one.demand.others = true);
            }
            return false;
        }
        self.line.retain(|(waiting, _)| waiting != site);
        self.claim(site.clone(), now, now, inner);
        true
    }

    fn claim(&mut self, site: SiteName, since: Duration, now: Duration, inner: &Inner) {
        self.made += 1;
        let claim = Claim::new(
            inner.terms,
            format!("{}-{}", inner.holder, self.made),
            site.to_string(),
            self.time.clone(),
            now,
            self.random.f64(),
        );
        let demand = Demand {
            wanted: true,
            used: now,
            others: !self.line.is_empty(),
            ..Demand::default()
        };
        self.claims.insert(
            site,
            Claimed {
                claim,
                demand,
                lingers: Duration::ZERO,
                since,
                bell: Arc::new(Notify::new()),
                until: watch::Sender::new(Duration::ZERO),
            },
        );
    }

    /// The claim of a site under which another image may begin.
    pub(super) fn admits(&mut self, site: &SiteName, now: Duration) -> Option<&mut Claimed> {
        let claimed = self.claims.get_mut(site)?;
        (!self.stopping && claimed.claim.admits(now)).then_some(claimed)
    }

    pub(super) fn withdraw(&mut self, site: &SiteName) {
        self.line.retain(|(waiting, _)| waiting != site);
        if let Some(claimed) = self.claims.get_mut(site)
            && claimed.demand.wanted
        {
            claimed.demand.wanted = false;
            claimed.bell.notify_one();
        }
        self.tell_of_others();
    }

    /// A permit came back at `now`, and counts until then.
    pub(super) fn given_back(&mut self, site: &SiteName, now: Duration, until: Duration) {
        if let Some(claimed) = self.claims.get_mut(site) {
            claimed.demand.permits = claimed.demand.permits.saturating_sub(1);
            claimed.demand.used = now;
            claimed.lingers = claimed.lingers.max(until);
            claimed.bell.notify_one();
        }
    }

    /// Nothing new is begun.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.line.clear();
        for claimed in self.claims.values_mut() {
            claimed.demand.stopping = true;
            claimed.bell.notify_one();
        }
    }

    /// Sites that have no slot yet, the longest wait first.
    pub(super) fn waiting(&self, now: Duration) -> Vec<Waiting> {
        let claims = self
            .claims
            .iter()
            .filter(|(_, one)| one.claim.slot().is_none());
        let claims = claims.map(|(site, one)| (site, one.since));
        let line = self.line.iter().map(|(site, since)| (site, *since));
        let mut waiting: Vec<_> = claims
            .chain(line)
            .map(|(site, since)| Waiting {
                site: site.clone(),
                since: now.saturating_sub(since),
                for_its_own: false,
            })
            .collect();
        waiting.sort_by_key(|one| std::cmp::Reverse(one.since));
        waiting
    }

    /// Sites of this agent that hold a slot.
    pub(super) fn holding(&self) -> usize {
        let holds = |one: &&Claimed| one.claim.slot().is_some();
        self.claims.values().filter(holds).count()
    }

    /// Who rings for the keeper of a site.
    pub(super) fn bell(&self, site: &SiteName) -> Option<Arc<Notify>> {
        Some(Arc::clone(&self.claims.get(site)?.bell))
    }

    /// What the keeper of a site does next. At [`Step::Over`] the claim is gone, and the site given with it, if any,
    /// has one now and wants a keeper.
    pub(super) fn next(
        &mut self,
        site: &SiteName,
        now: Duration,
        inner: &Inner,
    ) -> (Step, Option<SiteName>) {
        let Some(claimed) = self.claims.get_mut(site) else {
            return (Step::Over, None);
        };
        let mut demand = claimed.demand;
        let held = claimed.claim.slot().is_some();
        if demand.permits == 0 && now < claimed.lingers {
            demand.permits = 1;
        } else if demand.permits == 0 && held && now >= demand.used + IDLE {
            // Nobody came for it: the wish is asked for again when there is something to send.
            claimed.demand.wanted = false;
            demand.wanted = false;
        }
        let step = claimed.claim.next(now, &demand);
        claimed.show();
        // One that has given way to another site of this agent goes to the end of the line.
        let gives_way = demand.others && claimed.claim.waits_its_turn() && demand.permits == 0;
        if step != Step::Over && !gives_way {
            let linger = (now < claimed.lingers).then_some(claimed.lingers);
            return (sooner(step, linger), None);
        }
        let (wanted, since) = (demand.wanted && !demand.stopping, now);
        self.claims.remove(site);
        if wanted {
            self.line.push_back((site.clone(), since));
        }
        let next = self.line.pop_front();
        if let Some((next, since)) = &next {
            self.claim(next.clone(), *since, now, inner);
        }
        self.tell_of_others();
        (Step::Over, next.map(|(site, _)| site))
    }

    /// What came of a request; `true` when the site has a slot by it that it had not.
    pub(super) fn answered(
        &mut self,
        site: &SiteName,
        request: &Request,
        exchange: &Exchange,
        answer: Answer,
    ) -> bool {
        let chance = self.random.f64();
        let Some(claimed) = self.claims.get_mut(site) else {
            return false;
        };
        let before = claimed.claim.slot();
        claimed.claim.answered(request, exchange, answer, chance);
        self.time = claimed.claim.store_time().clone();
        claimed.show();
        let got = before.is_none() && claimed.claim.slot().is_some();
        if got {
            claimed.demand.used = exchange.received;
        }
        // Renewed after it was nearly lost counts as well.
        got || matches!(request, Request::Write { .. }) && before.is_some()
    }

    fn tell_of_others(&mut self) {
        let others = !self.line.is_empty();
        for claimed in self.claims.values_mut() {
            claimed.demand.others = others;
        }
    }
}

impl Claimed {
    fn show(&self) {
        let until = self.claim.sends_until().unwrap_or(Duration::ZERO);
        self.until.send_if_modified(|shown| {
            let changed = *shown != until;
            *shown = until;
            changed
        });
    }
}

fn sooner(step: Step, moment: Option<Duration>) -> Step {
    match (step, moment) {
        (Step::Wait(until), Some(moment)) => Step::Wait(until.min(moment)),
        (step, _) => step,
    }
}
