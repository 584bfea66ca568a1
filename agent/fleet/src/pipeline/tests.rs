//! Store, door, twin and judge together, on a paused clock: what a gate with a mistake does is seen, a good one passes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use weir_store::faults::{Action, Rule};
use weir_store::{Operation, Store};

use super::cloud::Cloud;
use super::observer::{Findings, Hold, Limits, Observer};
use super::twin::{Act, News, Results, Twin};
use super::{Settings, Spread, door};
use crate::site::home::{bucket, result_bucket};

const SITES: u32 = 12;
const CAP: usize = 3;
const LIMIT: Duration = Duration::from_secs(300);

fn client(store: &Store) -> Client {
    let (access, secret) = store.credentials();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new(access, secret, None, None, "test"))
        .region(Region::new("us-west-1"))
        .force_path_style(true)
        .endpoint_url("http://store.invalid")
        .retry_config(RetryConfig::disabled())
        .http_client(store.http_client());
    Client::from_conf(config.build())
}

struct Writer(Client);

#[async_trait::async_trait]
impl Results for Writer {
    async fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &'static [u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let put = self.0.put_object().bucket(bucket).key(key);
        put.body(body.to_vec().into()).send().await?;
        Ok(())
    }
}

/// What a site's sender keeps its permit for.
#[derive(Clone, Copy)]
enum Sender {
    /// Until the result is there.
    Honest,
    /// Until the answer: the hold is forgotten.
    Hasty,
}

/// One image of one site through the gate: PUT, tried again until it is answered; then the hold.
async fn send(client: Client, gate: Arc<Semaphore>, site: u32, sender: Sender) {
    let _permit = gate.acquire().await;
    loop {
        let put = client.put_object().bucket(bucket(site)).key("a/b.jpg");
        if put.body(vec![7; 4000].into()).send().await.is_ok() {
            break;
        }
        sleep(Duration::from_secs(2)).await;
    }
    let held = || async {
        let head = client.head_object().bucket(result_bucket(site));
        head.key("a/b_segmented.png").send().await.is_err()
    };
    let began = Instant::now();
    while matches!(sender, Sender::Honest) && began.elapsed() < LIMIT && held().await {
        sleep(Duration::from_secs(5)).await;
    }
}

/// All sites at once, with a store that is slow, fails and loses answers. Gives what the judge found, and how many
/// results were written.
async fn run(sender: Sender) -> (Findings, usize) {
    let clock = weir_store::Clock::tokio(std::time::SystemTime::now());
    let store = Store::memory().clock(clock).open().unwrap();
    for site in 1..=SITES {
        store.create_bucket(&bucket(site)).await.unwrap();
        store.create_bucket(&result_bucket(site)).await.unwrap();
    }
    let put = |action| Rule::new(action).on(Operation::PutObject);
    store.faults().set([
        put(Action::LostAnswer).requests(3..=3),
        put(Action::Error(weir_store::faults::Refusal::SlowDown)).requests(2..=5),
        put(Action::Slow {
            bytes_per_second: 1000,
        }),
    ]);
    let settings = Settings {
        service: Spread::Constant(Duration::from_secs(20)),
        results: true,
        ..Settings::default()
    };
    let twin = Twin::new(Cloud::new(settings.resolve(Path::new(".")).unwrap(), 1));
    let start = Instant::now();
    let observer = Arc::new(Mutex::new(Observer::new(Limits {
        sites: u32::try_from(CAP).unwrap(),
        images_per_site: 1,
        hold: Hold::Result { limit: LIMIT },
        grace: Duration::ZERO,
    })));
    let stop = CancellationToken::new();
    let (judge, passages) = (Arc::clone(&observer), store.watch());
    tokio::spawn(async move { door::attend(&judge, start, passages).await });
    let (judge, objects) = (Arc::clone(&observer), store.subscribe());
    let (at_work, ends) = (twin.clone(), stop.clone());
    let writer: Arc<dyn Results> = Arc::new(Writer(client(&store)));
    let written = Arc::new(Mutex::new(0));
    let count = Arc::clone(&written);
    let pipeline = tokio::spawn(async move {
        let tell = |news: News| {
            if news.what == Act::Result {
                *count.lock().unwrap() += 1;
                judge.lock().unwrap().result(news.at, news.site, &news.key);
            }
        };
        at_work.run(objects, Some(writer), tell, ends).await;
    });
    let gate = Arc::new(Semaphore::new(CAP));
    let mut senders = JoinSet::new();
    for site in 1..=SITES {
        senders.spawn(send(client(&store), Arc::clone(&gate), site, sender));
    }
    senders.join_all().await;
    sleep(LIMIT).await;
    stop.cancel();
    pipeline.await.unwrap();
    let findings = observer.lock().unwrap().findings(start.elapsed());
    let written = *written.lock().unwrap();
    (findings, written)
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_waits_for_results_keeps_the_cap() {
    let (found, written) = run(Sender::Honest).await;
    assert_eq!(found.violations, 0, "{:?}", found.first);
    assert_eq!(found.sites_peak as usize, CAP, "the cap was used");
    assert!(written >= SITES as usize, "{written} results");
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_forgets_the_hold_is_caught() {
    let (found, _) = run(Sender::Hasty).await;
    assert!(found.violations > 0);
    assert!(found.sites_peak as usize > CAP);
    assert!(found.first[0].sites.len() > CAP);
}
