//! The claims of several agents against a model of a store, with everything between them going wrong.
//!
//! The model's time is the true one. Every agent has a boot-time clock of its own, and is crashed and
//! stopped; every request may be lost, or be applied long after its sender has given it up; its answer may be lost;
//! the store's clock is off and is set. The judge knows all clocks: no two agents may send under one slot.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

const LEASE: Duration = Duration::from_secs(10);
const SECOND: u64 = 1000;
/// How long the trouble lasts, in model milliseconds.
const TROUBLE: u64 = 300 * SECOND;

/// What goes wrong, in percent of the requests or the looks.
#[derive(Debug, Clone)]
struct Trouble {
    seed: u64,
    agents: usize,
    slots: u32,
    lost_request: u64,
    late_request: u64,
    lost_answer: u64,
    pause: u64,
    crash: u64,
    clock_set: bool,
    hold: u64,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let odds = (0u64..30, 0u64..30, 0u64..30, 0u64..10, 0u64..3);
    (
        any::<u64>(),
        2usize..6,
        1u32..4,
        odds,
        any::<bool>(),
        0u64..15,
    )
        .prop_map(|(seed, agents, slots, odds, clock_set, hold)| Trouble {
            seed,
            agents,
            slots,
            lost_request: odds.0,
            late_request: odds.1,
            lost_answer: odds.2,
            pause: odds.3,
            crash: odds.4,
            clock_set,
            hold,
        })
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn percent(&mut self, odds: u64) -> bool {
        self.below(100) < odds
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake { agent: usize, life: u64 },
    Apply { call: usize },
    Arrive { call: usize },
    GiveUp { call: usize },
    SetClock,
}

struct Call {
    agent: usize,
    life: u64,
    request: Request,
    sent: Duration,
    answer: Option<(Answer, DateTime<Utc>)>,
    answer_lost: bool,
    over: bool,
}

struct Agent {
    claim: Claim,
    life: u64,
    /// What its boot-time clock showed at the model's zero.
    booted: u64,
    asking: bool,
    paused_until: u64,
    demand: Demand,
    turns: u64,
}

struct World {
    trouble: Trouble,
    chance: Chance,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    count: u64,
    calls: Vec<Call>,
    agents: Vec<Agent>,
    slots: BTreeMap<u32, Found>,
    mark: Option<Found>,
    etags: u64,
    ahead: i64,
    set_at: u64,
    /// When each agent last got a slot.
    served: Vec<u64>,
}

impl World {
    fn new(trouble: Trouble) -> Self {
        let mut world = Self {
            chance: Chance(trouble.seed),
            now: 0,
            events: BinaryHeap::new(),
            count: 0,
            calls: Vec::new(),
            agents: Vec::new(),
            slots: BTreeMap::new(),
            mark: None,
            etags: 0,
            ahead: 1_700_000_000_000,
            set_at: 0,
            served: vec![0; trouble.agents],
            trouble,
        };
        for agent in 0..world.trouble.agents {
            let booted = world.chance.below(1_000_000_000);
            let time = world.probed(booted);
            let born = world.born(agent, 0, booted, time);
            world.agents.push(born);
            world.at(0, Event::Wake { agent, life: 0 });
        }
        if world.trouble.clock_set {
            let when = 60 * SECOND + world.chance.below(60 * SECOND);
            world.at(when, Event::SetClock);
        }
        world
    }

    fn terms(&self) -> Terms {
        Terms {
            slots: self.trouble.slots,
            lease: LEASE,
            hold: Duration::from_secs(self.trouble.hold),
        }
    }

    /// What a process knows of the store's time that begins now: its start-up probe.
    fn probed(&mut self, booted: u64) -> StoreTime {
        let uptime = Duration::from_millis(self.now + booted);
        let mut time = StoreTime::default();
        let date = self.date();
        let (sent, received) = (uptime, uptime);
        time.learn(
            &Exchange {
                sent,
                received,
                date: Some(date),
            },
            LEASE,
        );
        time
    }

    fn born(&mut self, agent: usize, life: u64, booted: u64, time: StoreTime) -> Agent {
        let uptime = Duration::from_millis(self.now + booted);
        let chance = self.chance.unit();
        Agent {
            claim: Claim::new(
                self.terms(),
                format!("{agent}-{life}"),
                format!("site{agent}"),
                time,
                uptime,
                chance,
            ),
            life,
            booted,
            asking: false,
            paused_until: 0,
            demand: Demand {
                wanted: true,
                ..Demand::default()
            },
            turns: 0,
        }
    }

