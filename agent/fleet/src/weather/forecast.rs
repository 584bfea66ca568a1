//! From a run's spells to a sorted list of changes. Pure; the same seed gives the same list.
//!
//! Spells of a site compose: its link is down while any of them says so, the slowest shape counts, its disk has the
//! least room that any leaves, its clock is right again when the last is over. A power cut ends what was wrong with a
//! clock and begins anew; no clock steps while the power is off.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_store::faults::{Rule, When};

use super::change::{Change, Step, What};
use super::link::{Down, Shape};
use super::power::BootClock;
use super::random;
use super::sites::Sites;
use super::spell::{Kind, Lasts, Spell};
use super::sweep::{Strike, sweep};

/// All that changes in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    changes: Vec<Change>,
    last_fault_ends: Duration,
}

impl Forecast {
    /// What `weather` does to `sites` sites in a run of `length`.
    pub fn of(weather: &[Spell], sites: u32, seed: u64, length: Duration) -> Self {
        let mut draft = Draft {
            length,
            seed,
            sites: BTreeMap::new(),
            store: Vec::new(),
        };
        for (number, spell) in (0_u64..).zip(weather) {
            draft.cast(number, spell, sites);
        }
        draft.finish()
    }

    /// The changes, by time; at one time by site, the store first; at one site what ends comes before what begins.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// When all is well again, since the start: zero where nothing happens, the end of the run where something stays.
    pub fn last_fault_ends(&self) -> Duration {
        self.last_fault_ends
    }
}

/// How soon after its start a board's clock can be set.
const SOONEST: Duration = Duration::from_secs(1);

/// Bucket of a site's images.
fn bucket(site: u32) -> String {
    format!("site{site}-simulatedbucket")
}

/// A generator of its own for each thing that is drawn: what one draws does not change what another does.
fn dice(seed: u64, spell: u64, occurrence: u64, site: u32) -> fastrand::Rng {
    let mut mixed = seed;
    for part in [spell, occurrence, u64::from(site)] {
        mixed = fastrand::Rng::with_seed(mixed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).u64(..);
    }
    fastrand::Rng::with_seed(mixed)
}

/// A random part of `whole`, in whole milliseconds.
fn part_of(whole: Duration, rng: &mut fastrand::Rng) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(rng.u64(0..=millis))
}

/// What befalls one site, before it is composed.
#[derive(Debug, Default)]
struct Station {
    down: Vec<Strike<Down>>,
    shape: Vec<Strike<Shape>>,
    power: Vec<Strike<Cut>>,
    clock: Vec<Strike<Vec<(Duration, Step)>>>,
    disk: Vec<Strike<u64>>,
}

/// A power cut: what the clock shows after it, and how long it then stays wrong with power and link.
#[derive(Debug, Clone, Copy)]
struct Cut {
    wakes: BootClock,
    set_after: Duration,
}

struct Draft {
    length: Duration,
    seed: u64,
    sites: BTreeMap<u32, Station>,
    store: Vec<Strike<Vec<Rule>>>,
}

/// A moment and a place at which something begins, and until when it is to last.
#[derive(Clone, Copy)]
struct Hit {
    site: Option<u32>,
    from: Duration,
    to: Option<Duration>,
}

impl Draft {
    /// Works one spell out: every time, at every site.
    fn cast(&mut self, number: u64, spell: &Spell, sites: u32) {
        let every = spell.repeat.map_or(Duration::MAX, |repeat| {
            repeat.every.max(Duration::from_millis(1))
        });
        let count = spell.repeat.map_or(Some(1), |repeat| repeat.count);
        let mut begins = Some(spell.from);
        for occurrence in 0..u64::from(count.unwrap_or(u32::MAX)) {
            let Some(from) = begins.filter(|from| *from < self.length) else {
                break;
            };
            let together = matches!(spell.kind, Kind::StoreFault(_)) && spell.sites == Sites::All;
            if together {
                self.hit(number, occurrence, spell, None, from);
            } else {
                let chosen = spell
                    .sites
                    .of(sites, &mut dice(self.seed, number, occurrence, 0));
                for site in chosen {
                    self.hit(number, occurrence, spell, Some(site), from);
                }
            }
            begins = from.checked_add(every);
        }
    }

    fn hit(
        &mut self,
        number: u64,
        occurrence: u64,
        spell: &Spell,
        site: Option<u32>,
        from: Duration,
    ) {
        let mut rng = dice(self.seed, number, occurrence, site.unwrap_or(0));
        let from = from + part_of(spell.jitter, &mut rng);
        if from >= self.length {
            return;
        }
        let to = match spell.lasts {
            Lasts::For(time) => Some((from + time).min(self.length)),
            Lasts::Rest => None,
        };
        self.befall(&spell.kind, Hit { site, from, to }, &mut rng);
    }

