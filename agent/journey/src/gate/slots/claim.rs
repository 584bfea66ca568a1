//! One site's way to a slot and back, as a machine that is asked what to do next and told what came of it.
//!
//! ```text
//! seeking --written--> holding --nothing to send, or others wait--> leaving --> seeking or over
//!    ^                    |
//!    +----- not renewed --+
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use super::seeking::{Seeking, Sought};
use super::{Answer, Condition, Exchange, Found, Record, Request, StoreTime, Terms};

/// A slot that nothing was sent under for so long is given back.
pub const IDLE: Duration = Duration::from_secs(2);
/// A slot of a site that has nothing to send is kept so long after its last use: the next image of a backlog may be asked
/// for in a moment.
const LINGER: Duration = Duration::from_millis(250);
/// Tries to give a slot back, after which it is left to expire.
const TRIES: u32 = 4;
/// Writes whose moments are remembered: more than can be under way.
const REMEMBERED: usize = 16;

/// What the site wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand {
    /// It has something to send that has no permit yet.
    pub wanted: bool,
    /// Images that have a permit now.
    pub permits: usize,
    /// When the last permit was given or came back, on the boot-time clock.
    pub used: Duration,
    /// Another site of the same agent waits for its turn.
    pub others: bool,
    /// The agent ends: nothing new is begun.
    pub stopping: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the store, and tell what came of it with [`Claim::answered`].
    Ask(Request),
    /// Come back at this moment of the boot-time clock, or when the demand has changed.
    Wait(Duration),
    /// Nothing is held and nothing is wanted.
    Over,
}

/// One site's claim to a slot.
#[derive(Debug, Clone)]
pub struct Claim {
    pub(super) terms: Terms,
    pub(super) writer: Writer,
    pub(super) time: StoreTime,
    state: State,
}

/// Who writes, and when it wrote what.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    holder: String,
    site: String,
    count: u64,
    /// When each of the last writes was sent, by its number.
    sent: BTreeMap<u64, Duration>,
}

#[derive(Debug, Clone)]
enum State {
    Seeking(Seeking),
    Holding(Holding),
    Leaving(Leaving),
}

#[derive(Debug, Clone)]
struct Holding {
    slot: u32,
    etag: String,
    /// When the last write that is known to stand was sent.
    asked: Duration,
    /// A renewal's outcome is unknown: look what stands there.
    unsure: bool,
    retry_at: Duration,
    /// When it is asked next whether others wait.
    tenure_ends: Duration,
    /// Others wait: nothing new is begun.
    yields: bool,
}

#[derive(Debug, Clone)]
struct Leaving {
    slot: u32,
    etag: String,
    unsure: bool,
    tries: u32,
    retry_at: Duration,
    /// Others were waiting: they come first.
    yields: bool,
}

impl Claim {
    /// A claim of `site` at `now`, made by `holder`: a name that no other claim ever had, of this run of the agent or any
    /// other, because a record that is written again would be taken for the old one; `chance` from 0 to 1
    /// chooses where it begins.
    pub fn new(
        terms: Terms,
        holder: String,
        site: String,
        time: StoreTime,
        now: Duration,
        chance: f64,
    ) -> Self {
        Self {
            state: State::Seeking(Seeking::new(&terms, now, chance)),
            terms,
            writer: Writer {
                holder,
                site,
                count: 0,
                sent: BTreeMap::new(),
            },
            time,
        }
    }

    /// Until when the site may send, if it holds a slot; on the boot-time clock.
    pub fn sends_until(&self) -> Option<Duration> {
        match &self.state {
            State::Holding(holding) => Some(holding.asked + self.terms.sends()),
            State::Seeking(_) | State::Leaving(_) => None,
        }
    }

    /// Whether another image may begin to be sent at `now`: with so much of the lease left that it is worth it.
    pub fn admits(&self, now: Duration) -> bool {
        match &self.state {
            State::Holding(holding) => {
                !holding.yields && now + self.terms.lease / 4 <= holding.asked + self.terms.sends()
            }
            State::Seeking(_) | State::Leaving(_) => false,
        }
    }

    /// Whether it has no slot and, for the moment, lets others look for one.
    pub fn waits_its_turn(&self) -> bool {
        matches!(&self.state, State::Seeking(seeking) if seeking.gave_way)
    }

    /// What it has learned of the store's clock.
    pub const fn store_time(&self) -> &StoreTime {
        &self.time
    }

