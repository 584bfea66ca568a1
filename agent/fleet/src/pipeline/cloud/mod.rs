//! What an event sets off: asynchronous invocation as AWS Lambda does it. Pure: time goes in, happenings come out.
//!
//! An event waits for its delivery, then tries to begin an execution. Where the account or its function has no room, it
//! is *throttled*: it tries again after 1 s, then 2 s, 4 s, up to 5 min, each wait shortened by up to a half by chance so
//! that events of one moment do not stay together. An execution that fails is tried again after 1 min and then every
//! 2 min, as often as the settings say. An event that reaches its greatest age without running is dropped, and so is one
//! that failed for the last time. Each event ends in exactly one of two ways: an execution that succeeds, or a drop.
//!
//! Source of these rules: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous
//! invocation"; the share that is left to chance is an assumption. Every number that is drawn depends on the seed, the
//! event and the attempt alone: what happens to one event does not change the service times of the others.

mod chance;
mod instances;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use self::chance::{Chance, Draw};
use self::instances::Function;
use self::schedule::{Schedule, Step};
use super::settings::{Functions, Habits};

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// Waits after the first failure of an execution, and after each further one.
const AFTER_FAILURE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// An object came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Whose happenings are whose; given by the caller, no two alike.
    pub id: u64,
    /// Number of the site.
    pub site: u32,
}

/// Something the pipeline did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    /// When, since the start of the run.
    pub at: Duration,
    /// With which event.
    pub id: u64,
    /// Of which site.
    pub site: u32,
    /// What.
    pub what: What,
}

/// What the pipeline did with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An execution began.
    Began {
        /// On a new instance.
        cold: bool,
        /// Counts from 1.
        attempt: u32,
    },
    /// An execution ended.
    Ended {
        /// Whether it succeeded; then the event is done.
        ok: bool,
        /// What it is billed for.
        took: Duration,
    },
    /// There was no room to begin; the event waits and tries again.
    Throttled,
    /// The event is given up.
    Dropped(Why),
}

/// Why an event was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It reached its greatest age.
    Age,
    /// Its last execution failed.
    Failures,
}

/// The pipeline at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Executions that run.
    pub executions: u32,
    /// Events that are neither running nor over.
    pub waiting: u64,
    /// Age of the oldest of them.
    pub oldest: Option<Duration>,
}

/// One site's share of the pipeline at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SiteGauges {
    /// Executions that run.
    pub executions: u32,
    /// Events that are neither running nor over.
    pub waiting: u64,
}

/// What happened in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events that came.
    pub events: u64,
    /// Executions that began.
    pub executions: u64,
    /// Of these, on a new instance.
    pub cold: u64,
    /// Executions that failed.
    pub failed: u64,
    /// Events that are done.
    pub done: u64,
    /// Tries to begin that found no room.
    pub throttled: u64,
    /// Events given up.
    pub dropped: u64,
    /// Billed time of all executions that ended.
    pub billed: Duration,
    /// The most executions at one moment.
    pub executions_peak: u32,
}

/// The state machine; see the module's documentation.
#[derive(Debug)]
pub struct Cloud {
    habits: Habits,
    chance: Chance,
    schedule: Schedule,
    /// By number, which is the order of arrival: the first is the oldest.
    waiting: BTreeMap<u64, Pending>,
    running: BTreeMap<u64, Execution>,
    functions: BTreeMap<u32, Function>,
    sites: BTreeMap<u32, SiteGauges>,
    executions: u32,
    totals: Totals,
}

/// An event on its way.
#[derive(Debug, Clone, Copy)]
struct Pending {
    event: Event,
    arrived: Duration,
    /// Executions begun.
    attempts: u32,
    /// Throttled since it last ran.
    throttles: u32,
}

/// An execution that runs.
#[derive(Debug, Clone, Copy)]
struct Execution {
    pending: Pending,
    took: Duration,
    ok: bool,
    /// Whether the instance is still good afterwards.
    intact: bool,
}

impl Cloud {
    /// A pipeline with nothing to do. All chance comes from `seed`.
    pub fn new(habits: Habits, seed: u64) -> Self {
        Self {
            habits,
            chance: Chance(seed),
            schedule: Schedule::default(),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            functions: BTreeMap::new(),
            sites: BTreeMap::new(),
            executions: 0,
            totals: Totals::default(),
        }
    }

    /// Takes an event that came at `now`. Nothing happens before [`advance`](Self::advance).
    pub fn event(&mut self, now: Duration, event: Event) {
        let number = self.totals.events;
        self.totals.events += 1;
        let pending = Pending {
            event,
            arrived: now,
            attempts: 0,
            throttles: 0,
        };
        let delivery = self
            .habits
            .delivery
            .quantile(self.chance.level(event.id, Draw::Delivery));
        self.wait(number, pending, now, delivery);
    }

    /// When something happens on its own.
    pub fn next(&self) -> Option<Duration> {
        self.schedule.next()
    }

    /// All that happened up to and including `now`, in order.
    pub fn advance(&mut self, now: Duration) -> Vec<Happening> {
        let mut happened = Vec::new();
        while let Some((at, step)) = self.schedule.due(now) {
            match step {
                Step::End(number) => self.end(at, number, &mut happened),
                Step::Try(number) => self.attempt(at, number, &mut happened),
            }
        }
        happened
    }

    /// The state now.
    pub fn gauges(&self, now: Duration) -> Gauges {
        let oldest = self.waiting.first_key_value();
        Gauges {
            executions: self.executions,
            waiting: self.waiting.len() as u64,
            oldest: oldest.map(|(_, pending)| now.saturating_sub(pending.arrived)),
        }
    }

