//! The gate against a plain model: two lists, read from their beginnings.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use proptest::prelude::*;
use weir_journey::identity::SiteName;

use super::{AgentGate, Gate as _, Limits, Linger, LocalGate, Permit};

fn site(number: usize) -> SiteName {
    format!("site{number}").parse().unwrap()
}

/// What an agent, which carries one site, does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Asks for a permit.
    Ask(usize),
    /// Wants nothing any more.
    Withdraw(usize),
    /// The upload of its oldest permit is over, and its image is held.
    Stored(usize),
    /// Its oldest permit is given back.
    GiveBack(usize),
}

fn step(sites: usize) -> impl Strategy<Value = Step> {
    // Asking is likelier: a gate that nobody waits at proves little.
    (0..10u8, 0..sites).prop_map(|(what, site)| match what {
        0..=5 => Step::Ask(site),
        6 => Step::Withdraw(site),
        7 => Step::Stored(site),
        _ => Step::GiveBack(site),
    })
}

/// The rules, as plainly as they can be written.
struct Model {
    limits: Limits,
    /// Images in the pipeline by site, the held ones true.
    inside: BTreeMap<usize, Vec<bool>>,
    offers: Vec<usize>,
    line: Vec<usize>,
    beside: Vec<usize>,
}

impl Model {
    fn images(&self, site: usize) -> usize {
        let offers = self.offers.iter().filter(|one| **one == site).count();
        self.inside.get(&site).map_or(0, Vec::len) + offers
    }

    fn sites(&self) -> usize {
        let mut sites: Vec<_> = self.inside.keys().chain(&self.offers).collect();
        sites.sort();
        sites.dedup();
        sites.len()
    }

    fn uploads(&self) -> usize {
        let held = |images: &Vec<bool>| images.iter().filter(|held| !**held).count();
        self.inside.values().map(held).sum::<usize>() + self.offers.len()
    }

    fn fits(&self, site: usize) -> bool {
        self.images(site) < self.limits.images_per_site
            && self.uploads() < self.limits.images
            && (self.images(site) > 0 || self.sites() < self.limits.sites)
    }

    /// Whether an ask is granted.
    fn ask(&mut self, site: usize) -> bool {
        if let Some(at) = self.offers.iter().position(|one| *one == site) {
            self.offers.remove(at);
        } else if self.line.contains(&site) || self.beside.contains(&site) {
            return false;
        } else if self.images(site) >= self.limits.images_per_site {
            self.beside.push(site);
            return false;
        } else if !self.line.is_empty() || !self.fits(site) {
            self.line.push(site);
            return false;
        }
        self.inside.entry(site).or_default().push(false);
        true
    }

    fn withdraw(&mut self, site: usize) {
        self.offers.retain(|one| *one != site);
        self.line.retain(|one| *one != site);
        self.beside.retain(|one| *one != site);
    }

    /// Whoever is let in by what has just happened.
    fn settle(&mut self) -> Vec<usize> {
        let free: Vec<_> = self.beside.clone();
        for site in free {
            if self.images(site) < self.limits.images_per_site {
                self.beside.retain(|one| *one != site);
                self.line.push(site);
            }
        }
        let mut told = Vec::new();
        while let Some(&first) = self.line.first() {
            if !self.fits(first) {
                break;
            }
            self.line.remove(0);
            self.offers.push(first);
            told.push(first);
        }
        told
    }
}

/// Whether the agent is told that it may come, without waiting.
fn is_told(agent: &AgentGate) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(agent.freed()).poll(&mut context).is_ready()
}

