//! Many agents that share one gate, in virtual time: how many sites are in the pipeline is judged by when the store
//! got which object, never by the gate's own count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::clock::Clock;
use weir::config::Config;
use weir::gate::{Limits, LocalGate};
use weir::watch::{Cause, Eyes, Inbox, RootId};
use weir::{RunError, World};
use weir_journey::fixtures::Picture;
use weir_store::faults::{Action, Rule};
use weir_store::{ObjectCreated, Operation, Store};

const SECOND: Duration = Duration::from_secs(1);
const HOLD: Duration = Duration::from_secs(30);

/// The store, the time and the gate that all agents share.
struct Field {
    home: tempfile::TempDir,
    store: Store,
    events: UnboundedReceiver<ObjectCreated>,
    clock: Clock,
    gate: LocalGate,
    taken: u64,
}

/// One device with one site.
struct Site {
    name: String,
    settings: String,
    inbox: Inbox,
    agent: JoinHandle<Result<(), RunError>>,
    stop: CancellationToken,
}

impl Field {
    async fn new(limits: Limits) -> Self {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let store = Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(start)))
            .auto_create_buckets(true)
            .open()
            .unwrap();
        // 20 KB an image: 2 s an upload.
        store.faults().set([slow()]);
        Self {
            home: tempfile::tempdir().unwrap(),
            events: store.subscribe(),
            store,
            clock: Clock::simulated(start),
            gate: LocalGate::new(limits),
            taken: 0,
        }
    }

    async fn begin(&self, name: &str, settings: &str) -> Site {
        let camera = self.home.path().join(name).join("camera");
        std::fs::create_dir_all(camera).unwrap();
        self.store
            .create_bucket(&format!("{name}-image"))
            .await
            .unwrap();
        self.start(name, settings)
    }

    fn start(&self, name: &str, settings: &str) -> Site {
        let config = self.config(name, settings);
        let inbox = Inbox::new();
        let world = World {
            http: self.store.http_client(),
            clock: self.clock.clone(),
            eyes: Eyes::Announced,
            inbox: inbox.clone(),
            gate: Arc::new(self.gate.of_agent()),
            disks: weir::retain::Meter::system(),
            seer: None,
        };
        let stop = CancellationToken::new();
        let agent = tokio::spawn(weir::run(config, world, stop.clone()));
        Site {
            name: name.to_owned(),
            settings: settings.to_owned(),
            inbox,
            agent,
            stop,
        }
    }

    fn config(&self, name: &str, settings: &str) -> Config {
        use std::os::unix::fs::PermissionsExt as _;
        let home = self.home.path().join(name);
        let keys = home.join("keys.toml");
        std::fs::write(
            &keys,
            "access_key_id = \"weir\"\nsecret_access_key = \"weir-secret\"\n",
        )
        .unwrap();
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = home.join("weir.toml");
        let results = if name == "pipeline" { RESULTS } else { "" };
        let text = format!(
            "[state]\ndirectory = \"state\"\n[[site]]\nname = \"{name}\"\ndirectory = \"camera\"\n{results}\
             [store]\nendpoint = \"http://127.0.0.1:1\"\ncredentials_file = \"keys.toml\"\n\
             [daemon]\nlisten = \"\"\n[retain]\nmin_free = \"0%\"\n{settings}"
        );
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file), []).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// The camera of a site takes a picture at a second of the day.
    fn take_picture(&mut self, site: &Site, second: u64) -> PathBuf {
        self.taken += 1;
        let at = chrono::NaiveTime::from_num_seconds_from_midnight_opt(
            u32::try_from(second).unwrap(),
            0,
        );
        let name = at
            .unwrap()
            .format("image_capture_2026-03-01_%H-%M-%S.jpg")
            .to_string();
        let camera = self.home.path().join(&site.name).join("camera");
        let path = camera.join(name);
        std::fs::write(&path, Picture::new(self.taken).sized(20_000).jpeg()).unwrap();
        site.inbox.announce(RootId(0), &path, Cause::Closed);
        path
    }

    /// The power of a device fails, and comes back.
    async fn power_cut(&self, site: Site) -> Site {
        site.agent.abort();
        let _ = site.agent.await;
        // Tasks of the agent are dropped when the runtime next comes to them.
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.start(&site.name, &site.settings)
    }

    /// What has been stored, by bucket, in seconds since the beginning.
    fn stored(&mut self) -> Vec<(String, f64)> {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|event| {
                let since = event.at.duration_since(SystemTime::from(start)).unwrap();
                (event.bucket, since.as_secs_f64())
            })
            .collect()
    }
}

