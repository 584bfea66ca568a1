//! `weir export`: what is owed, on a stick, whole.

use std::fs;

use crate::card::{Card, files, upload};
use crate::support::oracle::{Oracle, sha256};
use crate::support::s3::SECRET_KEY;
use crate::support::station::{BUCKET, SITE};
use crate::support::{S3, Station, hydrocam, jpeg, wait};

fn owing(s3: &S3, images: u32) -> Station {
    let device = Station::new(s3);
    s3.down();
    let agent = device.start();
    for number in 0..images {
        // Its time of change is old before anybody can see it.
        let fresh = device.home().join("fresh.jpg");
        fs::write(&fresh, jpeg(u64::from(number))).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH
            + std::time::Duration::from_secs(1_700_000_000 + u64::from(number));
        let file = fs::File::options().write(true).open(&fresh).unwrap();
        file.set_modified(old).unwrap();
        fs::rename(fresh, device.camera().join(hydrocam(number))).unwrap();
    }
    wait::until("all are accepted", || {
        device.images().len() == images as usize
    });
    agent.drain();
    device
}

#[test]
fn a_limit_ends_it_in_the_order_asked_for_and_a_second_export_goes_on() {
    let s3 = S3::start();
    let device = owing(&s3, 10);
    let stick = Card::new(&device, "stick");
    let size: u64 = (0..4)
        .map(|number| jpeg(number).len() as u64)
        .max()
        .unwrap();
    let limit = (size * 4).to_string();
    let one = device.json(&[
        "export",
        stick.path(),
        "--order",
        "freshest",
        "--limit-bytes",
        &limit,
    ]);
    let copied = one[0]["copied"].as_u64().unwrap();
    assert!(
        (3..10).contains(&copied) && one[0]["limit_reached"] == true,
        "{one:?}"
    );
    let there = files(&stick.root);
    for number in 10 - copied as u32..10 {
        assert!(
            there.iter().any(|name| name.ends_with(&hydrocam(number))),
            "{there:?}"
        );
    }
    let two = device.json(&["export", stick.path(), "--order", "freshest"]);
    assert_eq!(two[0]["already_there"], copied);
    assert_eq!(
        (two[0]["copied"].as_u64(), two[0]["left"].as_u64()),
        (Some(10 - copied), Some(0))
    );
    for number in 0..10 {
        let name = files(&stick.root)
            .into_iter()
            .find(|name| name.ends_with(&hydrocam(number)))
            .unwrap();
        let copy = stick.root.join(name);
        assert_eq!(
            sha256(&fs::read(&copy).unwrap()),
            sha256(&jpeg(u64::from(number)))
        );
        let modified = fs::metadata(copy).unwrap().modified().unwrap();
        let since = modified
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert_eq!(since, 1_700_000_000 + u64::from(number));
    }
    // The device owes them still, until it is told.
    assert!(
        device
            .images()
            .iter()
            .all(|image| image["state"] != "verified")
    );
}

#[test]
fn a_copy_that_changed_on_the_stick_is_not_uploaded_under_the_devices_name() {
    let s3 = S3::start();
    let device = owing(&s3, 3);
    s3.up();
    let stick = Card::new(&device, "stick");
    device.json(&["export", stick.path()]);
    let name = files(&stick.root)
        .into_iter()
        .find(|name| name.ends_with(&hydrocam(1)))
        .unwrap();
    fs::write(stick.root.join(&name), jpeg(999)).unwrap();
    let laptop = Station::at(&s3.endpoint(), "AKIAWEIRTEST", SECRET_KEY, &[SITE]);
    // A folder of the stick will do: the manifest lies above it.
    let report = upload(&laptop, &[stick.root.join(SITE).to_str().unwrap()]);
    assert_eq!(
        (
            report.code,
            report.count("uploaded"),
            report.count("failed")
        ),
        (1, 2, 1),
        "{}",
        report.errors
    );
    assert!(
        report.line(&hydrocam(1))["error"]
            .as_str()
            .unwrap()
            .contains("export it again")
    );
    Oracle::of(BUCKET, &[jpeg(0), jpeg(2)]).agrees(&s3);
}

#[test]
fn an_image_whose_file_is_gone_or_changed_is_told_and_not_copied() {
    let s3 = S3::start();
    let device = owing(&s3, 3);
    fs::remove_file(device.camera().join(hydrocam(0))).unwrap();
    fs::write(device.camera().join(hydrocam(1)), jpeg(50)).unwrap();
    let stick = Card::new(&device, "stick");
    let output = device.weir(&["export", stick.path(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (told["copied"].as_u64(), told["failures"].as_u64()),
        (Some(1), Some(2)),
        "{told}"
    );
    let images = files(&stick.root)
        .into_iter()
        .filter(|name| name.ends_with(".jpg"))
        .count();
    assert_eq!(images, 1);
}
