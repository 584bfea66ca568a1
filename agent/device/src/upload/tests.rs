//! Products beside images, at a gate that lets no image in.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use sha2::Digest as _;
use weir_journey::gate::{Hold, Order, Windows};
use weir_journey::identity::Sha256;
use weir_journey::queue::State;
use weir_journey::stamp::Zone;
use weir_journey::upload::{Schedule, Template};

use super::*;
use crate::config::{Credentials, Proof, Switch};
use crate::gate::{Gate, Permit};
use crate::queue::{
    Accepted, Content, DeviceClock, FileIdentity, Image, ImageId, InferWish, Inferred, LookOutcome,
    NewImage, NewProduct, Place, Queue, Recorded, Selector, Urgency,
};
use crate::s3::{Store, StoreConfig};

const OUTPUT: &str = "first-dam-output";

/// Lets nobody in.
#[derive(Debug)]
struct Shut;

#[async_trait::async_trait]
impl Gate for Shut {
    fn try_admit(&self, _site: &SiteName) -> Option<Permit> {
        None
    }

    fn withdraw(&self, _site: &SiteName) {}

    async fn freed(&self) {
        std::future::pending().await
    }
}

/// A device with an image that was looked at, and the result of that.
struct Device {
    home: tempfile::TempDir,
    service: weir_store::Store,
    means: Means,
    images: Destination,
    image: Image,
    product: ImageId,
}

fn schedule(seconds: u64) -> Schedule {
    let seconds = Duration::from_secs(seconds);
    Schedule::between(seconds, seconds)
}

fn orders(daily_budget: Option<u64>) -> Orders {
    Orders {
        order: Order::Freshest,
        most: 4,
        windows: Windows::default(),
        daily_budget,
        pipeline: None,
        hold: Hold::For(Duration::from_secs(600)),
        results: Results {
            bucket: "{site}-result".parse().unwrap(),
            key: Template::undated(),
        },
        tolerance: 3,
        probes: schedule(10),
        retries: schedule(10),
        refusals: schedule(10),
        look: Duration::ZERO,
    }
}

fn write(path: PathBuf, bytes: &[u8]) -> (Place, Sha256) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let identity = FileIdentity::from(&std::fs::metadata(&path).unwrap());
    let sha256 = Sha256(sha2::Sha256::digest(bytes).into());
    (Place { path, identity }, sha256)
}

impl Device {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let clock = Clock::simulated(start);
        let service = weir_store::Store::memory()
            .clock(weir_store::Clock::tokio(SystemTime::from(start)))
            .open()
            .unwrap();
        service.create_bucket(OUTPUT).await.unwrap();
        service.create_bucket("first-dam-image").await.unwrap();
        let store = store(home.path(), &service, clock.clone());
        let queue = Queue::open(home.path().join("state"), start)
            .await
            .unwrap()
            .queue;
        let name: SiteName = "first-dam".parse().unwrap();
        let images = Destination {
            id: queue.site_id(name.clone()).await.unwrap(),
            name,
            zone: Zone::Fixed(chrono::FixedOffset::east_opt(0).unwrap()),
            bucket: "first-dam-image".into(),
            key: Template::undated(),
            directories: vec![home.path().join("camera")],
            lane: Lane::Images,
        };
        let (place, sha256) = write(home.path().join("camera/1.jpg"), b"image");
        let new = NewImage {
            site: images.id,
            sha256,
            place,
            format: 1,
            captured_ms: 1_000,
            offset_s: 0,
            capture: "{}".into(),
            accepted_ms: 0,
            clock: DeviceClock::default(),
            dated: true,
            held: None,
            infer: InferWish::Due {
                hold_until_ms: None,
            },
        };
        let Accepted::New(id) = queue.accept(new).await.unwrap() else {
            panic!("it is new");
        };
        let image = queue.view().images(vec![id]).await.unwrap().remove(0);
        let made = home.path().join("state/products/first-dam/1/1.json");
        let (place, sha256) = write(made, b"{\"stage\":1.5}");
        let inferred = Inferred {
            outcome: LookOutcome::Done,
            findings: "{}".into(),
            urgency: Urgency::Usual,
            hold: None,
            products: vec![NewProduct {
                sha256,
                place,
                content: Content::Json,
                bucket: OUTPUT.into(),
                key: "2026/1.json".into(),
            }],
            at_ms: 0,
        };
        let recorded = queue.inferred(image.clone(), inferred).await.unwrap();
        assert!(matches!(recorded, Recorded::Written { .. }));
        let means = Means {
            queue,
            store: Arc::new(store),
            gate: Arc::new(Shut),
            clock,
            vitals: Arc::default(),
            complaints: Arc::default(),
            wake: Arc::default(),
            look_again: LookAgain(Arc::new(|path| {
                panic!("{} was to be settled", path.display())
            })),
        };
        Self {
            home,
            service,
            means,
            images,
            image,
            product: ImageId(id.0 + 1),
        }
    }

    async fn state(&self, id: ImageId) -> State {
        let shown = self.means.queue.view().show(Selector::Id(id)).await;
        shown.unwrap().remove(0).image.state
    }

    async fn uploader(&self, daily_budget: Option<u64>) -> Uploader {
        let of = self.images.name.clone();
        let id = self.means.queue.products_site(of.clone()).await.unwrap();
        let name = queue::products_name(&of).unwrap();
        let products = Destination::of_products(id, name, &self.images);
        let sites = vec![self.images.clone(), products];
        Uploader::new(self.means.clone(), orders(daily_budget), sites)
            .await
            .unwrap()
    }

    /// Lets an uploader work for a while.
    async fn work(&self, daily_budget: Option<u64>) {
        let stop = CancellationToken::new();
        let uploader = self.uploader(daily_budget).await;
        let run = tokio::spawn(uploader.run(stop.clone(), Duration::from_secs(5)));
        tokio::time::sleep(Duration::from_secs(60)).await;
        stop.cancel();
        run.await.unwrap().unwrap();
    }
}

