//! Forecasts against the definition: at each moment, what the spells say.

use proptest::prelude::*;
use weir_store::faults::{Action, Refusal};

use super::*;
use crate::weather::spell::{Fuzz, Repeat};

const LENGTH: Duration = Duration::from_secs(2 * 86_400);

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn kinds() -> impl Strategy<Value = Kind> {
    let down = prop_oneof![Just(Down::Silent), Just(Down::Refused)];
    let clock = prop_oneof![
        Just(BootClock::Kept),
        Just(BootClock::Last),
        Just(BootClock::Epoch)
    ];
    let slow = (1_u64..2000, prop::option::of(1_u64..100_000), 0.0..0.5_f64);
    prop_oneof![
        down.clone().prop_map(Kind::LinkDown),
        slow.prop_map(|(ms, bytes_per_second, loss)| Kind::LinkSlow(Shape {
            latency: Duration::from_millis(ms),
            bytes_per_second,
            loss,
            ..Shape::CLEAR
        })),
        (down, 1_u64..100, 0.05..0.95_f64).prop_map(|(down, period, duty)| Kind::LinkFlapping {
            down,
            period: minutes(period),
            duty,
        }),
        (clock, 0_u64..90).prop_map(|(clock, after)| Kind::PowerCut {
            clock,
            set_after: minutes(after),
        }),
        (-100_000_i64..100_000).prop_map(|by| Kind::ClockStep(Step::By(by))),
        (-900_i64..900).prop_map(|seconds_per_day| Kind::ClockDrift { seconds_per_day }),
        (0_u64..1 << 20).prop_map(|free_bytes| Kind::DiskFull { free_bytes }),
        Just(Kind::StoreFault(vec![
            Rule::new(Action::Error(Refusal::SlowDown)).rate(0.5, 1)
        ])),
        (0.5_f64..4.0, 1_u64..100).prop_map(|(per_day, longest)| Kind::Random(Fuzz {
            per_day,
            longest: minutes(longest),
        })),
    ]
}

fn sites() -> impl Strategy<Value = Sites> {
    prop_oneof![
        Just(Sites::All),
        (1_u32..6, 0_u32..3).prop_map(|(from, more)| Sites::Ranges(vec![(from, from + more)])),
        (0.1_f64..1.0).prop_map(Sites::Share),
    ]
}

fn spells(rest: f64) -> impl Strategy<Value = Vec<Spell>> {
    let when = (
        0_u64..12_000,
        0_u64..300,
        (prop::bool::weighted(rest), 0_u64..3000),
    );
    let repeat = prop::option::of((1_u64..5000, prop::option::of(1_u32..5)));
    let spell = (kinds(), sites(), when, repeat).prop_map(
        |(kind, sites, (from, jitter, lasts), repeat)| Spell {
            kind,
            sites,
            from: minutes(from),
            jitter: minutes(jitter),
            lasts: if lasts.0 {
                Lasts::Rest
            } else {
                Lasts::For(minutes(lasts.1))
            },
            repeat: repeat.map(|(every, count)| Repeat {
                every: minutes(every.max(200)),
                count,
            }),
        },
    );
    prop::collection::vec(spell, 0..6)
}

/// The state of one site as the changes tell it.
#[derive(Debug, Default)]
struct Told {
    down: bool,
    slow: bool,
    full: bool,
    off_until: Option<Duration>,
    clock_wrong: bool,
}

