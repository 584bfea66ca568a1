//! Who is in the pipeline and who is next: the books of a [`LocalGate`](super::LocalGate), without locks, tasks
//! or wake-ups.
//!
//! It promises that
//! - no limit is exceeded by what is granted, and what is granted goes to the wishes in their order;
//! - a site with as many images in as it may have waits beside the line, and joins its end when one of them is
//!   over: while others wait, it has left before it comes in again, so each wish waits for no more grants than
//!   there were wishes before it;
//! - whoever has to be woken is named once, when its wish is granted, and nobody else is.
//!
//! A granted wish is an *offer* until its agent comes for it: the place is taken, and nobody overtakes. Every call
//! costs a few steps in trees, however many agents there are.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;
use weir_journey::identity::SiteName;

use super::{GateStanding, Limits, Waiting};

/// One of the agents that share the gate.
pub(super) type AgentId = u64;

#[derive(Debug)]
pub(super) struct Line {
    limits: Limits,
    /// Sites in the pipeline, or with an offer.
    inside: HashMap<SiteName, Inside>,
    /// Uploads under way and offers, of all sites.
    uploading: usize,
    held: usize,
    /// Wishes in their order.
    line: BTreeMap<u64, (AgentId, SiteName)>,
    wishes: HashMap<AgentId, BTreeMap<SiteName, Wish>>,
    /// The next number of a wish, of an agent, or of something left behind.
    next: u64,
}

/// What a site has in the pipeline.
#[derive(Debug, Default)]
struct Inside {
    offers: usize,
    uploads: usize,
    held: usize,
    /// Of the held, those whose agent is gone: until when, and a number.
    left: BTreeMap<(Instant, u64), ()>,
    /// Agents whose wish for this site waits for the site's own images.
    beside: Vec<AgentId>,
}

impl Inside {
    const fn images(&self) -> usize {
        self.offers + self.uploads + self.held
    }
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    since: Instant,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    InLine(u64),
    /// Its site has as many images in as it may have.
    Beside,
    Offered,
}

/// As what an image is in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Upload,
    Held,
}

/// Agents to be woken.
pub(super) type Wake = Vec<AgentId>;

