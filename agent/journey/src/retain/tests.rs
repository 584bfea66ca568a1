//! The decisions against plain models of them.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MINUTE_MS: i64 = 60_000;
const NOW_MS: i64 = 1_000 * MINUTE_MS;

fn policy() -> Policy {
    Policy {
        keep: None,
        max_bytes: None,
        min_free: Level::Percent(5),
        min_free_inodes: Level::Percent(5),
        drop_unverified: false,
    }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (
        1..50_u64,
        -5..1_000_i64,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    );
    prop::collection::vec(entry, 0..60).prop_map(|rows| {
        let entry = |(id, (bytes, minutes, flagged, copy))| Entry {
            id,
            bytes,
            verified_ms: NOW_MS - minutes * MINUTE_MS,
            flagged,
            copy,
        };
        (0..).zip(rows).map(entry).collect()
    })
}

fn needs() -> impl Strategy<Value = Needs> {
    (0..400_u64, 0..400_u64, 0..20_u64).prop_map(|(quota, bytes, inodes)| Needs {
        quota,
        room: Want { bytes, inodes },
    })
}

/// What may go for want of room: neither flagged nor fresh. A time of verification that lies in the future is
/// one of a clock that was set since.
fn may_go(entry: &Entry) -> bool {
    let age_ms = NOW_MS - entry.verified_ms;
    !entry.flagged && !(0..2_000).contains(&age_ms)
}

proptest! {
    #[test]
    fn the_oldest_that_may_go_do_and_not_one_too_many(
        entries in entries(),
        wanted in needs(),
        keep in prop::option::of(0..1_000_u64),
    ) {
        let policy = Policy { keep: keep.map(|minutes| Duration::from_secs(60 * minutes)), ..policy() };
        let mut left = wanted;
        let going = decide(&entries, &mut left, &policy, NOW_MS);
        let (mut bytes, mut files) = (0, 0);
        let mut expected = Vec::new();
        for entry in &entries {
            let lacks = wanted.room.bytes > bytes || wanted.room.inodes > files || wanted.quota > bytes;
            let aged = keep.is_some_and(|minutes| {
                NOW_MS - entry.verified_ms >= i64::try_from(minutes).unwrap() * MINUTE_MS
            });
            if !entry.flagged && (entry.copy || aged || lacks && may_go(entry)) {
                bytes += entry.bytes;
                files += 1;
                expected.push(entry.id);
            }
        }
        prop_assert_eq!(going.iter().map(|one| one.id).collect::<Vec<_>>(), expected);
        prop_assert_eq!(left.room.bytes, wanted.room.bytes.saturating_sub(bytes));
        prop_assert_eq!(left.room.inodes, wanted.room.inodes.saturating_sub(files));
        prop_assert_eq!(left.quota, wanted.quota.saturating_sub(bytes));
    }

    #[test]
    fn it_is_the_same_in_pages_as_at_once(entries in entries(), wanted in needs(), page in 1..10_usize) {
        let (mut at_once, mut in_pages) = (wanted, wanted);
        let whole = decide(&entries, &mut at_once, &policy(), NOW_MS);
        let paged: Vec<_> = entries
            .chunks(page)
            .flat_map(|page| decide(page, &mut in_pages, &policy(), NOW_MS))
            .collect();
        prop_assert_eq!(whole, paged);
        prop_assert_eq!(at_once, in_pages);
    }

    #[test]
    fn a_limit_that_was_reached_is_left_with_room_to_spare(total in 100..1_u64 << 50, free: u64, percent in 1..50_u8) {
        let policy = Policy { min_free: Level::Percent(percent), ..policy() };
        let free = free % total;
        let room = Room { bytes: total, free_bytes: free, inodes: 0, free_inodes: 0 };
        let needs = Needs::of_room(&room, &policy);
        let limit = policy.min_free.of(total);
        if free >= limit {
            prop_assert!(needs.met());
        } else {
            let after = Room { free_bytes: free + needs.room.bytes, ..room };
            prop_assert!(Needs::of_room(&after, &policy).met());
            prop_assert!(after.free_bytes >= limit + limit / 4);
            prop_assert!(after.free_bytes <= total, "a disk cannot have more free than it has");
        }
        prop_assert_eq!(needs.room.inodes, 0, "inodes that are not counted do not run out");
    }

    #[test]
    fn a_quota_is_kept_and_undercut_by_little(used in 0..1_u64 << 50, most in 16..1_u64 << 50) {
        let policy = Policy { max_bytes: Some(most), ..policy() };
        let needs = Needs::of_quota(used, &policy);
        prop_assert_eq!(needs.met(), used <= most);
        if !needs.met() {
            let after = used - needs.quota;
            prop_assert!(after <= most && after >= most - most / 16 - 1, "{after} of {most}");
        }
    }
}