    fn at(&mut self, when: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((when, self.count, event)));
    }

    fn calm(&self) -> bool {
        self.now >= TROUBLE
    }

    /// What one of the store's machines takes the time to be.
    fn date(&mut self) -> DateTime<Utc> {
        let millis = self.now as i64 + self.ahead + self.chance.below(900) as i64;
        DateTime::from_timestamp(millis.div_euclid(1000), 0).unwrap()
    }

    fn uptime(&self, agent: usize) -> Duration {
        Duration::from_millis(self.now + self.agents[agent].booted)
    }

    fn run(&mut self, until: u64) {
        while let Some(Reverse((when, _, _))) = self.events.peek()
            && *when <= until
        {
            let Some(Reverse((when, _, event))) = self.events.pop() else {
                return;
            };
            self.now = when;
            match event {
                Event::Wake { agent, life } => self.wake(agent, life),
                Event::Apply { call } => self.apply(call),
                Event::Arrive { call } | Event::GiveUp { call } => self.arrive(call),
                Event::SetClock => {
                    self.ahead += self.chance.below(7_200_000) as i64 - 3_600_000;
                    self.set_at = self.now;
                }
            }
            self.judge();
        }
        self.now = until;
    }

    fn wake(&mut self, agent: usize, life: u64) {
        let (calm, now) = (self.calm(), self.now);
        if self.agents[agent].life != life || self.agents[agent].asking {
            return;
        }
        if now < self.agents[agent].paused_until {
            let until = self.agents[agent].paused_until;
            return self.at(until, Event::Wake { agent, life });
        }
        if !calm && self.chance.percent(self.trouble.pause) {
            let until = now + self.chance.below(3 * LEASE.as_millis() as u64);
            self.agents[agent].paused_until = until;
            return self.at(until, Event::Wake { agent, life });
        }
        // One that starts after the clock was set and before what is held was renewed could not know.
        let settled = now < self.set_at || now > self.set_at + 60 * SECOND || self.set_at == 0;
        if !calm && settled && self.chance.percent(self.trouble.crash) {
            let booted = self.chance.below(1_000_000_000);
            let time = self.probed(booted);
            self.agents[agent] = self.born(agent, life + 1, booted, time);
            let again = now + 1 + self.chance.below(20 * SECOND);
            return self.at(
                again,
                Event::Wake {
                    agent,
                    life: life + 1,
                },
            );
        }
        self.step(agent);
    }

    fn step(&mut self, agent: usize) {
        let uptime = self.uptime(agent);
        self.agents[agent].turns += 1;
        let sends = self.agents[agent].claim.admits(uptime);
        if sends {
            self.served[agent] = self.now;
        }
        let working = sends && self.chance.percent(70);
        let wanted = self.calm() || self.chance.percent(90);
        let one = &mut self.agents[agent];
        one.demand = Demand {
            wanted,
            permits: usize::from(working),
            used: if working { uptime } else { one.demand.used },
            ..Demand::default()
        };
        let life = one.life;
        let demand = one.demand;
        match one.claim.next(uptime, &demand) {
            Step::Ask(request) => self.ask(agent, request, uptime),
            Step::Wait(until) => {
                let wait = until.saturating_sub(uptime).as_millis() as u64;
                // The demand may change before.
                let wait = wait.min(1 + self.chance.below(3 * SECOND));
                self.at(self.now + wait.max(1), Event::Wake { agent, life });
            }
            Step::Over => {
                // The next wish is a claim of its own, of the same process: what that has learned it knows.
                let booted = self.agents[agent].booted;
                let time = self.agents[agent].claim.store_time().clone();
                self.agents[agent] = self.born(agent, life + 1, booted, time);
                let life = life + 1;
                self.at(self.now + SECOND, Event::Wake { agent, life });
            }
        }
    }