    /// The slot that is held.
    pub fn slot(&self) -> Option<u32> {
        match &self.state {
            State::Holding(holding) => Some(holding.slot),
            State::Seeking(_) | State::Leaving(_) => None,
        }
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Duration, demand: &Demand) -> Step {
        loop {
            let turn = match &mut self.state {
                State::Seeking(seeking) => {
                    return seeking.next(now, demand, &self.terms, &mut self.writer);
                }
                State::Holding(holding) => holding.next(now, demand, &self.terms, &mut self.writer),
                State::Leaving(leaving) => leaving.next(now, &self.terms, &mut self.writer),
            };
            match turn {
                Turn::Step(step) => return step,
                Turn::Into(state) => self.state = state,
            }
        }
    }

    /// Takes in what came of a request; `chance` from 0 to 1 spreads those who wait.
    pub fn answered(
        &mut self,
        request: &Request,
        exchange: &Exchange,
        answer: Answer,
        chance: f64,
    ) {
        self.time
            .learn(exchange, self.terms.stands() + super::GRACE);
        if let Request::Write { record, .. } | Request::Remove { record, .. } = request {
            self.writer.sent.insert(record.count, exchange.sent);
            while self.writer.sent.len() > REMEMBERED {
                self.writer.sent.pop_first();
            }
        }
        let next = match &mut self.state {
            State::Seeking(seeking) => {
                let time = (&self.time, exchange);
                match seeking.answered(request, time, answer, chance, &self.terms, &self.writer) {
                    Sought::Not => None,
                    Sought::Held { slot, etag, asked } => Some(State::Holding(Holding {
                        slot,
                        etag,
                        asked,
                        unsure: false,
                        retry_at: Duration::ZERO,
                        tenure_ends: exchange.received + self.terms.tenure(),
                        yields: false,
                    })),
                }
            }
            State::Holding(holding) => {
                let time = (&self.time, exchange);
                holding.answered(request, time, answer, chance, &self.terms, &self.writer)
            }
            State::Leaving(leaving) => {
                leaving.answered(exchange, answer, chance, &self.terms, &self.writer)
            }
        };
        if let Some(next) = next {
            self.state = next;
        }
    }
}

impl Writer {
    /// The next record of this writer.
    pub(super) fn record(&mut self, terms: &Terms, free: bool) -> Record {
        self.count += 1;
        Record {
            holder: self.holder.clone(),
            site: self.site.clone(),
            count: self.count,
            lease_ms: u64::try_from(terms.stands().as_millis()).unwrap_or(u64::MAX),
            free,
        }
    }

    /// When a record that was found was sent, if it is one of ours.
    pub(super) fn sent(&self, found: &Found) -> Option<Duration> {
        let record = found.record.as_ref()?;
        let ours = record.holder == self.holder && record.site == self.site && !record.free;
        ours.then(|| self.sent.get(&record.count).copied())?
    }
}

enum Turn {
    Step(Step),
    Into(State),
}

impl Holding {
    fn next(&mut self, now: Duration, demand: &Demand, terms: &Terms, writer: &mut Writer) -> Turn {
        let ends = self.asked + terms.sends();
        if now >= ends {
            return Turn::Into(State::Seeking(Seeking::again(self.slot, now)));
        }
        // Others of the same agent need not be asked after.
        self.yields |= demand.others && demand.wanted && now >= self.tenure_ends;
        let idle_ends = demand.used + IDLE;
        let unused = demand.permits == 0;
        let idle_ends = if demand.wanted {
            idle_ends
        } else {
            demand.used + LINGER
        };
        if unused && (demand.stopping || self.yields || now >= idle_ends) {
            return Turn::Into(State::Leaving(Leaving {
                slot: self.slot,
                etag: self.etag.clone(),
                unsure: self.unsure,
                tries: 0,
                retry_at: now,
                yields: self.yields,
            }));
        }
        let due = (self.asked + terms.renews()).max(self.retry_at);
        let renew_at = if self.unsure { self.retry_at } else { due };
        if now >= renew_at {
            return Turn::Step(Step::Ask(if self.unsure {
                Request::Read { slot: self.slot }
            } else {
                Request::Write {
                    slot: self.slot,
                    record: writer.record(terms, false),
                    condition: Condition::Same(self.etag.clone()),
                }
            }));
        }
        let mut until = renew_at.min(ends);
        if demand.wanted && !self.yields {
            if now >= self.tenure_ends {
                return Turn::Step(Step::Ask(Request::ReadMark));
            }
            until = until.min(self.tenure_ends);
        }
        if unused {
            until = until.min(idle_ends);
        }
        Turn::Step(Step::Wait(until))
    }

