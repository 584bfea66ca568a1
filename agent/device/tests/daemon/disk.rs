//! A state directory on a disk that is full, or that cannot be written at all. These mount a small file system, which
//! only root may: `cargo test -p weir --test daemon -- --ignored` (`scripts/test` does it where it can).

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, text};
use crate::support::{Disk, S3, Station, hydrocam, jpeg, wait};

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_full_disk_is_waited_out_and_costs_no_image() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let disk = Disk::tmpfs(station.state(), "size=16m,mode=700");
    let mut agent = station.start();
    let mut pictures = vec![jpeg(0)];
    station.drop_file(hydrocam(0), &pictures[0]);
    station.until("verified", 1);
    let ballast = disk.fill();
    for second in 1..=600 {
        let picture = jpeg(u64::from(second));
        station.drop_file(hydrocam(second), &picture);
        pictures.push(picture);
    }
    agent.hears("images cannot be accepted now");
    wait::steadily(
        Duration::from_secs(2),
        "the full disk ended the agent",
        || agent.ended().is_none(),
    );
    // It still answers, whatever it says.
    station.status();
    fs::remove_file(ballast).unwrap();
    wait::find_within(Duration::from_secs(120), "all is verified", || {
        (station.count("verified") == 601).then_some(())
    });
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    let lines = agent.log().lines().count();
    assert!(lines < 20, "{lines} lines about one full disk");
    agent.drain();
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_full_disk_at_the_start_is_no_reason_to_throw_the_queue_away() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let disk = Disk::tmpfs(station.state(), "size=2m,mode=700");
    s3.down();
    let picture = jpeg(1);
    station.drop_file(hydrocam(0), &picture);
    let agent = station.start();
    wait::until("it is accepted", || station.images().len() == 1);
    agent.kill();
    let ballast = disk.fill();
    let mut agent = station.begin();
    // It may run or end with an error; the queue stays either way.
    wait::until("it runs or ends", || {
        agent.ended().is_some() || agent.log().contains(" watches ")
    });
    drop(agent);
    fs::remove_file(ballast).unwrap();
    s3.up();
    let agent = station.start();
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    assert!(!any_corrupt(&station.state()), "the queue was set aside");
    agent.drain();
}

fn any_corrupt(state: &Path) -> bool {
    fs::read_dir(state)
        .unwrap()
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().contains("corrupt"))
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_state_directory_that_cannot_be_written_is_named() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let _disk = Disk::tmpfs(station.state(), "size=1m,ro");
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output.stderr);
    let state = station.state().display().to_string();
    assert!(
        words.contains(&state) && words.contains("Read-only file system"),
        "{words}"
    );
}
