//! An image's way through its states, and what is kept of it.

use super::*;
use proptest::prelude::*;

#[tokio::test]
async fn a_row_gives_back_what_was_accepted() {
    let bench = Bench::new().await;
    let new = image(bench.site, 5);
    let id = bench.accept(5).await;
    let row = bench.image(id).await;
    assert_eq!(
        (row.site_name.as_str(), row.sha256),
        ("first-dam", new.sha256)
    );
    assert_eq!(
        (row.place, row.format, row.capture),
        (new.place, new.format, new.capture)
    );
    assert_eq!(
        (row.captured_ms, row.offset_s),
        (new.captured_ms, new.offset_s)
    );
    assert_eq!(
        (row.accepted_ms, row.state, row.unsure),
        (7, State::Queued, false)
    );
}

#[tokio::test]
async fn names_that_are_not_utf8_come_back_as_they_were() {
    use std::os::unix::ffi::OsStringExt as _;
    let bench = Bench::new().await;
    let mut new = image(bench.site, 1);
    new.place.path = std::ffi::OsString::from_vec(b"/cam/\xff\xfe \n.jpg".to_vec()).into();
    bench.queue.accept(new.clone()).await.unwrap();
    let claimed = bench
        .queue
        .claim(bench.site, Order::Oldest, 1, target)
        .await
        .unwrap();
    assert_eq!(claimed[0].image.place, new.place);
    let shown = bench
        .queue
        .view()
        .show(Selector::Path(new.place.path))
        .await
        .unwrap();
    assert_eq!(shown.len(), 1);
}

#[tokio::test]
async fn the_same_bytes_elsewhere_are_the_same_image_and_another_sites_are_not() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    let copy = NewImage {
        place: place(2),
        ..image(bench.site, 1)
    };
    assert_eq!(
        bench.queue.accept(copy).await.unwrap(),
        Accepted::Duplicate(id)
    );
    let other = bench.queue.site_id(site_name("second-dam")).await.unwrap();
    let theirs = bench
        .queue
        .accept(NewImage {
            place: place(3),
            ..image(other, 1)
        })
        .await;
    assert!(matches!(theirs.unwrap(), Accepted::New(found) if found != id));
    let claimed = bench
        .queue
        .claim(bench.site, Order::Freshest, 9, target)
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].elsewhere, [place(2)]);
}

#[tokio::test]
async fn a_touched_file_is_compared_with_its_newer_identity() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    let mut touched = image(bench.site, 1);
    touched.place.identity.ctime_ns = 99;
    assert_eq!(
        bench
            .queue
            .view()
            .known(vec![touched.place.clone(), place(1), place(9)])
            .await
            .unwrap(),
        [
            Known::Changed { image: Some(id) },
            Known::Taken { image: id },
            Known::New
        ]
    );
    bench.queue.accept(touched.clone()).await.unwrap();
    assert_eq!(bench.image(id).await.place, touched.place);
    assert_eq!(
        bench.queue.view().known(vec![touched.place]).await.unwrap(),
        [Known::Taken { image: id }]
    );
}

#[tokio::test]
async fn every_part_of_an_identity_tells_files_apart() {
    let bench = Bench::new().await;
    bench.accept(1).await;
    let alterations: [fn(&mut FileIdentity); 5] = [
        |identity| identity.size += 1,
        |identity| identity.device -= 1,
        |identity| identity.inode += 1,
        |identity| identity.mtime_ns += 1,
        |identity| identity.ctime_ns += 1,
    ];
    for alter in alterations {
        let mut other = place(1);
        alter(&mut other.identity);
        let known = bench.queue.view().known(vec![other]).await.unwrap();
        assert!(matches!(known[0], Known::Changed { .. }));
    }
}

#[tokio::test]
async fn a_lost_image_comes_back_with_its_bytes() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    bench.claim(Order::Freshest, 1).await;
    bench.queue.lose(id, "gone".into()).await.unwrap();
    // Even the very same file is read again.
    assert_eq!(
        bench.queue.view().known(vec![place(1)]).await.unwrap(),
        [Known::New]
    );
    let elsewhere = NewImage {
        place: place(2),
        ..image(bench.site, 1)
    };
    assert_eq!(
        bench.queue.accept(elsewhere).await.unwrap(),
        Accepted::Returned(id)
    );
    let row = bench.image(id).await;
    assert_eq!(
        (row.state, row.place.path, row.failure),
        (State::Queued, path(2), None)
    );
}