fn slow() -> Rule {
    Rule::new(Action::Slow {
        bytes_per_second: 10_000,
    })
    .on(Operation::PutObject)
}

/// Plays the pipeline: every image keeps its site in for `hold` after it was stored. Never more than `cap` sites, and
/// never more than one image of a site.
fn judge(stored: &[(String, f64)], cap: usize, hold: Duration) {
    for (at, (bucket, moment)) in stored.iter().enumerate() {
        let inside: Vec<_> = stored[..=at]
            .iter()
            .filter(|(_, since)| moment - since < hold.as_secs_f64())
            .collect();
        let sites: BTreeSet<_> = inside.iter().map(|(bucket, _)| bucket).collect();
        assert!(sites.len() <= cap, "at {moment}: {inside:?}");
        let own = inside.iter().filter(|(of, _)| of == bucket).count();
        assert_eq!(
            own, 1,
            "{bucket} has {own} images in the pipeline at {moment}"
        );
    }
}

const LIMITS: Limits = Limits {
    sites: 2,
    images: 100,
    images_per_site: 1,
};

async fn end(sites: Vec<Site>) {
    for site in sites {
        site.stop.cancel();
        site.agent.await.unwrap().unwrap();
    }
}

/// `count` sites with `images` each, all at once; gives what the store saw.
async fn rush(
    count: usize,
    images: u64,
    hold: &str,
    within: Duration,
) -> (Field, Vec<(String, f64)>) {
    let mut field = Field::new(LIMITS).await;
    let mut sites = Vec::new();
    for number in 1..=count {
        let settings = format!("[pipeline]\nhold = \"{hold}\"\n");
        let site = field.begin(&format!("site{number}"), &settings).await;
        (0..images).for_each(|second| drop(field.take_picture(&site, second)));
        sites.push(site);
    }
    tokio::time::sleep(within).await;
    let stored = field.stored();
    assert_eq!(stored.len(), count * images as usize, "{stored:?}");
    end(sites).await;
    (field, stored)
}

#[tokio::test(start_paused = true)]
async fn no_more_sites_than_the_cap_send_at_once_and_the_cap_is_used() {
    let (field, _) = rush(8, 3, "upload", 600 * SECOND).await;
    assert_eq!(field.store.stats().buckets_peak, 2);
    let per_site = field.store.stats().puts_peak_by_bucket;
    assert!(per_site.values().all(|peak| *peak == 1), "{per_site:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_keeps_the_site_in_and_the_others_out() {
    let (_, stored) = rush(6, 2, "30s", 1200 * SECOND).await;
    judge(&stored, 2, HOLD);
    // 12 images, 2 at a time, 32 s each: nothing is lost between them but the store's answers.
    let last = stored.last().unwrap().1;
    assert!((160.0..=240.0).contains(&last), "the last came at {last} s");
    // Whoever has been in waits for all who have not.
    let mut first: BTreeMap<&String, usize> = BTreeMap::new();
    for (at, (bucket, _)) in stored.iter().enumerate() {
        first.entry(bucket).or_insert(at);
    }
    assert!(first.values().all(|at| *at < 6), "{stored:?}");
}

#[tokio::test(start_paused = true)]
async fn power_cuts_at_random_moments_let_no_site_in_twice() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut field = Field::new(LIMITS).await;
        let mut sites = Vec::new();
        for number in 1..=4 {
            let name = format!("site{number}");
            let site = field.begin(&name, "[pipeline]\nhold = \"30s\"\n").await;
            (0..3).for_each(|second| drop(field.take_picture(&site, second)));
            sites.push(site);
        }
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(random.u64(500..20_000))).await;
            let site = sites.swap_remove(random.usize(..sites.len()));
            sites.push(field.power_cut(site).await);
        }
        tokio::time::sleep(1800 * SECOND).await;
        let stored = field.stored();
        assert_eq!(stored.len(), 12, "seed {seed}: {stored:?}");
        judge(&stored, 2, HOLD);
        end(sites).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_forgot_learns_from_the_queue_what_is_in_the_pipeline() {
    let mut field = Field::new(LIMITS).await;
    let settings = "[pipeline]\nhold = \"30s\"\n";
    let site = field.begin("site1", settings).await;
    field.take_picture(&site, 0);
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(field.stored().len(), 1);
    // The process dies with its gate.
    site.agent.abort();
    let _ = site.agent.await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    field.gate = LocalGate::new(LIMITS);
    let site = field.start("site1", settings);
    field.take_picture(&site, 1);
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(
        field.stored(),
        [],
        "its first image is still in the pipeline"
    );
    tokio::time::sleep(15 * SECOND).await;
    assert_eq!(field.stored().len(), 1);
    end(vec![site]).await;
}