    /// One site's share of the state now.
    pub fn site(&self, site: u32) -> SiteGauges {
        self.sites.get(&site).copied().unwrap_or_default()
    }

    /// What happened so far.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Has the event try after `pause`, or be dropped when it is too old before that.
    fn wait(&mut self, number: u64, pending: Pending, now: Duration, pause: Duration) {
        let last = pending
            .arrived
            .saturating_add(self.habits.settings.max_event_age);
        self.waiting.insert(number, pending);
        self.site_mut(pending.event.site).waiting += 1;
        // An execution may have lasted beyond the greatest age.
        let at = now.saturating_add(pause).min(last).max(now);
        self.schedule.add(at, Step::Try(number));
    }

    fn attempt(&mut self, at: Duration, number: u64, happened: &mut Vec<Happening>) {
        let Some(&pending) = self.waiting.get(&number) else {
            return;
        };
        let max_age = self.habits.settings.max_event_age;
        if at - pending.arrived >= max_age {
            self.no_longer_waits(number, &pending);
            self.totals.dropped += 1;
            happened.push(pending.happening(at, What::Dropped(Why::Age)));
        } else if self.has_room(pending.event.site) {
            self.no_longer_waits(number, &pending);
            self.begin(at, number, pending, happened);
        } else {
            self.totals.throttled += 1;
            happened.push(pending.happening(at, What::Throttled));
            let again = (at + self.backoff(&pending)).min(pending.arrived.saturating_add(max_age));
            if let Some(waiting) = self.waiting.get_mut(&number) {
                waiting.throttles = waiting.throttles.saturating_add(1);
            }
            self.schedule.add(again, Step::Try(number));
        }
    }

    fn no_longer_waits(&mut self, number: u64, pending: &Pending) {
        self.waiting.remove(&number);
        self.site_mut(pending.event.site).waiting -= 1;
    }

    fn has_room(&self, site: u32) -> bool {
        let settings = &self.habits.settings;
        let of_function = || {
            let function = self.functions.get(&self.function_of(site));
            function.map_or(0, Function::executions)
        };
        self.executions < settings.account_concurrency
            && settings
                .reserved_concurrency
                .is_none_or(|reserved| of_function() < reserved)
    }

    fn backoff(&self, pending: &Pending) -> Duration {
        let ceiling = FIRST_BACKOFF
            .saturating_mul(1 << pending.throttles.min(20))
            .min(LONGEST_BACKOFF);
        let draw = Draw::Backoff(pending.attempts, pending.throttles);
        let level = self.chance.level(pending.event.id, draw);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "at most 5 min, in milliseconds"
        )]
        Duration::from_millis((ceiling.as_millis() as f64 * (0.5 + level / 2.0)).ceil() as u64)
    }

    fn begin(
        &mut self,
        at: Duration,
        number: u64,
        mut pending: Pending,
        happened: &mut Vec<Happening>,
    ) {
        pending.attempts += 1;
        pending.throttles = 0;
        let Event { id, site } = pending.event;
        let (settings, attempt) = (&self.habits.settings, pending.attempts);
        let function = self.functions.entry(self.function_of(site)).or_default();
        let cold = function.begin(at, settings.keep_warm);
        let chance = &self.chance;
        let mut wanted = self
            .habits
            .service
            .quantile(chance.level(id, Draw::Service(attempt)));
        if cold {
            let level = chance.level(id, Draw::ColdStart(attempt));
            wanted = wanted.saturating_add(self.habits.cold_start.quantile(level));
        }
        let intact = wanted <= settings.timeout;
        let fails = chance.level(id, Draw::Failure(attempt)) < settings.error_rate;
        let execution = Execution {
            pending,
            took: wanted.min(settings.timeout),
            ok: intact && !fails,
            intact,
        };
        self.executions += 1;
        self.site_mut(site).executions += 1;
        self.totals.executions += 1;
        self.totals.cold += u64::from(cold);
        self.totals.executions_peak = self.totals.executions_peak.max(self.executions);
        self.schedule
            .add(at.saturating_add(execution.took), Step::End(number));
        self.running.insert(number, execution);
        happened.push(pending.happening(at, What::Began { cold, attempt }));
    }

    fn end(&mut self, at: Duration, number: u64, happened: &mut Vec<Happening>) {
        let Some(execution) = self.running.remove(&number) else {
            return;
        };
        let Execution {
            pending, took, ok, ..
        } = execution;
        let site = pending.event.site;
        self.executions -= 1;
        self.site_mut(site).executions -= 1;
        let function = self.functions.entry(self.function_of(site)).or_default();
        function.end(at, execution.intact);
        self.totals.billed = self.totals.billed.saturating_add(took);
        happened.push(pending.happening(at, What::Ended { ok, took }));
        if ok {
            self.totals.done += 1;
            return;
        }
        self.totals.failed += 1;
        if pending.attempts > self.habits.settings.retries {
            self.totals.dropped += 1;
            happened.push(pending.happening(at, What::Dropped(Why::Failures)));
            return;
        }
        let pause = AFTER_FAILURE[(pending.attempts as usize - 1).min(1)];
        self.wait(number, pending, at, pause);
    }

    fn function_of(&self, site: u32) -> u32 {
        match self.habits.settings.functions {
            Functions::EachSite => site,
            Functions::One => 0,
        }
    }

    fn site_mut(&mut self, site: u32) -> &mut SiteGauges {
        self.sites.entry(site).or_default()
    }
}

impl Pending {
    const fn happening(&self, at: Duration, what: What) -> Happening {
        Happening {
            at,
            id: self.event.id,
            site: self.event.site,
            what,
        }
    }
}
