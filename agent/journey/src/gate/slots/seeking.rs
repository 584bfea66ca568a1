//! Looking for a slot: try a few at once, then look at one after the other, the oftener the longer it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::claim::{Demand, Step, Writer, is_marked, retry};
use super::{Answer, Condition, Exchange, Found, Request, StoreTime, Terms, has_expired, pause};

/// Slots that are simply asked for, without looking first: where few are taken, one of them is free.
const AT_ONCE: u32 = 3;

#[derive(Debug, Clone)]
pub(super) struct Seeking {
    since: Duration,
    pub(super) next_at: Duration,
    slot: u32,
    /// Whether slots are looked at before they are asked for: a look costs a twelfth of a write.
    pub(super) looks: bool,
    /// A write's outcome is unknown: look what stands there before anything else.
    pub(super) unsure: bool,
    /// A write to this slot may still arrive.
    doubted: Option<u32>,
    /// What was seen is free or has expired: ask for it on this condition.
    take: Option<Condition>,
    tries: u32,
    /// What stood where, and since when at the latest.
    watched: BTreeMap<u32, (String, Duration)>,
    /// When it is looked at next whether somebody has said that they wait.
    mark_at: Option<Duration>,
    marks: bool,
    /// It has just given a slot up for others.
    pub(super) gave_way: bool,
}

/// What came of a request.
pub(super) enum Sought {
    Not,
    Held {
        slot: u32,
        etag: String,
        asked: Duration,
    },
}

impl Seeking {
    pub(super) fn new(terms: &Terms, now: Duration, chance: f64) -> Self {
        Self {
            unsure: false,
            ..Self::again(any(terms, chance), now)
        }
    }

    /// After a slot was lost: it is looked at first.
    pub(super) fn again(slot: u32, now: Duration) -> Self {
        Self {
            since: now,
            next_at: now,
            slot,
            looks: false,
            unsure: true,
            doubted: None,
            take: None,
            tries: 0,
            watched: BTreeMap::new(),
            mark_at: None,
            marks: false,
            gave_way: false,
        }
    }

    pub(super) fn next(
        &mut self,
        now: Duration,
        demand: &Demand,
        terms: &Terms,
        writer: &mut Writer,
    ) -> Step {
        let wanted = demand.wanted && !demand.stopping;
        // A write that may have arrived is looked after, even when nobody wants the slot any longer.
        let owed = self.unsure && self.doubted.is_some();
        if !wanted && !owed {
            return match demand.permits {
                0 => Step::Over,
                _ => Step::Wait(Duration::MAX),
            };
        }
        if now < self.next_at {
            return Step::Wait(self.next_at);
        }
        if self.unsure {
            return Step::Ask(Request::Read { slot: self.slot });
        }
        if let Some(condition) = self.take.take() {
            return self.write(condition, terms, writer);
        }
        if self.marks {
            return Step::Ask(Request::Mark);
        }
        if self.mark_at.is_some_and(|at| now >= at) {
            return Step::Ask(Request::ReadMark);
        }
        if self.looks {
            return Step::Ask(Request::Read { slot: self.slot });
        }
        self.write(Condition::Absent, terms, writer)
    }

    fn write(&self, condition: Condition, terms: &Terms, writer: &mut Writer) -> Step {
        Step::Ask(Request::Write {
            slot: self.slot,
            record: writer.record(terms, false),
            condition,
        })
    }

    pub(super) fn answered(
        &mut self,
        request: &Request,
        (time, exchange): (&StoreTime, &Exchange),
        answer: Answer,
        chance: f64,
        terms: &Terms,
        writer: &Writer,
    ) -> Sought {
        let now = exchange.received;
        self.gave_way = false;
        match (request, answer) {
            (Request::Write { slot, .. }, Answer::Done { etag }) => {
                return Sought::Held {
                    slot: *slot,
                    etag,
                    asked: exchange.sent,
                };
            }
            (Request::Write { slot, .. }, Answer::Refused) if self.doubted == Some(*slot) => {
                self.doubted = None;
                self.unsure = true;
            }
            (Request::Write { .. }, Answer::Refused) => self.taken(now, terms, chance),
            (Request::Write { slot, .. }, _) => {
                self.unsure = true;
                self.doubted = Some(*slot);
                self.next_at = now + retry(terms, chance);
            }
            (Request::Read { slot }, Answer::Read(found)) => {
                return self.seen(*slot, found, (time, exchange), chance, (terms, writer));
            }
            (Request::Read { .. }, _) => self.next_at = now + retry(terms, chance),
            (Request::ReadMark, answer) => {
                self.marks =
                    !is_marked(&answer, time, exchange, terms) && matches!(answer, Answer::Read(_));
                self.mark_at = Some(now + terms.lease / 3);
            }
            (Request::Mark, _) => self.marks = false,
            (Request::Remove { .. }, _) => {}
        }
        Sought::Not
    }

    fn seen(
        &mut self,
        slot: u32,
        found: Option<Found>,
        (time, exchange): (&StoreTime, &Exchange),
        chance: f64,
        (terms, writer): (&Terms, &Writer),
    ) -> Sought {
        self.unsure = false;
        let Some(found) = found else {
            self.take = Some(Condition::Absent);
            return Sought::Not;
        };
        if let Some(asked) = writer.sent(&found) {
            // Ours: its answer was lost, or we held it and could not renew in time.
            if exchange.received + terms.lease / 4 <= asked + terms.sends() {
                let etag = found.etag;
                return Sought::Held { slot, etag, asked };
            }
            self.take = Some(Condition::Same(found.etag));
            return Sought::Not;
        }
        let (free, stands) = found
            .record
            .as_ref()
            .map_or((false, terms.stands()), |record| {
                (record.free, Duration::from_millis(record.lease_ms))
            });
        let watched = self.watch(slot, &found.etag, exchange);
        let age = time.age(exchange.date, found.modified, exchange.received);
        if free || has_expired(stands, age, watched) {
            self.take = Some(Condition::Same(found.etag));
        } else {
            self.taken(exchange.received, terms, chance);
        }
        Sought::Not
    }

    /// For how long `etag` has been seen to stand in `slot`.
    fn watch(&mut self, slot: u32, etag: &str, exchange: &Exchange) -> Duration {
        match self.watched.get(&slot) {
            Some((known, since)) if known == etag => exchange.sent.saturating_sub(*since),
            _ => {
                self.watched
                    .insert(slot, (etag.to_owned(), exchange.received));
                Duration::ZERO
            }
        }
    }

    /// The slot is somebody's: on to another.
    fn taken(&mut self, now: Duration, terms: &Terms, chance: f64) {
        self.tries = self.tries.saturating_add(1);
        self.doubted = None;
        if self.tries < AT_ONCE.min(terms.slots) && !self.looks {
            self.slot = any(terms, chance);
            self.next_at = now;
            return;
        }
        self.looks = true;
        self.slot = (self.slot + 1) % terms.slots.max(1);
        self.next_at = now + pause(terms, now.saturating_sub(self.since), chance);
        // Somebody who waits says so, but not before it is clear that it takes time.
        self.mark_at.get_or_insert(self.since + terms.tenure() / 6);
    }
}

fn any(terms: &Terms, chance: f64) -> u32 {
    let slots = terms.slots.max(1);
    // Below `slots`, as chance is below 1.
    ((f64::from(slots) * chance) as u32).min(slots - 1)
}
