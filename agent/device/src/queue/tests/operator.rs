//! What the operator sees and does.

use std::ops::ControlFlow;

use super::*;

fn quarantined(site: SiteId, number: u8, reason: &str) -> Quarantined {
    Quarantined {
        site,
        place: place(number),
        reason: reason.into(),
        detail: "it ends in the middle".into(),
        at_ms: 3,
    }
}

async fn listed(bench: &Bench, filter: Filter) -> Vec<u8> {
    let mut numbers = Vec::new();
    let each = |image: Image| {
        numbers.push(image.sha256.0[0]);
        ControlFlow::Continue(())
    };
    bench.queue.view().list(filter, each).await.unwrap();
    numbers
}

#[tokio::test]
async fn counts_are_those_of_the_rows() {
    let bench = Bench::new().await;
    for number in 0..5 {
        bench.accept(number).await;
    }
    let claimed = bench.claim(Order::Oldest, 2).await;
    bench.queue.verified(claimed[0], stored()).await.unwrap();
    for (number, reason) in [(10, "truncated"), (11, "truncated"), (12, "empty")] {
        bench
            .queue
            .quarantine(quarantined(bench.site, number, reason))
            .await
            .unwrap();
    }
    let stats = bench.queue.view().stats().await.unwrap();
    let site = &stats.sites[&site_name("first-dam")];
    let of = |images, bytes, oldest_ms| StateStats {
        images,
        bytes,
        oldest_ms,
    };
    assert_eq!(
        site.states
            .iter()
            .map(|(&state, &count)| (state, count))
            .collect::<Vec<_>>(),
        [
            (State::Queued, of(3, 3009, Some(2000))),
            (State::Uploading, of(1, 1001, Some(1000))),
            (State::Verified, of(1, 1000, None)),
        ]
    );
    assert_eq!(
        site.quarantined
            .iter()
            .map(|(reason, &count)| (reason.as_str(), count))
            .collect::<Vec<_>>(),
        [("empty", 1), ("truncated", 2)]
    );
}

#[tokio::test]
async fn lists_filter_page_and_stop() {
    let bench = Bench::new().await;
    let other = bench.queue.site_id(site_name("b")).await.unwrap();
    for number in 0..250 {
        let site = if number % 2 == 0 { bench.site } else { other };
        bench.queue.accept(image(site, number)).await.unwrap();
    }
    bench.claim(Order::Oldest, 3).await;
    assert_eq!(
        listed(&bench, Filter::default()).await,
        (0..250).collect::<Vec<u8>>()
    );
    let filter = Filter {
        sites: vec![site_name("first-dam")],
        states: vec![State::Queued],
        since: Some(Bound::Moment(8_000)),
        until: Some(Bound::Moment(14_000)),
        ..Filter::default()
    };
    assert_eq!(listed(&bench, filter.clone()).await, [8, 10, 12]);
    let after = bench
        .queue
        .view()
        .show(Selector::Path(path(8)))
        .await
        .unwrap()[0]
        .image
        .id;
    assert_eq!(
        listed(
            &bench,
            Filter {
                after: Some(after),
                ..filter
            }
        )
        .await,
        [10, 12]
    );
    let mut called = 0;
    let once = |_| {
        called += 1;
        ControlFlow::Break(())
    };
    bench
        .queue
        .view()
        .list(Filter::default(), once)
        .await
        .unwrap();
    assert_eq!(called, 1);
}

