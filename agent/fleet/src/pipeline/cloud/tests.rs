//! The state machine is held to its rules by a second, slow account of what it said it did.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::pipeline::{Settings, Spread};

const HOUR: Duration = Duration::from_secs(3600);

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn cloud(settings: &Settings, seed: u64) -> Cloud {
    Cloud::new(settings.resolve(Path::new(".")).unwrap(), seed)
}

/// A pipeline whose every step takes a known time.
fn plain(service: Duration) -> Settings {
    Settings {
        delivery: Spread::Constant(Duration::ZERO),
        service: Spread::Constant(service),
        ..Settings::default()
    }
}

/// Events at their times, then everything that follows.
fn run(cloud: &mut Cloud, events: &[(Duration, u32)]) -> Vec<Happening> {
    let mut happened = Vec::new();
    for (id, (at, site)) in (0..).zip(events) {
        happened.extend(cloud.advance(*at));
        cloud.event(*at, Event { id, site: *site });
    }
    while let Some(next) = cloud.next() {
        happened.extend(cloud.advance(next));
    }
    happened
}

fn arb_settings() -> impl Strategy<Value = Settings> {
    let spread = || {
        prop_oneof![
            Just(Spread::Measured),
            (0_u64..900_000).prop_map(|ms| Spread::Constant(Duration::from_millis(ms)))
        ]
    };
    let functions = prop_oneof![Just(Functions::EachSite), Just(Functions::One)];
    (
        (functions, 1_u32..6, proptest::option::of(0_u32..4)),
        (0_u64..900, spread(), spread(), 0.0_f64..1.0, 0_u32..4),
        60_u64..20_000,
    )
        .prop_map(|((functions, account, reserved), rest, age)| {
            let (keep_warm, delivery, service, error_rate, retries) = rest;
            Settings {
                functions,
                account_concurrency: account,
                reserved_concurrency: reserved,
                keep_warm: seconds(keep_warm),
                delivery,
                service,
                error_rate: if error_rate < 0.3 { 0.0 } else { error_rate },
                retries,
                max_event_age: seconds(age),
                ..Settings::default()
            }
        })
}

fn arb_events() -> impl Strategy<Value = Vec<(Duration, u32)>> {
    proptest::collection::vec((0_u64..2_000, 1_u32..5), 0..60).prop_map(|mut events| {
        events.sort_unstable();
        events
            .into_iter()
            .map(|(at, site)| (seconds(at), site))
            .collect()
    })
}

/// The slow account: what each event, function and instance must have done.
#[derive(Default)]
struct Account {
    running: BTreeMap<u64, (Duration, u32)>,
    over: BTreeMap<u64, What>,
    attempts: BTreeMap<u64, u32>,
    failed_at: BTreeMap<u64, Duration>,
    /// When an event was throttled last, and how often since it ran.
    throttled: BTreeMap<u64, (Duration, u32)>,
    /// By function: when each instance had its last work.
    idle: BTreeMap<u32, Vec<Duration>>,
}

impl Account {
    fn see(&mut self, settings: &Settings, arrived: Duration, h: &Happening) {
        assert!(!self.over.contains_key(&h.id), "after its end: {h:?}");
        self.paused(h);
        let function = match settings.functions {
            Functions::EachSite => h.site,
            Functions::One => 0,
        };
        match h.what {
            What::Began { cold, attempt } => {
                self.begin(settings, arrived, h, function);
                assert_eq!(attempt, self.attempts[&h.id]);
                assert_eq!(cold, !self.take_warm(settings, function, h.at), "{h:?}");
            }
            What::Ended { ok, took } => {
                let (began, _) = self.running.remove(&h.id).unwrap();
                assert_eq!(h.at - began, took);
                if took < settings.timeout {
                    self.idle.entry(function).or_default().push(h.at);
                }
                if ok {
                    self.over.insert(h.id, h.what);
                } else {
                    self.failed_at.insert(h.id, h.at);
                }
            }
            What::Throttled => {
                let mine = self.running.values().filter(|(_, f)| *f == function);
                let of_function = u32::try_from(mine.count()).unwrap();
                let full = self.running.len() == settings.account_concurrency as usize
                    || settings
                        .reserved_concurrency
                        .is_some_and(|r| of_function >= r);
                assert!(full, "throttled with room: {h:?}");
            }
            What::Dropped(why) => {
                match why {
                    Why::Age => assert!(h.at - arrived >= settings.max_event_age),
                    Why::Failures => assert_eq!(self.attempts[&h.id], settings.retries + 1),
                }
                self.over.insert(h.id, h.what);
            }
        }
    }

    /// After throttling: 1 s, 2 s, 4 s, up to 5 min, less up to a half; a drop may come sooner.
    fn paused(&mut self, h: &Happening) {
        let before = self.throttled.remove(&h.id);
        if let Some((since, times)) = before {
            let (pause, longest) = (
                h.at - since,
                seconds(1 << (times - 1).min(9)).min(seconds(300)),
            );
            assert!(pause <= longest, "{pause:?} after {times}");
            let dropped = matches!(h.what, What::Dropped(_));
            assert!(dropped || pause >= longest / 2, "{pause:?} after {times}");
        }
        if h.what == What::Throttled {
            let times = before.map_or(1, |(_, times)| times + 1);
            self.throttled.insert(h.id, (h.at, times));
        }
    }

