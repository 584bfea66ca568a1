//! Retention over a real queue and real files, on a disk whose size the test says.

mod device;
mod model;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use proptest::prelude::*;
use sha2::Digest as _;
use tokio_util::sync::CancellationToken;
use weir_journey::identity::Sha256;
use weir_journey::queue::State;
use weir_journey::retain::{Level, Room};
use weir_journey::verify::Proof;

use super::*;
use crate::queue::{
    Accepted, DeviceClock, Drop, FileIdentity, Image, ImageId, NewImage, Order, Place, Selector,
    SiteId, Stored,
};

use device::{Device, MINUTE_MS, place, policy, used};

#[tokio::test]
async fn a_full_disk_loses_its_own_oldest_verified_images_and_no_others() {
    let mut device = Device::new(policy(), 10_000).await;
    let mut ids = BTreeMap::new();
    for minute in 0..10 {
        for folder in ["a", "b"] {
            let size = if folder == "a" { 1_000 } else { 100 };
            let id = device.take(folder, size, minute).await;
            if minute != 3 {
                device.store(id).await;
            }
            ids.insert((folder, minute), id);
        }
    }
    device.queue.flag(ids[&("a", 0)], true).await.unwrap();
    let before = device.names("a");
    assert!(!device.pass().await.lacking);
    // 10 % have to be free and 12.5 % are freed: two files. The oldest is flagged, so the next two go.
    assert_eq!(device.names("a"), [&before[..1], &before[3..]].concat());
    assert_eq!(device.names("b").len(), 10);
    let gone = device.image(ids[&("a", 1)]).await;
    assert_eq!(
        (gone.state, gone.removed.unwrap().why.as_str()),
        (State::Verified, "space")
    );
    assert_eq!(device.queue.view().leaving(9).await.unwrap(), []);
    assert_eq!(
        device.pass().await.files,
        0,
        "a second pass finds nothing to do"
    );
}

#[tokio::test]
async fn what_no_store_has_stays_unless_it_may_go_and_then_the_rest_is_even() {
    for allowed in [false, true] {
        let policy = Policy {
            drop_unverified: allowed,
            ..policy()
        };
        let mut device = Device::new(policy, 100_000).await;
        for minute in 0..100 {
            device.take("a", 1_000, minute).await;
        }
        let pass = device.pass().await;
        let (left, drops) = (device.names("a"), device.drops().await);
        assert_eq!(pass.lacking, !allowed);
        assert_eq!(device.standing.troubles().is_empty(), allowed);
        if !allowed {
            assert_eq!((left.len(), drops.len()), (100, 0));
            let told = device.standing.troubles().concat();
            assert!(told.contains("drop_unverified"), "{told}");
            continue;
        }
        assert_eq!(left.len() + drops.len(), 100);
        // 12.5 % free: 13 files, of images that the record names.
        assert_eq!(drops.len(), 13);
        assert!(
            drops
                .iter()
                .all(|drop| drop.by_whom == "retention" && !drop.path.exists())
        );
        // Names count the files in order, two a picture: no two neighbours are gone.
        assert!(
            left.windows(2).all(|pair| pair[1] - pair[0] <= 4),
            "{left:?}"
        );
    }
}

#[tokio::test]
async fn ages_quotas_and_our_own_copies() {
    let aged = Policy {
        keep: Some(Duration::from_secs(30 * 60)),
        ..policy()
    };
    let quota = Policy {
        max_bytes: Some(16_000),
        ..policy()
    };
    for (policy, left, why) in [(aged, 0, "age"), (quota, 15, "quota")] {
        let mut device = Device::new(policy, 1 << 30).await;
        let mut first = None;
        for minute in 0..20 {
            let id = device.take("a", 1_000, minute).await;
            device.store(id).await;
            first.get_or_insert(id);
        }
        device.pass().await;
        assert_eq!(device.names("a").len(), left, "{why}");
        let removed = device.image(first.unwrap()).await.removed.unwrap();
        assert_eq!(removed.why, why);
    }
    let mut device = Device::new(policy(), 1 << 30).await;
    let path = device
        .home
        .path()
        .join("state/spool/first-dam/1/latest.jpg");
    let id = device.take_at(&path, 1_000, 1).await;
    device.pass().await;
    assert!(path.exists(), "no store has it yet");
    device.store(id).await;
    device.pass().await;
    assert!(
        !path.parent().unwrap().exists(),
        "the copy's folder goes with it"
    );
    assert_eq!(device.image(id).await.removed.unwrap().why, "copy");
}

#[tokio::test]
async fn every_place_of_an_image_goes_but_no_other_file_and_never_the_camera_s_live_one() {
    let mut device = Device::new(policy(), 1_100).await;
    let id = device.take("a", 1_000, 1).await;
    let path = device.image(id).await.place.path;
    let copies: Vec<_> = ["copy.jpg", "replaced.jpg", "latest.jpg"]
        .map(|name| path.with_file_name(name))
        .into();
    for copy in &copies {
        std::fs::copy(&path, copy).unwrap();
        let mut known = device.image(id).await;
        known.place = place(copy);
        let new = NewImage {
            site: device.site,
            sha256: known.sha256,
            place: known.place,
            format: 0,
            captured_ms: MINUTE_MS,
            offset_s: 0,
            capture: "{}".into(),
            accepted_ms: 0,
            clock: DeviceClock::default(),
            dated: true,
            held: None,
            infer: crate::queue::InferWish::None,
        };
        assert_eq!(
            device.queue.accept(new).await.unwrap(),
            Accepted::Duplicate(id)
        );
    }
    std::fs::write(&copies[1], vec![7; 1_000]).unwrap();
    device.store(id).await;
    device.pass().await;
    let there = |path: &PathBuf| path.exists();
    assert!(!there(&path) && !there(&copies[0]));
    assert!(there(&copies[1]), "its bytes are others by now");
    assert!(there(&copies[2]), "the camera is about to write it again");
}