    fn befall(&mut self, kind: &Kind, hit: Hit, rng: &mut fastrand::Rng) {
        if let Kind::StoreFault(rules) = kind {
            let rules = rules.iter().map(|rule| of_site(rule, hit.site, self.seed));
            self.store.push(hit.strike(rules.collect()));
            return;
        }
        let until = hit.to.unwrap_or(self.length);
        if let Kind::Random(fuzz) = kind {
            for (kind, from, to) in random::script(*fuzz, hit.from, until, rng) {
                let hit = Hit {
                    from,
                    to: Some(to),
                    ..hit
                };
                self.befall(&kind, hit, rng);
            }
            return;
        }
        let station = self.sites.entry(hit.site.unwrap_or(0)).or_default();
        match kind {
            Kind::LinkDown(how) => station.down.push(hit.strike(*how)),
            Kind::LinkSlow(shape) => station.shape.push(hit.strike(*shape)),
            Kind::LinkFlapping { down, period, duty } => {
                let outages = outages(hit.from, until, *period, *duty, rng);
                station
                    .down
                    .extend(outages.into_iter().map(|(from, to)| Strike {
                        from,
                        to: Some(to),
                        what: *down,
                    }));
            }
            Kind::PowerCut { clock, set_after } => {
                let set_after = part_of(*set_after, rng);
                station.power.push(hit.strike(Cut {
                    wakes: *clock,
                    set_after,
                }));
            }
            Kind::ClockStep(step) => station.clock.push(hit.strike(vec![(hit.from, *step)])),
            Kind::ClockDrift { seconds_per_day } => {
                station
                    .clock
                    .push(hit.strike(drift(hit.from, until, *seconds_per_day)));
            }
            Kind::DiskFull { free_bytes } => station.disk.push(hit.strike(*free_bytes)),
            Kind::StoreFault(_) | Kind::Random(_) => {}
        }
    }

    fn finish(self) -> Forecast {
        let mut changes = Vec::new();
        let mut stays = self.store.iter().any(|strike| strike.to.is_none());
        let rules = sweep(&self.store, |active| {
            active
                .iter()
                .flat_map(|rules| rules.iter().cloned())
                .collect()
        });
        changes.extend(rules.into_iter().map(|(at, rules): (_, Vec<Rule>)| Change {
            at,
            site: None,
            what: if rules.is_empty() {
                What::StoreFine
            } else {
                What::StoreFaults(rules)
            },
        }));
        for (site, station) in &self.sites {
            stays |= station.stays();
            let of_site = station.changes(self.length).into_iter();
            changes.extend(of_site.map(|(at, what)| Change {
                at,
                site: Some(*site),
                what,
            }));
        }
        changes.sort_by_key(|change| (change.at, change.site, change.what.rank()));
        let ends = changes.iter().map(|change| match change.what {
            What::PowerCut { off_for, .. } => change.at + off_for,
            _ => change.at,
        });
        let last_fault_ends = if stays {
            self.length
        } else {
            ends.max().unwrap_or_default()
        };
        Forecast {
            changes,
            last_fault_ends,
        }
    }
}

impl Hit {
    fn strike<T>(self, what: T) -> Strike<T> {
        Strike {
            from: self.from,
            to: self.to,
            what,
        }
    }
}

/// A rule for the requests of one site, or as it is; with the run's seed in its draws.
fn of_site(rule: &Rule, site: Option<u32>, seed: u64) -> Rule {
    let mut rule = rule.clone();
    if let (Some(site), None) = (site, &rule.bucket) {
        rule.bucket = Some(bucket(site));
    }
    if let When::Rate { seed: own, .. } = &mut rule.when {
        *own = dice(seed, *own, 0, site.unwrap_or(0)).u64(..);
    }
    rule
}

/// The outages of a link that comes and goes.
fn outages(
    from: Duration,
    to: Duration,
    period: Duration,
    duty: f64,
    rng: &mut fastrand::Rng,
) -> Vec<(Duration, Duration)> {
    let mut outages = Vec::new();
    let mut at = from;
    while at < to {
        // Half to one and a half of the period; at least what tokio's clock can tell apart.
        let cycle = (period / 2 + part_of(period, rng)).max(Duration::from_millis(2));
        let down = cycle.mul_f64(1.0 - duty);
        let down =
            Duration::from_millis(u64::try_from(down.as_millis()).unwrap_or(u64::MAX).max(1));
        outages.push((at, (at + down).min(to)));
        at += cycle;
    }
    outages
}

/// The hourly steps of a clock that is too fast or too slow; their sum is off by less than a second.
fn drift(from: Duration, to: Duration, seconds_per_day: i64) -> Vec<(Duration, Step)> {
    const HOUR: Duration = Duration::from_secs(3600);
    let after = |hours: i64| seconds_per_day * hours / 24;
    let hours = (1_i64..).zip(std::iter::successors(Some(from + HOUR), |at| {
        Some(*at + HOUR)
    }));
    let steps = hours.take_while(|(_, at)| *at < to);
    let steps = steps.map(|(hour, at)| (at, after(hour) - after(hour - 1)));
    steps
        .filter(|(_, by)| *by != 0)
        .map(|(at, by)| (at, Step::By(by)))
        .collect()
}

