//! `weir timestamp`: what it tells of files, and of a queue after the configuration was corrected.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use weir_journey::fixtures::Picture;

use crate::support::station::text;
use crate::support::{S3, Station, hydrocam, wait};

/// The program where nothing is configured.
fn weir(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    text(&output.stdout).lines().map(parse).collect()
}

/// A file whose content is modified at 2024-08-12 00:00 UTC.
fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_723_420_800);
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(then)
        .unwrap();
}

fn dated(text: &str) -> Picture {
    Picture::new(1).taken(text)
}

#[test]
fn every_kind_of_image_is_judged_without_any_configuration() {
    let room = tempfile::tempdir().unwrap();
    let taken = dated("2024:08:09 14:30:00");
    let kinds = [
        ("a.jpg", taken.jpeg()),
        ("b.png", taken.png()),
        ("c.webp", taken.webp()),
        ("d.tif", taken.tiff()),
        ("e.heic", taken.heic()),
        ("f.avif", taken.avif()),
    ];
    for (name, bytes) in &kinds {
        put(room.path(), &format!("all/{name}"), bytes);
    }
    let output = weir(
        room.path(),
        &["timestamp", "--json", "--timezone", "America/Denver", "all"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = lines(&output);
    assert_eq!(told.len(), kinds.len());
    for (told, (name, _)) in told.iter().zip(&kinds) {
        assert_eq!(told["path"], format!("all/{name}"));
        assert_eq!(told["captured_at"], "2024-08-09T14:30:00-06:00", "{told}");
        assert_eq!(
            (&told["source"], &told["precision"]),
            (&json!("exif"), &json!("second"))
        );
        assert_eq!(
            (&told["confidence"], &told["warnings"]),
            (&json!("medium"), &json!([]))
        );
        assert_eq!(told["candidates"][1]["source"], "mtime");
    }
}

#[test]
fn what_says_nothing_gives_nothing_and_what_cannot_be_read_is_told() {
    let room = tempfile::tempdir().unwrap();
    put(room.path(), "RCNX0001.JPG", &Picture::new(1).jpeg());
    put(room.path(), "20240809_143000.jpg", b"no image at all");
    let output = weir(
        room.path(),
        &[
            "timestamp",
            "--json",
            "--no-mtime",
            "RCNX0001.JPG",
            "gone_2024-08-09_14-30-00.jpg",
            "20240809_143000.jpg",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let told = lines(&output);
    assert_eq!(
        (&told[0]["captured_at"], &told[0]["source"]),
        (&Value::Null, &json!("none"))
    );
    assert_eq!(told[0]["confidence"], "low");
    // One that is not there is judged by its name alone.
    assert!(told[1]["error"].is_string() && told[1]["path"] == "gone_2024-08-09_14-30-00.jpg");
    assert_eq!(told[1]["captured_at"], "2024-08-09T14:30:00+00:00");
    assert_eq!(told[2]["captured_at"], "2024-08-09T14:30:00+00:00");
    let warning = &told[2]["warnings"][0];
    assert_eq!(warning["code"], "zone-unknown");
    assert!(warning["text"].as_str().unwrap().contains("time zone"));
}

#[test]
fn a_pattern_of_ones_own_and_a_zone_are_taken_from_the_command_line() {
    let room = tempfile::tempdir().unwrap();
    put(
        room.path(),
        "cam.09-08-2024 14h30.jpg",
        &Picture::new(1).jpeg(),
    );
    let told = |more: &[&str]| {
        let arguments = [&["timestamp", "--json", "cam.09-08-2024 14h30.jpg"], more].concat();
        lines(&weir(room.path(), &arguments)).swap_remove(0)
    };
    let own = told(&["--pattern", "cam.%d-%m-%Y %Hh%M", "--timezone=-07:00"]);
    assert_eq!(own["captured_at"], "2024-08-09T14:30:00-07:00");
    assert_eq!(
        (&own["source"], &own["precision"]),
        (&json!("filename"), &json!("minute"))
    );
    assert_eq!(told(&[])["source"], "mtime");
    for wrong in [
        &["--timezone", "Mars/Olympus"],
        &["--pattern", "%Q"],
        &["--site", "first-dam"],
    ] {
        let arguments = [&["timestamp", "x.jpg"], wrong.as_slice()].concat();
        assert_eq!(
            weir(room.path(), &arguments).status.code(),
            Some(2),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_configuration_gives_its_sites_rules_to_the_files_in_its_folders() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.every_site("doubtful = \"undated\"\nsince = \"2024-01-01\"");
    put(
        &station.camera(),
        "RCNX0001.JPG",
        &dated("2020:08:09 14:30:00").jpeg(),
    );
    let path = station.camera().join("RCNX0001.JPG");
    let told = station
        .json(&["timestamp", path.to_str().unwrap()])
        .swap_remove(0);
    assert_eq!(
        (&told["site"], &told["filed"]),
        (&json!("first-dam"), &json!("undated"))
    );
    assert_eq!(told["source"], "mtime");
    assert_eq!(told["warnings"][0]["code"], "before-site");
}

#[test]
fn a_corrected_configuration_stamps_what_is_owed_anew_without_its_files() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let agent = station.start();
    let stored = station.drop_file(hydrocam(0), Picture::new(1).jpeg());
    // Its time is that of its change, which is finer than what a row holds.
    station.drop_file("snap.jpg", Picture::new(2).jpeg());
    station.until("verified", 2);
    agent.drain();
    s3.down();
    let agent = station.start();
    // An hour before noon of some day, by a clock that is 1 h 3 min fast; it says so twice.
    let owed = station.drop_file("RCNX0001.JPG", dated("2024:08:09 11:00:00").jpeg());
    wait::until("the picture is accepted", || station.images().len() == 3);
    agent.drain();
    let name = stored.file_name().unwrap().to_str().unwrap().to_owned();
    fs::remove_file(&owed).unwrap();

    let restamp = |station: &Station, more: &[&str]| {
        station.json(&[&["timestamp", "--restamp"], more].concat())
    };
    assert_eq!(
        restamp(&station, &[]),
        Vec::<Value>::new(),
        "nothing has changed"
    );
    station.every_site("camera_clock_offset = \"-1h3m\"");
    let shown = restamp(&station, &[]);
    assert_eq!(shown.len(), 2);
    let stays = shown
        .iter()
        .find(|line| line["stored_as"].is_string())
        .unwrap();
    assert!(stays["stored_as"].as_str().unwrap().ends_with(&name));
    assert_ne!(stays["key"], stays["stored_as"]);
    let changes = shown
        .iter()
        .find(|line| line["stored_as"].is_null())
        .unwrap();
    assert_eq!(changes["was"], "2024-08-09T11:00:00-07:00");
    assert_eq!(changes["becomes"], "2024-08-09T09:57:00-07:00");
    assert_eq!(changes["applied"], false);
    assert_eq!(
        station.image(&owed)["captured_at"],
        "2024-08-09T11:00:00-07:00",
        "only shown"
    );

    restamp(&station, &["--apply"]);
    let row = station.image(&owed);
    assert_eq!(row["captured_at"], "2024-08-09T09:57:00-07:00");
    assert_eq!(
        row["capture"]["candidates"][0]["raw"],
        "2024:08:09 11:00:00"
    );
    assert_eq!(
        row["capture"]["candidates"][0]["correction_ms"],
        -63 * 60_000
    );
    assert_eq!(row["capture"]["history"][0]["why"], "restamp");
    assert_eq!(station.image(&stored)["key"], stays["stored_as"]);
    assert_eq!(
        restamp(&station, &[]).len(),
        1,
        "what is stored is all that is left to say"
    );
}

#[test]
fn a_held_image_goes_up_when_a_person_has_looked() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.every_site("doubtful = \"hold\"");
    let agent = station.start();
    let path = station.drop_file("RCNX0001.JPG", Picture::new(1).jpeg());
    station.until("parked", 1);
    let row = station.image(&path);
    let (failure, fix) = (
        row["failure"].as_str().unwrap(),
        row["fix"].as_str().unwrap(),
    );
    assert!(
        failure.contains("doubtful") && fix.contains("weir queue retry"),
        "{failure}; {fix}"
    );
    assert!(
        station
            .weir(&["queue", "retry", path.to_str().unwrap()])
            .status
            .success()
    );
    station.until("verified", 1);
    agent.drain();
}
