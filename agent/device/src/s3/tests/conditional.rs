//! One image, one object: with conditional writes, without, and before that is known.

use weir_store::Operation;

use super::bench::{BUCKET, Bench, KEY, noise};
use crate::config::Switch;
use crate::s3::{Conditional, SendError};

fn stores() -> [(bool, Conditional); 2] {
    [(true, Conditional::Honoured), (false, Conditional::Ignored)]
}

#[tokio::test(start_paused = true)]
async fn the_first_image_finds_out_and_the_next_pays_only_what_it_must() {
    for (honoured, expected) in stores() {
        let bench =
            Bench::in_process(weir_store::Store::memory().conditional_writes(honoured)).await;
        let mut events = bench.service.subscribe();
        let first = bench.image("a.jpg", &noise(5000, 1));
        assert_eq!(bench.store.conditional_writes(BUCKET), Conditional::Unknown);
        bench.deliver(&first).await.unwrap();
        assert_eq!(bench.store.conditional_writes(BUCKET), expected);
        assert_eq!(bench.count(Operation::PutObject), 2);
        assert_eq!(bench.object().sha256, first.sha256.to_string());
        let second = bench.image("b.jpg", &noise(5000, 2));
        let mut parcel = second.parcel(false);
        parcel.key = "second.jpg";
        let heads = bench.count(Operation::HeadObject);
        bench.store.deliver(&parcel).await.unwrap();
        assert_eq!(bench.count(Operation::PutObject), 3);
        assert_eq!(
            bench.count(Operation::HeadObject) - heads,
            u64::from(!honoured)
        );
        let seen = std::iter::from_fn(|| events.try_recv().ok()).count();
        assert_eq!(seen, if honoured { 2 } else { 3 });
    }
}

#[tokio::test(start_paused = true)]
async fn other_bytes_under_the_key_are_a_conflict_and_stay_whatever_the_store_can() {
    for (honoured, _) in stores() {
        for warm in [false, true] {
            let bench =
                Bench::in_process(weir_store::Store::memory().conditional_writes(honoured)).await;
            let theirs = bench.image("theirs.jpg", &noise(5000, 1));
            bench.deliver(&theirs).await.unwrap();
            let ours = bench.image("ours.jpg", &noise(5000, 2));
            let other = crate::s3::Store::connect(
                &bench.config,
                bench.service.http_client(),
                crate::clock::Clock::simulated(super::bench::start()),
            );
            let store = if warm { &bench.store } else { &other };
            let result = store.deliver(&ours.parcel(false)).await;
            let Err(SendError::Conflict { key, .. }) = &result else {
                panic!("{result:?}");
            };
            assert_eq!(key, KEY);
            assert_eq!(bench.object().sha256, theirs.sha256.to_string());
            let beside = weir_journey::upload::beside(KEY, &ours.sha256);
            let mut parcel = ours.parcel(false);
            parcel.key = &beside;
            store.deliver(&parcel).await.unwrap();
            assert_eq!(bench.service.objects().len(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_under_the_key_are_success_whatever_the_store_can() {
    for (honoured, _) in stores() {
        let mut bench =
            Bench::in_process(weir_store::Store::memory().conditional_writes(honoured)).await;
        let image = bench.image("a.jpg", &noise(5000, 1));
        bench.deliver(&image).await.unwrap();
        assert!(bench.deliver(&image).await.unwrap().already_there);
        bench.restart(|_| ());
        assert!(bench.deliver(&image).await.unwrap().already_there);
        bench.object();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_ordered_is_not_probed() {
    for (ordered, honoured, heads) in [(Switch::On, true, 0), (Switch::Off, false, 1)] {
        let mut bench =
            Bench::in_process(weir_store::Store::memory().conditional_writes(honoured)).await;
        bench.restart(|config| config.conditional_writes = ordered);
        let image = bench.image("a.jpg", &noise(5000, 1));
        bench.deliver(&image).await.unwrap();
        assert_eq!(bench.count(Operation::PutObject), 1);
        assert_eq!(bench.count(Operation::HeadObject), heads);
    }
}
