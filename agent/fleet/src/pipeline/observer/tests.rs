//! The judge against a slow model that looks at every moment anew, and by example.

use proptest::prelude::*;

use super::*;

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
enum Act {
    Began,
    Ended { stored: bool },
    Result,
}

type Told = (Duration, u32, &'static str, Act);

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn limits(sites: u32, images_per_site: u32, hold: Hold) -> Limits {
    Limits {
        sites,
        images_per_site,
        hold,
        grace: Duration::ZERO,
    }
}

/// Requests that begin before they end, and results, in the order of time.
fn arb_story() -> impl Strategy<Value = Vec<Told>> {
    let act = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Act::Result)),
    ];
    // Small numbers, so that moments and holds meet exactly.
    let one = (
        0_u64..30,
        0_u64..6,
        1_u32..5,
        0_usize..3,
        any::<bool>(),
        act,
    );
    proptest::collection::vec(one, 0..40).prop_map(|ones| {
        let mut story: Vec<(u64, u8, Told)> = Vec::new();
        for (at, lasts, site, key, stored, act) in ones {
            let key = KEYS[key];
            let mut tell = |at: u64, rank: u8, act| {
                story.push((at, rank, (seconds(at), site, key, act)));
            };
            match act {
                Some(act) => tell(at, 1, act),
                None => {
                    tell(at, 0, Act::Began);
                    tell(at + lasts, 2, Act::Ended { stored });
                }
            }
        }
        story.sort_by_key(|(at, rank, _)| (*at, *rank));
        story.into_iter().map(|(.., told)| told).collect()
    })
}

fn arb_hold() -> impl Strategy<Value = Hold> {
    prop_oneof![
        Just(Hold::Upload),
        (0_u64..8).prop_map(|s| Hold::For(seconds(s))),
        (0_u64..12).prop_map(|s| Hold::Result { limit: seconds(s) }),
    ]
}

/// The images in the pipeline after the first `told` acts, at a moment not before the last of them.
fn present(story: &[Told], told: usize, at: Duration, hold: Hold) -> BTreeSet<(u32, &'static str)> {
    let mut present = BTreeSet::new();
    for site in 1..5 {
        for key in KEYS {
            let mine: Vec<_> = story[..told]
                .iter()
                .filter(|(_, s, k, _)| (*s, *k) == (site, key))
                .collect();
            let begun = mine.iter().filter(|t| matches!(t.3, Act::Began)).count();
            let ended = mine
                .iter()
                .filter(|t| matches!(t.3, Act::Ended { .. }))
                .count();
            let results = mine.iter().any(|t| matches!(t.3, Act::Result));
            let held = mine.iter().any(|(since, _, _, act)| {
                let stored = matches!(act, Act::Ended { stored: true });
                stored
                    && match hold {
                        Hold::Upload => false,
                        Hold::For(time) => *since + time > at,
                        Hold::Result { limit } => !results && *since + limit > at,
                    }
            });
            if begun > ended || held {
                present.insert((site, key));
            }
        }
    }
    present
}

