use super::*;
use crate::infer::Stage;
use crate::infer::fixture::report;
use crate::stamp::{Evidence, Rules, stamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

const KEY: &str = "2024/August/image_capture_2024-08-09_14-30-00.jpg";
const OVERLAY: &str = "2024/August/image_capture_2024-08-09_14-30-00_segmented.png";

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn facts<'a>(site: &'a SiteName, capture: &'a CaptureTime) -> Facts<'a> {
    Facts {
        site,
        image: Object {
            bucket: "first-dam-image",
            key: KEY,
        },
        overlay: Some(Object {
            bucket: "first-dam-segmentedoutput",
            key: OVERLAY,
        }),
        derivatives: &[],
        endpoint: None,
        sha256: Sha256([7; 32]),
        md5: [0xab; 16],
        bytes: 1_234,
        captured: Some(at("2024-08-09T14:30:00-07:00")),
        capture: Some(capture),
        accepted: at("2024-08-09T21:31:00.250Z"),
        uploaded: None,
        looked: at("2024-08-09T21:31:07Z"),
        version: "1.2.3",
    }
}

/// The record as JSON, of the fixture's report as `change` leaves it.
fn told(change: impl FnOnce(&mut Report), endpoint: Option<&str>) -> Value {
    let site = "first-dam".parse().unwrap();
    let capture = stamp(&Evidence::of(Path::new(KEY)), &Rules::default());
    let mut report = report();
    change(&mut report);
    let facts = Facts {
        endpoint,
        ..facts(&site, &capture)
    };
    serde_json::to_value(record(&facts, &report)).unwrap()
}

#[test]
fn a_record_has_the_columns_of_the_pipelines_table() {
    let told = told(|_| (), None);
    let mut columns: Vec<&str> = told
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut wanted = vec![
        "site_id",
        "image_path",
        "image_timestamp",
        "image_md5",
        "event_timestamp",
        "upload_timestamp",
        "segmented_path",
        "segmented_timestamp",
        "roi",
        "iou_score",
        "segmentation_verification",
        "original_image_url",
        "segmented_image_url",
        "stage_m",
        "weir",
    ];
    wanted.sort_unstable();
    columns.sort_unstable();
    assert_eq!(columns, wanted);
    let amazon = |bucket: &str, key: &str| format!("https://{bucket}.s3.amazonaws.com/{key}");
    for (column, value) in [
        ("site_id", json!("first-dam")),
        ("image_path", json!(format!("first-dam-image/{KEY}"))),
        ("image_timestamp", json!("2024-08-09T14:30:00-07:00")),
        ("image_md5", json!("ab".repeat(16))),
        ("event_timestamp", json!("2024-08-09T21:31:00+00:00")),
        ("upload_timestamp", Value::Null),
        (
            "segmented_path",
            json!(format!("first-dam-segmentedoutput/{OVERLAY}")),
        ),
        ("segmented_timestamp", json!("2024-08-09T21:31:07+00:00")),
        ("roi", json!("{10448,20262}")),
        ("iou_score", json!(0.9)),
        ("segmentation_verification", json!(true)),
        ("original_image_url", json!(amazon("first-dam-image", KEY))),
        (
            "segmented_image_url",
            json!(amazon("first-dam-segmentedoutput", OVERLAY)),
        ),
        ("stage_m", json!(0.381)),
    ] {
        assert_eq!(told[column], value, "{column}");
    }
    for (pointer, value) in [
        ("/sha256", json!("07".repeat(32))),
        ("/version", json!("1.2.3")),
        ("/capture/source", json!("filename")),
        ("/capture/warnings", json!(["zone-unknown"])),
        ("/health/flags", json!(["dark"])),
        (
            "/water/rois/1",
            json!({"name": "ROI2", "water": 20_262, "pixels": 52_951}),
        ),
        ("/water/stage/unit", json!("ft")),
        ("/water/model_sha256", json!("bb".repeat(32))),
        ("/classes/1/model", json!("b")),
        ("/together/0/label", json!("River")),
    ] {
        assert_eq!(told["weir"].pointer(pointer), Some(&value), "{pointer}");
    }
}

#[test]
fn what_is_not_known_is_null() {
    let told = told(|report| report.water = None, None);
    for column in ["roi", "iou_score", "segmentation_verification", "stage_m"] {
        assert_eq!(told[column], Value::Null, "{column}");
    }
}

#[test]
fn a_stage_is_told_in_metres_where_its_unit_is_a_length() {
    for (value, unit, metres) in [
        (Some(2.0), "m", json!(2.0)),
        (Some(150.0), "cm", json!(1.5)),
        (Some(10.0), "ft", json!(3.048)),
        (Some(2.0), "points", Value::Null),
        (None, "m", Value::Null),
    ] {
        let stage = Stage {
            value,
            unit: unit.to_owned(),
            ..report().water.unwrap().stage.unwrap()
        };
        let told = told(
            |report| report.water.as_mut().unwrap().stage = Some(stage),
            None,
        );
        assert_eq!(told["stage_m"], metres, "{value:?} {unit}");
    }
}

#[test]
fn an_address_of_another_store_has_the_bucket_in_its_path() {
    let told = told(|_| (), Some("https://store.example.org:9000/"));
    let url = format!("https://store.example.org:9000/first-dam-image/{KEY}");
    assert_eq!(told["original_image_url"], json!(url));
}

proptest! {
    #[test]
    fn any_key_makes_a_path_that_can_be_read_back(key in "\\PC{0,30}") {
        let path = escaped(&key);
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#&+\"<>\\^`{|}".contains(&byte);
        prop_assert!(path.bytes().all(plain));
        let mut bytes = Vec::new();
        let mut rest = path.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            } else {
                byte
            });
        }
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), key);
    }
}
