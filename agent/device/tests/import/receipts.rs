//! Deletion and receipts: nothing is freed that is not stored.

use std::fs;

use weir_store::faults::{Action, Refusal, Rule};

use crate::card::{Card, files, upload};
use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, SITE, text};
use crate::support::{S3, Station, hydrocam, jpeg, wait};

#[test]
fn files_are_deleted_once_they_are_verified_and_the_row_says_so() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 5);
    let copy = card.write("copy.jpg", &card.pictures[0].clone());
    let cut = card.write("cut.jpg", &jpeg(9)[..100]);
    let report = upload(
        &station,
        &[card.path(), "--site", SITE, "--delete-after-verify"],
    );
    assert_eq!(
        (
            report.count("uploaded"),
            report.count("duplicate"),
            report.count("quarantined")
        ),
        (5, 1, 1)
    );
    assert_eq!(report.summary["deleted"], 6);
    assert_eq!(files(&card.root), ["cut.jpg"]);
    assert!(!copy.exists() && cut.exists() && card.root.join("DCIM/100RECNX").is_dir());
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
    // Back again, on another card: a duplicate of a verified image may go.
    card.write("again.jpg", &card.pictures[1].clone());
    let report = upload(
        &station,
        &[card.path(), "--site", SITE, "--delete-after-verify"],
    );
    assert_eq!(
        (
            report.count("duplicate"),
            report.summary["deleted"].as_u64()
        ),
        (1, Some(1))
    );
}

#[test]
fn nothing_is_deleted_while_the_store_refuses() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 5);
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied))]);
    let report = upload(
        &station,
        &[card.path(), "--site", SITE, "--delete-after-verify"],
    );
    assert_eq!(
        (report.code, report.summary["deleted"].as_u64()),
        (1, Some(0))
    );
    assert_eq!(files(&card.root).len(), 5);
}

/// A device with images that it could not upload, and a stick that was filled there.
fn device(s3: &S3, images: u32) -> (Station, Card, Vec<Vec<u8>>) {
    let device = Station::new(s3);
    s3.down();
    let agent = device.start();
    let pictures: Vec<_> = (0..images).map(|number| jpeg(u64::from(number))).collect();
    for (number, picture) in pictures.iter().enumerate() {
        device.drop_file(hydrocam(number as u32), picture);
    }
    wait::until("all are accepted", || {
        device.images().len() == pictures.len()
    });
    agent.drain();
    s3.up();
    let stick = Card::new(&device, "stick");
    (device, stick, pictures)
}

#[test]
fn a_stick_goes_from_the_device_to_the_store_and_its_receipt_frees_the_device() {
    let s3 = S3::start();
    let (device, stick, pictures) = device(&s3, 12);
    let copied = device.json(&["export", stick.path()]);
    assert_eq!(
        (copied[0]["copied"].as_u64(), copied[0]["left"].as_u64()),
        (Some(12), Some(0))
    );
    // The laptop's configuration knows the site, not its files: the manifest says whose they are.
    let laptop = Station::at(
        &s3.endpoint(),
        "AKIAWEIRTEST",
        crate::support::s3::SECRET_KEY,
        &[SITE],
    );
    let receipt = device.home().join("receipt.jsonl");
    let report = upload(
        &laptop,
        &[stick.path(), "--receipt", receipt.to_str().unwrap()],
    );
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 12),
        "{}",
        report.errors
    );
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    assert_eq!(report.summary["in_receipt"], 12);
    let apply = |more: &[&str]| {
        let arguments = [&["receipt", "apply", receipt.to_str().unwrap()], more].concat();
        device.json(&arguments)[0].clone()
    };
    let applied = apply(&["--check-store"]);
    assert_eq!(
        (applied["verified"].as_u64(), applied["deleted"].as_u64()),
        (Some(12), Some(0)),
        "{applied}"
    );
    let applied = apply(&["--delete"]);
    assert_eq!(
        (
            applied["already_verified"].as_u64(),
            applied["deleted"].as_u64()
        ),
        (Some(12), Some(12))
    );
    assert_eq!(apply(&["--delete"])["deleted"], 0);
    assert!(files(&device.camera()).is_empty());
    for image in device.images() {
        assert_eq!(image["state"], "verified");
        assert!(
            image["key"].is_string() && image["proof"].is_string(),
            "{image}"
        );
    }
    let asked = s3.stats().requests;
    let agent = device.start();
    agent.drain();
    assert_eq!(
        s3.stats().requests,
        asked,
        "the device sent again what is stored"
    );
}

#[test]
fn a_wrong_receipt_frees_nothing() {
    let s3 = S3::start();
    let (device, stick, _) = device(&s3, 3);
    device.json(&["export", stick.path()]);
    let receipt = device.home().join("receipt.jsonl");
    let laptop = Station::at(
        &s3.endpoint(),
        "AKIAWEIRTEST",
        crate::support::s3::SECRET_KEY,
        &[SITE],
    );
    upload(
        &laptop,
        &[stick.path(), "--receipt", receipt.to_str().unwrap()],
    );
    let good = fs::read_to_string(&receipt).unwrap();
    let owed = || {
        device
            .images()
            .iter()
            .filter(|image| image["state"] != "verified")
            .count()
    };
    let apply = |text: &str, more: &[&str]| {
        fs::write(&receipt, text).unwrap();
        let arguments = [
            &[
                "receipt",
                "apply",
                receipt.to_str().unwrap(),
                "--delete",
                "--json",
            ],
            more,
        ]
        .concat();
        device.weir(&arguments)
    };
    // Another version, another file: refused as a whole.
    for (wrong, what) in [
        (
            good.replacen("\"version\":1", "\"version\":2", 1),
            "version 2",
        ),
        ("no receipt\n".to_owned(), "no receipt of weir"),
    ] {
        let output = apply(&wrong, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains(what),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(owed(), 3);
    }
    // Sizes that are not ours, digests that are none, sites that are nobody's, objects that are not there.
    let sizes = good.replace("\"size\":", "\"size\":1");
    let digests = good.replace("\"sha256\":\"", "\"sha256\":\"x");
    let sites = good.replace("\"site\":\"first-dam\"", "\"site\":\"third-dam\"");
    let keys = good.replace("\"key\":\"", "\"key\":\"elsewhere/");
    for (wrong, more, code) in [
        (&sizes, &[][..], 1),
        (&digests, &[], 1),
        (&sites, &[], 0),
        (&keys, &["--check-store"], 1),
    ] {
        let output = apply(wrong, more);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stdout));
        assert_eq!((owed(), files(&device.camera()).len()), (3, 3), "{wrong}");
    }
    // One damaged line costs itself, and is told.
    let mut lines: Vec<_> = good.lines().map(str::to_owned).collect();
    lines[2] = lines[2][..40].to_owned();
    let output = apply(&(lines.join("\n") + "\n"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("line 3 is damaged"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!((owed(), files(&device.camera()).len()), (1, 1));
}