impl Told {
    fn hears(&mut self, at: Duration, what: &What) {
        if let Some(until) = self.off_until {
            assert!(
                at >= until
                    || !matches!(
                        what,
                        What::ClockRight | What::ClockStep(_) | What::PowerCut { .. }
                    ),
                "{what:?} while the power is off"
            );
        }
        match what {
            What::LinkDown(_) => self.down = true,
            What::LinkUp => assert!(std::mem::take(&mut self.down), "up twice"),
            What::LinkShape(shape) => self.slow = *shape != Shape::CLEAR,
            What::DiskFull { .. } => self.full = true,
            What::DiskRoom => assert!(std::mem::take(&mut self.full), "room twice"),
            What::PowerCut { off_for, wakes } => {
                assert!(!off_for.is_zero());
                self.off_until = Some(at + *off_for);
                self.clock_wrong = *wakes != BootClock::Kept;
            }
            What::ClockStep(_) => self.clock_wrong = true,
            What::ClockRight => assert!(std::mem::take(&mut self.clock_wrong), "right twice"),
            What::StoreFine | What::StoreFaults(_) => panic!("the store is nobody's"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_is_well_at_the_end_of_a_run_whose_faults_end(spells in spells(0.0), seed: u64) {
        let forecast = Forecast::of(&spells, 6, seed, LENGTH);
        prop_assert_eq!(&forecast, &Forecast::of(&spells, 6, seed, LENGTH));
        let changes = forecast.changes();
        let order = |change: &Change| (change.at, change.site, change.what.rank());
        prop_assert!(changes.windows(2).all(|pair| order(&pair[0]) < order(&pair[1])), "{changes:#?}");
        let mut told: BTreeMap<u32, Told> = BTreeMap::new();
        let mut store_fine = true;
        for change in changes {
            prop_assert!(change.at <= forecast.last_fault_ends());
            match (change.site, &change.what) {
                (Some(site), what) => told.entry(site).or_default().hears(change.at, what),
                (None, What::StoreFine) => store_fine = true,
                (None, what) => {
                    prop_assert!(matches!(what, What::StoreFaults(rules) if !rules.is_empty()));
                    store_fine = false;
                }
            }
        }
        prop_assert!(store_fine);
        for told in told.values() {
            prop_assert!(!told.down && !told.slow && !told.full && !told.clock_wrong, "{told:?}");
            prop_assert!(told.off_until.is_none_or(|until| until <= forecast.last_fault_ends()));
        }
        prop_assert!(forecast.last_fault_ends() <= LENGTH);
        prop_assert_eq!(forecast.last_fault_ends().is_zero(), changes.is_empty());
    }

    #[test]
    fn what_stays_makes_the_end_of_the_run_the_end_of_the_faults(spells in spells(0.5), seed: u64) {
        let forecast = Forecast::of(&spells, 6, seed, LENGTH);
        prop_assert!(forecast.changes().iter().all(|change| change.at <= LENGTH));
        let link_stays = spells.iter().any(|spell| {
            spell.lasts == Lasts::Rest && spell.jitter.is_zero() && spell.from < LENGTH
                && spell.sites == Sites::All && matches!(spell.kind, Kind::LinkDown(_))
        });
        if link_stays {
            prop_assert_eq!(forecast.last_fault_ends(), LENGTH);
        }
    }

    /// Links of fixed times, against the definition at every minute.
    #[test]
    fn a_link_is_down_while_any_spell_says_so(
        outages in prop::collection::vec((1_u32..4, 0_u64..300, 1_u64..120, any::<bool>()), 0..8),
    ) {
        let spells: Vec<_> = outages.iter().map(|&(site, from, lasts, silent)| Spell {
            kind: Kind::LinkDown(if silent { Down::Silent } else { Down::Refused }),
            sites: Sites::Ranges(vec![(site, site)]),
            from: minutes(from),
            jitter: Duration::ZERO,
            lasts: Lasts::For(minutes(lasts)),
            repeat: None,
        }).collect();
        let length = minutes(400);
        let forecast = Forecast::of(&spells, 3, 1, length);
        for site in 1..=3 {
            for minute in 0..=400 {
                let here = outages.iter().filter(|(of, from, lasts, _)| *of == site && (*from..*from + *lasts).contains(&minute) && minute < 400);
                let model = here.map(|(.., silent)| if *silent { Down::Silent } else { Down::Refused }).max();
                let said = forecast.changes().iter().rev().find(|change| change.site == Some(site) && change.at <= minutes(minute));
                let said = said.and_then(|change| match change.what { What::LinkDown(how) => Some(how), _ => None });
                prop_assert_eq!(said, model, "site {} at minute {}", site, minute);
            }
        }
    }

    #[test]
    fn a_drift_adds_up(per_day in -2000_i64..2000, hours in 1_u64..200) {
        let steps = drift(Duration::ZERO, minutes(60 * hours) + minutes(1), per_day);
        let sum: i64 = steps.iter().map(|(_, step)| match step { Step::By(by) => *by, Step::To(_) => 0 }).sum();
        prop_assert_eq!(sum, per_day * hours as i64 / 24);
    }

    #[test]
    fn a_flapping_link_is_up_for_its_share(duty in 0.1_f64..0.9, period in 1_u64..20, seed: u64) {
        let length = minutes(3000);
        let outages = outages(Duration::ZERO, length, minutes(period), duty, &mut fastrand::Rng::with_seed(seed));
        prop_assert!(outages.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        let down: Duration = outages.iter().map(|(from, to)| *to - *from).sum();
        let share = 1.0 - down.as_secs_f64() / length.as_secs_f64();
        prop_assert!((share - duty).abs() < 0.03, "{share} for {duty}");
    }
}

fn spell(kind: Kind, from: u64, lasts: u64) -> Spell {
    Spell {
        kind,
        sites: Sites::All,
        from: minutes(from),
        jitter: Duration::ZERO,
        lasts: Lasts::For(minutes(lasts)),
        repeat: None,
    }
}

#[test]
fn a_board_without_a_battery_is_set_right_once_power_and_link_are_back() {
    let cut = Kind::PowerCut {
        clock: BootClock::Epoch,
        set_after: Duration::ZERO,
    };
    let spells = [
        spell(cut, 60, 10),
        spell(Kind::LinkDown(Down::Refused), 50, 70),
    ];
    let forecast = Forecast::of(&spells, 1, 1, LENGTH);
    let told: Vec<_> = forecast
        .changes()
        .iter()
        .map(|change| (change.at, change.what.clone()))
        .collect();
    let off = What::PowerCut {
        off_for: minutes(10),
        wakes: BootClock::Epoch,
    };
    assert_eq!(
        told,
        [
            (minutes(50), What::LinkDown(Down::Refused)),
            (minutes(60), off),
            (minutes(120), What::LinkUp),
            (minutes(120) + SOONEST, What::ClockRight),
        ]
    );
    assert_eq!(forecast.last_fault_ends(), minutes(120) + SOONEST);
}

#[test]
fn power_cuts_that_overlap_are_one_and_no_clock_steps_in_the_dark() {
    let cut = |clock| Kind::PowerCut {
        clock,
        set_after: Duration::ZERO,
    };
    let spells = [
        spell(cut(BootClock::Kept), 10, 20),
        spell(cut(BootClock::Last), 20, 20),
        spell(Kind::ClockStep(Step::By(3600)), 5, 100),
        spell(Kind::ClockStep(Step::By(-3600)), 25, 100),
    ];
    let told: Vec<_> = Forecast::of(&spells, 1, 1, LENGTH)
        .changes()
        .iter()
        .map(|change| (change.at, change.what.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (minutes(5), What::ClockStep(Step::By(3600))),
            (
                minutes(10),
                What::PowerCut {
                    off_for: minutes(30),
                    wakes: BootClock::Last
                }
            ),
            (minutes(40) + SOONEST, What::ClockRight),
        ]
    );
}

#[test]
fn the_store_s_faults_are_those_of_all_spells_and_name_their_sites() {
    let rule = |action| Kind::StoreFault(vec![Rule::new(action)]);
    let busy = Action::Error(Refusal::SlowDown);
    let mut of_two = spell(rule(Action::LostAnswer), 10, 20);
    of_two.sites = Sites::Ranges(vec![(2, 2)]);
    let forecast = Forecast::of(&[spell(rule(busy), 0, 20), of_two], 3, 1, LENGTH);
    let both = vec![
        Rule::new(busy),
        Rule::new(Action::LostAnswer).bucket("site2-simulatedbucket"),
    ];
    let told: Vec<_> = forecast
        .changes()
        .iter()
        .map(|change| (change.at, change.site, change.what.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (minutes(0), None, What::StoreFaults(vec![Rule::new(busy)])),
            (minutes(10), None, What::StoreFaults(both.clone())),
            (minutes(20), None, What::StoreFaults(both[1..].to_vec())),
            (minutes(30), None, What::StoreFine),
        ]
    );
}

#[test]
fn random_scripts_differ_by_seed_and_have_the_rate_asked_for() {
    let fuzz = Kind::Random(Fuzz {
        per_day: 4.0,
        longest: minutes(60),
    });
    let spells = [Spell {
        lasts: Lasts::Rest,
        ..spell(fuzz, 0, 1)
    }];
    let forecast = |seed| Forecast::of(&spells, 20, seed, LENGTH);
    assert_ne!(forecast(1), forecast(2));
    let begins = forecast(1)
        .changes()
        .iter()
        .filter(|change| matches!(change.what, What::PowerCut { .. }))
        .count();
    // 20 sites, 2 days, 4 a day, of which a fifth are power cuts.
    assert!((20..45).contains(&begins), "{begins}");
    assert!(forecast(1).last_fault_ends() <= LENGTH);
}