#[tokio::test]
async fn a_dropped_image_stays_dropped_until_the_operator_wants_it() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    bench
        .queue
        .drop_image(id, "a test shot".into(), 11)
        .await
        .unwrap();
    let again = bench.queue.accept(image(bench.site, 1)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(id));
    assert_eq!(bench.state(id).await, State::Dropped);
    let logged: (i64, String, u8) = bench
        .backdoor()
        .query_row("SELECT image, why, state FROM drops", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(logged, (id.0, "a test shot".into(), State::Queued.code()));
    bench.queue.retry(Selector::Id(id)).await.unwrap();
    assert_eq!(bench.state(id).await, State::Queued);
}

#[tokio::test]
async fn no_move_that_the_drawing_lacks_is_written() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    let queue = &bench.queue;
    let refusals = [
        queue.verified(id, stored()).await,
        queue.delay(id, delayed(1)).await,
        queue.park(id, refused(Scope::Image, 1)).await,
        queue.lose(id, String::new()).await,
        queue.release(id, true).await,
        queue.place(id, "b".into(), "k".into()).await,
        queue.multipart_started(id, multipart("u")).await,
        queue.retry(Selector::Id(id)).await.map(drop),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(matches!(error, QueueError::Illegal { .. }), "{error}");
        assert_eq!(error.class(), Class::Refused);
    }
    let before = bench.image(id).await;
    assert_eq!(
        (before.state, before.unsure, before.target),
        (State::Queued, false, None)
    );
    let nobody = queue.release(ImageId(99), false).await.unwrap_err();
    assert!(matches!(nobody, QueueError::NoSuchImage(ImageId(99))));
}

#[tokio::test]
async fn parts_survive_and_belong_to_one_upload_of_one_key() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    bench.claim(Order::Oldest, 1).await;
    let queue = &bench.queue;
    let part = |number| Part {
        number,
        size: 8,
        sha256: digest(9),
        etag: "\"p\"".into(),
    };
    queue.place(id, "b".into(), "k".into()).await.unwrap();
    queue.multipart_started(id, multipart("u1")).await.unwrap();
    queue.part_done(id, "u1".into(), part(2)).await.unwrap();
    queue.part_done(id, "u1".into(), part(1)).await.unwrap();
    queue.delay(id, delayed(0)).await.unwrap();
    queue.promote(5, super::due::LONGEST).await.unwrap();
    let claimed = queue
        .claim(bench.site, Order::Oldest, 1, target)
        .await
        .unwrap();
    assert_eq!(claimed[0].parts, [part(1), part(2)]);
    assert_eq!(claimed[0].image.multipart, Some(multipart("u1")));
    assert_eq!(claimed[0].image.attempts, 1);
    // The same key changes nothing; another one begins anew, and a late answer of the old one is refused.
    queue.place(id, "b".into(), "k".into()).await.unwrap();
    assert_eq!(bench.image(id).await.multipart, Some(multipart("u1")));
    queue.place(id, "b".into(), "k2".into()).await.unwrap();
    let late = queue.part_done(id, "u1".into(), part(3)).await.unwrap_err();
    assert!(matches!(late, QueueError::NoSuchUpload(_)));
    queue.multipart_started(id, multipart("u2")).await.unwrap();
    queue.part_done(id, "u2".into(), part(1)).await.unwrap();
    queue.verified(id, stored()).await.unwrap();
    let done = queue.view().show(Selector::Id(id)).await.unwrap().remove(0);
    assert_eq!((done.parts, done.image.multipart), (Vec::new(), None));
    assert_eq!(done.image.target, Some(("b".into(), "k2".into())));
    assert_eq!(
        (done.image.verified_ms, done.image.proof),
        (Some(9), Some(Proof::Checksum))
    );
    bench.assert_sound().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn claims_come_in_order_of_capture(
        numbers in proptest::collection::btree_set(0u8..100, 1..20),
        limit in 1u32..25,
        fresh: bool,
    ) {
        block_on(async {
            let bench = Bench::new().await;
            for &number in &numbers {
                bench.accept(number).await;
            }
            let order = if fresh { Order::Freshest } else { Order::Oldest };
            let mut wanted: Vec<_> = numbers.iter().map(|&number| digest(number)).collect();
            if fresh {
                wanted.reverse();
            }
            let mut claimed = Vec::new();
            loop {
                let some = bench.queue.claim(bench.site, order, limit, target).await.unwrap();
                assert!(some.len() <= limit as usize);
                if some.is_empty() {
                    break;
                }
                claimed.extend(some.into_iter().map(|dossier| dossier.image.sha256));
            }
            assert_eq!(claimed, wanted);
        });
    }
}