fn sites_of(present: &BTreeSet<(u32, &'static str)>) -> BTreeSet<u32> {
    present.iter().map(|(site, _)| *site).collect()
}

fn most_of_one_site(present: &BTreeSet<(u32, &'static str)>) -> usize {
    (1..5)
        .map(|site| present.iter().filter(|(s, _)| *s == site).count())
        .max()
        .unwrap_or(0)
}

/// Every moment at which something may change, and the number of acts told by then.
fn moments(story: &[Told], hold: Hold, end: Duration) -> Vec<Duration> {
    let mut moments: BTreeSet<Duration> = story.iter().map(|(at, ..)| *at).collect();
    moments.extend([Duration::ZERO, end]);
    if let Hold::For(time) | Hold::Result { limit: time } = hold {
        moments.extend(story.iter().map(|(at, ..)| *at + time));
    }
    moments.into_iter().filter(|at| *at <= end).collect()
}

fn observe(observer: &mut Observer, story: &[Told]) {
    for (at, site, key, act) in story {
        match act {
            Act::Began => observer.began(*at, *site, key),
            Act::Ended { stored } => observer.ended(*at, *site, key, *stored),
            Act::Result => observer.result(*at, *site, key),
        }
    }
}

proptest! {
    #[test]
    fn the_judge_sees_what_the_slow_model_sees(story in arb_story(), hold in arb_hold(), cap in 0_u32..4, per_site in 0_u32..3) {
        let end = seconds(60);
        let mut observer = Observer::new(limits(cap, per_site, hold));
        let (mut peak, mut most, mut moments_above) = (0, 0, Vec::new());
        for told in 1..=story.len() {
            let present = present(&story, told, story[told - 1].0, hold);
            let sites = sites_of(&present);
            peak = peak.max(sites.len());
            most = most.max(most_of_one_site(&present));
            if sites.len() > cap as usize {
                moments_above.push((story[told - 1].0, sites.into_iter().collect::<Vec<_>>()));
            }
        }
        let mut area = 0.0;
        let moments = moments(&story, hold, end);
        for two in moments.windows(2) {
            let told = story.iter().filter(|(at, ..)| *at <= two[0]).count();
            let sites = sites_of(&present(&story, told, two[0], hold)).len();
            area += f64::from(u32::try_from(sites).unwrap()) * (two[1] - two[0]).as_secs_f64();
        }
        observe(&mut observer, &story);
        let found = observer.findings(end);
        prop_assert_eq!(found.sites_peak as usize, peak);
        prop_assert_eq!(found.images_per_site_peak as usize, most);
        prop_assert!((found.sites_mean - area / 60.0).abs() < 1e-9, "{} for {}", found.sites_mean, area / 60.0);
        prop_assert_eq!(found.violations as usize, found.first.len());
        let of_sites: Vec<_> = found.first.iter().filter(|v| v.breach == Breach::Sites).collect();
        for (at, who) in &moments_above {
            prop_assert!(of_sites.iter().any(|v| v.from <= *at && *at <= v.until && v.peak as usize >= who.len()));
        }
        for violation in &of_sites {
            prop_assert_eq!(violation.peak as usize, violation.sites.len());
            let named = moments_above.iter().any(|(at, who)| *who == violation.sites && violation.from <= *at && *at <= violation.until);
            prop_assert!(named, "{:?} of {:?}", violation, moments_above);
        }
        let site_breached = found.first.iter().any(|v| matches!(v.breach, Breach::ImagesOf(_)));
        prop_assert_eq!(site_breached, most > per_site as usize);
    }

    /// Samples take the peak of each interval, and together the peak of all.
    #[test]
    fn the_peaks_of_intervals_make_the_whole_peak(story in arb_story(), hold in arb_hold()) {
        let mut observer = Observer::new(limits(9, 9, hold));
        let mut peak = 0;
        for part in story.chunks(3) {
            observe(&mut observer, part);
            peak = peak.max(observer.take_peak(part[part.len() - 1].0));
        }
        prop_assert_eq!(observer.findings(seconds(60)).sites_peak, peak);
        observer.take_peak(seconds(60));
        prop_assert_eq!(observer.take_peak(seconds(61)), observer.sites(seconds(61)));
    }

    /// Any gate that frees a place no earlier than the hold after the answer passes, however its grants tie.
    #[test]
    fn a_gate_that_holds_from_the_answer_on_is_never_accused(uploads in proptest::collection::vec((0_u64..9, 0_u64..3), 1..60), cap in 1_usize..4, hold in 0_u64..6) {
        let mut observer = Observer::new(limits(u32::try_from(cap).unwrap(), 1, Hold::For(seconds(hold))));
        let mut free_at = vec![0_u64; cap];
        let mut acts = Vec::new();
        for (site, (lasts, verify)) in (1..).zip(uploads) {
            let slot = (0..cap).min_by_key(|slot| free_at[*slot]).unwrap();
            let (begins, ends) = (free_at[slot], free_at[slot] + lasts);
            free_at[slot] = ends + verify + hold;
            acts.push((begins, 1, site));
            acts.push((ends, 0, site));
        }
        // An upload that lasts no time still begins before it ends, and ends before the next takes its place.
        acts.sort_by_key(|(at, _, site)| (*at, *site));
        let mut inside = BTreeSet::new();
        for (at, _, site) in acts {
            if inside.insert(site) {
                observer.began(seconds(at), site, "k");
            } else {
                observer.ended(seconds(at), site, "k", true);
            }
        }
        let found = observer.findings(seconds(10_000));
        prop_assert_eq!(found.violations, 0, "{:?}", found.first);
    }
}

#[test]
fn an_end_and_a_begin_at_one_moment_count_in_the_order_they_are_told() {
    let mut observer = Observer::new(limits(1, 1, Hold::Upload));
    observer.began(seconds(1), 1, "a");
    observer.ended(seconds(2), 1, "a", true);
    observer.began(seconds(2), 2, "b");
    assert_eq!(observer.findings(seconds(2)).violations, 0);
    observer.began(seconds(3), 3, "c");
    observer.ended(seconds(3), 2, "b", true);
    let found = observer.findings(seconds(9));
    let violation = Violation {
        breach: Breach::Sites,
        from: seconds(3),
        until: seconds(3),
        peak: 2,
        sites: vec![2, 3],
    };
    assert_eq!((found.violations, found.first), (1, vec![violation]));
}

#[test]
fn a_hold_keeps_a_site_and_a_failed_request_keeps_nothing() {
    let mut observer = Observer::new(limits(1, 1, Hold::For(seconds(30))));
    observer.began(seconds(0), 1, "a");
    observer.ended(seconds(5), 1, "a", false);
    assert_eq!(observer.sites(seconds(5)), 0);
    observer.began(seconds(10), 2, "b");
    observer.ended(seconds(12), 2, "b", true);
    assert_eq!(observer.sites(seconds(41)), 1);
    observer.began(seconds(42), 3, "c");
    assert_eq!(observer.findings(seconds(42)).violations, 0);
    observer.began(seconds(43), 3, "d");
    let found = observer.findings(seconds(50));
    assert_eq!(found.first[0].breach, Breach::ImagesOf(3));
    assert_eq!(found.first[0].until, seconds(50), "it lasts");
}

#[test]
fn a_result_ends_the_hold_and_so_does_the_limit() {
    let mut observer = Observer::new(limits(9, 9, Hold::Result { limit: seconds(60) }));
    for (site, key) in [(1, "a"), (2, "b"), (3, "c")] {
        observer.began(seconds(0), site, key);
    }
    // The third result is there before the answer.
    observer.result(seconds(1), 3, "c");
    for (site, key) in [(1, "a"), (2, "b"), (3, "c")] {
        observer.ended(seconds(2), site, key, true);
    }
    assert_eq!(observer.sites(seconds(2)), 2);
    observer.result(seconds(20), 1, "a");
    assert_eq!(observer.sites(seconds(20)), 1);
    assert_eq!(
        (observer.sites(seconds(61)), observer.sites(seconds(62))),
        (1, 0)
    );
}

#[test]
fn what_is_shorter_than_the_grace_is_forgiven() {
    let mut observer = Observer::new(Limits {
        grace: seconds(2),
        ..limits(1, 1, Hold::Upload)
    });
    for (from, until) in [(10, 11), (20, 22)] {
        observer.began(seconds(0), 1, "a");
        observer.began(seconds(from), 2, "b");
        observer.ended(seconds(until), 2, "b", true);
        observer.ended(seconds(until), 1, "a", true);
    }
    let found = observer.findings(seconds(30));
    assert_eq!((found.violations, found.first[0].from), (1, seconds(20)));
    assert_eq!(found.sites_peak, 2, "the peak tells all");
}