impl Station {
    fn stays(&self) -> bool {
        fn any<T>(strikes: &[Strike<T>]) -> bool {
            strikes.iter().any(|strike| strike.to.is_none())
        }
        any(&self.down)
            || any(&self.shape)
            || any(&self.power)
            || any(&self.clock)
            || any(&self.disk)
    }

    fn changes(&self, length: Duration) -> Vec<(Duration, What)> {
        let down = sweep(&self.down, |active| active.iter().map(|how| **how).max());
        let shape = sweep(&self.shape, |active| {
            active.iter().fold(Shape::CLEAR, |all, one| all.and(**one))
        });
        let disk = sweep(&self.disk, |active| active.iter().map(|free| **free).min());
        let mut changes = self.clock_and_power(&down, length);
        let link = |(at, how): (_, Option<Down>)| (at, how.map_or(What::LinkUp, What::LinkDown));
        let room = |(at, free): (_, Option<u64>)| {
            (
                at,
                free.map_or(What::DiskRoom, |free_bytes| What::DiskFull { free_bytes }),
            )
        };
        changes.extend(down.into_iter().map(link));
        changes.extend(
            shape
                .into_iter()
                .map(|(at, shape)| (at, What::LinkShape(shape))),
        );
        changes.extend(disk.into_iter().map(room));
        changes
    }

    fn clock_and_power(
        &self,
        down: &[(Duration, Option<Down>)],
        length: Duration,
    ) -> Vec<(Duration, What)> {
        let offs = self.without_power();
        let mut changes = Vec::new();
        let mut wrong: Vec<Strike<()>> = Vec::new();
        for (i, (off, cut)) in offs.iter().enumerate() {
            let next_off = offs.get(i + 1).map(|(off, _)| off.from);
            let set = off.to.and_then(|on| up_from(down, on));
            // At the end of the run it is right, so that no fault outlasts the run.
            let set = set.map(|up| (up + cut.set_after.max(SOONEST)).min(length));
            let to = set.into_iter().chain(next_off).min();
            let span = off.to.map(|from| Strike { from, to, what: () });
            let span = span.filter(|span| cut.wakes != BootClock::Kept && span.lasts());
            let wakes = if span.is_some() {
                cut.wakes
            } else {
                BootClock::Kept
            };
            let off_for = off.to.unwrap_or(length).saturating_sub(off.from);
            changes.push((off.from, What::PowerCut { off_for, wakes }));
            wrong.extend(span);
        }
        let is_off = |at: Duration| offs.iter().any(|(off, _)| off.holds_at(at));
        for strike in self.clock.iter().filter(|strike| !is_off(strike.from)) {
            let next_off = offs
                .iter()
                .map(|(off, _)| off.from)
                .find(|off| *off >= strike.from);
            let to = strike.to.into_iter().chain(next_off).min();
            let steps = strike.what.iter();
            let steps: Vec<_> = steps
                .filter(|(at, _)| to.is_none_or(|to| *at < to))
                .collect();
            // A drift shows from its first step on.
            wrong.extend(steps.first().map(|(from, _)| Strike {
                from: *from,
                to,
                what: (),
            }));
            changes.extend(
                steps
                    .into_iter()
                    .map(|(at, step)| (*at, What::ClockStep(*step))),
            );
        }
        let spans = sweep(&wrong, |active| !active.is_empty());
        let rights = spans
            .into_iter()
            .filter(|(at, wrong)| !wrong && !is_off(*at));
        changes.extend(rights.map(|(at, _)| (at, What::ClockRight)));
        changes
    }

    /// The spans without power, each with the worst of its cuts.
    fn without_power(&self) -> Vec<(Strike<()>, Cut)> {
        let edges = sweep(&self.power, |active| !active.is_empty());
        let spans = edges.chunks(2).map(|edge| Strike {
            from: edge[0].0,
            to: edge.get(1).map(|(to, _)| *to),
            what: (),
        });
        let worst = |off: Strike<()>| {
            let cuts = self
                .power
                .iter()
                .filter(|strike| off.holds_at(strike.from))
                .map(|strike| strike.what);
            let cut = cuts.reduce(|one, other| Cut {
                wakes: one.wakes.max(other.wakes),
                set_after: one.set_after.max(other.set_after),
            });
            Some((off, cut?))
        };
        spans.filter_map(worst).collect()
    }
}

/// The first moment from `at` on at which the link is up; `None` where it stays down.
fn up_from(down: &[(Duration, Option<Down>)], at: Duration) -> Option<Duration> {
    let before = down.iter().rev().find(|(when, _)| *when <= at);
    if before.is_none_or(|(_, how)| how.is_none()) {
        return Some(at);
    }
    down.iter()
        .find(|(when, how)| *when > at && how.is_none())
        .map(|(when, _)| *when)
}

#[cfg(test)]
mod tests;
