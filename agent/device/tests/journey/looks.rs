//! A camera's picture is looked at by the shipped model, in the process that is made for it, and its result arrives.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use weir_infer::picture::{Limits, Picture, decode, encode};
use weir_journey::infer::{PictureFormat, Size};
use weir_store::Store;

use crate::support::oracle::sha256;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, wait};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
const RESULTS: &str = "first-dam-segmentedoutput";
const DERIVED: &str = "first-dam-derivatives";

/// A picture that can be decoded: a bright upper half and a textured lower one, another for every `seed`.
fn picture(seed: u32) -> Vec<u8> {
    let size = Size {
        width: 640,
        height: 360,
    };
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| {
        let wave = ((x * 7 + y * 13 + seed * 31) % 23) as u8;
        if y < 150 {
            [150 + wave / 4, 180 + wave / 4, 220]
        } else {
            [70 + wave, 95 + wave, 105 + wave]
        }
    });
    encode(
        &Picture::new(size, rgb.collect()).unwrap(),
        PictureFormat::Jpeg,
    )
}

#[test]
fn a_result_an_overlay_and_a_derivative_arrive_beside_the_image() {
    let objects = tempfile::tempdir().unwrap();
    let s3 = S3::with(Store::directory(objects.path()));
    let mut station = Station::new(&s3);
    s3.make(RESULTS);
    s3.make(DERIVED);
    station.set_toml("infer.models", &format!("[{MODELS:?}]"));
    for line in [
        "model = \"water-demo\"",
        "frame = \"1920x1080\"",
        "rois = { ROI1 = [[0, 800], [1919, 800], [1919, 1079], [0, 1079]], ROI2 = [[0, 0], [9, 0], [9, 9], [0, 9]] }",
        "stage_model = \"stage-first-dam\"",
        "overlay = \"320px jpeg\"",
        "derivatives = [{ name = \"gray256\", steps = [\"grayscale\", \"resize 256 256\"], format = \"png\" }]",
        "first = [\"stage > 100\"]",
    ] {
        station.every_site(line);
    }
    let agent = station.start();
    let image = picture(1);
    station.drop_file("image_capture_2024-08-09_14-30-00.jpg", &image);
    wait::until("the products did not arrive", || {
        s3.objects_in(RESULTS).len() == 2
            && s3.objects_in(DERIVED).len() == 1
            && s3.objects_in(BUCKET).len() == 1
    });
    assert_eq!(s3.objects_in(BUCKET)[0].sha256, sha256(&image));
    let body = |bucket: &str, key: &str| fs::read(objects.path().join(bucket).join(key)).unwrap();

    let result = body(
        RESULTS,
        "results/2024/August/image_capture_2024-08-09_14-30-00.json",
    );
    let result: Value = serde_json::from_slice(&result).unwrap();
    let object = "2024/August/image_capture_2024-08-09_14-30-00";
    assert_eq!(result["site_id"], "first-dam");
    assert_eq!(result["image_path"], format!("{BUCKET}/{object}.jpg"));
    assert_eq!(result["image_timestamp"], "2024-08-09T14:30:00-07:00");
    assert_eq!(result["image_md5"], s3.objects_in(BUCKET)[0].etag);
    assert_eq!(
        result["segmented_path"],
        format!("{RESULTS}/{object}_segmented.jpg")
    );
    let counts = &result["weir"]["water"]["rois"];
    assert_eq!(counts[0]["pixels"], 1920 * 280);
    let pair = format!("{{{},{}}}", counts[0]["water"], counts[1]["water"]);
    assert_eq!(result["roi"], pair);
    assert_eq!(
        result["stage_m"],
        Value::Null,
        "100 pixels are outside of what the stage model knows"
    );
    assert_eq!(result["weir"]["sha256"], sha256(&image));

    let overlay = decode(
        &body(RESULTS, &format!("{object}_segmented.jpg")),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(
        overlay.size(),
        Size {
            width: 320,
            height: 180
        }
    );
    let gray = decode(
        &body(DERIVED, &format!("{object}_gray256.png")),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(
        (gray.size(), gray.is_gray()),
        (
            Size {
                width: 256,
                height: 256
            },
            true
        )
    );

    // All of it was verified, and the products' files are gone from the device.
    station.until("verified", 4);
    let products = station.state().join("products");
    wait::until("products stay on the device", || files(&products) == 0);
    let shown = station.json(&["queue", "show", "1"]);
    assert_eq!(shown[0]["look"], "done", "{shown:?}");
    agent.drain();
}

#[test]
fn an_image_that_no_model_can_read_goes_up_all_the_same() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    s3.make(RESULTS);
    station.set_toml("infer.models", &format!("[{MODELS:?}]"));
    station.every_site("model = \"water-demo\"");
    station.every_site("skip = [\"dark\"]");
    let agent = station.start();
    // Whole by its structure, and of a coding that nothing here decodes: arithmetic (SOF9) instead of Huffman (SOF0).
    let mut broken = picture(7);
    let frame = broken
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    broken[frame + 1] = 0xc9;
    let whole = picture(2);
    station.drop_file("image_capture_2024-08-09_14-30-00.jpg", &broken);
    station.drop_file("image_capture_2024-08-09_15-30-00.jpg", &whole);
    wait::until("an image stays because it cannot be looked at", || {
        let there: BTreeSet<_> = s3
            .objects_in(BUCKET)
            .into_iter()
            .map(|object| object.sha256)
            .collect();
        there == BTreeSet::from([sha256(&broken), sha256(&whole)])
    });
    wait::until("no result of the image that is whole", || {
        s3.objects_in(RESULTS).len() == 1
    });
    let looks = |images: Vec<Value>| {
        images
            .iter()
            .map(|image| image["look"].clone())
            .collect::<Vec<_>>()
    };
    wait::until("the broken image is still to be looked at", || {
        let looks = looks(station.images());
        !looks.contains(&json!("due"))
    });
    agent.drain();
}

fn files(folder: &std::path::Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}