    fn begin(&mut self, settings: &Settings, arrived: Duration, h: &Happening, function: u32) {
        assert!(h.at - arrived < settings.max_event_age);
        let attempt = self.attempts.entry(h.id).or_default();
        *attempt += 1;
        assert!(*attempt <= settings.retries + 1);
        if let Some(failed) = self.failed_at.get(&h.id) {
            let pause = if *attempt == 2 { 60 } else { 120 };
            assert!(h.at - *failed >= seconds(pause));
        }
        assert!(self.running.insert(h.id, (h.at, function)).is_none());
        assert!(self.running.len() <= settings.account_concurrency as usize);
        let mine = self.running.values().filter(|(_, f)| *f == function);
        let of_function = u32::try_from(mine.count()).unwrap();
        assert!(
            settings
                .reserved_concurrency
                .is_none_or(|r| of_function <= r)
        );
    }

    /// Takes the instance used last away, if one is warm.
    fn take_warm(&mut self, settings: &Settings, function: u32, now: Duration) -> bool {
        let idle = self.idle.entry(function).or_default();
        idle.retain(|since| now - *since <= settings.keep_warm);
        let last = idle.iter().enumerate().max_by_key(|(_, since)| **since);
        let Some(index) = last.map(|(index, _)| index) else {
            return false;
        };
        idle.remove(index);
        true
    }
}

proptest! {
    #[test]
    fn no_rule_is_broken_whatever_comes(settings in arb_settings(), events in arb_events(), seed: u64) {
        let mut cloud = cloud(&settings, seed);
        let happened = run(&mut cloud, &events);
        let mut account = Account::default();
        let mut last = Duration::ZERO;
        for h in &happened {
            prop_assert!(h.at >= last, "not in order: {:?}", h);
            last = h.at;
            let (arrived, site) = events[usize::try_from(h.id).unwrap()];
            prop_assert_eq!(site, h.site);
            account.see(&settings, arrived, h);
        }
        prop_assert_eq!(account.over.len(), events.len(), "each event ends, once");
        prop_assert!(account.running.is_empty());
        prop_assert_eq!(cloud.gauges(last), Gauges::default());
        prop_assert!((0..5).all(|site| cloud.site(site) == SiteGauges::default()));
        let totals = cloud.totals();
        prop_assert_eq!(totals.done + totals.dropped, events.len() as u64);
        let count = |f: fn(&What) -> bool| happened.iter().filter(|h| f(&h.what)).count() as u64;
        prop_assert_eq!(totals.throttled, count(|w| matches!(w, What::Throttled)));
        prop_assert_eq!(totals.cold, count(|w| matches!(w, What::Began { cold: true, .. })));
        prop_assert_eq!(totals.failed, count(|w| matches!(w, What::Ended { ok: false, .. })));
    }

    #[test]
    fn the_same_seed_gives_the_same_run_however_time_is_cut(settings in arb_settings(), events in arb_events(), seed: u64, cuts in proptest::collection::btree_set(0_u64..30_000, 0..20)) {
        let whole = run(&mut cloud(&settings, seed), &events);
        let mut cloud = cloud(&settings, seed);
        let mut happened = Vec::new();
        let mut cuts = cuts.into_iter().map(seconds).peekable();
        for (id, (at, site)) in (0..).zip(&events) {
            while let Some(cut) = cuts.next_if(|cut| cut < at) {
                happened.extend(cloud.advance(cut));
            }
            happened.extend(cloud.advance(*at));
            cloud.event(*at, Event { id, site: *site });
        }
        for cut in cuts {
            happened.extend(cloud.advance(cut));
        }
        happened.extend(cloud.advance(HOUR * 100));
        prop_assert_eq!(happened, whole);
    }

    /// With room for all, each event is done after exactly its service time.
    #[test]
    fn nothing_waits_where_there_is_room(events in arb_events(), service in 0_u64..700) {
        let happened = run(&mut cloud(&plain(seconds(service)), 1), &events);
        for h in &happened {
            if let What::Ended { .. } = h.what {
                let (arrived, _) = events[usize::try_from(h.id).unwrap()];
                prop_assert_eq!(h.at - arrived, seconds(service));
            }
        }
        prop_assert_eq!(happened.len(), events.len() * 2);
    }
}

/// What the reference pipeline's limits mean for a card with months of images: at a concurrency of 10 and 20 s an image
/// no more than 6 h × 10 / 20 s = 10,800 of them are worked on before the rest is too old.
#[test]
fn an_import_faster_than_the_pipeline_loses_what_it_cannot_do_in_six_hours() {
    let settings = Settings {
        account_concurrency: 10,
        ..plain(seconds(20))
    };
    let mut cloud = cloud(&settings, 3);
    let events = vec![(Duration::ZERO, 1); 15_000];
    let happened = run(&mut cloud, &events);
    let totals = cloud.totals();
    assert_eq!(totals.done + totals.dropped, 15_000);
    assert!(totals.done <= 10_810, "{totals:?}");
    assert!(totals.done >= 10_000, "the pipeline idles: {totals:?}");
    assert_eq!(totals.executions_peak, 10);
    let dropped = |h: &&Happening| h.what == What::Dropped(Why::Age);
    assert!(happened.iter().filter(dropped).all(|h| h.at == HOUR * 6));
}