    fn ask(&mut self, agent: usize, request: Request, sent: Duration) {
        let calm = self.calm();
        let trouble = self.trouble.clone();
        self.agents[agent].asking = true;
        if !calm && self.chance.percent(trouble.pause) {
            // Stopped while the request is on its way: the answer is read when it goes on.
            let until = self.now + self.chance.below(3 * LEASE.as_millis() as u64);
            self.agents[agent].paused_until = until;
        }
        let call = self.calls.len();
        self.calls.push(Call {
            agent,
            life: self.agents[agent].life,
            request,
            sent,
            answer: None,
            answer_lost: !calm && self.chance.percent(trouble.lost_answer),
            over: false,
        });
        let late = !calm && self.chance.percent(trouble.late_request);
        let longest = if late {
            4 * LEASE.as_millis() as u64
        } else {
            300
        };
        if calm || !self.chance.percent(trouble.lost_request) {
            let when = self.now + self.chance.below(longest);
            self.at(when, Event::Apply { call });
        }
        let patience = self.terms().patience().as_millis() as u64;
        self.at(self.now + patience, Event::GiveUp { call });
    }

    fn apply(&mut self, call: usize) {
        let answer = self.serve(call);
        let date = self.date();
        let one = &mut self.calls[call];
        one.answer = Some((answer, date));
        if !one.answer_lost {
            let wait = self.chance.below(300);
            self.at(self.now + wait, Event::Arrive { call });
        }
    }

    /// What a store with compare-and-swap does.
    fn serve(&mut self, call: usize) -> Answer {
        let modified = self.date();
        self.etags += 1;
        // As S3 makes them: of what is written.
        let etag = match &self.calls[call].request {
            Request::Write { record, .. } | Request::Remove { record, .. } => format!("{record:?}"),
            _ => self.etags.to_string(),
        };
        let found = |record| Found {
            etag: etag.clone(),
            record,
            modified,
        };
        match self.calls[call].request.clone() {
            Request::Read { slot } => Answer::Read(self.slots.get(&slot).cloned()),
            Request::ReadMark => Answer::Read(self.mark.clone()),
            Request::Mark => {
                self.mark = Some(found(None));
                Answer::Done { etag }
            }
            Request::Write {
                slot,
                record,
                condition,
            } => {
                let holds = match (self.slots.get(&slot), &condition) {
                    (None, Condition::Absent) => true,
                    (Some(there), Condition::Same(known)) => there.etag == *known,
                    _ => false,
                };
                if !holds {
                    return Answer::Refused;
                }
                self.slots.insert(slot, found(Some(record)));
                Answer::Done { etag }
            }
            Request::Remove {
                slot,
                etag: known,
                record,
            } => {
                if self
                    .slots
                    .get(&slot)
                    .is_none_or(|there| there.etag != known)
                {
                    return Answer::Refused;
                }
                if self.trouble.seed.is_multiple_of(2) {
                    self.slots.remove(&slot);
                } else {
                    self.slots.insert(slot, found(Some(record)));
                }
                Answer::Done { etag }
            }
        }
    }

    fn arrive(&mut self, call: usize) {
        let agent = self.calls[call].agent;
        let paused = self.agents[agent].paused_until;
        if self.now < paused {
            return self.at(paused, Event::Arrive { call });
        }
        let received = self.uptime(agent);
        let chance = self.chance.unit();
        let one = &mut self.calls[call];
        if one.over || one.life != self.agents[agent].life {
            return;
        }
        one.over = true;
        let (answer, date) = match one.answer.clone() {
            Some((answer, date)) if !one.answer_lost => (answer, Some(date)),
            _ => (Answer::Unknown, None),
        };
        let exchange = Exchange {
            sent: one.sent,
            received,
            date,
        };
        let claim = &mut self.agents[agent].claim;
        claim.answered(&one.request, &exchange, answer, chance);
        self.agents[agent].asking = false;
        self.wake(agent, self.agents[agent].life);
    }

    /// At this moment, by the true time, every slot has at most one that may send.
    fn judge(&self) {
        let mut senders = BTreeMap::new();
        for (number, agent) in self.agents.iter().enumerate() {
            let now = self.uptime(number);
            if let Some(slot) = agent.claim.slot()
                && agent.claim.sends_until().is_some_and(|until| now < until)
            {
                let other = senders.insert(slot, number);
                assert_eq!(other, None, "slot {slot} at {} ms: and {number}", self.now);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_two_send_under_one_slot_and_after_the_trouble_everybody_gets_one(trouble in trouble()) {
        let mut world = World::new(trouble);
        world.run(TROUBLE);
        // Everybody's turn comes: a crash, its expiry, and a few turns of those before.
        world.run(TROUBLE + 600 * SECOND);
        for (agent, served) in world.served.iter().enumerate() {
            prop_assert!(*served > TROUBLE, "agent {agent} was last served at {served}");
        }
    }
}