proptest! {
    #[test]
    fn limits_order_and_wake_ups_are_those_of_the_model(
        sites in 1usize..4, images in 1usize..6, per_site in 1usize..3,
        steps in proptest::collection::vec(step(6), 1..300),
    ) {
        let limits = Limits { sites, images, images_per_site: per_site };
        let gate = LocalGate::new(limits);
        let agents: Vec<_> = (0..6).map(|_| gate.of_agent()).collect();
        let mut held: Vec<Vec<(Permit, bool)>> = (0..6).map(|_| Vec::new()).collect();
        let mut model = Model {
            limits, inside: BTreeMap::new(), offers: Vec::new(), line: Vec::new(), beside: Vec::new(),
        };
        for step in steps {
            let mut told = Vec::new();
            match step {
                Step::Ask(one) => {
                    let permit = agents[one].try_admit(&site(one));
                    prop_assert_eq!(permit.is_some(), model.ask(one), "{:?}", step);
                    held[one].extend(permit.map(|permit| (permit, false)));
                }
                Step::Withdraw(one) => {
                    agents[one].withdraw(&site(one));
                    model.withdraw(one);
                    told = model.settle();
                }
                Step::Stored(one) => {
                    if let Some((at, (permit, stored))) = held[one].iter_mut().enumerate().find(|(_, (_, stored))| !stored) {
                        permit.stored();
                        *stored = true;
                        model.inside.get_mut(&one).unwrap()[at] = true;
                        told = model.settle();
                    }
                }
                Step::GiveBack(one) => {
                    if !held[one].is_empty() {
                        drop(held[one].remove(0));
                        let images = model.inside.get_mut(&one).unwrap();
                        images.remove(0);
                        if images.is_empty() {
                            model.inside.remove(&one);
                        }
                        told = model.settle();
                    }
                }
            }
            for (number, agent) in agents.iter().enumerate() {
                prop_assert_eq!(is_told(agent), told.contains(&number), "{:?}: agent {}", step, number);
            }
            let inside = held.iter().filter(|permits| !permits.is_empty()).count();
            prop_assert!(inside <= sites);
            prop_assert!(held.iter().all(|permits| permits.len() <= per_site));
            prop_assert!(held.iter().flatten().filter(|(_, stored)| !stored).count() <= images);
            prop_assert_eq!(agents[0].standing().sites, inside);
        }
        // Nothing is lost on the way: everybody who still wants to comes in, once all others have left.
        drop(held);
        for (number, agent) in agents.iter().enumerate() {
            agent.withdraw(&site(number));
        }
        prop_assert_eq!(agents[0].standing(), super::GateStanding { most_sites: sites, ..Default::default() });
        prop_assert!(agents[0].try_admit(&site(0)).is_some());
    }

    /// Sites that always want more, against sites that come now and then: nobody waits for more grants than there
    /// are others.
    #[test]
    fn no_site_starves(cap in 1usize..4, per_site in 1usize..3, greedy in 1usize..8, seed in any::<u64>()) {
        const AGENTS: usize = 10;
        let gate = LocalGate::new(Limits { sites: cap, images: 100, images_per_site: per_site });
        let agents: Vec<_> = (0..AGENTS).map(|_| gate.of_agent()).collect();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut held: Vec<(usize, Permit)> = Vec::new();
        // How many grants went to others since the wish was made.
        let mut waits: [Option<usize>; AGENTS] = [None; AGENTS];
        for _ in 0..500 {
            for (number, agent) in agents.iter().enumerate() {
                if number >= greedy && waits[number].is_none() && random.u8(..) > 20 {
                    continue;
                }
                while let Some(permit) = agent.try_admit(&site(number)) {
                    held.push((number, permit));
                    waits[number] = None;
                    for wait in waits.iter_mut().flatten() {
                        *wait += 1;
                    }
                }
                let waits_for_itself = agent.standing().waiting.iter().any(|one| one.for_its_own);
                if waits[number].is_none() && !waits_for_itself {
                    waits[number] = Some(0);
                }
            }
            for wait in waits.iter().flatten() {
                prop_assert!(*wait < AGENTS, "{} grants went to others", wait);
            }
            if !held.is_empty() {
                held.swap_remove(random.usize(..held.len()));
            }
        }
    }
}

const HOLD: Duration = Duration::from_secs(30);

fn one_place() -> LocalGate {
    LocalGate::new(Limits {
        sites: 1,
        images: 4,
        images_per_site: 1,
    })
}

#[tokio::test(start_paused = true)]
async fn the_place_of_an_agent_that_died_is_kept_for_its_hold() {
    let gate = one_place();
    let (one, other) = (gate.of_agent(), gate.of_agent());
    let mut permit = one.try_admit(&site(1)).unwrap();
    permit.linger(Linger::For(HOLD));
    assert!(other.try_admit(&site(2)).is_none());
    let began = tokio::time::Instant::now();
    drop((permit, one));
    other.freed().await;
    assert!(
        began.elapsed() >= HOLD,
        "let in after {:?}",
        began.elapsed()
    );
    assert!(other.try_admit(&site(2)).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_agent_started_anew_takes_up_its_place_and_counts_once() {
    let gate = one_place();
    let (one, other) = (gate.of_agent(), gate.of_agent());
    let mut permit = one.try_admit(&site(1)).unwrap();
    permit.linger(Linger::For(HOLD));
    drop((permit, one));
    let anew = gate.of_agent();
    let again = anew.readmit(&site(1));
    assert_eq!(anew.standing().held, 1);
    assert!(anew.try_admit(&site(1)).is_none(), "its image is still in");
    // What was left behind would be over now; who took it up decides.
    tokio::time::sleep(HOLD * 2).await;
    assert!(other.try_admit(&site(2)).is_none());
    drop(again);
    other.freed().await;
    let permit = other.try_admit(&site(2));
    assert!(permit.is_some());
    assert!(
        !is_told(&anew),
        "the other waited, so its own next image comes after"
    );
    drop(permit);
    assert!(is_told(&anew));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_in_the_pipeline_counts_whatever_the_limits_say() {
    let gate = one_place();
    let agent = gate.of_agent();
    let (first, second) = (agent.readmit(&site(1)), agent.readmit(&site(2)));
    assert_eq!(agent.standing().sites, 2);
    drop(first);
    assert!(agent.try_admit(&site(3)).is_none());
    drop(second);
    agent.freed().await;
    assert!(agent.try_admit(&site(3)).is_some());
}

#[test]
fn an_agent_that_ends_keeps_nobody_waiting() {
    let gate = one_place();
    let agents: Vec<_> = (0..3).map(|_| gate.of_agent()).collect();
    let permit = agents[0].try_admit(&site(0));
    assert!(agents[1].try_admit(&site(1)).is_none());
    assert!(agents[2].try_admit(&site(2)).is_none());
    let mut agents = agents.into_iter();
    let (first, second, third) = (agents.next(), agents.next(), agents.next().unwrap());
    drop(permit);
    // Offered to the second, who ends instead of coming for it.
    assert!(!is_told(&third));
    drop((first, second));
    assert!(is_told(&third));
    assert!(third.try_admit(&site(2)).is_some());
}
