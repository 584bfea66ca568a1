//! An image is its site and its bytes: names may repeat, files may be replaced, and nothing is lost or doubled.

use std::fs;

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

#[test]
fn two_pictures_of_one_second_are_both_kept() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let pictures: Vec<_> = (0..6).map(jpeg).collect();
    for (camera, picture) in pictures.iter().enumerate() {
        let folder = station.camera().join(format!("camera-{camera}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(hydrocam(0)), picture).unwrap();
    }
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 6);
    agent.drain();
}

#[test]
fn each_site_has_its_own_bucket_even_for_the_same_bytes() {
    let s3 = S3::start();
    let station = Station::with_sites(&s3, &["north", "south"]);
    let agent = station.start();
    let (shared, own) = (jpeg(1), jpeg(2));
    let mut oracle = Oracle::default();
    for site in ["north", "south"] {
        fs::write(station.camera_of(site).join(hydrocam(0)), &shared).unwrap();
        oracle.expect(&format!("{site}-image"), &shared);
    }
    fs::write(station.camera_of("south").join(hydrocam(1)), &own).unwrap();
    oracle.expect("south-image", &own);
    oracle.agrees(&s3);
    station.until("verified", 3);
    agent.drain();
}

#[test]
fn a_file_replaced_before_its_upload_becomes_a_new_image_and_the_old_one_is_missing() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    // Once the breaker is open only the freshest image asks, and nobody looks for the older one.
    station.set_number("gate.breaker_failures", 1000);
    let agent = station.start();
    s3.down();
    let (old, new) = (jpeg(1), jpeg(2));
    let path = station.drop_file("latest.jpg", &old);
    wait::until("the first picture is accepted", || {
        station.images().len() == 1
    });
    let beside = station.home().join("new");
    fs::write(&beside, &new).unwrap();
    fs::rename(beside, &path).unwrap();
    wait::until("the second picture is accepted", || {
        station.images().len() == 2
    });
    // The store comes back only now: an upload that had the old file open already would still succeed.
    station.until("missing", 1);
    s3.up();
    Oracle::of(BUCKET, [&new]).agrees(&s3);
    station.until("verified", 1);
    let status = station.status();
    assert!(
        status["troubles"].to_string().contains("went away"),
        "nobody is told: {status}"
    );
    agent.drain();
}

#[test]
fn a_file_overwritten_in_place_before_its_upload_is_noticed() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    s3.down();
    let path = station.drop_file("latest.jpg", jpeg(1));
    let agent = station.start();
    station.image_is_accepted();
    agent.drain();
    // While nobody watches, and to the same length.
    let new = jpeg(2);
    assert_eq!(new.len() as u64, fs::metadata(&path).unwrap().len());
    fs::write(&path, &new).unwrap();
    s3.up();
    let agent = station.start();
    Oracle::of(BUCKET, [&new]).agrees(&s3);
    station.until("missing", 1);
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn a_missing_image_whose_bytes_come_back_is_uploaded() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    s3.down();
    let picture = jpeg(1);
    let path = station.drop_file(hydrocam(0), &picture);
    let agent = station.start();
    station.image_is_accepted();
    fs::remove_file(path).unwrap();
    // The store comes back only now: an upload that had the file open already would still succeed.
    station.until("missing", 1);
    s3.up();
    assert!(s3.objects().is_empty());
    station.drop_file(hydrocam(0), &picture);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    assert_eq!(station.images().len(), 1);
    agent.drain();
}

#[test]
fn a_dropped_image_stays_on_the_disk_and_out_of_the_bucket_until_it_is_wanted_again() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    s3.down();
    let picture = jpeg(1);
    let path = station.drop_file(hydrocam(0), &picture);
    let agent = station.start();
    station.image_is_accepted();
    let id = station.images()[0]["id"].to_string();
    let dropped = wait::find("it can be dropped", || {
        // On its way it cannot: then a moment later.
        let output = station.weir(&["queue", "drop", &id, "--reason", "test shot"]);
        output.status.success().then(|| station.image(&path))
    });
    assert_eq!(dropped["state"], "dropped");
    s3.up();
    let other = jpeg(2);
    station.drop_file(hydrocam(1), &other);
    Oracle::of(BUCKET, [&other]).agrees(&s3);
    assert_eq!(fs::read(&path).unwrap(), picture);
    station.json(&["queue", "retry", &id]);
    Oracle::of(BUCKET, [&picture, &other]).agrees(&s3);
    station.until("verified", 2);
    agent.drain();
}

impl Station {
    /// Waits until the queue has one image.
    fn image_is_accepted(&self) {
        wait::until("the picture is accepted", || self.images().len() == 1);
    }
}