#[tokio::test]
async fn ready_sites_are_those_with_something_queued() {
    let bench = Bench::new().await;
    for number in [3, 1, 2] {
        bench.accept(number).await;
    }
    let ready = bench.queue.view().ready().await.unwrap();
    assert_eq!(
        ready,
        [Ready {
            site: bench.site,
            images: 3
        }]
    );
    bench.claim(Order::Freshest, 9).await;
    assert_eq!(bench.queue.view().ready().await.unwrap(), []);
}

#[tokio::test]
async fn holds_and_spent_bytes_outlive_a_restart() {
    let bench = Bench::new().await;
    let other = bench.queue.site_id(site_name("b")).await.unwrap();
    let hold = |site, since_ms| Hold {
        site,
        reason: "403".into(),
        fix: "mend it".into(),
        since_ms,
        probes: 2,
        next_probe_ms: 50,
    };
    for site in [Some(bench.site), None] {
        bench.queue.hold(hold(site, 10)).await.unwrap();
        bench.queue.hold(hold(site, 20)).await.unwrap();
    }
    bench.queue.spend(bench.site, 100, 5).await.unwrap();
    bench.queue.spend(bench.site, 100, 6).await.unwrap();
    bench.queue.spend(other, 100, 7).await.unwrap();
    bench.queue.spend(other, 101, 8).await.unwrap();
    let Bench { dir, queue, site } = bench;
    drop(queue);
    let queue = open(dir.path()).await.queue;
    assert_eq!(
        queue.view().holds().await.unwrap(),
        [hold(None, 10), hold(Some(site), 10)]
    );
    assert_eq!(queue.view().spent(Some(site), 100).await.unwrap(), 11);
    assert_eq!(queue.view().spent(None, 100).await.unwrap(), 18);
    assert!(queue.lift(None).await.unwrap());
    assert!(!queue.lift(None).await.unwrap());
    assert_eq!(queue.view().holds().await.unwrap(), [hold(Some(site), 10)]);
    queue.spend(site, 101 + 62, 1).await.unwrap();
    assert_eq!(
        queue.view().spent(None, 100).await.unwrap(),
        0,
        "old days are not kept"
    );
    assert_eq!(queue.view().spent(None, 101).await.unwrap(), 8);
}

#[tokio::test]
async fn files_that_are_gone_are_forgotten_unless_all_of_the_card_is() {
    let bench = Bench::new().await;
    for number in 0..200 {
        bench.accept(number).await;
    }
    for beside in ["/cam", "/cam.jpg", "/cam0", "/other/1.jpg"] {
        let place = Place {
            path: beside.into(),
            ..place(1)
        };
        bench
            .queue
            .accept(NewImage {
                place,
                ..image(bench.site, 1)
            })
            .await
            .unwrap();
    }
    let known = |number| bench.queue.view().known(vec![place(number)]);
    let out = bench
        .queue
        .forget_absent("/cam".into(), |_| false)
        .await
        .unwrap();
    assert_eq!(out, 0);
    let gone = bench
        .queue
        .forget_absent("/cam".into(), |file| file != path(7))
        .await
        .unwrap();
    assert_eq!(gone, 1);
    assert_eq!(known(7).await.unwrap(), [Known::New]);
    let rest = bench
        .queue
        .forget_absent("/cam".into(), |file| file == Path::new("/cam"))
        .await;
    assert_eq!(rest.unwrap(), 199, "and nothing beside the directory");
}

#[tokio::test]
async fn a_held_image_waits_for_a_person_and_for_nothing_else() {
    let bench = Bench::new().await;
    let held = Held {
        failure: "its capture time is doubtful".into(),
        fix: "look at it, then retry or drop it".into(),
    };
    let new = NewImage {
        held: Some(held),
        ..image(bench.site, 1)
    };
    let Accepted::New(id) = bench.queue.accept(new).await.unwrap() else {
        panic!("it is new");
    };
    let longest = Longest {
        delay_ms: 1,
        probe_ms: 1,
    };
    for now_ms in [0, i64::MAX] {
        assert_eq!(bench.queue.promote(now_ms, longest).await.unwrap(), None);
    }
    for scope in [Scope::Image, Scope::Site, Scope::Account] {
        assert_eq!(bench.queue.release_parked(None, scope).await.unwrap(), 0);
    }
    let row = bench.image(id).await;
    assert_eq!((row.state, row.held), (State::Parked, true));
    assert!(row.fix.is_some());
    bench.queue.retry(Selector::Id(id)).await.unwrap();
    let row = bench.image(id).await;
    assert_eq!((row.state, row.held), (State::Queued, false));
}
