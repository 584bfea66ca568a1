//! The same visit to any S3 server: pictures, two of one second, a video in parts, kills on both sides.

use super::foreign::{Foreign, Keys};
use super::oracle::Oracle;
use super::station::{BUCKET, SITE};
use super::{Picture, Station, hydrocam, jpeg, wait};

/// A station that sends to the server.
pub(crate) fn station(keys: &Keys) -> Station {
    let mut station = Station::at(&keys.endpoint, &keys.access, &keys.secret, &[SITE]);
    station.set("upload.multipart_above", "5MiB");
    station.set("upload.part_size", "5MiB");
    station
}

/// Everything arrives once, although first the server is killed in the middle and then the agent.
#[track_caller]
pub(crate) fn survives_kills_on_both_sides(server: &mut Foreign, keys: &Keys) {
    server.make(BUCKET);
    let station = station(keys);
    let mut oracle = Oracle::default();
    let mut write = |name: &str, bytes: Vec<u8>| {
        oracle.expect(BUCKET, &bytes);
        let path = station.camera().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for second in 0..60 {
        write(&hydrocam(second), jpeg(u64::from(second)));
    }
    write(&hydrocam(60), Picture::new(60).sized(12 << 20).mp4());
    let agent = station.start();
    wait::until("some are stored", || server.count(BUCKET) >= 5);
    server.kill();
    wait::until("all are accepted while the server is away", || {
        station.images().len() == 61
    });
    agent.kill();
    server.revive();
    let agent = station.start();
    station.until("verified", 61);
    // The same second again, from a second camera: another key, both kept.
    write(&format!("second/{}", hydrocam(0)), jpeg(1000));
    station.until("verified", 62);
    agent.drain();
    server.holds(BUCKET, &oracle);
    for image in station.images() {
        assert_eq!(image["state"], "verified");
        assert!(image["proof"].is_string(), "{image}");
    }
}
