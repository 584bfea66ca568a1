//! Camera folders that are not there, come, go and come again.

use std::fs;

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

/// Whether the status says that the first site's folder is there.
fn present(station: &Station) -> bool {
    station.status()["sites"][0]["directories"][0]["present"] == true
}

#[test]
fn a_folder_that_comes_after_the_start_is_watched() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    fs::remove_dir(station.camera()).unwrap();
    let agent = station.start();
    wait::until("the folder is reported away", || !present(&station));
    assert!(
        station.status()["troubles"]
            .to_string()
            .contains("is not there")
    );
    fs::create_dir(station.camera()).unwrap();
    let pictures = [jpeg(1), jpeg(2)];
    station.drop_file(hydrocam(1), &pictures[0]);
    wait::until("the folder is reported back", || present(&station));
    station.drop_file(hydrocam(2), &pictures[1]);
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 2);
    agent.drain();
}

#[test]
fn a_folder_removed_and_made_again_is_watched_again() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let mut pictures = Vec::new();
    for second in 0..3 {
        let picture = jpeg(u64::from(second));
        station.drop_file(hydrocam(second), &picture);
        pictures.push(picture);
        Oracle::of(BUCKET, &pictures).agrees(&s3);
        station.until("verified", u64::from(second) + 1);
        fs::remove_dir_all(station.camera()).unwrap();
        wait::until("the folder is reported away", || !present(&station));
        fs::create_dir(station.camera()).unwrap();
        wait::until("the folder is reported back", || present(&station));
    }
    agent.drain();
}

#[test]
fn images_of_a_folder_that_is_away_wait_for_its_return() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    s3.down();
    let picture = jpeg(1);
    station.drop_file(hydrocam(0), &picture);
    wait::until("the picture is accepted", || station.images().len() == 1);
    // As a card that is pulled: the folder goes with all that is in it.
    let pulled = station.home().join("pulled");
    fs::rename(station.camera(), &pulled).unwrap();
    wait::until("the folder is reported away", || !present(&station));
    // The store comes back only now: an upload that had the file open already would still succeed.
    wait::until("the site is said to wait for its folder", || {
        let held = &station.status()["sites"][0]["held"];
        held.as_str().is_some_and(|why| why.contains("away"))
    });
    s3.up();
    assert_eq!(station.count("missing"), 0);
    fs::rename(&pulled, station.camera()).unwrap();
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    agent.drain();
}
