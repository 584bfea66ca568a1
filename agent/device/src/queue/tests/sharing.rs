//! Group commit.

use std::collections::BTreeSet;
use std::sync::mpsc;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_the_same_time_share_commits_and_none_hurts_another() {
    let bench = Bench::new().await;
    let tasks: Vec<_> = (0u8..=255)
        .map(|number| {
            let (queue, image) = (bench.queue.clone(), image(bench.site, number));
            tokio::spawn(async move {
                match number % 16 {
                    3 => {
                        let failing = queue.write(move |conn| {
                            accept::accept(conn, &image)?;
                            Err::<(), _>(QueueError::NoSuchImage(ImageId(3)))
                        });
                        assert!(matches!(failing.await, Err(QueueError::NoSuchImage(_))));
                    }
                    7 => {
                        let panicking = queue.write(move |conn| -> Result<(), QueueError> {
                            accept::accept(conn, &image)?;
                            panic!("number {number}");
                        });
                        let said = panicking.await.unwrap_err().to_string();
                        assert!(said.contains(&format!("number {number}")), "{said}");
                    }
                    _ => assert!(matches!(
                        queue.accept(image).await.unwrap(),
                        Accepted::New(_)
                    )),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for number in 0u8..=255 {
        let shown = bench
            .queue
            .view()
            .show(Selector::Digest(digest(number).to_string()))
            .await;
        let kept = usize::from(![3, 7].contains(&(number % 16)));
        assert_eq!(shown.unwrap().len(), kept, "{number}");
    }
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_call_that_fails_alone_leaves_nothing_and_the_next_one_works() {
    let bench = Bench::new().await;
    for number in 0..3 {
        let one = image(bench.site, number);
        let call = bench.queue.write(move |conn| -> Result<(), QueueError> {
            accept::accept(conn, &one)?;
            match number {
                0 => Err(QueueError::NoSuchImage(ImageId(3))),
                1 => panic!("number {number}"),
                _ => Ok(()),
            }
        });
        match call.await {
            Ok(()) => assert_eq!(number, 2),
            Err(QueueError::NoSuchImage(_)) => assert_eq!(number, 0),
            Err(QueueError::Panicked(words)) => assert_eq!(words, "number 1"),
            Err(other) => panic!("{other}"),
        }
        let rows: u8 = bench
            .backdoor()
            .query_row("SELECT count(*) FROM images", (), |row| row.get(0))
            .unwrap();
        assert_eq!(rows, u8::from(number == 2), "{number}");
    }
    bench.assert_sound().await;
}

/// Makes the next commit wait until the returned sender is dropped, so that what is called meanwhile has to
/// share the one after it.
async fn stalled(queue: &Queue) -> mpsc::Sender<()> {
    let (go_on, gate) = mpsc::channel::<()>();
    let (tell, entered) = tokio::sync::oneshot::channel();
    let queue = queue.clone();
    tokio::spawn(async move {
        queue
            .write(move |_| {
                tell.send(()).unwrap();
                let _ = gate.recv();
                Ok(())
            })
            .await
    });
    entered.await.unwrap();
    go_on
}

/// Lets that many tasks of this one thread get as far as the line.
async fn all_in_line(tasks: usize) {
    for _ in 0..tasks {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_for_a_commit_goes_into_one() {
    let bench = Bench::new().await;
    let gate = stalled(&bench.queue).await;
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let (queue, image) = (bench.queue.clone(), image(bench.site, number));
            let back = bench.backdoor();
            tokio::spawn(async move {
                let call = queue.write(move |conn| {
                    accept::accept(conn, &image)?;
                    // What another connection sees is what was committed before.
                    let count = "SELECT count(*) FROM images";
                    Ok(back.query_row(count, (), |row| row.get::<_, i64>(0))?)
                });
                call.await
            })
        })
        .collect();
    all_in_line(calls.len()).await;
    drop(gate);
    let mut committed_before = BTreeSet::new();
    for call in calls {
        committed_before.insert(call.await.unwrap().unwrap());
    }
    assert_eq!(committed_before, BTreeSet::from([0]));
}

#[tokio::test]
async fn an_answer_comes_only_after_the_commit() {
    let bench = Bench::new().await;
    bench.accept(1).await;
    // Another connection sees only what was committed.
    let seen: i64 = bench
        .backdoor()
        .query_row("SELECT count(*) FROM images", (), |row| row.get(0))
        .unwrap();
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_commit_that_fails_fails_all_of_its_calls_and_the_queue_goes_on() {
    let bench = Bench::new().await;
    let gate = stalled(&bench.queue).await;
    let calls: Vec<_> = (0..20)
        .map(|number| {
            let (queue, image) = (bench.queue.clone(), image(bench.site, number));
            tokio::spawn(async move {
                let call = queue.write(move |conn| {
                    accept::accept(conn, &image)?;
                    if number == 9 {
                        // Refused not now, but by the commit.
                        conn.pragma_update(None, "defer_foreign_keys", true)?;
                        conn.execute("UPDATE seen SET site = 99", ())?;
                    }
                    Ok(())
                });
                call.await
            })
        })
        .collect();
    all_in_line(calls.len()).await;
    drop(gate);
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    assert_eq!(bench.queue.view().stats().await.unwrap(), Stats::default());
    bench.accept(1).await;
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_full_disk_costs_only_the_calls_made_meanwhile() {
    let bench = Bench::new().await;
    let limit = |pages: i64| {
        bench.queue.write(move |conn| {
            conn.pragma_update(None, "max_page_count", pages)?;
            Ok(())
        })
    };
    let first = bench.accept(0).await;
    limit(1).await.unwrap();
    let big = |number: u8| NewImage {
        capture: format!("{{\"x\":\"{}\"}}", "y".repeat(100_000)),
        ..image(bench.site, number)
    };
    for number in 1..5 {
        let error = bench.queue.accept(big(number)).await.unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{error}");
    }
    assert_eq!(
        bench.claim(Order::Oldest, 9).await,
        [first],
        "what needs no space still works"
    );
    limit(1_000_000).await.unwrap();
    bench.queue.accept(big(1)).await.unwrap();
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_writer_beside_the_daemon_is_waited_for() {
    let bench = Bench::new().await;
    let beside = Queue::open_beside(bench.dir.path().to_owned())
        .await
        .unwrap();
    let id = bench.accept(1).await;
    bench.claim(Order::Oldest, 1).await;
    bench.queue.delay(id, delayed(i64::MAX)).await.unwrap();
    let (theirs, ours) = tokio::join!(
        beside.retry(Selector::Id(id)),
        bench.queue.accept(image(bench.site, 2))
    );
    assert_eq!(theirs.unwrap().images, 1);
    ours.unwrap();
    assert_eq!(bench.state(id).await, State::Queued);
}
