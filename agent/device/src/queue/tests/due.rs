//! What waits, what is parked, and who asks again.

use super::*;
use proptest::prelude::*;

pub(super) const LONGEST: Longest = Longest {
    delay_ms: 1_000,
    probe_ms: 10_000,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_waits_is_due_at_its_moment_or_when_the_clock_stepped_back(
        moments in proptest::collection::vec(0i64..5_000, 1..12),
        now in 0i64..5_000,
    ) {
        block_on(async {
            let bench = Bench::new().await;
            let mut waiting = Vec::new();
            for (number, &moment) in (0u8..).zip(&moments) {
                let id = bench.accept(number).await;
                bench.claim(Order::Freshest, 1).await;
                bench.queue.delay(id, delayed(moment)).await.unwrap();
                waiting.push((id, moment));
            }
            let to_come = |moment: i64| moment > now && moment <= now + LONGEST.delay_ms;
            let next = bench.queue.promote(now, LONGEST).await.unwrap();
            assert_eq!(next, moments.iter().copied().filter(|&at| to_come(at)).min());
            for (id, moment) in waiting {
                let state = if to_come(moment) { State::Waiting } else { State::Queued };
                assert_eq!(bench.state(id).await, state, "{moment} at {now}");
            }
        });
    }
}

/// Parks `numbers` under a refusal, due at `next_ms`.
async fn parked(
    bench: &Bench,
    numbers: std::ops::Range<u8>,
    scope: Scope,
    next_ms: i64,
) -> Vec<ImageId> {
    let mut ids = Vec::new();
    for number in numbers {
        let id = bench.accept(number).await;
        bench.claim(Order::Freshest, 1).await;
        bench.queue.park(id, refused(scope, next_ms)).await.unwrap();
        ids.push(id);
    }
    ids
}

#[tokio::test]
async fn one_image_at_a_time_probes_a_refusal_of_the_site() {
    for scope in [Scope::Site, Scope::Account] {
        let bench = Bench::new().await;
        let queue = &bench.queue;
        let ids = parked(&bench, 0..30, scope, 100).await;
        assert_eq!(queue.promote(99, LONGEST).await.unwrap(), Some(100));
        assert_eq!(bench.claim(Order::Probe, 9).await, []);
        // One is due, and none after it, whether it is queued, claimed or waiting.
        assert_eq!(queue.promote(100, LONGEST).await.unwrap(), None);
        let probe = bench.claim(Order::Probe, 9).await;
        assert_eq!(probe.len(), 1);
        queue.promote(101, LONGEST).await.unwrap();
        queue.delay(probe[0], delayed(500)).await.unwrap();
        assert_eq!(queue.promote(102, LONGEST).await.unwrap(), Some(500));
        queue.promote(500, LONGEST).await.unwrap();
        assert_eq!(bench.claim(Order::Freshest, 9).await, probe);
        // Refused again: the next one has its turn.
        queue.park(probe[0], refused(scope, 10_000)).await.unwrap();
        queue.promote(501, LONGEST).await.unwrap();
        let second = bench.claim(Order::Probe, 9).await;
        assert_eq!(second.len(), 1);
        assert_ne!(second, probe);
        queue.verified(second[0], stored()).await.unwrap();
        assert_eq!(
            queue.release_parked(Some(bench.site), scope).await.unwrap(),
            29
        );
        assert_eq!(
            bench.claim(Order::Probe, 99).await,
            [],
            "released rows are no probes"
        );
        assert_eq!(bench.claim(Order::Oldest, 99).await.len(), ids.len() - 1);
        bench.assert_sound().await;
    }
}

#[tokio::test]
async fn each_site_probes_for_itself_and_one_for_the_account() {
    let bench = Bench::new().await;
    let queue = &bench.queue;
    let mut sites = vec![bench.site];
    for name in ["b", "c"] {
        sites.push(queue.site_id(site_name(name)).await.unwrap());
    }
    for (scope, probes) in [(Scope::Site, 3), (Scope::Account, 1)] {
        for (number, &site) in (0..).zip(&sites) {
            for twin in [number, number + 100] {
                let known = queue.accept(image(site, twin)).await.unwrap();
                let (Accepted::New(id) | Accepted::Duplicate(id)) = known else {
                    panic!()
                };
                queue.claim(site, Order::Freshest, 9, target).await.unwrap();
                queue.park(id, refused(scope, 100)).await.unwrap();
            }
        }
        queue.promote(200, LONGEST).await.unwrap();
        let ready: u64 = queue
            .view()
            .ready()
            .await
            .unwrap()
            .iter()
            .map(|site| site.images)
            .sum();
        assert_eq!(ready, probes, "{scope:?}");
        for &site in &sites {
            queue.claim(site, Order::Freshest, 9, target).await.unwrap();
        }
        queue.release_parked(None, scope).await.unwrap();
        for &site in &sites {
            queue.claim(site, Order::Freshest, 9, target).await.unwrap();
        }
        let mut all = Vec::new();
        let each = |image: Image| {
            all.push(image.id);
            std::ops::ControlFlow::Continue(())
        };
        queue.view().list(Filter::default(), each).await.unwrap();
        for id in all {
            queue.release(id, false).await.unwrap();
        }
    }
}

#[tokio::test]
async fn images_refused_for_themselves_ask_each_for_itself() {
    let bench = Bench::new().await;
    parked(&bench, 0..5, Scope::Image, 100).await;
    let later = parked(&bench, 5..6, Scope::Image, 300).await;
    assert_eq!(bench.queue.promote(100, LONGEST).await.unwrap(), Some(300));
    assert_eq!(bench.claim(Order::Probe, 9).await, []);
    assert_eq!(bench.claim(Order::Freshest, 9).await.len(), 5);
    // Set before the clock stepped back by a day.
    bench
        .queue
        .promote(300 - 86_400_000, LONGEST)
        .await
        .unwrap();
    assert_eq!(bench.state(later[0]).await, State::Queued);
}

#[tokio::test]
async fn where_nothing_waits_nobody_takes_the_lock_for_writing() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    let other = bench.backdoor();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = bench.queue.promote(0, LONGEST);
    let soon = std::time::Duration::from_secs(5);
    let answer = tokio::time::timeout(soon, asked).await;
    assert_eq!(answer.expect("it waited").unwrap(), None);
    other.execute_batch("COMMIT").unwrap();
    bench.claim(Order::Freshest, 1).await;
    bench.queue.delay(id, delayed(7)).await.unwrap();
    assert_eq!(bench.queue.promote(3, LONGEST).await.unwrap(), Some(7));
}