impl Line {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            inside: HashMap::new(),
            uploading: 0,
            held: 0,
            line: BTreeMap::new(),
            wishes: HashMap::new(),
            next: 0,
        }
    }

    pub(super) const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether the site may send an image now; its wish stands if not.
    pub(super) fn ask(&mut self, agent: AgentId, site: &SiteName, now: Instant) -> bool {
        let wish = self.wishes.get(&agent).and_then(|wishes| wishes.get(site));
        match wish.map(|wish| wish.place) {
            Some(Place::Offered) => {
                self.forget(agent, site);
                let inside = self.inside.entry(site.clone()).or_default();
                inside.offers -= 1;
                inside.uploads += 1;
                true
            }
            Some(Place::InLine(_) | Place::Beside) => false,
            None if self.line.is_empty() && self.fits(site) => {
                self.uploading += 1;
                self.inside.entry(site.clone()).or_default().uploads += 1;
                true
            }
            None => {
                self.wish(agent, site, now);
                false
            }
        }
    }

    fn wish(&mut self, agent: AgentId, site: &SiteName, since: Instant) {
        let place = if self.is_full(site) {
            let inside = self.inside.entry(site.clone()).or_default();
            inside.beside.push(agent);
            Place::Beside
        } else {
            self.join(agent, site)
        };
        let wishes = self.wishes.entry(agent).or_default();
        wishes.insert(site.clone(), Wish { since, place });
    }

    /// Joins the end of the line.
    fn join(&mut self, agent: AgentId, site: &SiteName) -> Place {
        let ticket = self.number();
        self.line.insert(ticket, (agent, site.clone()));
        Place::InLine(ticket)
    }

    fn forget(&mut self, agent: AgentId, site: &SiteName) -> Option<Wish> {
        let wishes = self.wishes.get_mut(&agent)?;
        let wish = wishes.remove(site);
        if wishes.is_empty() {
            self.wishes.remove(&agent);
        }
        wish
    }

    /// The site wants nothing now.
    pub(super) fn withdraw(&mut self, agent: AgentId, site: &SiteName) -> Wake {
        match self.forget(agent, site).map(|wish| wish.place) {
            None => return Wake::new(),
            Some(Place::InLine(ticket)) => {
                self.line.remove(&ticket);
            }
            Some(Place::Beside) => {
                if let Some(inside) = self.inside.get_mut(site) {
                    inside.beside.retain(|one| *one != agent);
                }
            }
            Some(Place::Offered) => {
                self.uploading -= 1;
                self.leave(site, |inside| inside.offers -= 1);
            }
        }
        self.offer()
    }

    /// The agent is gone, and its wishes with it.
    pub(super) fn withdraw_all(&mut self, agent: AgentId) -> Wake {
        let wishes = self.wishes.get(&agent).into_iter().flatten();
        let sites: Vec<_> = wishes.map(|(site, _)| site.clone()).collect();
        sites
            .iter()
            .flat_map(|site| self.withdraw(agent, site))
            .collect()
    }

    /// An upload is over, and its image is in the pipeline.
    pub(super) fn stored(&mut self, site: &SiteName) -> Wake {
        if let Some(inside) = self.inside.get_mut(site) {
            inside.uploads -= 1;
            inside.held += 1;
            self.uploading -= 1;
            self.held += 1;
        }
        self.offer()
    }

    /// An image is out of the pipeline.
    pub(super) fn over(&mut self, site: &SiteName, stage: Stage) -> Wake {
        match stage {
            Stage::Upload => {
                self.uploading -= 1;
                self.leave(site, |inside| inside.uploads -= 1);
            }
            Stage::Held => {
                self.held -= 1;
                self.leave(site, |inside| inside.held -= 1);
            }
        }
        self.offer()
    }

    /// The agent of an image is gone, and the pipeline may be at the image until `until`. Gives the number under
    /// which it is [`Self::expired`].
    pub(super) fn left_behind(
        &mut self,
        site: &SiteName,
        stage: Stage,
        until: Instant,
    ) -> (u64, Wake) {
        let wake = match stage {
            Stage::Upload => self.stored(site),
            Stage::Held => Wake::new(),
        };
        let number = self.number();
        if let Some(inside) = self.inside.get_mut(site) {
            inside.left.insert((until, number), ());
        }
        (number, wake)
    }

    /// What was left behind is over, unless an agent has taken it up.
    pub(super) fn expired(&mut self, site: &SiteName, until: Instant, number: u64) -> Wake {
        let inside = self.inside.get_mut(site);
        match inside.and_then(|inside| inside.left.remove(&(until, number))) {
            Some(()) => self.over(site, Stage::Held),
            None => Wake::new(),
        }
    }

    /// An image that is in the pipeline whatever the limits say; takes up what was left behind.
    pub(super) fn readmit(&mut self, site: &SiteName) {
        let inside = self.inside.entry(site.clone()).or_default();
        if inside.left.pop_first().is_none() {
            inside.held += 1;
            self.held += 1;
        }
    }

    /// Takes something of a site away, and the site itself when it was the last. Whoever waited for the site's own
    /// images joins the line.
    fn leave(&mut self, site: &SiteName, less: impl FnOnce(&mut Inside)) {
        let Some(inside) = self.inside.get_mut(site) else {
            return;
        };
        less(inside);
        let empty = inside.images() == 0;
        let free = inside.images() < self.limits.images_per_site;
        let beside = if free {
            std::mem::take(&mut inside.beside)
        } else {
            Vec::new()
        };
        if empty {
            self.inside.remove(site);
        }
        for agent in beside {
            let place = self.join(agent, site);
            self.move_to(agent, site, place);
        }
    }

    fn move_to(&mut self, agent: AgentId, site: &SiteName, place: Place) {
        let wishes = self.wishes.get_mut(&agent);
        if let Some(wish) = wishes.and_then(|wishes| wishes.get_mut(site)) {
            wish.place = place;
        }
    }

    fn is_full(&self, site: &SiteName) -> bool {
        let inside = self.inside.get(site);
        inside.is_some_and(|inside| inside.images() >= self.limits.images_per_site)
    }

    fn fits(&self, site: &SiteName) -> bool {
        let may_be_in = self.inside.contains_key(site) || self.inside.len() < self.limits.sites;
        may_be_in && self.uploading < self.limits.images && !self.is_full(site)
    }

    /// Grants the wishes at the head of the line as far as the limits go.
    fn offer(&mut self) -> Wake {
        let mut wake = Wake::new();
        while let Some((&ticket, (agent, site))) = self.line.first_key_value() {
            let (agent, site) = (*agent, site.clone());
            let place = if self.is_full(&site) {
                // Another agent of the same site was faster.
                self.inside
                    .entry(site.clone())
                    .or_default()
                    .beside
                    .push(agent);
                Place::Beside
            } else if self.fits(&site) {
                self.uploading += 1;
                self.inside.entry(site.clone()).or_default().offers += 1;
                wake.push(agent);
                Place::Offered
            } else {
                break;
            };
            self.line.remove(&ticket);
            self.move_to(agent, &site, place);
        }
        wake
    }

    /// How things stand, with the wishes of `agent`.
    pub(super) fn standing(&self, agent: AgentId, now: Instant) -> GateStanding {
        let wishes = self.wishes.get(&agent).into_iter().flatten();
        let mut waiting: Vec<_> = wishes
            .filter(|(_, wish)| !matches!(wish.place, Place::Offered))
            .map(|(site, wish)| Waiting {
                site: site.clone(),
                since: now.saturating_duration_since(wish.since),
                for_its_own: matches!(wish.place, Place::Beside),
            })
            .collect();
        waiting.sort_by_key(|one| std::cmp::Reverse(one.since));
        let offered_only = |inside: &&Inside| inside.uploads + inside.held == 0;
        GateStanding {
            sites: self.inside.len() - self.inside.values().filter(offered_only).count(),
            most_sites: self.limits.sites,
            held: self.held,
            waiting,
        }
    }
}
