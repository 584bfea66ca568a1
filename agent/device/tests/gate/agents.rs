//! Agents in virtual time. What is asserted was seen by the stores.

use std::time::Duration;

use tokio::time::sleep;
use weir::RunError;
use weir_store::Store;
use weir_store::faults::{Action, Refusal, Rule};

use super::fleet::Fleet;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A picture of 20 kB then takes 4 seconds.
fn slow_uploads(fleet: &Fleet) {
    let slow = Action::Slow {
        bytes_per_second: 5_000,
    };
    fleet.images.faults().set([Rule::new(slow)]);
}

#[tokio::test(start_paused = true)]
async fn through_faults_crashes_and_wrong_clocks_no_more_sites_than_slots_upload_and_all_do_in_the_end()
 {
    const SITES: usize = 10;
    let mut fleet = Fleet::new(SITES, "max_concurrent_sites = 3\nlease = \"20s\"\n").await;
    slow_uploads(&fleet);
    let odds = |action, seed| Rule::new(action).rate(0.06, seed);
    fleet.control.faults().set([
        odds(Action::Error(Refusal::SlowDown), 1),
        odds(Action::LostAnswer, 2),
        odds(Action::Cut { after_bytes: 0 }, 3),
        odds(
            Action::Delay {
                milliseconds: 6_000,
            },
            4,
        ),
        odds(Action::ClockOff { seconds: 600 }, 5),
        odds(Action::ClockOff { seconds: -600 }, 6),
        // Not of the start-up probe: a store that lies there is refused.
        odds(Action::WrongEtag, 7).key("slots/*"),
        odds(Action::Hang, 8),
    ]);
    fleet.start_all();
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..20 {
        for number in 0..SITES {
            fleet.take_picture(number);
        }
        sleep(SECOND * random.u32(20..70)).await;
        if round % 2 == 0 {
            let number = random.usize(0..SITES);
            fleet.crash(number).await;
            sleep(SECOND * random.u32(0..10)).await;
            fleet.start(number);
        }
    }
    fleet.control.faults().clear();
    // A last picture each: whatever lay there when an agent was started was found by its scan.
    for number in 0..SITES {
        fleet.take_picture(number);
    }
    sleep(60 * MINUTE).await;
    assert_eq!(fleet.images.objects().len(), SITES * 21);
    assert_eq!(fleet.images.stats().buckets_peak, 3);
    fleet.end_all().await;
    assert_eq!(fleet.slots_taken(), 0, "who ends gives its slot back");
}

