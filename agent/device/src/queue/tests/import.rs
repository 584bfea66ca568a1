//! Cards that go away and come back, receipts, the backlog in order, and a look that leaves no trace.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::*;

fn away() -> Unplugged {
    Unplugged {
        failure: "the card is away".into(),
        fix: "put it back".into(),
    }
}

/// An image below a folder of a card, captured at a moment.
fn on_card(site: SiteId, number: u8, folder: &str) -> NewImage {
    let mut new = image(site, number);
    new.place.path = PathBuf::from(format!("{folder}/{number}.jpg"));
    new.captured_ms = i64::from(number % 7) * 1000;
    new
}

async fn accepted(bench: &Bench, new: NewImage) -> ImageId {
    match bench.queue.accept(new).await.unwrap() {
        Accepted::New(id) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_lies_on_a_card_waits_for_it_and_for_nobody_else() {
    let bench = Bench::new().await;
    let mut on = Vec::new();
    for number in 0..5 {
        on.push(accepted(&bench, on_card(bench.site, number, "/media/card/DCIM")).await);
    }
    let beside = accepted(&bench, on_card(bench.site, 9, "/media/card-2")).await;
    let claimed = bench.claim(Order::Oldest, 1).await;
    bench.queue.unplug(claimed[0], away()).await.unwrap();
    let folder = PathBuf::from("/media/card");
    let parked = bench.queue.unplug_under(bench.site, folder, away()).await;
    assert_eq!(parked.unwrap(), 4);
    assert_eq!(bench.state(beside).await, State::Queued);
    // No moment brings them back, nor the end of a refusal.
    let longest = Longest {
        delay_ms: 1,
        probe_ms: 1,
    };
    assert_eq!(
        bench.queue.promote(i64::MAX - 1, longest).await.unwrap(),
        None
    );
    for scope in [Scope::Image, Scope::Site, Scope::Account] {
        let released = bench.queue.release_parked(Some(bench.site), scope).await;
        assert_eq!(released.unwrap(), 0);
    }
    for &id in &on {
        let image = bench.image(id).await;
        assert_eq!((image.state, image.unplugged), (State::Parked, true));
    }
    bench.assert_sound().await;
    let resumed = bench.queue.resume(on.clone()).await.unwrap();
    assert!(
        resumed
            .iter()
            .all(|image| image.state == State::Queued && !image.unplugged && !image.held)
    );
    // What a person holds for another reason stays with him.
    let mut doubtful = on_card(bench.site, 11, "/media/card");
    doubtful.held = Some(Held {
        failure: "its time is doubtful".into(),
        fix: "look at it".into(),
    });
    let held = accepted(&bench, doubtful).await;
    assert_eq!(
        bench.queue.resume(vec![held]).await.unwrap()[0].state,
        State::Parked
    );
}

fn receipt(number: u8, size: u64) -> Receipt {
    Receipt {
        site: site_name("first-dam"),
        sha256: Sha256([number; 32]),
        size,
        target: ("bucket".into(), "key".into()),
        stored: Stored {
            proof: Proof::Checksum,
            etag: None,
            at_ms: 5,
        },
        at_ms: 7,
    }
}

#[tokio::test]
async fn a_receipt_counts_for_what_is_owed_and_for_exactly_that() {
    let bench = Bench::new().await;
    let new = image(bench.site, 1);
    let (sha256, size) = (new.sha256, new.place.identity.size);
    let id = accepted(&bench, new).await;
    let receive = |receipt: Receipt| bench.queue.receive(Receipt { sha256, ..receipt });
    assert_eq!(
        receive(receipt(1, size + 1)).await.unwrap(),
        Received::Differs
    );
    let other_site = Receipt {
        site: site_name("second-dam"),
        ..receipt(1, size)
    };
    assert_eq!(receive(other_site).await.unwrap(), Received::Unknown);
    let other_bytes = bench.queue.receive(receipt(200, size)).await.unwrap();
    assert_eq!(other_bytes, Received::Unknown);
    assert_eq!(bench.state(id).await, State::Queued);
    bench.claim(Order::Oldest, 1).await;
    assert_eq!(
        receive(receipt(1, size)).await.unwrap(),
        Received::Uploading
    );
    bench.queue.release(id, false).await.unwrap();
    assert_eq!(
        receive(receipt(1, size)).await.unwrap(),
        Received::Verified(id)
    );
    assert_eq!(
        receive(receipt(1, size)).await.unwrap(),
        Received::Already(id)
    );
    let image = bench.image(id).await;
    assert_eq!(
        (image.state, image.verified_ms, image.receipt_ms),
        (State::Verified, Some(5), Some(7))
    );
    assert_eq!(image.target, Some(("bucket".into(), "key".into())));
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_removed_file_is_recorded_when_it_was_the_last_of_its_image() {
    let bench = Bench::new().await;
    let new = image(bench.site, 1);
    let mut copy = new.clone();
    copy.place.path = PathBuf::from("/elsewhere/copy.jpg");
    let own = new.place.path.clone();
    let id = accepted(&bench, new).await;
    bench.queue.accept(copy.clone()).await.unwrap();
    bench.claim(Order::Oldest, 1).await;
    let stored = receipt(1, 0).stored;
    bench.queue.verified(id, stored).await.unwrap();
    bench.queue.removed(id, own, "upload", 9).await.unwrap();
    assert_eq!(bench.image(id).await.removed, None);
    bench
        .queue
        .removed(id, copy.place.path, "upload", 10)
        .await
        .unwrap();
    let removed = bench.image(id).await.removed.unwrap();
    assert_eq!((removed.at_ms, removed.why.as_str()), (10, "upload"));
    bench.assert_sound().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_backlog_comes_in_order_of_capture_whatever_the_page(numbers in proptest::collection::btree_set(0u8..200, 1..30), page in 1u32..8, freshest: bool) {
        block_on(async {
            let bench = Bench::new().await;
            let mut expected = BTreeMap::new();
            for number in numbers {
                let new = on_card(bench.site, number, "/media/card");
                let captured_ms = new.captured_ms;
                expected.insert((captured_ms, accepted(&bench, new).await), number);
            }
            let order = if freshest { Order::Freshest } else { Order::Oldest };
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let dossiers = bench.queue.view().backlog(bench.site, State::Queued, order, after, page).await.unwrap();
                let Some(last) = dossiers.last() else { break };
                after = Some((last.image.captured_ms, last.image.id));
                found.extend(dossiers.iter().map(|dossier| (dossier.image.captured_ms, dossier.image.id)));
            }
            let mut wanted: Vec<_> = expected.into_keys().collect();
            if freshest { wanted.reverse() }
            assert_eq!(found, wanted);
        });
    }
}

#[tokio::test]
async fn a_glance_reads_everything_and_leaves_no_file() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    bench.queue.note_pipeline(12.5, 77).await.unwrap();
    // While somebody writes, what is in the log is seen.
    let view = View::glance(bench.dir.path().to_owned())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.images(vec![id]).await.unwrap().len(), 1);
    drop(view);
    let dir = bench.close().await;
    let files = || {
        let entries = fs::read_dir(dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let view = View::glance(dir.path().to_owned()).await.unwrap().unwrap();
    assert_eq!(view.images(vec![id]).await.unwrap().len(), 1);
    assert_eq!(view.pipeline().await.unwrap(), Some((12.5, 77)));
    assert_eq!(files(), before);
    let empty = tempfile::tempdir().unwrap();
    assert!(
        View::glance(empty.path().to_owned())
            .await
            .unwrap()
            .is_none()
    );
}
