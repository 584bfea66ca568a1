//! A board whose clock is wrong.

use chrono::TimeDelta;
use weir_store::Operation;

use super::bench::{Bench, noise};

#[tokio::test(start_paused = true)]
async fn a_clock_months_off_costs_one_refused_request_and_is_told() {
    for days in [63, -63] {
        let behind = TimeDelta::days(days);
        let bench = Bench::with_clock_behind(weir_store::Store::memory(), behind).await;
        assert_eq!(bench.store.clock_offset(), None);
        let image = bench.image("a.jpg", &noise(5000, 1));
        bench.deliver(&image).await.unwrap();
        assert_eq!(bench.object().sha256, image.sha256.to_string());
        let told = bench.store.clock_offset().unwrap();
        assert!((told - behind).abs() < TimeDelta::seconds(2), "{told}");
        assert_eq!(
            bench.service.stats().answered(Operation::HeadObject, 403),
            1
        );
        assert_eq!(bench.service.stats().answered(Operation::PutObject, 403), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_whose_clock_steps_is_followed() {
    let bench = Bench::in_process(weir_store::Store::memory()).await;
    let image = bench.image("a.jpg", &noise(5000, 1));
    bench.deliver(&image).await.unwrap();
    for days in [1, 400, -400, 0] {
        bench.service.clock().set_offset_seconds(days * 86_400);
        let image = bench.image("b.jpg", &noise(5000, days as u64));
        let key = format!("{days}.jpg");
        let mut parcel = image.parcel(false);
        parcel.key = &key;
        bench.store.deliver(&parcel).await.unwrap();
        let told = bench.store.clock_offset().unwrap();
        assert!(
            (told - TimeDelta::days(days)).abs() < TimeDelta::seconds(2),
            "{told}"
        );
    }
}
