//! What goes up next: the sites are asked in turn, the gate says who may, and the queue gives the images.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use weir_journey::gate::Order;
use weir_journey::identity::SiteName;

use super::leave::Permitted;
use super::pace::Room;
use super::{Destination, Means, Uploader};
use crate::gate::Permit;
use crate::queue::{self, Dossier, QueueError};

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

impl Uploader {
    /// Begins what may be begun; gives the monotonic moment at which more may. What keeps a site back for any reason
    /// but the gate takes its wish from the gate: a wish is for those who would send at once.
    pub(super) async fn begin(&mut self) -> Result<Option<Duration>, QueueError> {
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
    pub(super) fn room_for_products(&self, images_wait: bool) -> usize {
        let most = if images_wait {
            (self.pace.width() / 2).max(1)
        } else {
            self.pace.width()
        };
        most.saturating_sub(Arc::strong_count(&self.products) - 1)
    }

    /// Takes wishes back.
    pub(super) fn withdraw(&mut self, which: impl Fn(&SiteName) -> bool) {
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
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
