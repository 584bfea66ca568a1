//! SIGKILL of the real program while it deletes. What is gone from the camera's folder is in the store, at any moment.
//!
//! `WEIR_CRASH_ROUNDS` and `WEIR_CRASH_SEED` are as in the crash test of the whole agent.

use std::collections::BTreeSet;
use std::time::Duration;

use super::camera::Camera;
use crate::support::oracle::{Oracle, sha256};
use crate::support::station::BUCKET;
use crate::support::{S3, Station, wait};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number"))
    })
}

#[test]
fn a_kill_during_deletion_loses_nothing_and_leaves_nothing_unrecorded() {
    let rounds = number("WEIR_CRASH_ROUNDS", 40);
    let seed = number("WEIR_CRASH_SEED", u64::from(std::process::id()));
    println!("{rounds} kills, WEIR_CRASH_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.keep", "0s");
    station.set("daemon.listen", "");
    let mut camera = Camera::new(station.camera(), 2_000);
    for round in 0..rounds {
        (0..chance.u32(0..40)).for_each(|_| assert!(camera.take()));
        let agent = station.begin();
        std::thread::sleep(Duration::from_millis(chance.u64(5..1_500)));
        agent.kill();
        gone_is_stored(&s3, &camera, round);
    }
    let agent = station.begin();
    wait::find_within(
        Duration::from_secs(120),
        "everything is stored and deleted",
        || (camera.local() == 0).then_some(()),
    );
    let rows = wait::find("everything is recorded", || {
        let rows = station.images();
        let done =
            |row: &serde_json::Value| row["state"] == "verified" && row["removed_why"] == "age";
        rows.iter().all(done).then_some(rows)
    });
    agent.drain();
    assert_eq!(rows.len(), camera.written.len());
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    let findings = station.json(&["queue", "check"]);
    assert_eq!(findings[0]["sound"], true, "{findings:?}");
}

fn gone_is_stored(s3: &S3, camera: &Camera, round: u64) {
    let stored: BTreeSet<_> = s3
        .objects()
        .into_iter()
        .map(|object| object.sha256)
        .collect();
    for (path, bytes) in &camera.written {
        assert!(
            path.exists() || stored.contains(&sha256(bytes)),
            "round {round}: {} is neither here nor there",
            path.display()
        );
    }
}