    fn answered(
        &mut self,
        request: &Request,
        (time, exchange): (&StoreTime, &Exchange),
        answer: Answer,
        chance: f64,
        terms: &Terms,
        writer: &Writer,
    ) -> Option<State> {
        match (request, answer) {
            (Request::Write { .. }, Answer::Done { etag }) => {
                self.etag = etag;
                self.asked = self.asked.max(exchange.sent);
            }
            // Changed since: by our own write whose answer was lost, or by another holder.
            (Request::Write { .. }, Answer::Refused) => {
                self.unsure = true;
                self.retry_at = exchange.received;
            }
            (Request::Write { .. }, _) => {
                self.unsure = true;
                self.retry_at = exchange.received + retry(terms, chance);
            }
            (Request::Read { .. }, Answer::Read(Some(found))) => match writer.sent(&found) {
                Some(sent) => {
                    self.etag = found.etag;
                    self.asked = self.asked.max(sent);
                    self.unsure = false;
                    self.retry_at = exchange.received;
                }
                None => return Some(State::Seeking(Seeking::again(self.slot, exchange.received))),
            },
            (Request::Read { .. }, Answer::Read(None)) => {
                return Some(State::Seeking(Seeking::again(self.slot, exchange.received)));
            }
            (Request::Read { .. }, _) => {
                self.retry_at = exchange.received + retry(terms, chance);
            }
            (Request::ReadMark, answer) => {
                let marked = is_marked(&answer, time, exchange, terms);
                self.yields = marked;
                self.tenure_ends = exchange.received + terms.tenure();
            }
            (Request::Mark | Request::Remove { .. }, _) => {}
        }
        None
    }
}

impl Leaving {
    fn next(&self, now: Duration, terms: &Terms, writer: &mut Writer) -> Turn {
        if self.tries >= TRIES {
            return Turn::Into(self.left(now, terms, 0.5));
        }
        if now < self.retry_at {
            return Turn::Step(Step::Wait(self.retry_at));
        }
        Turn::Step(Step::Ask(if self.unsure {
            Request::Read { slot: self.slot }
        } else {
            Request::Remove {
                slot: self.slot,
                etag: self.etag.clone(),
                record: writer.record(terms, true),
            }
        }))
    }

    fn answered(
        &mut self,
        exchange: &Exchange,
        answer: Answer,
        chance: f64,
        terms: &Terms,
        writer: &Writer,
    ) -> Option<State> {
        self.tries += 1;
        match answer {
            Answer::Done { .. } | Answer::Read(None) => {
                return Some(self.left(exchange.received, terms, chance));
            }
            Answer::Read(Some(found)) => match writer.sent(&found) {
                Some(_) => {
                    self.etag = found.etag;
                    self.unsure = false;
                }
                None => return Some(self.left(exchange.received, terms, chance)),
            },
            Answer::Refused => self.unsure = true,
            Answer::Unknown => {
                self.unsure = true;
                self.retry_at = exchange.received + retry(terms, chance);
            }
        }
        None
    }

    fn left(&self, now: Duration, terms: &Terms, chance: f64) -> State {
        let mut seeking = Seeking::again(self.slot, now);
        seeking.unsure = false;
        if self.yields {
            // Those who wait look as often as this.
            seeking.next_at = now + super::pause(terms, Duration::ZERO, chance);
            seeking.looks = true;
            seeking.gave_way = true;
        }
        State::Seeking(seeking)
    }
}

/// Between a request whose outcome is unknown and the next.
pub(super) fn retry(terms: &Terms, chance: f64) -> Duration {
    (terms.lease / 20).mul_f64(0.5 + chance.clamp(0.0, 1.0))
}

/// Whether somebody has said within the last lease that it waits.
pub(super) fn is_marked(
    answer: &Answer,
    time: &StoreTime,
    exchange: &Exchange,
    terms: &Terms,
) -> bool {
    match answer {
        Answer::Read(Some(found)) => {
            let age = time.age(exchange.date, found.modified, exchange.received);
            age.is_none_or(|age| age < terms.lease)
        }
        _ => false,
    }
}