#[test]
fn an_overloaded_pipeline_works_at_its_full_rate() {
    let settings = Settings {
        account_concurrency: 8,
        ..plain(seconds(10))
    };
    // Twice what it can do, for an hour.
    let events: Vec<_> = (0..5_760)
        .map(|i| (Duration::from_millis(i * 625), 1))
        .collect();
    let happened = run(&mut cloud(&settings, 5), &events);
    let done = happened
        .iter()
        .filter(|h| h.at <= HOUR && matches!(h.what, What::Ended { ok: true, .. }))
        .count();
    let most = 8 * 3600 / 10;
    assert!(done <= most && done * 100 >= most * 97, "{done} of {most}");
}

#[test]
fn an_hourly_image_finds_no_warm_instance_and_a_busy_site_does() {
    let mut cloud = cloud(&plain(seconds(20)), 1);
    let happened = run(
        &mut cloud,
        &[
            (HOUR, 1),
            (HOUR * 2, 1),
            (HOUR * 2 + seconds(620), 1),
            (HOUR * 2 + seconds(1260), 1),
            (HOUR * 2 + seconds(1261), 2),
            (HOUR * 2 + seconds(1261), 1),
        ],
    );
    let colds: Vec<bool> = happened
        .iter()
        .filter_map(|h| match h.what {
            What::Began { cold, .. } => Some(cold),
            _ => None,
        })
        .collect();
    // The third comes exactly 10 min after the second's end; the fourth 20 s later than that; the last two find the only
    // instance busy, or another site's.
    assert_eq!(colds, [true, true, false, true, true, true]);
}

/// The second event's try was settled before the first event's end, and for the same moment.
#[test]
fn what_ends_makes_room_for_what_begins_in_the_same_moment() {
    let settings = Settings {
        account_concurrency: 1,
        delivery: Spread::Constant(seconds(30)),
        ..plain(seconds(20))
    };
    let happened = run(
        &mut cloud(&settings, 1),
        &[(seconds(0), 1), (seconds(20), 2)],
    );
    assert!(
        happened.iter().all(|h| h.what != What::Throttled),
        "{happened:?}"
    );
}

#[test]
fn failures_are_tried_again_after_one_and_after_two_minutes() {
    let settings = Settings {
        error_rate: 1.0,
        ..plain(seconds(20))
    };
    let happened = run(&mut cloud(&settings, 1), &[(Duration::ZERO, 1)]);
    let began: Vec<u64> = happened
        .iter()
        .filter(|h| matches!(h.what, What::Began { .. }))
        .map(|h| h.at.as_secs())
        .collect();
    assert_eq!(began, [0, 80, 220]);
    assert_eq!(
        happened.last().map(|h| (h.at, h.what)),
        Some((seconds(240), What::Dropped(Why::Failures)))
    );
}

#[test]
fn an_execution_that_takes_too_long_is_ended_and_its_instance_is_gone() {
    let settings = Settings {
        timeout: seconds(30),
        retries: 1,
        ..plain(seconds(31))
    };
    let happened = run(&mut cloud(&settings, 1), &[(Duration::ZERO, 1)]);
    let whats: Vec<What> = happened.iter().map(|h| h.what).collect();
    let ended = What::Ended {
        ok: false,
        took: seconds(30),
    };
    let began = |attempt| What::Began {
        cold: true,
        attempt,
    };
    assert_eq!(
        whats,
        [
            began(1),
            ended,
            began(2),
            ended,
            What::Dropped(Why::Failures)
        ]
    );
}

#[test]
fn the_default_pipeline_takes_as_long_as_the_measured_one() {
    let events: Vec<_> = (0..20_000_u64)
        .map(|i| {
            (
                HOUR * u32::try_from(i / 300).unwrap(),
                u32::try_from(i % 300).unwrap(),
            )
        })
        .collect();
    let happened = run(&mut cloud(&Settings::default(), 11), &events);
    let mut took: Vec<f64> = happened
        .iter()
        .filter(|h| matches!(h.what, What::Ended { ok: true, .. }))
        .map(|h| (h.at - events[usize::try_from(h.id).unwrap()].0).as_secs_f64())
        .collect();
    took.sort_by(f64::total_cmp);
    for (level, published) in [(0.5, 21.2), (0.95, 27.7), (0.99, 30.8)] {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let got = took[(level * took.len() as f64) as usize];
        assert!(
            (got - published).abs() < 0.35,
            "{level}: {got} for {published}"
        );
    }
    assert!(
        happened
            .iter()
            .all(|h| !matches!(h.what, What::Began { cold: false, .. }))
    );
}
