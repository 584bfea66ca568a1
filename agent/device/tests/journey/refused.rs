//! What is no whole image is set aside with a reason, listed, left where it is, and looked at again when it changes.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{Picture, S3, Station, hydrocam, jpeg, wait};

const PAGE: &[u8] = b"<!DOCTYPE html><html><body>Please log in to the camera</body></html>";

fn quarantined(station: &Station) -> Vec<Value> {
    station.json(&["queue", "list", "--quarantined"])
}

#[test]
fn truncated_empty_and_foreign_files_are_listed_with_a_reason_and_left_in_place() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let whole = Picture::new(1).sized(100_000).thumbnail().jpeg();
    let files = [
        ("cut.jpg", &whole[..60_000], "truncated"),
        ("empty.jpg", &[], "empty"),
        ("page.jpg", PAGE, "not-an-image"),
    ];
    for (name, bytes, _) in files {
        station.drop_file(name, bytes);
    }
    let agent = station.start();
    let good = jpeg(2);
    station.drop_file(hydrocam(0), &good);
    let listed = wait::find("all three are listed", || {
        Some(quarantined(&station)).filter(|listed| listed.len() == files.len())
    });
    for (name, bytes, reason) in files {
        let path = station.camera().join(name);
        let row = listed
            .iter()
            .find(|row| row["path"] == path.to_str().unwrap())
            .unwrap();
        assert_eq!(row["reason"], reason, "{name}");
        assert!(
            !row["detail"].as_str().unwrap().is_empty(),
            "{name} has no sentence"
        );
        assert_eq!(fs::read(path).unwrap(), bytes, "{name} was touched");
    }
    assert_eq!(station.status()["quarantined"]["truncated"], 1);
    Oracle::of(BUCKET, [&good]).agrees(&s3);
    agent.drain();
}

#[test]
fn a_truncated_file_that_is_completed_later_is_taken() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = Picture::new(1).sized(100_000).jpeg();
    let path = station.drop_file(hydrocam(0), &picture[..50_000]);
    wait::until("the half is set aside", || {
        !quarantined(&station).is_empty()
    });
    fs::write(path, &picture).unwrap();
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    assert!(quarantined(&station).is_empty(), "it is still listed");
    agent.drain();
}

#[test]
fn links_and_hidden_files_are_not_followed() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let elsewhere = station.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join(hydrocam(1)), jpeg(1)).unwrap();
    symlink(&elsewhere, station.camera().join("folder")).unwrap();
    symlink(
        elsewhere.join(hydrocam(1)),
        station.camera().join(hydrocam(1)),
    )
    .unwrap();
    station.drop_file(".hidden.jpg", jpeg(2));
    let agent = station.start();
    symlink(
        elsewhere.join(hydrocam(1)),
        station.camera().join(hydrocam(2)),
    )
    .unwrap();
    let good = jpeg(3);
    station.drop_file(hydrocam(3), &good);
    station.until("verified", 1);
    Oracle::of(BUCKET, [&good]).agrees(&s3);
    assert_eq!(station.images().len(), 1);
    agent.drain();
}

#[test]
fn a_file_can_be_judged_again_at_the_operators_word() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let path = station.drop_file("page.jpg", PAGE);
    let agent = station.start();
    wait::until("it is set aside", || quarantined(&station).len() == 1);
    let path = path.to_str().unwrap();
    let answer = &station.json(&["queue", "retry", path])[0];
    assert_eq!(answer["files_to_judge_again"], 1, "{answer}");
    // The running agent looks at once, not at its next rescan.
    wait::until("it is set aside again", || quarantined(&station).len() == 1);
    agent.drain();
    assert!(s3.objects().is_empty());
}
