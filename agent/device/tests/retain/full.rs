//! Full disks, disks without inodes, read-only disks.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::camera::Camera;
use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{Disk, S3, Station, wait};

fn troubles(station: &Station) -> String {
    station.status()["troubles"].to_string()
}

/// Waits for as long as images go on to be verified.
#[track_caller]
fn until_verified(station: &Station, images: u64) {
    let (mut best, mut deadline) = (0, Instant::now() + wait::BOUND);
    loop {
        let now = station.count("verified");
        if now == images {
            return;
        }
        if now > best {
            (best, deadline) = (now, Instant::now() + wait::BOUND);
        }
        assert!(
            Instant::now() < deadline,
            "{now} of {images} images are verified: {}",
            station.status()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_camera_that_writes_more_than_its_disk_holds_loses_nothing() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.min_free", "6MiB");
    let _disk = Disk::ext4(station.camera(), 32);
    let agent = station.start();
    let mut camera = Camera::new(station.camera(), 100_000);
    // More than the disk holds; a picture that it has no room for is waited with.
    let deadline = Instant::now() + Duration::from_secs(300);
    while camera.written.len() < 420 {
        camera.take();
        std::thread::sleep(Duration::from_millis(100));
        assert!(Instant::now() < deadline, "{}", station.status());
    }
    let written = camera.written.len() as u64;
    until_verified(&station, written);
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    assert_eq!(camera.refused, 0, "the camera found the disk full");
    assert!(
        camera.local() < 300,
        "{} pictures on 32 MiB",
        camera.local()
    );
    let removed = station.images();
    let removed = removed
        .iter()
        .filter(|image| image["removed_why"] == "space");
    assert!(removed.count() >= 120);
    assert!(troubles(&station).contains("[]"), "{}", troubles(&station));
    agent.drain();
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_disk_without_inodes_is_emptied_by_number() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.min_free_inodes", "12");
    let _disk = Disk::tmpfs(station.camera(), "size=64m,nr_inodes=60");
    let agent = station.start();
    let mut camera = Camera::new(station.camera(), 1_000);
    let deadline = Instant::now() + Duration::from_secs(200);
    while camera.written.len() < 120 {
        camera.take();
        std::thread::sleep(Duration::from_millis(300));
        assert!(Instant::now() < deadline, "{}", station.status());
    }
    until_verified(&station, 120);
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    let image = &station.images()[0];
    assert_eq!(image["removed_why"], "inodes", "{image}");
    agent.drain();
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn one_card_for_everything_that_fills_up_without_a_link_recovers_with_it() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.min_free", "5%");
    // The card holds the state and the pictures, as on most boards.
    let card = Disk::ext4(station.home().join("card"), 64);
    for name in ["first-dam", "state"] {
        let at = station.home().join(name);
        let _ = fs::remove_dir(&at);
        fs::create_dir(card.at().join(name)).unwrap();
        std::os::unix::fs::symlink(card.at().join(name), at).unwrap();
    }
    let mut agent = station.start();
    let mut camera = Camera::new(station.camera(), 300_000);
    camera.take();
    until_verified(&station, 1);
    s3.down();
    while camera.refused < 3 {
        camera.take();
    }
    let ballast = card.fill();
    wait::until("the full disk is told", || {
        troubles(&station).contains("nearly full")
    });
    // Nothing that no store has was deleted: only the first picture may have gone.
    wait::steadily(
        Duration::from_secs(12),
        "an image went that no store has",
        || camera.local() + 1 >= camera.written.len() && agent.ended().is_none(),
    );
    s3.up();
    fs::remove_file(ballast).unwrap();
    until_verified(&station, camera.written.len() as u64);
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    wait::find_within(Duration::from_secs(90), "there is room again", || {
        let status = station.status();
        let free = status["disks"][0]["free_bytes"].as_u64()?;
        (free > 3 << 20 && status["accepting"] == Value::Bool(true)).then_some(())
    });
    let lines = agent.log().lines().count();
    assert!(
        lines < 40,
        "{lines} lines about one full disk:\n{}",
        agent.log()
    );
    agent.drain();
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn what_the_operator_lets_go_is_thinned_recorded_and_listed() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_toml("retain.drop_unverified", "true");
    station.set("retain.min_free", "5MiB");
    let _disk = Disk::tmpfs(station.camera(), "size=24m");
    s3.down();
    let agent = station.start();
    let mut camera = Camera::new(station.camera(), 100_000);
    let deadline = Instant::now() + Duration::from_secs(120);
    while camera.written.len() < 400 {
        camera.take();
        std::thread::sleep(Duration::from_millis(70));
        assert!(Instant::now() < deadline, "{}", station.status());
    }
    wait::find_within(Duration::from_secs(60), "the disk has room again", || {
        let disks = station.status()["disks"].clone();
        let disk = disks
            .as_array()?
            .iter()
            .find(|disk| disk["bytes"] == 24 << 20)?
            .clone();
        (disk["free_bytes"].as_u64()? > 5 << 20).then_some(())
    });
    s3.up();
    // What was not given up arrives, and is all that does. More may have been given up since there was room: what the
    // agent begins to make, it makes a quarter more of.
    let drops = wait::find("all that is left is verified", || {
        let drops = station.json(&["queue", "list", "--dropped"]);
        let verified = station.count("verified") as usize;
        (verified + drops.len() == camera.written.len()).then_some(drops)
    });
    assert!(drops.len() > 150, "{} drops", drops.len());
    for drop in &drops {
        assert_eq!(
            (&drop["by"], &drop["why"]),
            (&"retention".into(), &"space".into())
        );
        assert!(!std::path::Path::new(drop["path"].as_str().unwrap()).exists());
    }
    let given_up = |path: &std::path::Path| {
        drops
            .iter()
            .any(|drop| drop["path"].as_str() == path.to_str())
    };
    let kept = camera.written.iter().filter(|(path, _)| !given_up(path));
    Oracle::of(BUCKET, kept.map(|(_, bytes)| bytes)).agrees(&s3);
    agent.drain();
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_card_that_became_read_only_is_told_uploaded_from_and_emptied_when_it_can_be() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.keep", "0s");
    let disk = Disk::ext4(station.camera(), 16);
    let mut camera = Camera::new(station.camera(), 50_000);
    (0..5).for_each(|_| assert!(camera.take()));
    disk.remount("ro");
    let agent = station.start();
    until_verified(&station, 5);
    wait::until("it is told", || troubles(&station).contains("read-only"));
    assert_eq!(camera.local(), 5);
    disk.remount("rw");
    wait::find_within(
        Duration::from_secs(120),
        "what is stored is deleted",
        || (camera.local() == 0 && troubles(&station) == "[]").then_some(()),
    );
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    agent.drain();
}

/// A nearly full disk under load. `WEIR_FULL_SECONDS` is how long (30 without it); `scripts/full-disk` sets it.
#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_nearly_full_disk_under_load_loses_nothing() {
    let seconds = std::env::var("WEIR_FULL_SECONDS").map_or(30, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("WEIR_FULL_SECONDS={text} is no number"))
    });
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("retain.min_free", "24MiB");
    let card = Disk::ext4(station.home().join("card"), 256);
    for name in ["first-dam", "state"] {
        let at = station.home().join(name);
        let _ = fs::remove_dir(&at);
        fs::create_dir(card.at().join(name)).unwrap();
        std::os::unix::fs::symlink(card.at().join(name), at).unwrap();
    }
    // Full up to the limit before it begins.
    let mut ballast = fs::File::create(card.at().join("ballast")).unwrap();
    std::io::Write::write_all(&mut ballast, &vec![1; 205 << 20]).unwrap();
    let agent = station.start();
    let mut camera = Camera::new(station.camera(), 100_000);
    let load = Load::run(&station, &s3, &mut camera, Duration::from_secs(seconds));
    s3.up();
    until_verified(&station, camera.written.len() as u64);
    Oracle::of(BUCKET, &camera.pictures()).agrees(&s3);
    println!(
        "{seconds} s: {} pictures written and verified, lost 0; the disk was full {} times; longest stall of the \
         uploads {:.1} s beyond the outages, of the camera {:.1} s; {} pictures left on the disk",
        camera.written.len(),
        camera.refused,
        load.uploads.as_secs_f64(),
        load.camera.as_secs_f64(),
        camera.local(),
    );
    agent.drain();
}

/// The longest times in which nothing went forward.
struct Load {
    uploads: Duration,
    camera: Duration,
}

impl Load {
    /// Ten pictures a second, and a store that is away for 5 seconds of every 30.
    fn run(station: &Station, s3: &S3, camera: &mut Camera, time: Duration) -> Self {
        let begun = Instant::now();
        let mut load = Self {
            uploads: Duration::ZERO,
            camera: Duration::ZERO,
        };
        let (mut verified, mut since, mut up, mut wrote) = (0, begun, true, begun);
        while begun.elapsed() < time {
            if camera.take() {
                load.camera = load.camera.max(wrote.elapsed());
                wrote = Instant::now();
            }
            let reachable = begun.elapsed().as_secs() % 30 < 25;
            if reachable != up {
                if reachable {
                    s3.up()
                } else {
                    s3.down()
                }
                (up, since) = (reachable, Instant::now());
            }
            let now = station.count("verified");
            if now > verified || !up {
                if up {
                    load.uploads = load.uploads.max(since.elapsed());
                }
                (verified, since) = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        load
    }
}
