//! The judge: looks into the store from its own side, trusts no client, and knows what the camera wrote.

use std::collections::BTreeMap;

use chrono::DateTime;
use sha2::Digest as _;
use weir_store::{ObjectInfo, Store};

use super::wait;

/// What must be in the store, and nothing else: every image once, by bucket and digest.
#[derive(Debug, Default, Clone)]
pub(crate) struct Oracle {
    expected: BTreeMap<(String, String), u64>,
}

impl Oracle {
    /// Expects an image of these bytes in a bucket; the same image twice is one.
    pub(crate) fn expect(&mut self, bucket: &str, bytes: &[u8]) {
        self.expected
            .insert((bucket.to_owned(), sha256(bytes)), bytes.len() as u64);
    }

    /// The oracle of one bucket and these images.
    pub(crate) fn of<'a>(bucket: &str, images: impl IntoIterator<Item = &'a Vec<u8>>) -> Self {
        let mut oracle = Self::default();
        for image in images {
            oracle.expect(bucket, image);
        }
        oracle
    }

    /// Expects what another one does, too.
    pub(crate) fn expect_all(&mut self, other: Self) {
        self.expected.extend(other.expected);
    }

    pub(crate) fn len(&self) -> usize {
        self.expected.len()
    }

    /// Waits until all is there, and then finds no fault.
    #[track_caller]
    pub(crate) fn agrees(&self, store: &Store) {
        let missing = |objects: &[ObjectInfo]| {
            let mut missing = self.expected.clone();
            for object in objects {
                missing.remove(&(object.bucket.clone(), object.sha256.clone()));
            }
            missing
        };
        wait::until("every image is in the store", || {
            missing(&store.objects()).is_empty()
        });
        let faults = self.faults(store);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// All that is wrong with what the store holds, a sentence each.
    pub(crate) fn faults(&self, store: &Store) -> Vec<String> {
        let mut faults = Vec::new();
        let mut left = self.expected.clone();
        for object in store.objects() {
            let place = format!("{}/{}", object.bucket, object.key);
            match left.remove(&(object.bucket.clone(), object.sha256.clone())) {
                Some(size) if size == object.size => {}
                Some(size) => faults.push(format!("{place} has {} of {size} bytes", object.size)),
                None => faults.push(format!(
                    "{place} ({}) was not expected, or not twice",
                    object.sha256
                )),
            }
            faults.extend(
                misdescribed(&object)
                    .into_iter()
                    .map(|fault| format!("{place}: {fault}")),
            );
        }
        faults.extend(
            left.keys()
                .map(|(bucket, sha256)| format!("{bucket} lacks {sha256}")),
        );
        faults
    }
}

/// SHA-256 as S3 objects are named by it here: 64 lower-case digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What an object's name and metadata say that its bytes and bucket do not.
fn misdescribed(object: &ObjectInfo) -> Vec<String> {
    let mut faults = Vec::new();
    let about = |name: &str| object.metadata.get(name).map_or("", String::as_str);
    let mut equal = |name: &str, wanted: &str| {
        if about(name) != wanted {
            faults.push(format!("{name} is {:?}, not {wanted:?}", about(name)));
        }
    };
    equal("sha256", &object.sha256);
    equal("site", object.bucket.trim_end_matches("-image"));
    equal("agent", &format!("weir/{}", env!("CARGO_PKG_VERSION")));
    for name in ["capture-source", "capture-confidence", "original-name"] {
        if about(name).is_empty() {
            faults.push(format!("{name} is missing"));
        }
    }
    match names(object, about("capture-time")) {
        Some(allowed) if allowed.contains(&object.key) => {}
        Some(allowed) => faults.push(format!("the key is none of {allowed:?}")),
        None => faults.push("capture time or content type make no sense".to_owned()),
    }
    faults
}

/// The keys that an object of this capture time and type may have: its own, or the one beside it when that was
/// taken.
fn names(object: &ObjectInfo, captured: &str) -> Option<[String; 2]> {
    let captured = DateTime::parse_from_rfc3339(captured).ok()?;
    let (kind, extension) = match object.content_type.as_deref()? {
        "image/jpeg" => ("image", "jpg"),
        "image/png" => ("image", "png"),
        "image/webp" => ("image", "webp"),
        "image/tiff" => ("image", "tif"),
        "image/heic" => ("image", "heic"),
        "image/avif" => ("image", "avif"),
        "video/mp4" => ("video", "mp4"),
        "video/matroska" => ("video", "mkv"),
        _ => return None,
    };
    let stem = captured.format("%Y/%B/");
    let time = captured.format("%Y-%m-%d_%H-%M-%S");
    let digits = &object.sha256[..8];
    Some([
        format!("{stem}{kind}_capture_{time}.{extension}"),
        format!("{stem}{kind}_capture_{time}_{digits}.{extension}"),
    ])
}
