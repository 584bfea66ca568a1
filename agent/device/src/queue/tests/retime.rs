//! Capture times found anew: of rows that are still owed, and of those that have their name.

use super::*;
use crate::queue::{Among, ClockStep, Held, Retimed, Synchronised};

const BOOT: [u8; 16] = [9; 16];

fn of_boot(site: SiteId, number: u8, synchronised: Synchronised) -> NewImage {
    NewImage {
        clock: DeviceClock {
            boot: Some(BOOT),
            uptime_ms: Some(5),
            synchronised,
        },
        ..image(site, number)
    }
}

async fn accepted(bench: &Bench, new: NewImage) -> ImageId {
    match bench.queue.accept(new).await.unwrap() {
        Accepted::New(id) => id,
        other => panic!("{other:?}"),
    }
}

/// A second later, in UTC, without a date; and nothing to hold.
fn later(image: &Image) -> Option<Retimed> {
    Some(Retimed {
        captured_ms: image.captured_ms + 1000,
        offset_s: 0,
        dated: false,
        capture: r#"{"source":"mtime"}"#.into(),
        synchronised: Synchronised::Yes,
        held: None,
    })
}

#[tokio::test]
async fn what_has_its_name_keeps_its_time_and_the_rest_is_put_right() {
    let bench = Bench::new().await;
    let placed = accepted(&bench, of_boot(bench.site, 1, Synchronised::No)).await;
    let claimed = bench
        .queue
        .claim(bench.site, Order::Oldest, 1, target)
        .await;
    assert_eq!(claimed.unwrap()[0].image.id, placed);
    let open = accepted(&bench, of_boot(bench.site, 2, Synchronised::No)).await;
    let right = accepted(&bench, of_boot(bench.site, 3, Synchronised::Yes)).await;
    let elsewhere = accepted(&bench, image(bench.site, 4)).await;

    let rows = || Among::Boot(BOOT, ImageId(0));
    assert_eq!(bench.queue.retime(rows(), 9, later).await.unwrap(), 2);
    let times = |image: &Image| (image.captured_ms, image.offset_s, image.dated);
    let image = bench.image(placed).await;
    assert_eq!(times(&image), (1000, -25200, true));
    assert_eq!(
        image.capture, r#"{"source":"mtime"}"#,
        "what is known of it is written down"
    );
    let image = bench.image(open).await;
    assert_eq!(times(&image), (3000, 0, false));
    for id in [right, elsewhere] {
        assert_eq!(bench.image(id).await.offset_s, -25200);
    }
    // Their clock counts as right from now on.
    assert_eq!(bench.queue.retime(rows(), 9, later).await.unwrap(), 0);
    bench.assert_sound().await;
}

#[tokio::test]
async fn a_sweep_of_many_rows_sees_each_once() {
    let bench = Bench::new().await;
    for number in 0..=255_u8 {
        for half in 0..5_u8 {
            let mut new = of_boot(bench.site, number, Synchronised::No);
            new.sha256.0[0] = half;
            new.place.path = format!("/cam/{number}-{half}.jpg").into();
            accepted(&bench, new).await;
        }
    }
    let swept = bench
        .queue
        .retime(Among::Boot(BOOT, ImageId(0)), 9, later)
        .await;
    assert_eq!(swept.unwrap(), 1280);
    let again = |image: &Image| later(image).filter(|_| image.captured_ms >= 1000);
    let all = bench
        .queue
        .retime(Among::Filter(Filter::default()), 9, again)
        .await;
    assert_eq!(all.unwrap(), 1280);
}

#[tokio::test]
async fn a_held_image_is_released_or_told_anew() {
    let bench = Bench::new().await;
    let held = |failure: &str| Held {
        failure: failure.into(),
        fix: "look".into(),
    };
    let new = NewImage {
        held: Some(held("doubtful")),
        ..of_boot(bench.site, 1, Synchronised::No)
    };
    let id = accepted(&bench, new).await;
    let still = move |image: &Image| {
        Some(Retimed {
            held: Some(held("still doubtful")),
            synchronised: Synchronised::No,
            ..later(image)?
        })
    };
    let rows = || Among::Boot(BOOT, ImageId(0));
    bench.queue.retime(rows(), 9, still).await.unwrap();
    let image = bench.image(id).await;
    assert_eq!(
        (image.state, image.failure.as_deref()),
        (State::Parked, Some("still doubtful"))
    );
    bench.queue.retime(rows(), 9, later).await.unwrap();
    let image = bench.image(id).await;
    assert_eq!(
        (image.state, image.held, image.failure),
        (State::Queued, false, None)
    );
    bench.assert_sound().await;
}

#[tokio::test]
async fn the_last_step_of_the_clock_is_remembered() {
    let bench = Bench::new().await;
    assert_eq!(bench.queue.view().last_clock_step().await.unwrap(), None);
    for by_ms in [-5, 7] {
        let step = ClockStep {
            boot: BOOT,
            at_ms: 1,
            by_ms,
            images: 3,
        };
        bench.queue.clock_stepped(step).await.unwrap();
        assert_eq!(
            bench.queue.view().last_clock_step().await.unwrap(),
            Some(step)
        );
    }
}

#[tokio::test]
async fn the_neighbour_is_the_newest_file_of_the_site_whose_time_is_stated_and_sure() {
    let bench = Bench::new().await;
    let other = bench.queue.site_id(site_name("second-dam")).await.unwrap();
    let rows = [
        (
            bench.site,
            1,
            50,
            r#"{"source":"exif","confidence":"medium"}"#,
        ),
        (
            bench.site,
            2,
            40,
            r#"{"source":"filename","confidence":"high"}"#,
        ),
        (bench.site, 3, 60, r#"{"source":"exif","confidence":"low"}"#),
        (
            bench.site,
            4,
            70,
            r#"{"source":"mtime","confidence":"medium"}"#,
        ),
        (other, 5, 80, r#"{"source":"exif","confidence":"high"}"#),
    ];
    assert_eq!(
        bench.queue.view().neighbour(bench.site).await.unwrap(),
        None
    );
    for (site, number, mtime_s, capture) in rows {
        let mut new = image(site, number);
        new.place.identity.mtime_ns = mtime_s * 1_000_000_000;
        new.capture = capture.into();
        accepted(&bench, new).await;
    }
    let found = bench
        .queue
        .view()
        .neighbour(bench.site)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.mtime.timestamp(), found.at.timestamp()), (50, 1));
}