#[tokio::test(start_paused = true)]
async fn the_slot_of_an_agent_that_died_is_another_s_within_its_lease() {
    let mut fleet = Fleet::new(2, "max_concurrent_sites = 1\nlease = \"30s\"\n").await;
    slow_uploads(&fleet);
    fleet.start(0);
    fleet.take_picture(0);
    while fleet.images.stats().puts_now == 0 {
        sleep(SECOND / 10).await;
    }
    fleet.crash(0).await;
    let died = tokio::time::Instant::now();
    fleet.start(1);
    fleet.take_picture(1);
    while fleet.images.stats().puts_now == 0 {
        sleep(SECOND / 10).await;
    }
    let waited = died.elapsed();
    // Not before: the dead one might have been at its image still. Later by the grace and the wait between two looks.
    assert!((26..=45).contains(&waited.as_secs()), "{waited:?}");
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_leaves_its_slot_free_at_once() {
    let mut fleet = Fleet::new(
        2,
        "max_concurrent_sites = 1\nlease = \"1h\"\n[gate]\nmax_in_flight = 1\n",
    )
    .await;
    slow_uploads(&fleet);
    fleet.start_all();
    (0..3).for_each(|_| fleet.take_picture(0));
    while fleet.images.stats().puts_now == 0 {
        sleep(SECOND / 10).await;
    }
    fleet.end(0).await.unwrap();
    assert_eq!(fleet.stored().len(), 1, "what was under way is finished");
    assert_eq!(fleet.slots_taken(), 0);
    fleet.take_picture(1);
    sleep(MINUTE / 2).await;
    assert_eq!(fleet.stored().len(), 1);
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn sites_with_long_backlogs_take_turns() {
    const SITES: usize = 8;
    let mut fleet = Fleet::new(SITES, "max_concurrent_sites = 2\nlease = \"20s\"\n").await;
    slow_uploads(&fleet);
    for _ in 0..20 {
        (0..SITES).for_each(|number| fleet.take_picture(number));
    }
    fleet.start_all();
    sleep(60 * MINUTE).await;
    let mut stored = fleet.stored();
    assert_eq!(stored.len(), SITES * 20);
    stored.sort_by_key(|(_, at)| *at);
    assert_eq!(fleet.images.stats().buckets_peak, 2);
    for number in 0..SITES {
        let times = || {
            stored
                .iter()
                .filter(|(of, _)| *of == number)
                .map(|(_, at)| *at)
        };
        let gaps = times().zip(times().skip(1)).map(|(one, next)| next - one);
        let longest = gaps.max().unwrap();
        // A round of turns is four of at most 20 s and an upload each; nobody misses more than a few.
        assert!(longest < 6 * MINUTE, "site {number} waited {longest:?}");
    }
    // Three turns of each other site before anybody is through: no site kept its slot to its end.
    let first_done = (0..SITES)
        .map(|number| stored.iter().rposition(|(of, _)| *of == number).unwrap())
        .min()
        .unwrap();
    assert!(first_done > SITES * 20 / 5, "{first_done}");
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn without_the_control_bucket_images_wait_and_with_it_back_they_all_go() {
    let mut fleet = Fleet::new(4, "max_concurrent_sites = 2\nlease = \"20s\"\n").await;
    slow_uploads(&fleet);
    let away = Rule::new(Action::Cut { after_bytes: 0 });
    // Away at the start: that is no refusal.
    fleet.control.faults().set([away.clone()]);
    fleet.start_all();
    (0..4).for_each(|number| fleet.take_picture(number));
    sleep(10 * MINUTE).await;
    assert_eq!(fleet.stored(), []);
    fleet.control.faults().clear();
    sleep(5 * MINUTE).await;
    assert_eq!(fleet.stored().len(), 4);
    assert!(fleet.images.stats().buckets_peak <= 2);
    // Away in the middle of an upload that lasts longer than the lease: it is broken off before its end.
    let crawl = Action::Slow {
        bytes_per_second: 500,
    };
    fleet.images.faults().set([Rule::new(crawl)]);
    (0..4).for_each(|number| fleet.take_picture(number));
    while fleet.images.stats().puts_now < 2 {
        sleep(SECOND / 10).await;
    }
    fleet.control.faults().set([away]);
    sleep(20 * SECOND).await;
    assert_eq!(
        fleet.images.stats().puts_now,
        0,
        "broken off within the lease"
    );
    assert_eq!(fleet.stored(), []);
    assert_eq!(fleet.images.stats().buckets_peak, 2);
    fleet.control.faults().clear();
    slow_uploads(&fleet);
    sleep(10 * MINUTE).await;
    assert_eq!(fleet.stored().len(), 4);
    assert_eq!(fleet.images.stats().buckets_peak, 2);
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_longer_than_the_lease_goes_on_while_it_is_renewed() {
    let mut fleet = Fleet::new(1, "max_concurrent_sites = 1\nlease = \"10s\"\n").await;
    let crawl = Action::Slow {
        bytes_per_second: 500,
    };
    fleet.images.faults().set([Rule::new(crawl)]);
    fleet.start(0);
    fleet.take_picture(0);
    sleep(5 * MINUTE).await;
    assert_eq!(fleet.stored().len(), 1);
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_without_conditional_writes_is_refused() {
    let control = Store::memory().conditional_writes(false);
    let mut fleet = Fleet::with(1, "max_concurrent_sites = 1\n", control).await;
    fleet.start(0);
    fleet.take_picture(0);
    let refused = fleet.ended(0).await.unwrap_err();
    assert!(matches!(refused, RunError::Gate(_)), "{refused}");
    let line = refused.to_string();
    assert!(
        line.contains("If-None-Match") && line.contains("weir-control"),
        "{line}"
    );
    assert!(!line.contains('\n'));
    assert_eq!(fleet.images.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn an_idle_fleet_asks_the_control_bucket_for_nothing() {
    let mut fleet = Fleet::new(3, "max_concurrent_sites = 2\nlease = \"20s\"\n").await;
    fleet.start_all();
    (0..3).for_each(|number| fleet.take_picture(number));
    sleep(5 * MINUTE).await;
    assert_eq!((fleet.stored().len(), fleet.slots_taken()), (3, 0));
    let before = fleet.control.stats().requests;
    sleep(600 * MINUTE).await;
    assert_eq!(fleet.control.stats().requests, before);
    fleet.end_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_keeps_the_slot_and_outlasts_an_agent_that_dies() {
    let settings = "max_concurrent_sites = 1\nlease = \"10s\"\nhold = \"60s\"\n";
    let mut fleet = Fleet::new(2, settings).await;
    fleet.start_all();
    fleet.take_picture(0);
    sleep(20 * SECOND).await;
    let first = fleet.stored();
    assert_eq!((first.len(), fleet.slots_taken()), (1, 1));
    fleet.take_picture(1);
    sleep(20 * SECOND).await;
    assert_eq!(fleet.stored(), [], "the other waits for the hold");
    fleet.crash(0).await;
    sleep(3 * MINUTE).await;
    let second = fleet.stored();
    let apart = second[0].1 - first[0].1;
    assert!(
        apart >= MINUTE,
        "{apart:?}: the pipeline was still at the first"
    );
    fleet.end_all().await;
}
