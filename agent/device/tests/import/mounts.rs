//! Real file systems: read-only cards, FAT where the kernel knows it, a stick that fills up, a card that is unmounted while it is read. These mount,
//! which only root may: `cargo test -p weir --test import -- --ignored` (`scripts/test` does it where it can).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_store::faults::{Action, Rule};

use crate::card::{Card, files, upload};
use crate::support::agent::Agent;
use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, SITE, text};
use crate::support::{S3, Station, hydrocam, wait};

/// A file system that is mounted for as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    fn mount(path: PathBuf, arguments: &[&str]) -> Self {
        fs::create_dir_all(&path).unwrap();
        run(Command::new("mount").args(arguments).arg(&path));
        Self(path)
    }

    fn tmpfs(path: PathBuf, options: &str) -> Self {
        Self::mount(path, &["-t", "tmpfs", "-o", options, "weir-test"])
    }

    /// A card of 32 MiB in a file beside the mount point: FAT where the kernel knows it, ext4 otherwise.
    fn card(path: PathBuf) -> Self {
        let kind = if knows_fat() { "vfat" } else { "ext4" };
        let image = path.with_extension(kind);
        if !image.exists() {
            fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
            let mut format = Command::new(format!("mkfs.{kind}"));
            if kind == "ext4" {
                format.args(["-q", "-F", "-m", "0"]);
            }
            run(format.arg(&image));
        }
        Self::mount(path, &["-t", kind, "-o", "loop", image.to_str().unwrap()])
    }

    fn remount(&self, options: &str) {
        run(Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0));
    }

    fn unmount(&self) {
        run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, for a program may still have it open; unmounted already, perhaps.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// FAT may be a module that is loaded on demand, or one that is not there.
fn knows_fat() -> bool {
    let known =
        || fs::read_to_string("/proc/filesystems").is_ok_and(|kinds| kinds.contains("vfat"));
    known() || (Command::new("modprobe").arg("vfat").output().is_ok() && known())
}

#[track_caller]
fn run(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; this test needs mount(8), mkfs.ext4(8) and mkfs.vfat(8): apt-get install mount e2fsprogs dosfstools")
    });
    assert!(
        done.status.success(),
        "this test mounts and so needs to run as root (or with CAP_SYS_ADMIN): {command:?}: {}",
        text(&done.stderr)
    );
}

fn card_at(root: &Path, pictures: u32) -> Card {
    let mut card = Card {
        root: root.to_owned(),
        pictures: Vec::new(),
    };
    for number in 0..pictures {
        card.take(
            &format!("DCIM/{}RECNX/{}", 100 + number / 10, hydrocam(number)),
            u64::from(number),
        );
    }
    card
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_read_only_card_is_uploaded_and_a_deletion_that_it_refuses_is_told() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    for kind in ["tmpfs", "card"] {
        let path = station.home().join(kind);
        let disk = match kind {
            "tmpfs" => Mounted::tmpfs(path, "size=16m"),
            _ => Mounted::card(path),
        };
        let card = card_at(&disk.0, 12);
        disk.remount("ro");
        let report = upload(&station, &[card.path(), "--site", SITE]);
        assert_eq!(report.code, 0, "{kind}: {}", report.errors);
        assert_eq!(report.count("uploaded") + report.count("duplicate"), 12);
        let report = upload(
            &station,
            &[card.path(), "--site", SITE, "--delete-after-verify"],
        );
        assert_eq!(
            (report.code, report.summary["not_deleted"].as_u64()),
            (1, Some(12)),
            "{}",
            report.summary
        );
        assert!(
            report.lines[0]["error"]
                .as_str()
                .unwrap()
                .contains("Read-only file system")
        );
        Oracle::of(BUCKET, &card.pictures).agrees(&s3);
    }
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_card_that_is_taken_out_and_put_back_is_known_by_its_bytes() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let disk = Mounted::card(station.home().join("card"));
    let card = card_at(&disk.0, 15);
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 15),
        "{}",
        report.errors
    );
    disk.unmount();
    drop(disk);
    let _disk = Mounted::card(station.home().join("card"));
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (report.code, report.count("duplicate")),
        (0, 15),
        "{}",
        report.errors
    );
    let report = upload(
        &station,
        &[card.path(), "--site", SITE, "--delete-after-verify"],
    );
    assert_eq!(
        (report.code, report.summary["deleted"].as_u64()),
        (0, Some(15)),
        "{}",
        report.summary
    );
    assert!(files(&card.root).is_empty());
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_card_unmounted_while_it_is_read_waits_for_its_return() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.max_in_flight", 1);
    let disk = Mounted::card(station.home().join("card"));
    let card = card_at(&disk.0, 40);
    s3.faults()
        .set([Rule::new(Action::Delay { milliseconds: 60 })]);
    let command = station.command(&["upload", "--json", card.path(), "--site", SITE]);
    let mut agent = Agent::spawn(command, station.home().join("upload.log"));
    wait::until("some are stored", || s3.objects().len() >= 5);
    disk.unmount();
    assert_eq!(agent.end().code(), Some(1), "{}", agent.log());
    assert!(
        agent.log().contains("put it back and run the same command"),
        "{}",
        agent.log()
    );
    assert!(
        station
            .images()
            .iter()
            .all(|image| image["state"] != "missing")
    );
    drop(disk);
    let _disk = Mounted::card(station.home().join("card"));
    s3.faults().clear();
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(report.code, 0, "{}\n{}", report.summary, report.errors);
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
}

#[test]
#[ignore = "mounts a file system: needs root, see scripts/test"]
fn a_stick_that_fills_up_ends_cleanly_and_another_takes_the_rest() {
    let s3 = S3::start();
    let device = Station::new(&s3);
    s3.down();
    let agent = device.start();
    let picture = |number: u32| {
        crate::support::Picture::new(u64::from(number))
            .sized(900_000)
            .jpeg()
    };
    for number in 0..40 {
        device.drop_file(hydrocam(number), picture(number));
    }
    wait::until("all are accepted", || device.images().len() == 40);
    agent.drain();
    let full = Mounted::card(device.home().join("full"));
    let one = device.json(&["export", full.0.to_str().unwrap()]);
    let copied = one[0]["copied"].as_u64().unwrap();
    assert!(
        (1..40).contains(&copied) && one[0]["full"] == true,
        "{one:?}"
    );
    assert_eq!(one[0]["left"], 40 - copied);
    let there = files(&full.0);
    assert!(
        there.iter().all(|name| !name.ends_with(".part")),
        "{there:?}"
    );
    let mut oldest: Vec<_> = there.iter().filter(|name| name.ends_with(".jpg")).collect();
    oldest.sort();
    assert!(
        oldest
            .iter()
            .zip(0..)
            .all(|(name, number)| name.ends_with(&hydrocam(number))),
        "{there:?}"
    );
    s3.up();
    let laptop = Station::at(
        &s3.endpoint(),
        "AKIAWEIRTEST",
        crate::support::s3::SECRET_KEY,
        &[SITE],
    );
    let report = upload(&laptop, &[full.0.to_str().unwrap()]);
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, copied),
        "{}",
        report.errors
    );
    let expected: Vec<_> = (0..copied as u32).map(picture).collect();
    Oracle::of(BUCKET, &expected).agrees(&s3);
}
