//! Deletions, drops and compaction as the queue records them.

use super::*;

const DAY_MS: i64 = 86_400_000;

impl Bench {
    async fn store(&self, number: u8, verified_ms: i64) -> ImageId {
        let id = self.accept(number).await;
        self.claim(Order::Freshest, 1).await;
        let outcome = Stored {
            at_ms: verified_ms,
            ..stored()
        };
        self.queue.verified(id, outcome).await.unwrap();
        id
    }

    async fn go(&self, id: ImageId, at_ms: i64) {
        let noted = self.queue.depart(vec![(id, "space")], at_ms).await.unwrap();
        assert_eq!(noted, [id]);
        self.gone(id, at_ms).await;
    }

    async fn gone(&self, id: ImageId, at_ms: i64) {
        let departed = Departed {
            id,
            gone: vec![self.image(id).await.place.path],
            why: Some("space".into()),
        };
        self.queue.departed(vec![departed], at_ms).await.unwrap();
    }

    async fn drops(&self) -> Vec<Drop> {
        let mut drops = Vec::new();
        let each = |drop| {
            drops.push(drop);
            std::ops::ControlFlow::Continue(())
        };
        self.queue.view().dropped(None, each).await.unwrap();
        drops
    }
}

#[tokio::test]
async fn only_what_is_verified_and_not_flagged_departs() {
    let bench = Bench::new().await;
    let flagged = bench.store(1, 10).await;
    bench.queue.flag(flagged, true).await.unwrap();
    let free = bench.store(2, 10).await;
    let open = bench.accept(3).await;
    let going = vec![(flagged, "space"), (free, "space"), (open, "space")];
    let noted = bench.queue.depart(going.clone(), 20).await.unwrap();
    assert_eq!(noted, [free]);
    // What a crash leaves behind is known at the next start.
    let begun = bench.queue.view().leaving(10).await.unwrap();
    assert_eq!(begun, [(free, "space".to_owned())]);
    let before = bench.queue.view().local_bytes().await.unwrap();
    bench.gone(free, 21).await;
    assert_eq!(bench.queue.view().leaving(10).await.unwrap(), []);
    let row = bench.image(free).await;
    assert_eq!(row.state, State::Verified);
    let removed = row.removed.unwrap();
    assert_eq!((removed.at_ms, removed.why.as_str()), (21, "space"));
    let after = bench.queue.view().local_bytes().await.unwrap();
    assert_eq!(before - after, row.place.identity.size);
    assert_eq!(bench.queue.depart(going, 30).await.unwrap(), []);
    bench.assert_sound().await;
}

