//! `--dry-run`: the plan, and that it changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::card::{Card, files, upload};
use crate::support::station::{SITE, text};
use crate::support::{S3, Station, jpeg};

/// Every file of a folder with its content.
fn snapshot(root: &Path) -> BTreeMap<String, Vec<u8>> {
    files(root)
        .into_iter()
        .map(|name| (name.clone(), fs::read(root.join(name)).unwrap()))
        .collect()
}

#[test]
fn the_plan_says_what_would_be_done_and_changes_nothing() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let mut card = Card::with(&station, "card", 8);
    assert_eq!(
        upload(&station, &[card.path(), "--site", SITE]).count("uploaded"),
        8
    );
    station.set_number("pipeline.concurrency", 1);
    station.set("pipeline.seconds_per_image", "10s");
    station.set("pipeline.max_event_age", "50s");
    for seed in 0..6 {
        card.take(
            &format!("DCIM/200/image_capture_2024-08-10_00-00-0{seed}.jpg"),
            100 + seed,
        );
    }
    // The same bytes as one that is stored, elsewhere; one without a time; one cut short; one that is none.
    card.write("copy.jpg", &card.pictures[0]);
    card.write("no-time.jpg", &jpeg(200));
    card.write("cut.jpg", &jpeg(201)[..100]);
    card.write("notes.txt", b"x");
    let (before, asked) = (snapshot(&station.state()), s3.stats().requests);
    let arguments = ["upload", "--dry-run", card.path(), "--site", SITE];
    let plan = station.json(&arguments[..])[0]["plan"].clone();
    let site = &plan["sites"][0];
    assert_eq!(site["site"], SITE);
    assert_eq!(
        (site["images"].as_u64(), site["stored"].as_u64()),
        (Some(16), Some(9)),
        "{plan}"
    );
    assert_eq!(
        (site["to_upload"].as_u64(), site["quarantined"].as_u64()),
        (Some(7), Some(1)),
        "{plan}"
    );
    // Neither the copy nor the other has a time in its name.
    assert_eq!(site["doubtful"], 2, "{plan}");
    assert_eq!(plan["ignored"], 1);
    assert!(
        site["first"]
            .as_str()
            .unwrap()
            .starts_with("2024-08-09T00:00:00"),
        "{plan}"
    );
    // Three at once, by 0.8 * 50 s / 10 s - 1; the other four one after the other.
    assert_eq!(
        (
            plan["expected_seconds"].as_u64(),
            plan["bounded_by"].as_str()
        ),
        (Some(40), Some("pipeline"))
    );
    let words = station.weir(&["upload", "--dry-run", card.path(), "--site", SITE]);
    assert_eq!(words.status.code(), Some(0), "{}", text(&words.stderr));
    assert!(
        text(&words.stdout).contains("7 to upload"),
        "{}",
        text(&words.stdout)
    );
    assert_eq!(snapshot(&station.state()), before);
    assert_eq!(s3.stats().requests, asked);
}

#[test]
fn a_plan_needs_no_queue_and_makes_none_and_beside_an_agent_it_reads_the_agents() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 3);
    let plan =
        || station.json(&["upload", "--dry-run", card.path(), "--site", SITE])[0]["plan"].clone();
    assert_eq!(plan()["sites"][0]["to_upload"], 3);
    assert!(!station.state().exists());
    let agent = station.start();
    station.drop_file("a.jpg", &card.pictures[0]);
    station.until("verified", 1);
    assert_eq!(plan()["sites"][0]["stored"], 1);
    agent.drain();
}

#[test]
fn a_plan_of_what_fits_nobody_tells_the_rest_too() {
    let s3 = S3::start();
    let mut station = Station::with_sites(&s3, &[]);
    station.add("[[site]]\nname = \"north\"\nmatch = \"north\"\n");
    let mut card = Card::new(&station, "card");
    card.take("north/a.jpg", 1);
    card.take("west/b.jpg", 2);
    let output = station.weir(&["upload", "--dry-run", "--json", card.path()]);
    assert_eq!(output.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["plan"]["sites"][0]["images"], 1);
    assert_eq!(told["plan"]["unmatched"]["folders"][0]["example"], "b.jpg");
}
