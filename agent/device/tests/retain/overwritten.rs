//! Cameras that write one file again and again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{Picture, S3, Station, jpeg, wait};

fn station(s3: &S3) -> Station {
    let mut station = Station::new(s3);
    station.every_site("overwritten = [\"latest.jpg\", \"*.cur.jpg\"]");
    station
}

/// Copies that lie in the spool.
fn copies(station: &Station) -> Vec<PathBuf> {
    let folders = fs::read_dir(station.state().join("spool/first-dam"));
    let inside = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten();
    let folders = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    folders
        .flat_map(inside)
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn every_whole_picture_under_one_name_becomes_an_object_of_its_own() {
    let s3 = S3::start();
    let station = station(&s3);
    let agent = station.start();
    let pictures: Vec<_> = (0..6).map(jpeg).collect();
    for (number, picture) in pictures.iter().enumerate() {
        // Its own second: the objects are named by the time of change.
        let path = station.drop_file("latest.jpg", picture);
        stamp(&path, number as u64);
        station.until("verified", number as u64 + 1);
        // Written again, the same: no new image.
        fs::write(&path, picture).unwrap();
        stamp(&path, number as u64);
    }
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    assert!(
        s3.objects()
            .iter()
            .all(|object| object.metadata["original-name"] == "latest.jpg")
    );
    wait::find_within(Duration::from_secs(100), "the copies are freed", || {
        copies(&station).is_empty().then_some(())
    });
    assert_eq!(
        fs::read(station.camera().join("latest.jpg")).unwrap(),
        pictures[5]
    );
    let rows = station.images();
    assert_eq!(rows.len(), 6);
    assert!(
        rows.iter().all(|row| row["removed_why"] == "copy"),
        "{rows:?}"
    );
    agent.drain();
}

fn stamp(path: &Path, second: u64) {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_723_238_400 + second);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(at)
        .unwrap();
}

#[test]
fn a_copy_waits_in_the_spool_while_the_camera_writes_on_and_survives_a_kill() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.down();
    let agent = station.start();
    let pictures: Vec<_> = (0..3).map(jpeg).collect();
    for (number, picture) in pictures.iter().enumerate() {
        let path = station.drop_file("east.cur.jpg", picture);
        stamp(&path, number as u64);
        wait::until("it is accepted", || station.images().len() == number + 1);
    }
    assert_eq!(copies(&station).len(), 3);
    agent.kill();
    // A copy that was made and not handed over when the process died: as good as the camera's own.
    let lost = jpeg(9);
    let folder = station.state().join("spool/first-dam/9-0");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("east.cur.jpg"), &lost).unwrap();
    stamp(&folder.join("east.cur.jpg"), 9);
    s3.up();
    let agent = station.start();
    station.until("verified", 4);
    Oracle::of(BUCKET, pictures.iter().chain([&lost])).agrees(&s3);
    agent.drain();
}

#[test]
fn a_camera_that_writes_without_rest_costs_pictures_and_never_a_torn_one() {
    let s3 = S3::start();
    let station = station(&s3);
    let agent = station.start();
    let path = station.camera().join("latest.jpg");
    // In place, never truncated, and all of one length: any mixture of two would look whole.
    let pictures: Vec<_> = (0..300)
        .map(|seed| Picture::new(seed).sized(100_000).jpeg())
        .collect();
    let longest = pictures.iter().map(Vec::len).max().unwrap();
    let same = |picture: &&Vec<u8>| picture.len() == longest;
    let pictures: Vec<_> = pictures.iter().filter(same).collect();
    assert!(
        pictures.len() > 10,
        "{} pictures of one length",
        pictures.len()
    );
    File::create(&path).unwrap().write_all(pictures[0]).unwrap();
    for picture in &pictures[1..] {
        let mut file = File::options().write(true).open(&path).unwrap();
        for piece in picture.chunks(10_000) {
            file.write_all(piece).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let last = Oracle::of(BUCKET, [pictures[pictures.len() - 1]]);
    let last = last.images().next().unwrap().1.clone();
    wait::until("the last picture is stored", || {
        s3.objects().iter().any(|object| object.sha256 == last)
    });
    let whole = Oracle::of(BUCKET, pictures.iter().copied());
    let whole: Vec<_> = whole.images().map(|(_, sha256)| sha256.clone()).collect();
    for object in s3.objects() {
        assert!(
            whole.contains(&object.sha256),
            "a torn picture was stored: {}",
            object.key
        );
    }
    agent.drain();
}
