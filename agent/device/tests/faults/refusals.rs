//! What only a person can mend is parked with its reason and its fix, asked about rarely, and let go when mended.

use std::time::Duration;

use weir_store::Operation;
use weir_store::faults::{Action, Refusal, Rule};

use crate::support::oracle::Oracle;
use crate::support::s3::{ACCESS_KEY, SECRET_KEY};
use crate::support::station::{BUCKET, SITE};
use crate::support::{S3, Station, hydrocam, jpeg, wait};

/// Requests of any kind that the store has seen.
fn requests(s3: &S3) -> u64 {
    s3.stats().requests
}

/// Ten pictures in the camera folder.
fn ten(station: &Station) -> Vec<Vec<u8>> {
    let pictures: Vec<_> = (0..10).map(jpeg).collect();
    for (second, picture) in (0..).zip(&pictures) {
        station.drop_file(hydrocam(second), picture);
    }
    pictures
}

#[test]
fn a_missing_bucket_parks_few_images_and_its_making_frees_them_all() {
    let s3 = S3::start();
    // Nobody makes the bucket yet.
    let station = Station::at(&s3.endpoint(), ACCESS_KEY, SECRET_KEY, &[SITE]);
    let pictures = ten(&station);
    let agent = station.start();
    wait::until("the site is held until somebody makes it", || {
        let held = &station.status()["sites"][0]["held"];
        held.as_str()
            .is_some_and(|why| why.contains("create the bucket"))
    });
    let parked = station.json(&["queue", "list", "--state", "parked"]);
    for row in &parked {
        assert!(row["failure"].as_str().unwrap().contains("NoSuchBucket"));
        assert!(row["fix"].as_str().unwrap().contains("create the bucket"));
    }
    // Those that were under way together found out together; the others were never sent.
    let asked = requests(&s3);
    assert!(asked <= 16, "{asked} requests for what cannot be done");
    wait::steadily(
        Duration::from_secs(1),
        "a refused site goes on asking",
        || requests(&s3) == asked,
    );
    s3.make(BUCKET);
    station.json(&["queue", "retry", "--state", "parked"]);
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 10);
    assert!(station.status()["sites"][0]["held"].is_null());
    agent.drain();
}

#[test]
fn a_refusal_is_asked_about_again_by_one_image_and_a_restart_forgets_nothing() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("upload.park_probe_first", "1s");
    station.set("upload.park_probe_max", "1s");
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied))]);
    let pictures = ten(&station);
    let agent = station.start();
    wait::until("an image is parked", || station.count("parked") > 0);
    agent.drain();
    let before = requests(&s3);
    let agent = station.start();
    let held = || station.status()["sites"][0]["held"].to_string();
    assert!(held().contains("s3:PutObject"), "{}", held());
    wait::until("somebody asks again", || requests(&s3) > before);
    s3.faults().clear();
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 10);
    agent.drain();
}

#[test]
fn refused_credentials_hold_every_site_until_they_are_put_right() {
    let s3 = S3::start();
    let mut station = Station::with_sites(&s3, &["north", "south"]);
    station.set("upload.park_probe_first", "1s");
    station.set("upload.park_probe_max", "1s");
    let keys = station.home().join("keys");
    let right = std::fs::read(&keys).unwrap();
    std::fs::write(
        &keys,
        format!("access_key_id = {ACCESS_KEY}\nsecret_access_key = mistyped\n"),
    )
    .unwrap();
    let mut oracle = Oracle::default();
    for (seed, site) in (0..).zip(["north", "south"]) {
        let picture = jpeg(seed);
        std::fs::write(station.camera_of(site).join(hydrocam(0)), &picture).unwrap();
        oracle.expect(&format!("{site}-image"), &picture);
    }
    let agent = station.start();
    wait::until("an image is parked", || station.count("parked") > 0);
    wait::until("both sites are held", || {
        let status = station.status();
        (0..2).all(|site| {
            status["sites"][site]["held"]
                .as_str()
                .is_some_and(|why| why.contains("credentials"))
        })
    });
    assert!(s3.objects().is_empty());
    agent.drain();
    std::fs::write(&keys, right).unwrap();
    let agent = station.start();
    oracle.agrees(&s3);
    station.until("verified", 2);
    agent.drain();
}

#[test]
fn one_refused_site_does_not_hold_another() {
    let s3 = S3::start();
    let station = Station::with_sites(&s3, &["north", "south"]);
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied)).bucket("north-image")]);
    let agent = station.start();
    let mut oracle = Oracle::default();
    for second in 0..5 {
        for (add, site) in [(0, "north"), (100, "south")] {
            let picture = jpeg(add + u64::from(second));
            std::fs::write(station.camera_of(site).join(hydrocam(second)), &picture).unwrap();
            if site == "south" {
                oracle.expect("south-image", &picture);
            }
        }
    }
    oracle.agrees(&s3);
    station.until("verified", 5);
    assert!(station.count("parked") > 0);
    assert_eq!(s3.stats().answered(Operation::PutObject, 500), 0);
    agent.drain();
}
