//! Whatever happens, in any order.

use super::*;

/// What may happen between two passes.
#[derive(Debug, Clone)]
enum Event {
    Take {
        folder: bool,
        size: usize,
        minute: i64,
    },
    Store,
    Flag,
    Size {
        folder: bool,
        bytes: u64,
    },
    ReadOnly {
        folder: bool,
        on: bool,
    },
    Pass,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<bool>(), 10..3_000_usize, 0..1_000_i64)
            .prop_map(|(folder, size, minute)| Event::Take { folder, size, minute }),
        4 => Just(Event::Store),
        1 => Just(Event::Flag),
        1 => (any::<bool>(), 5_000..40_000_u64).prop_map(|(folder, bytes)| Event::Size { folder, bytes }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(folder, on)| Event::ReadOnly { folder, on }),
        4 => Just(Event::Pass),
    ]
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_nothing_goes_that_may_not_and_all_that_goes_is_recorded(
        events in prop::collection::vec(event(), 1..60),
        allowed: bool,
    ) {
        block_on(happen(events, allowed));
    }
}

async fn happen(events: Vec<Event>, allowed: bool) {
    let policy = Policy {
        drop_unverified: allowed,
        ..policy()
    };
    let mut device = Device::new(policy, 20_000).await;
    // Of each image: its path, and whether it is flagged.
    let mut taken: BTreeMap<ImageId, (PathBuf, bool)> = BTreeMap::new();
    for event in events {
        match event {
            Event::Take {
                folder,
                size,
                minute,
            } => {
                let id = device
                    .take(if folder { "a" } else { "b" }, size, minute)
                    .await;
                taken.insert(id, (device.image(id).await.place.path, false));
            }
            Event::Store => {
                let target = |image: &Image| ("bucket".to_owned(), image.sha256.to_string());
                let claimed = device
                    .queue
                    .claim(device.site, Order::Freshest, 1, target)
                    .await
                    .unwrap();
                for dossier in claimed {
                    let stored = Stored {
                        proof: Proof::Checksum,
                        etag: None,
                        at_ms: device.clock.now_ms() - 60 * MINUTE_MS,
                    };
                    device
                        .queue
                        .verified(dossier.image.id, stored)
                        .await
                        .unwrap();
                }
            }
            Event::Flag => {
                if let Some((id, (path, flagged))) = taken.iter_mut().next_back() {
                    device.queue.flag(*id, true).await.unwrap();
                    *flagged = path.exists();
                }
            }
            Event::Size { folder, bytes } => {
                device.sizes.lock().unwrap()[usize::from(!folder)].0 = bytes
            }
            Event::ReadOnly { folder, on } => {
                device.sizes.lock().unwrap()[usize::from(!folder)].1 = on
            }
            Event::Pass => {
                // A disk that shrank below what lies on it says only that nothing is free.
                while device.pass().await.files > 0 {}
                hold(&device, &taken, allowed).await;
            }
        }
    }
}

/// What is true after every pass.
async fn hold(device: &Device, taken: &BTreeMap<ImageId, (PathBuf, bool)>, allowed: bool) {
    let dropped: Vec<_> = device.drops().await.iter().map(|drop| drop.image).collect();
    assert!(allowed || dropped.is_empty());
    for (id, (path, flagged)) in taken {
        let image = device.image(*id).await;
        if *flagged {
            assert!(path.exists(), "a flagged image went");
        }
        match image.state {
            State::Verified => assert_eq!(path.exists(), image.removed.is_none(), "{image:?}"),
            State::Dropped => assert!(dropped.contains(id) && !path.exists(), "{image:?}"),
            _ => assert!(
                path.exists(),
                "an image that no store has is gone: {image:?}"
            ),
        }
    }
    assert_eq!(device.queue.view().check().await.unwrap(), []);
    let lying: u64 = ["a", "b"]
        .map(|folder| used(&device.home.path().join(folder)))
        .iter()
        .sum();
    assert_eq!(device.queue.view().local_bytes().await.unwrap(), lying);
    // A disk is below its limit only when nothing on it may go.
    let sizes = *device.sizes.lock().unwrap();
    for (folder, (size, read_only)) in ["a", "b"].into_iter().zip(sizes) {
        let folder = device.home.path().join(folder);
        if read_only || used(&folder) + size / 10 <= size {
            continue;
        }
        let inside = taken
            .iter()
            .filter(|(_, (path, _))| path.starts_with(&folder) && path.exists());
        for (id, (_, flagged)) in inside {
            let image = device.image(*id).await;
            assert!(
                *flagged || image.flagged || image.state != State::Verified,
                "{image:?} could have gone"
            );
        }
    }
}