#[tokio::test]
async fn what_is_given_up_for_want_of_room_is_recorded_and_comes_back_with_its_bytes() {
    let bench = Bench::new().await;
    let queued = bench.accept(1).await;
    let flagged = bench.accept(2).await;
    bench.queue.flag(flagged, true).await.unwrap();
    let verified = bench.store(3, 10).await;
    let sending = bench.accept(4).await;
    assert_eq!(bench.claim(Order::Freshest, 1).await, [sending]);
    let all = [queued, flagged, verified, sending];
    let going = all.map(|id| (id, "inodes")).to_vec();
    assert_eq!(bench.queue.give_up(going, 50).await.unwrap(), [queued]);
    let drops = bench.drops().await;
    assert_eq!(drops.len(), 1);
    let (drop, row) = (&drops[0], bench.image(queued).await);
    assert_eq!(
        (drop.image, drop.at_ms, drop.state),
        (queued, 50, State::Queued)
    );
    assert_eq!(
        (drop.by_whom.as_str(), drop.why.as_str()),
        ("retention", "inodes")
    );
    assert_eq!(drop.captured_ms, Some(row.captured_ms));
    bench.gone(queued, 51).await;
    assert_eq!(bench.state(queued).await, State::Dropped);
    // The same bytes from a card: what was a loss is none any more.
    let again = bench.queue.accept(image(bench.site, 1)).await.unwrap();
    assert_eq!(again, Accepted::Returned(queued));
    // What a person gave up stays given up.
    bench
        .queue
        .drop_image(queued, "test".into(), 60)
        .await
        .unwrap();
    let again = bench.queue.accept(image(bench.site, 1)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(queued));
    assert_eq!(bench.state(queued).await, State::Dropped);
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_file_that_comes_back_takes_room_again() {
    let bench = Bench::new().await;
    let id = bench.store(1, 10).await;
    bench.go(id, 20).await;
    assert_eq!(bench.queue.view().local_bytes().await.unwrap(), 0);
    let again = bench.queue.accept(image(bench.site, 1)).await.unwrap();
    assert_eq!(again, Accepted::Duplicate(id));
    let row = bench.image(id).await;
    assert_eq!((row.state, row.removed), (State::Verified, None));
    let size = bench.queue.view().local_bytes().await.unwrap();
    assert_eq!(size, row.place.identity.size);
    let page = bench
        .queue
        .view()
        .verified_local(bench.site, (i64::MIN, ImageId(i64::MIN)), 9);
    assert_eq!(page.await.unwrap().len(), 1);
    bench.assert_sound().await;
}

#[tokio::test]
async fn lists_are_read_in_order_and_without_gaps_whatever_the_page() {
    let bench = Bench::new().await;
    for number in 1..=60 {
        if number % 3 == 0 {
            bench.accept(number).await;
        } else {
            bench.store(number, i64::from(number % 7)).await;
        }
    }
    let view = bench.queue.view();
    for page in [1, 7, 100] {
        let (mut verified, mut open, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let start = (i64::MIN, ImageId(i64::MIN));
        let (mut at, mut at_open, mut at_kept) = (start, start, start);
        for _ in 0..100 {
            for one in view.verified_local(bench.site, at, page).await.unwrap() {
                at = (one.captured_ms, one.id);
                verified.push(at);
            }
            for one in view
                .unverified_local(bench.site, at_open, page)
                .await
                .unwrap()
            {
                at_open = (one.captured_ms, one.id);
                open.push(at_open);
            }
            for one in view.kept_local(4, at_kept, page).await.unwrap() {
                at_kept = (one.verified_ms.unwrap(), one.id);
                kept.push(at_kept);
            }
        }
        assert_eq!((verified.len(), open.len()), (40, 20), "pages of {page}");
        assert!(verified.is_sorted() && open.is_sorted() && kept.is_sorted());
        assert!(kept.iter().all(|(verified_ms, _)| *verified_ms <= 4));
        assert_eq!(
            kept.len(),
            (1..=60).filter(|n| n % 3 != 0 && n % 7 <= 4).count()
        );
    }
}

#[tokio::test]
async fn a_thousand_days_leave_a_database_of_bounded_size() {
    let bench = Bench::new().await;
    let mut sizes = Vec::new();
    let mut number = 0_u64;
    for day in 0..1_000_i64 {
        let now_ms = day * DAY_MS;
        let mut going = Vec::new();
        for of_day in 0..4 {
            number += 1;
            let id = accept_numbered(&bench, number, now_ms + of_day).await;
            if of_day == 3 {
                // One a day never goes up: given up for want of room.
                bench
                    .queue
                    .give_up(vec![(id, "space")], now_ms)
                    .await
                    .unwrap();
                bench.gone(id, now_ms).await;
                continue;
            }
            bench.claim(Order::Freshest, 1).await;
            let outcome = Stored {
                at_ms: now_ms,
                ..stored()
            };
            bench.queue.verified(id, outcome).await.unwrap();
            going.push(id);
        }
        // Of each day one image stays on the disk.
        for id in going.drain(1..) {
            bench.go(id, now_ms).await;
        }
        bench.queue.compact(now_ms - 30 * DAY_MS).await.unwrap();
        if day % 100 == 99 {
            let file = std::fs::metadata(bench.dir.path().join("queue.db")).unwrap();
            sizes.push(file.len());
        }
    }
    let rows: i64 = bench
        .backdoor()
        .query_row("SELECT count(*) FROM images", (), |row| row.get(0))
        .unwrap();
    // A file a day, and a month of the rest.
    assert!((1_000..1_000 + 32 * 3).contains(&rows), "{rows} rows");
    let counted: (i64, i64) = bench
        .backdoor()
        .query_row(
            "SELECT (SELECT sum(images) FROM daily), (SELECT sum(images) FROM daily_unsent)",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(
        rows + counted.0 + counted.1,
        4_000,
        "every image is a row or counted"
    );
    assert!(counted.1 >= 960, "{counted:?}");
    assert!(bench.drops().await.len() <= 32);
    // What is left grows by the rows of the files that stay, and by the counts: 2 rows of those a day.
    let growth = sizes[9] - sizes[4];
    assert!(growth < 500 * 1_200, "{sizes:?}");
    bench.assert_sound().await;
}

async fn accept_numbered(bench: &Bench, number: u64, captured_ms: i64) -> ImageId {
    let mut sha256 = [0; 32];
    sha256[..8].copy_from_slice(&number.to_be_bytes());
    let mut new = image(bench.site, 1);
    new.sha256 = Sha256(sha256);
    new.place.path = format!("/camera/{number}.jpg").into();
    new.captured_ms = captured_ms;
    new.accepted_ms = captured_ms;
    match bench.queue.accept(new).await.unwrap() {
        Accepted::New(id) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_has_a_file_or_was_given_up_by_a_person_is_never_compacted() {
    let bench = Bench::new().await;
    let kept = bench.store(1, 10).await;
    let dropped = bench.accept(2).await;
    bench
        .queue
        .drop_image(dropped, "test".into(), 10)
        .await
        .unwrap();
    let flagged = bench.store(3, 10).await;
    bench.go(flagged, 20).await;
    bench.queue.flag(flagged, true).await.unwrap();
    let waiting = bench.accept(4).await;
    assert_eq!(bench.queue.compact(i64::MAX).await.unwrap(), 0);
    for id in [kept, dropped, flagged, waiting] {
        bench.image(id).await;
    }
    assert_eq!(bench.drops().await.len(), 1);
    let missing = bench.accept(5).await;
    bench.claim(Order::Freshest, 2).await;
    bench.queue.lose(missing, "gone".into()).await.unwrap();
    assert_eq!(bench.queue.compact(i64::MAX).await.unwrap(), 1);
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_copy_of_known_bytes_is_not_needed_and_its_source_is_known_from_then_on() {
    let bench = Bench::new().await;
    let source = |ctime_ns| {
        let mut place = image(bench.site, 9).place;
        place.path = "/camera/latest.jpg".into();
        place.identity.ctime_ns = ctime_ns;
        place
    };
    let copy = |name: &str, number| {
        let mut new = image(bench.site, number);
        new.place.path = name.into();
        new
    };
    let accepted = bench
        .queue
        .accept_copy(copy("/spool/1", 1), source(1))
        .await;
    let Ok(Accepted::New(id)) = accepted else {
        panic!("{accepted:?}");
    };
    let accepted = bench
        .queue
        .accept_copy(copy("/spool/2", 1), source(2))
        .await;
    assert_eq!(accepted.unwrap(), Accepted::Duplicate(id));
    let known = bench
        .queue
        .view()
        .known(vec![source(2), copy("/spool/2", 1).place])
        .await;
    assert_eq!(known.unwrap(), [Known::Taken { image: id }, Known::New]);
    assert_eq!(bench.image(id).await.place.path, Path::new("/spool/1"));
    // Freed when it is stored, and found by where it lies.
    bench.claim(Order::Freshest, 1).await;
    let outcome = Stored {
        at_ms: 5,
        ..stored()
    };
    assert_eq!(
        bench
            .queue
            .view()
            .verified_below("/spool".into(), 9)
            .await
            .unwrap(),
        []
    );
    bench.queue.verified(id, outcome).await.unwrap();
    let copies = bench
        .queue
        .view()
        .verified_below("/spool".into(), 9)
        .await
        .unwrap();
    assert_eq!(copies.iter().map(|one| one.id).collect::<Vec<_>>(), [id]);
    bench.assert_sound().await;
}