/// What is stored under a result's name stands for the pipeline's work.
const RESULTS: &str = "bucket = \"site1-image\"\nkey = \"results/{date}_{time}.png\"\n";

const RESULT: &str = "[pipeline]\nhold = \"result\"\nhold_limit = \"5m\"\nresult_bucket = \"{site}-image\"\n\
                      result_key = \"results/{date}_{time}.png\"\n";

#[tokio::test(start_paused = true)]
async fn a_result_ends_the_hold_and_its_absence_does_at_the_limit() {
    let mut field = Field::new(LIMITS).await;
    let site = field.begin("site1", RESULT).await;
    let pipeline = field.begin("pipeline", "").await;
    field.take_picture(&site, 0);
    field.take_picture(&site, 1);
    field.take_picture(&site, 2);
    tokio::time::sleep(20 * SECOND).await;
    let first = field.events.try_recv().unwrap();
    assert_eq!(field.stored(), [], "one, and no other before its result");
    // Whichever was accepted first: image_capture_2026-03-01_00-00-0N.jpg.
    let stem = first.key.strip_suffix(".jpg").unwrap();
    let second = stem.rsplit('-').next().unwrap().parse().unwrap();
    field.take_picture(&pipeline, second);
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(
        field.stored().len(),
        2,
        "the result, and the next image soon after it"
    );
    // Of this one there never is a result.
    tokio::time::sleep(250 * SECOND).await;
    assert_eq!(field.stored(), []);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(field.stored().len(), 1);
    end(vec![site, pipeline]).await;
}

#[tokio::test(start_paused = true)]
async fn a_site_without_a_link_keeps_nobody_waiting() {
    let mut field = Field::new(Limits { sites: 1, ..LIMITS }).await;
    // Its breaker opens while its next image stands in the line, and it is long before it may send again.
    let patient = "[pipeline]\nhold = \"30s\"\n[gate]\nprobe_first = \"2h\"\nprobe_max = \"2h\"\n";
    let dead = field.begin("site1", patient).await;
    let alive = field.begin("site2", "[pipeline]\nhold = \"30s\"\n").await;
    field.store.faults().set([
        Rule::new(Action::Cut { after_bytes: 0 }).bucket("site1-image"),
        slow(),
    ]);
    for second in 0..20 {
        field.take_picture(&alive, second);
        field.take_picture(&dead, second);
    }
    // 20 times 32 s, and the failures of the other between them.
    tokio::time::sleep(800 * SECOND).await;
    assert_eq!(field.stored().len(), 20);
    field.store.faults().set([slow()]);
    tokio::time::sleep(4 * 3600 * SECOND).await;
    let stored = field.stored();
    assert_eq!(stored.len(), 20);
    judge(&stored, 1, HOLD);
    end(vec![dead, alive]).await;
}