#[tokio::test]
async fn a_read_only_disk_is_told_and_left_alone_until_it_is_not() {
    let mut device = Device::new(policy(), 1_000).await;
    let id = device.take("a", 1_000, 1).await;
    device.store(id).await;
    device.sizes.lock().unwrap()[0].1 = true;
    assert!(device.pass().await.lacking);
    assert!(device.standing.troubles().concat().contains("read-only"));
    assert_eq!(device.names("a").len(), 1);
    device.sizes.lock().unwrap()[0].1 = false;
    assert!(!device.pass().await.lacking);
    assert_eq!(
        (device.names("a").len(), device.standing.troubles().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn what_a_kill_left_unfinished_is_finished_at_the_start() {
    let mut device = Device::new(policy(), 1 << 30).await;
    let mut ids = Vec::new();
    for minute in 0..4 {
        let id = device.take("a", 100, minute).await;
        if minute < 2 {
            device.store(id).await;
        }
        ids.push(id);
    }
    let paths = [
        device.image(ids[1]).await.place.path,
        device.image(ids[3]).await.place.path,
    ];
    // Noted and not yet deleted; noted, deleted, and not yet recorded: of each kind.
    let stored = vec![(ids[0], "space"), (ids[1], "space")];
    device.queue.depart(stored, 5).await.unwrap();
    let given_up = vec![(ids[2], "space"), (ids[3], "space")];
    device.queue.give_up(given_up, 5).await.unwrap();
    for path in paths {
        std::fs::remove_file(path).unwrap();
    }
    device.pass().await;
    assert_eq!(device.names("a"), [] as [u64; 0]);
    assert_eq!(device.queue.view().leaving(9).await.unwrap(), []);
    for (id, state) in ids.iter().zip([
        State::Verified,
        State::Verified,
        State::Dropped,
        State::Dropped,
    ]) {
        let image = device.image(*id).await;
        assert_eq!(
            (image.state, image.removed.is_some()),
            (state, state == State::Verified)
        );
    }
}

#[tokio::test]
async fn pictures_made_of_images_go_before_the_images_and_results_stay() {
    use crate::queue::{Content, InferWish, Inferred, LookOutcome, NewProduct, Urgency};
    let mut device = Device::new(policy(), 100_000).await;
    let products = device.home.path().join("b/products");
    let site = device
        .queue
        .products_site("first-dam".parse().unwrap())
        .await
        .unwrap();
    let folder = Folder {
        path: products.clone(),
        site,
        name: "first-dam.products".into(),
        overwritten: Vec::new(),
        kind: Kind::Products,
    };
    device.retention.settings.folders.insert(0, folder);
    let path = device.home.path().join("b/1.jpg");
    std::fs::write(&path, vec![1; 60_000]).unwrap();
    let new = NewImage {
        infer: InferWish::Due {
            hold_until_ms: None,
        },
        site: device.site,
        sha256: Sha256([1; 32]),
        place: place(&path),
        format: 1,
        captured_ms: MINUTE_MS,
        offset_s: 0,
        capture: "{}".into(),
        accepted_ms: 0,
        clock: DeviceClock::default(),
        dated: true,
        held: None,
    };
    let Accepted::New(id) = device.queue.accept(new).await.unwrap() else {
        panic!("it is new");
    };
    let mut made = Vec::new();
    // The disk counts what lies directly in a folder.
    for (name, size, content) in [
        ("a.json", 500, Content::Json),
        ("a.png", 20_000, Content::Png),
        ("b.png", 20_000, Content::Png),
    ] {
        let path = products.join(name);
        std::fs::create_dir_all(&products).unwrap();
        let bytes = vec![u8::try_from(made.len()).unwrap(); size];
        std::fs::write(&path, &bytes).unwrap();
        made.push(NewProduct {
            sha256: Sha256(sha2::Sha256::digest(&bytes).into()),
            place: place(&path),
            content,
            bucket: "output".into(),
            key: name.into(),
        });
    }
    let image = device.image(id).await;
    let inferred = Inferred {
        outcome: LookOutcome::Done,
        findings: "{}".into(),
        urgency: Urgency::Usual,
        hold: None,
        products: made,
        at_ms: 1,
    };
    device.queue.inferred(image, inferred).await.unwrap();
    // 60 KB, 40 KB of pictures and a result on a disk of 42 KB for the products: one picture makes room.
    device.retention.means.meter = of_products(products.clone(), 42_000);
    device.pass().await;
    let left = |name: &str| products.join(name).exists();
    assert!(
        left("a.json") && !left("a.png") && left("b.png"),
        "the oldest goes, and no more"
    );
    assert!(path.exists(), "no image was allowed to go");
    let drops = device.drops().await;
    assert_eq!(drops.len(), 1);
    assert_eq!(
        (drops[0].why.as_str(), drops[0].by_whom.as_str()),
        ("space", "retention")
    );
}

/// A disk of so many bytes that the products alone fill; every other has room.
fn of_products(products: PathBuf, bytes: u64) -> Meter {
    Meter::simulated(move |path| {
        let own = path.starts_with(&products);
        let free = if own {
            bytes.saturating_sub(device::used(path))
        } else {
            1 << 40
        };
        Ok(Disk {
            device: u64::from(own),
            room: Room {
                bytes: if own { bytes } else { 1 << 40 },
                free_bytes: free,
                inodes: 0,
                free_inodes: 0,
            },
            read_only: false,
        })
    })
}
