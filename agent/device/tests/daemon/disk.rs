//! A state directory on a disk that is full, or that cannot be written at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, text};
use crate::support::{S3, Station, hydrocam, jpeg, wait};

/// A small file system in memory, mounted for as long as this lives.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one at `path`, with these options of tmpfs(5).
    fn mount(path: PathBuf, options: &str) -> Self {
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "weir-test"])
            .arg(&path)
            .output()
            .expect("mount(8) is there");
        assert!(
            mounted.status.success(),
            "this test mounts a small tmpfs and so needs to run as root (or with CAP_SYS_ADMIN): {}",
            text(&mounted.stderr)
        );
        Self(path)
    }

    /// Fills it to the last byte; gives the file that does.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        for piece in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, for an agent may still have it open; a failure leaves a few MiB of memory mounted.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_waited_out_and_costs_no_image() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let disk = Disk::mount(station.state(), "size=16m,mode=700");
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
fn a_full_disk_at_the_start_is_no_reason_to_throw_the_queue_away() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let disk = Disk::mount(station.state(), "size=2m,mode=700");
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
fn a_state_directory_that_cannot_be_written_is_named() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let _disk = Disk::mount(station.state(), "size=1m,ro");
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output.stderr);
    let state = station.state().display().to_string();
    assert!(
        words.contains(&state) && words.contains("Read-only file system"),
        "{words}"
    );
}
