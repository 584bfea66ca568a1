//! What is to be looked at, what was found, and the products.

use super::*;

fn due(site: SiteId, number: u8, hold_until_ms: Option<i64>) -> NewImage {
    NewImage {
        infer: InferWish::Due { hold_until_ms },
        ..image(site, number)
    }
}

fn product(number: u8) -> NewProduct {
    NewProduct {
        sha256: digest(number),
        place: Place {
            path: format!("/state/products/first-dam/1/{number}.json").into(),
            ..place(number)
        },
        content: Content::Json,
        bucket: "first-dam-output".into(),
        key: format!("{number}.json"),
    }
}

fn found(products: Vec<NewProduct>) -> Inferred {
    Inferred {
        outcome: LookOutcome::Done,
        findings: r#"{"stage":1.5}"#.into(),
        urgency: Urgency::Usual,
        hold: None,
        products,
        at_ms: 50,
    }
}

impl Bench {
    async fn accept_due(&self, number: u8, hold_until_ms: Option<i64>) -> ImageId {
        let new = due(self.site, number, hold_until_ms);
        match self.queue.accept(new).await.unwrap() {
            Accepted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn looked(&self, id: ImageId, inferred: Inferred) -> Recorded {
        let image = self.image(id).await;
        self.queue.inferred(image, inferred).await.unwrap()
    }

    async fn products(&self) -> Vec<Image> {
        let filter = Filter {
            sites: vec![site_name("first-dam.products")],
            ..Filter::default()
        };
        let mut all = Vec::new();
        let each = |image| {
            all.push(image);
            std::ops::ControlFlow::Continue(())
        };
        self.queue.view().list(filter, each).await.unwrap();
        all
    }
}

#[tokio::test]
async fn a_look_lets_go_what_awaited_it_and_nothing_that_waits_for_something_else() {
    let bench = Bench::new().await;
    let awaits = bench.accept_due(1, Some(500)).await;
    assert_eq!(bench.claim(Order::Freshest, 9).await, []);
    let backs_off = bench.accept_due(2, None).await;
    bench.claim(Order::Freshest, 1).await;
    bench.queue.delay(backs_off, delayed(500)).await.unwrap();
    for id in [awaits, backs_off] {
        bench.looked(id, found(vec![])).await;
    }
    assert_eq!(bench.state(awaits).await, State::Queued);
    assert_eq!(bench.state(backs_off).await, State::Waiting);
    // Nobody looked at this one: its moment comes all the same.
    let forgotten = bench.accept_due(3, Some(500)).await;
    bench.queue.promote(500, due::LONGEST).await.unwrap();
    assert_eq!(bench.state(forgotten).await, State::Queued);
    assert_eq!(
        bench.queue.view().infer_waiting().await.unwrap()[&bench.site],
        1
    );
    bench.assert_sound().await;
}

#[tokio::test]
async fn products_are_images_of_a_site_of_their_own_with_their_names() {
    let bench = Bench::new().await;
    let id = bench.accept_due(1, None).await;
    let known = Vec::new();
    let written = Recorded::Written {
        withheld: false,
        known,
    };
    let recorded = bench.looked(id, found(vec![product(7), product(8)])).await;
    assert_eq!(recorded, written);
    let parent = bench.image(id).await;
    assert_eq!(parent.findings.as_deref(), Some(r#"{"stage":1.5}"#));
    for one in bench.products().await {
        assert_eq!((one.parent, one.products_of), (Some(id), Some(bench.site)));
        assert_eq!(one.captured_ms, parent.captured_ms);
        let key = format!("{}.json", one.sha256.0[0]);
        assert_eq!(one.target, Some(("first-dam-output".into(), key)));
    }
    // The same bytes of another image: the file is not needed, unless it is the very one.
    let second = bench.accept_due(2, None).await;
    let mut elsewhere = product(8);
    elsewhere.place.path = "/state/products/first-dam/2/8.json".into();
    let recorded = bench
        .looked(second, found(vec![product(7), elsewhere]))
        .await;
    assert_eq!(
        recorded,
        Recorded::Written {
            withheld: false,
            known: vec![1]
        }
    );
    assert_eq!(bench.products().await.len(), 2);
    // Twice the same look is one.
    assert_eq!(
        bench.looked(second, found(vec![product(9)])).await,
        Recorded::Stale
    );
    // What is taken away on a stick are the images.
    let sites = bench.queue.view().sites().await.unwrap();
    assert_eq!(sites.len(), 1);
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_lost_product_is_made_again_and_one_given_up_by_a_person_is_not() {
    let bench = Bench::new().await;
    let first = bench.accept_due(1, None).await;
    bench
        .looked(first, found(vec![product(7), product(8)]))
        .await;
    let products = bench.products().await;
    let site = products[0].site;
    let claim = bench
        .queue
        .claim(site, Order::Oldest, 1, target)
        .await
        .unwrap();
    let lost = claim[0].image.id;
    bench.queue.lose(lost, "gone".into()).await.unwrap();
    let dropped = products.iter().find(|one| one.id != lost).unwrap().id;
    let why = "not wanted".to_owned();
    bench.queue.drop_image(dropped, why, 1).await.unwrap();
    let second = bench.accept_due(2, None).await;
    bench
        .looked(second, found(vec![product(7), product(8)]))
        .await;
    assert_eq!(bench.state(lost).await, State::Queued);
    assert_eq!(bench.image(lost).await.parent, Some(second));
    assert_eq!(bench.state(dropped).await, State::Dropped);
}

#[tokio::test]
async fn another_capture_time_has_an_image_looked_at_again_and_takes_back_what_was_not_sent() {
    let bench = Bench::new().await;
    let id = bench.accept_due(1, None).await;
    bench.looked(id, found(vec![product(7), product(8)])).await;
    let site = bench.products().await[0].site;
    let sent = bench
        .queue
        .claim(site, Order::Oldest, 1, target)
        .await
        .unwrap();
    let sent = sent[0].image.id;
    // Looked at as it was before the step: that result says the wrong time.
    let early = bench.accept_due(2, None).await;
    let as_it_was = bench.image(early).await;
    let later = |image: &Image| {
        Some(Retimed {
            captured_ms: image.captured_ms + 3_600_000,
            offset_s: image.offset_s,
            dated: true,
            capture: image.capture.clone(),
            synchronised: Synchronised::Yes,
            held: None,
        })
    };
    let all = Among::Filter(Filter::default());
    assert_eq!(
        bench.queue.retime(all, 60, later).await.unwrap(),
        2,
        "products are none"
    );
    assert_eq!(bench.image(id).await.infer, Infer::Due);
    for product in bench.products().await {
        let wanted = if product.id == sent {
            State::Uploading
        } else {
            State::Dropped
        };
        assert_eq!(product.state, wanted);
        assert_eq!(product.captured_ms, 1000);
    }
    let leaving = bench.queue.view().leaving(9).await.unwrap();
    assert_eq!(leaving.len(), 1, "its file goes");
    let stale = bench
        .queue
        .inferred(as_it_was, found(vec![]))
        .await
        .unwrap();
    assert_eq!(stale, Recorded::Stale);
    assert_eq!(bench.image(early).await.infer, Infer::Due);
    // The same bytes as before, made anew: nothing deletes them any more.
    let again = bench
        .products()
        .await
        .iter()
        .find(|one| one.id != sent)
        .unwrap()
        .sha256
        .0[0];
    bench.looked(id, found(vec![product(again)])).await;
    assert_eq!(bench.queue.view().leaving(9).await.unwrap(), []);
    bench.assert_sound().await;
}

#[tokio::test]
async fn what_was_found_withholds_only_what_is_here_and_a_person_lets_it_go() {
    let bench = Bench::new().await;
    let held = |failure: &str| Held {
        failure: failure.into(),
        fix: "weir queue retry".into(),
    };
    let withheld = |id| {
        let bench = &bench;
        async move {
            let hold = Some(held("nothing moves"));
            let recorded = bench
                .looked(
                    id,
                    Inferred {
                        hold,
                        ..found(vec![])
                    },
                )
                .await;
            matches!(recorded, Recorded::Written { withheld: true, .. })
        }
    };
    let [waits, queued, uploading] = [Some(500), None, None];
    let sending = bench.accept_due(9, uploading).await;
    bench.claim(Order::Freshest, 1).await;
    assert!(!withheld(sending).await);
    assert_eq!(bench.state(sending).await, State::Uploading);
    for (number, hold) in [(1, waits), (2, queued)] {
        let id = bench.accept_due(number, hold).await;
        assert!(withheld(id).await);
        bench
            .queue
            .promote(i64::MAX - 1, due::LONGEST)
            .await
            .unwrap();
        assert_eq!(bench.state(id).await, State::Parked);
        // Its time is no longer doubtful, which is not why it is held.
        let judge = |image: &Image| {
            Some(Retimed {
                captured_ms: image.captured_ms,
                offset_s: image.offset_s,
                dated: true,
                capture: image.capture.clone(),
                synchronised: Synchronised::Yes,
                held: None,
            })
        };
        let all = Among::Filter(Filter::default());
        bench.queue.retime(all, 60, judge).await.unwrap();
        assert_eq!(bench.state(id).await, State::Parked);
        bench.queue.retry(Selector::Id(id)).await.unwrap();
        assert_eq!(bench.claim(Order::Freshest, 9).await, [id]);
    }
    bench.assert_sound().await;
}

#[tokio::test]
async fn the_urgent_go_first_whatever_the_order() {
    for (order, wanted) in [
        (Order::Freshest, [5, 2, 4, 3, 1]),
        (Order::Oldest, [2, 5, 3, 4, 1]),
    ] {
        let bench = Bench::new().await;
        let mut numbers = std::collections::HashMap::new();
        for number in 1..=5 {
            let id = bench.accept_due(number, None).await;
            numbers.insert(id, number);
            let urgency = match number {
                2 | 5 => Urgency::First,
                1 => Urgency::Later,
                _ => Urgency::Usual,
            };
            bench
                .looked(
                    id,
                    Inferred {
                        urgency,
                        ..found(vec![])
                    },
                )
                .await;
        }
        let mut claimed = bench.claim(order, 3).await;
        claimed.extend(bench.claim(order, 9).await);
        let claimed: Vec<u8> = claimed.iter().map(|id| numbers[id]).collect();
        assert_eq!(claimed, wanted, "{order:?}");
    }
}

/// Each of these is a step in an index: nothing is read through, and nothing sorted.
#[tokio::test]
async fn claims_and_looks_stay_one_step_in_an_index() {
    let bench = Bench::new().await;
    let conn = bench.backdoor();
    let look = format!(
        "SELECT captured_ms, id FROM {} AND site = 1 ORDER BY captured_ms DESC, id DESC LIMIT 1",
        crate::queue::infer::LOOK
    );
    let of_parent = "SELECT id FROM images WHERE parent = 1".to_owned();
    let claims = [upload::FRESHEST, upload::OLDEST].map(str::to_owned);
    for sql in claims.into_iter().chain([look, of_parent]) {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for at in 1..=explain.parameter_count() {
            explain.raw_bind_parameter(at, 1).unwrap();
        }
        let mut rows = explain.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let plan: String = row.get("detail").unwrap();
            assert!(plan.starts_with("SEARCH"), "{sql}: {plan}");
        }
    }
}

#[tokio::test]
async fn a_damaged_queue_keeps_what_is_to_be_looked_at_and_the_products_that_are_owed() {
    let bench = Bench::new().await;
    let looked = bench.accept_due(1, None).await;
    bench.looked(looked, found(vec![product(7)])).await;
    bench.accept_due(2, Some(500)).await;
    let held = bench.accept_due(3, None).await;
    let hold = Some(Held {
        failure: "dark".into(),
        fix: "look".into(),
    });
    bench
        .looked(
            held,
            Inferred {
                hold,
                ..found(vec![])
            },
        )
        .await;
    let dir = bench.close().await;
    let old = dir.path().join("queue.db");
    let fresh = tempfile::tempdir().unwrap();
    drop(open(fresh.path()).await);
    let mut new = Connection::open(fresh.path().join("queue.db")).unwrap();
    assert_eq!(salvage::owed(&old, &mut new).unwrap(), 4);
    drop(new);
    let queue = open(fresh.path()).await.queue;
    let site = queue.site_id(site_name("first-dam")).await.unwrap();
    let bench = Bench {
        dir: fresh,
        queue,
        site,
    };
    let products = bench.products().await;
    assert_eq!(
        (products[0].products_of, products[0].unsure),
        (Some(site), true)
    );
    let known = bench
        .queue
        .view()
        .known(vec![product(7).place])
        .await
        .unwrap();
    assert_eq!(
        known,
        [Known::Taken {
            image: products[0].id
        }],
        "its file stays"
    );
    let next = bench.queue.view().infer_next(vec![site]).await.unwrap();
    let next = next.unwrap();
    assert_eq!((next.sha256, next.state), (digest(2), State::Queued));
    let held = bench
        .queue
        .view()
        .image_of(site_name("first-dam"), digest(3))
        .await;
    let held = held.unwrap().unwrap();
    assert_eq!(
        (held.state, held.look_hold),
        (State::Parked, LookHold::Withheld)
    );
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_site_whose_name_leaves_no_room_for_its_products_has_none() {
    let bench = Bench::new().await;
    let longest = site_name(&"a".repeat(54));
    bench.queue.products_site(longest).await.unwrap();
    let longer = site_name(&"a".repeat(55));
    let refused = bench.queue.products_site(longer).await;
    assert!(matches!(refused, Err(QueueError::NoProducts(_))));
}