/// Capture times of one site, in order, and how many of them are to go.
fn series() -> impl Strategy<Value = (Vec<i64>, usize)> {
    prop::collection::vec(1..10_000_i64, 3..200).prop_flat_map(|pauses| {
        let times: Vec<_> = pauses
            .iter()
            .scan(0, |at, pause| {
                *at += pause;
                Some(*at)
            })
            .collect();
        let most = times.len() - 2;
        (Just(times), 0..=most)
    })
}

fn candidate(id: usize, captured_ms: i64) -> Candidate {
    Candidate {
        id: i64::try_from(id).unwrap(),
        site: 1,
        captured_ms,
        bytes: 1,
        accepted_ms: NOW_MS - MINUTE_MS,
        stays: false,
    }
}

/// Thins by readings until `wanted` images went or no more may.
fn thin(mut left: Vec<Candidate>, wanted: usize, most: usize) -> Vec<Candidate> {
    let mut needs = Needs {
        quota: u64::try_from(wanted).unwrap(),
        ..Needs::default()
    };
    loop {
        let mut thinner = Thinner::new(most, NOW_MS);
        left.iter().for_each(|&one| thinner.read(one));
        let going: BTreeSet<_> = thinner
            .finish(&mut needs)
            .iter()
            .map(|one| one.id)
            .collect();
        if going.is_empty() {
            return left;
        }
        left.retain(|one| !going.contains(&one.id));
    }
}

fn longest_gap(times: &[i64]) -> i64 {
    times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn what_is_left_of_a_thinned_series_is_even((times, wanted) in series(), most in 1..64_usize) {
        let all: Vec<_> = times.iter().enumerate().map(|(id, &at)| candidate(id, at)).collect();
        let left: Vec<_> = thin(all, wanted, most).iter().map(|one| one.captured_ms).collect();
        prop_assert_eq!(left.len(), times.len() - wanted);
        prop_assert_eq!((left.first(), left.last()), (times.first(), times.last()));
        let span = times[times.len() - 1] - times[0];
        let ideal = span as f64 / (left.len() - 1) as f64;
        let bound = (2.2 * ideal).max(longest_gap(&times) as f64);
        prop_assert!(longest_gap(&left) as f64 <= bound, "{} > {bound}", longest_gap(&left));
    }

    #[test]
    fn what_may_not_go_stays_and_so_do_the_ends_of_every_site(
        rows in prop::collection::vec((0..3_i64, 0..10_000_i64, any::<bool>(), 0..3_i64), 0..100),
        wanted in 0..100_usize,
    ) {
        let mut all: Vec<_> = rows
            .into_iter()
            .enumerate()
            .map(|(id, (site, captured_ms, stays, minutes))| Candidate {
                site,
                stays,
                accepted_ms: NOW_MS - minutes * MINUTE_MS,
                ..candidate(id, captured_ms)
            })
            .collect();
        all.sort_by_key(|one| (one.site, one.captured_ms));
        let left = thin(all.clone(), wanted, 16);
        prop_assert!(all.len() - left.len() <= wanted);
        for site in 0..3 {
            let ends = |list: &[Candidate]| {
                let mut of_site = list.iter().filter(|one| one.site == site).map(|one| one.captured_ms);
                let first = of_site.next();
                (first, of_site.next_back().or(first))
            };
            prop_assert_eq!(ends(&all), ends(&left));
        }
        for one in all.iter().filter(|one| one.stays || one.accepted_ms == NOW_MS) {
            prop_assert!(left.contains(one));
        }
    }
}

#[test]
fn levels_leave_a_small_disk_usable() {
    assert_eq!(Level::Percent(5).of(1_000), 50);
    assert_eq!(Level::Count(1 << 30).of(16 << 20), 8 << 20);
}