fn store(home: &std::path::Path, service: &weir_store::Store, clock: Clock) -> Store {
    let keys = home.join("keys");
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&keys)
        .unwrap();
    writeln!(
        file,
        "access_key_id = weir\nsecret_access_key = weir-secret"
    )
    .unwrap();
    let config = StoreConfig {
        endpoint: Some("http://store.invalid".into()),
        region: "us-west-1".into(),
        path_style: true,
        credentials: Credentials::File(keys),
        conditional_writes: Switch::Auto,
        prove_with: Proof::Answer,
        connect_timeout: Duration::from_secs(3),
        no_progress: Duration::from_secs(30),
        multipart_above: 1 << 20,
        part_size: 300_000,
        bandwidth: None,
    };
    Store::connect(&config, service.http_client(), clock)
}

#[tokio::test(start_paused = true)]
async fn a_product_goes_up_while_the_gate_lets_no_image_in_and_on_the_budget_of_its_images_site() {
    let device = Device::new().await;
    device.work(None).await;
    assert_eq!(device.state(device.image.id).await, State::Queued);
    assert_eq!(device.state(device.product).await, State::Verified);
    let found = device.service.objects_in(OUTPUT).remove(0);
    assert_eq!(found.key, "2026/1.json");
    assert_eq!(found.content_type.as_deref(), Some("application/json"));
    let told = |name: &str| found.metadata.get(name).cloned();
    assert_eq!(told("site").as_deref(), Some("first-dam"));
    assert_eq!(told("parent-sha256"), Some(device.image.sha256.to_string()));
    let view = device.means.queue.view();
    let day = day_of(device.means.clock.now().naive_utc());
    let spent = view.spent(Some(device.images.id), day).await.unwrap();
    assert!(spent >= 13, "{spent} bytes are on the images' site");
    assert_eq!(view.spent(None, day).await.unwrap(), spent);
}

#[tokio::test(start_paused = true)]
async fn the_daily_budget_of_a_site_is_that_of_its_products_too() {
    let device = Device::new().await;
    let day = day_of(device.means.clock.now().naive_utc());
    let queue = &device.means.queue;
    queue.spend(device.images.id, day, 100).await.unwrap();
    device.work(Some(100)).await;
    assert_eq!(device.state(device.product).await, State::Queued);
}

#[tokio::test(start_paused = true)]
async fn a_product_whose_folder_is_gone_is_missing_and_holds_nothing_up() {
    let device = Device::new().await;
    let products = device.home.path().join("state/products");
    std::fs::remove_dir_all(products).unwrap();
    device.work(None).await;
    assert_eq!(device.state(device.product).await, State::Missing);
}

#[tokio::test(start_paused = true)]
async fn while_images_wait_products_have_half_of_the_hands() {
    let device = Device::new().await;
    let uploader = device.uploader(None).await;
    assert_eq!(uploader.room_for_products(true), 2);
    assert_eq!(uploader.room_for_products(false), 4);
    let under_way = [0, 1, 2].map(|_| Arc::clone(&uploader.products));
    assert_eq!(uploader.room_for_products(true), 0);
    assert_eq!(uploader.room_for_products(false), 1);
    drop(under_way);
    assert_eq!(uploader.room_for_products(true), 2);
}
