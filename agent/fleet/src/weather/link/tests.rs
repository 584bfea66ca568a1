//! The link under a real SDK client and the embedded store, on a paused clock.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, StalledStreamProtectionConfig,
};
use tokio::time::Instant;
use weir_store::{Operation, Store};

use super::*;

struct Bench {
    store: Store,
    link: Link,
    client: Client,
}

async fn bench(seed: u64) -> Bench {
    let store = Store::memory().open().unwrap();
    store.create_bucket("site1").await.unwrap();
    let link = Link::new(seed);
    let (key, secret) = store.credentials();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-1"))
        .endpoint_url("http://127.0.0.1:1")
        .force_path_style(true)
        .credentials_provider(Credentials::new(key, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(10))
                .build(),
        )
        .http_client(link.client(store.http_client()))
        .build();
    Bench {
        store,
        link,
        client: Client::from_conf(config),
    }
}

impl Bench {
    /// Puts an object of `bytes`; whether there was an answer of success, and how long it took.
    async fn put(&self, key: &str, bytes: usize) -> (bool, Duration) {
        let began = Instant::now();
        let put = self.client.put_object().bucket("site1").key(key);
        let done = put.body(vec![7; bytes].into()).send().await;
        (done.is_ok(), began.elapsed())
    }
}

fn shape(latency_ms: u64, bytes_per_second: Option<u64>, loss: f64) -> Shape {
    Shape {
        latency: Duration::from_millis(latency_ms),
        bytes_per_second,
        loss,
        ..Shape::CLEAR
    }
}

#[tokio::test(start_paused = true)]
async fn a_clear_link_adds_nothing_and_counts() {
    let bench = bench(1).await;
    assert_eq!(bench.put("k", 20_000).await, (true, Duration::ZERO));
    let traffic = bench.link.traffic();
    assert_eq!((traffic.requests, traffic.unanswered), (1, 0));
    assert!((20_000..20_500).contains(&traffic.bytes_up), "{traffic:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_takes_its_latency_twice_and_the_body_at_its_rate() {
    let bench = bench(1).await;
    bench.link.shape(shape(500, Some(10_000), 0.0));
    let (done, took) = bench.put("k", 50_000).await;
    // Chunk framing and the timer's millisecond are on top.
    assert!(done && (6.0..6.1).contains(&took.as_secs_f64()), "{took:?}");
    let both = async { tokio::join!(bench.put("k1", 50_000), bench.put("k2", 50_000)) };
    let ((_, one), (_, other)) = Box::pin(both).await;
    let took = one.max(other).as_secs_f64();
    assert!((11.0..11.2).contains(&took), "two share the rate: {took}");
    let fair = one.min(other).as_secs_f64();
    assert!(fair > 10.0, "they take turns: {fair}");
    bench.link.shape(Shape::CLEAR);
    assert_eq!(bench.put("k", 50_000).await, (true, Duration::ZERO));
    let read = bench.client.get_object().bucket("site1").key("k").send();
    bench.link.shape(shape(0, Some(10_000), 0.0));
    let began = Instant::now();
    let body = read.await.unwrap().body.collect().await.unwrap();
    assert_eq!(body.into_bytes().len(), 50_000);
    assert!((5.0..5.1).contains(&began.elapsed().as_secs_f64()));
}

#[tokio::test(start_paused = true)]
async fn a_refused_link_fails_at_once_and_breaks_what_is_under_way() {
    let bench = bench(1).await;
    bench.link.down(Down::Refused);
    assert_eq!(bench.put("k", 10).await, (false, Duration::ZERO));
    bench.link.up();
    bench.link.shape(shape(0, Some(1_000), 0.0));
    let cut = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        bench.link.down(Down::Refused);
        // Up again at once: a connection that was broken stays broken.
        bench.link.up();
    };
    let (put, ()) = tokio::join!(bench.put("k", 10_000), cut);
    assert_eq!(put, (false, Duration::from_secs(3)));
    assert_eq!(bench.store.objects(), []);
    let traffic = bench.link.traffic();
    assert_eq!((traffic.requests, traffic.unanswered), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn on_a_silent_link_requests_wait_and_new_ones_find_no_connection() {
    let bench = bench(1).await;
    bench.link.shape(shape(0, Some(1_000), 0.0));
    let silence = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        bench.link.down(Down::Silent);
        tokio::time::sleep(Duration::from_secs(60)).await;
        bench.link.up();
    };
    let late = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        bench.put("late", 10).await
    };
    let ((done, took), (), late) = tokio::join!(bench.put("k", 10_000), silence, late);
    assert!(
        done && (65.0..71.0).contains(&took.as_secs_f64()),
        "{took:?}"
    );
    assert_eq!(late, (false, Duration::from_secs(10)));
    let sixty = Duration::from_secs(60);
    assert_eq!(bench.link.traffic().offline, sixty);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_is_counted() {
    let bench = bench(1).await;
    bench.link.shape(shape(5_000, None, 0.0));
    let given_up = tokio::time::timeout(Duration::from_secs(1), bench.put("k", 10)).await;
    assert!(given_up.is_err());
    assert_eq!(bench.link.traffic().unanswered, 1);
}

#[tokio::test(start_paused = true)]
async fn of_lost_requests_half_were_done_and_a_seed_repeats_them() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let bench = bench(seed).await;
        bench.link.shape(shape(1, None, 0.4));
        let mut answered = Vec::new();
        for number in 0..400 {
            answered.push(bench.put(&format!("k{number}"), 10).await.0);
        }
        let failed = answered.iter().filter(|done| !**done).count();
        let stored = bench.store.objects().len();
        let done_unheard = stored - (400 - failed);
        assert!((120..200).contains(&failed), "{failed} of 400 lost");
        assert!(
            (failed / 3..failed * 2 / 3).contains(&done_unheard),
            "{done_unheard} of {failed}"
        );
        assert_eq!(
            bench.store.stats().count(Operation::PutObject),
            stored as u64
        );
        assert_eq!(bench.link.traffic().unanswered, failed as u64);
        runs.push(answered);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_and_its_repetition_are_one_object() {
    let bench = bench(3).await;
    bench.link.shape(shape(10, None, 1.0));
    for _ in 0..8 {
        assert!(!bench.put("k", 10).await.0);
    }
    assert_eq!(bench.store.objects().len(), 1);
    bench.link.shape(Shape::CLEAR);
    let again = bench.client.put_object().bucket("site1").key("k");
    let again = again.if_none_match("*").body(vec![7; 10].into());
    assert!(again.send().await.is_err(), "it is there already");
    assert_eq!(bench.store.objects().len(), 1);
}