#[tokio::test]
async fn lists_go_on_behind_a_page() {
    let bench = Bench::new().await;
    for chunk in 0..4u8 {
        let site = bench
            .queue
            .site_id(site_name(&format!("s{chunk}")))
            .await
            .unwrap();
        let calls = (0..=255).map(|number| {
            let queue = bench.queue.clone();
            let place = Place {
                path: format!("/{chunk}/{number}").into(),
                ..place(number)
            };
            let file = quarantined(site, number, "empty");
            let new = NewImage {
                place: place.clone(),
                ..image(site, number)
            };
            tokio::spawn(async move {
                queue.accept(new).await.unwrap();
                let path = place.path.with_extension("bad");
                let place = Place { path, ..place };
                queue
                    .quarantine(Quarantined { place, ..file })
                    .await
                    .unwrap();
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    }
    assert_eq!(listed(&bench, Filter::default()).await.len(), 1024);
    for (site, count) in [(None, 1024), (Some(site_name("s2")), 256)] {
        let mut paths = std::collections::BTreeSet::new();
        let each = |file: Quarantined| {
            assert!(paths.insert(file.place.path));
            ControlFlow::Continue(())
        };
        bench.queue.view().quarantined(site, each).await.unwrap();
        assert_eq!(paths.len(), count);
    }
    let dropped = bench
        .queue
        .drop_all(Filter::default(), "all".into(), 1)
        .await
        .unwrap();
    assert_eq!(dropped, 1024);
    assert_eq!(
        bench.queue.retry_all(Filter::default()).await.unwrap(),
        1024
    );
}

#[tokio::test]
async fn an_image_is_found_by_number_digest_and_path() {
    let bench = Bench::new().await;
    let id = bench.accept(0xab).await;
    bench.accept(0xac).await;
    let whole = digest(0xab).to_string();
    for (text, wanted) in [
        (id.to_string(), vec![id]),
        (id.0.to_string(), vec![id]),
        ("abab".into(), vec![id]),
        ("ABABA".into(), vec![id]),
        ("abac".into(), vec![]),
        (whole, vec![id]),
        (path(0xab).display().to_string(), vec![id]),
        ("/nowhere".into(), vec![]),
        ("99".into(), vec![]),
    ] {
        let shown = bench
            .queue
            .view()
            .show(text.parse().unwrap())
            .await
            .unwrap();
        let ids: Vec<_> = shown.into_iter().map(|dossier| dossier.image.id).collect();
        assert_eq!(ids, wanted, "{text}");
    }
    bench
        .queue
        .forget_absent("/cam".into(), |file| file == Path::new("/cam"))
        .await
        .unwrap();
    let shown = bench
        .queue
        .view()
        .show(Selector::Path(path(0xab)))
        .await
        .unwrap();
    assert_eq!(shown.len(), 1, "also after its file is gone");
    for bad in ["", "#", "abc", "relative/path.jpg", "ghij", &"a".repeat(65)] {
        let error = bad.parse::<Selector>().unwrap_err();
        assert!(matches!(error, QueueError::NotASelector(_)), "{bad}");
    }
}

#[tokio::test]
async fn a_retry_takes_up_what_stands_and_forgets_a_judgement() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    bench.claim(Order::Oldest, 1).await;
    bench
        .queue
        .park(id, refused(Scope::Site, i64::MAX))
        .await
        .unwrap();
    assert_eq!(bench.queue.retry_all(Filter::default()).await.unwrap(), 1);
    let row = bench.image(id).await;
    assert_eq!(
        (row.state, row.refusal, row.failure),
        (State::Queued, None, None)
    );
    assert_eq!(
        bench.queue.retry_all(Filter::default()).await.unwrap(),
        0,
        "queued already"
    );

    bench
        .queue
        .quarantine(quarantined(bench.site, 2, "fatal-to-agent"))
        .await
        .unwrap();
    for count in 1..=3 {
        assert_eq!(bench.queue.strike(path(2)).await.unwrap(), count);
    }
    let reason = "fatal-to-agent".into();
    let known = bench.queue.view().known(vec![place(2)]).await.unwrap();
    assert_eq!(known, [Known::Quarantined { reason }]);
    let retried = bench.queue.retry(Selector::Path(path(2))).await.unwrap();
    assert_eq!(
        retried,
        Retried {
            images: 0,
            files: 1
        }
    );
    assert_eq!(
        bench.queue.view().known(vec![place(2)]).await.unwrap(),
        [Known::New]
    );
    assert_eq!(
        bench.queue.strike(path(2)).await.unwrap(),
        1,
        "its strikes are forgotten too"
    );
    bench.queue.clear_strikes(path(2)).await.unwrap();
    assert_eq!(bench.queue.strike(path(2)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_view_sees_what_the_daemon_writes_and_changes_nothing() {
    let bench = Bench::new().await;
    let view = View::open(bench.dir.path().to_owned()).await.unwrap();
    assert_eq!(view.stats().await.unwrap(), Stats::default());
    let id = bench.accept(1).await;
    let claimed = bench.claim(Order::Oldest, 1).await;
    assert_eq!(claimed, [id]);
    let beside = Queue::open_beside(bench.dir.path().to_owned())
        .await
        .unwrap();
    assert_eq!(
        view.show(Selector::Id(id)).await.unwrap()[0].image.state,
        State::Uploading
    );
    drop(beside);
    let nowhere = View::open(bench.dir.path().join("none"))
        .await
        .err()
        .unwrap();
    assert!(nowhere.to_string().contains("queue.db"), "{nowhere}");
}

#[tokio::test]
async fn contradictions_are_found_and_mended() {
    let bench = Bench::new().await;
    let id = bench.accept(1).await;
    let back = bench.backdoor();
    back.execute_batch(
        "PRAGMA foreign_keys = OFF; UPDATE tally SET images = 5; \
         INSERT INTO parts VALUES (1, 1, 1, zeroblob(32), 'e'); \
         INSERT INTO seen VALUES (x'2f', 1, 0, 0, 0, 0, 0, 77, NULL, NULL, 0)",
    )
    .unwrap();
    let found = bench.queue.view().check().await.unwrap();
    assert!(
        found.contains(&Finding::Miscounted {
            site: bench.site.0,
            state: 0
        }),
        "{found:?}"
    );
    assert!(
        found.contains(&Finding::StrayParts { image: id.0 }),
        "{found:?}"
    );
    let dangling = Finding::Dangling {
        table: "seen".into(),
        parent: "images".into(),
    };
    assert!(found.contains(&dangling), "{found:?}");
    let Bench { dir, queue, .. } = bench;
    drop((queue, back));
    let repaired = Queue::repair(dir.path().to_owned(), now()).await.unwrap();
    assert_eq!(repaired, Repaired::Mended(found));
    let again = Queue::repair(dir.path().to_owned(), now()).await.unwrap();
    assert_eq!(again, Repaired::Sound);
    assert_eq!(open(dir.path()).await.rebuilt, None);
}
