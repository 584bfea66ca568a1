//! What comes home on cards: many sites at once, all kinds of files, twice, pulled half-way.

use std::fs;

use rustix::process::Signal;
use weir_store::faults::{Action, Refusal, Rule};

use crate::card::{Card, Report, files, upload};
use crate::support::agent::Agent;
use crate::support::oracle::{Oracle, sha256};
use crate::support::station::{BUCKET, SITE, text};
use crate::support::{S3, Station, hydrocam, jpeg, wait};

const BOTH: &str = "[[site]]\nname = \"north\"\ntimezone = \"Etc/GMT+7\"\nmatch = [\"north\", \"N-*\"]\n\
                    [[site]]\nname = \"south\"\ntimezone = \"-07:00\"\nmatch = \"DCIM/2??RECNX\"\n";

#[test]
fn a_card_of_many_sites_finds_every_bucket_and_what_is_no_picture_is_told_apart() {
    let s3 = S3::start();
    let mut station = Station::with_sites(&s3, &[]);
    station.add(BOTH);
    s3.make("north-image");
    s3.make("south-image");
    let mut oracle = Oracle::default();
    let card = Card::new(&station, "card");
    for (seed, path) in [
        (1, format!("north/{}", hydrocam(1))),
        (2, "DCIM/100RECNX/N-0001.JPG".to_owned()),
        (3, "DCIM/200RECNX/RCNX0001.JPG".to_owned()),
        (4, "DCIM/201RECNX/RCNX0001.JPG".to_owned()),
    ] {
        card.write(&path, &jpeg(seed));
        oracle.expect(
            if seed < 3 {
                "north-image"
            } else {
                "south-image"
            },
            &jpeg(seed),
        );
    }
    let cut = jpeg(5);
    card.write("north/cut.jpg", &cut[..cut.len() / 2]);
    card.write("north/page.jpg", b"<html>not found");
    card.write("north/Thumbs.db", b"x");
    card.write("notes.txt", b"by hand");
    card.write("System Volume Information/x.jpg", &jpeg(6));
    let report = upload(&station, &[card.path()]);
    assert_eq!(report.code, 1, "{}", report.errors);
    assert_eq!(
        (report.count("uploaded"), report.count("quarantined")),
        (4, 2)
    );
    assert_eq!(report.summary["ignored"], 2);
    let line = report.line("N-0001.JPG");
    assert_eq!(line["site"], "north");
    assert_eq!(line["bucket"], "north-image");
    assert_eq!(line["sha256"], sha256(&jpeg(2)));
    assert!(
        line["captured_at"].is_string() && line["error"].is_null(),
        "{line}"
    );
    assert!(
        report.line("cut.jpg")["error"]
            .as_str()
            .unwrap()
            .contains("cut short")
    );
    oracle.agrees(&s3);
    // Again, with nothing new: known, told as such, and not a single request.
    fs::remove_file(card.root.join("north/cut.jpg")).unwrap();
    fs::remove_file(card.root.join("north/page.jpg")).unwrap();
    let asked = s3.stats().requests;
    let again = upload(&station, &[card.path()]);
    assert_eq!(
        (again.code, again.count("duplicate")),
        (0, 4),
        "{}",
        again.errors
    );
    assert_eq!(s3.stats().requests, asked);
}

#[test]
fn the_camera_that_wrote_here_before_is_known_and_a_copy_is_a_duplicate() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let mut card = Card::with(&station, "card", 3);
    let first = card.take("copy/a.jpg", 77);
    card.write("copy/b.jpg", &fs::read(first).unwrap());
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (
            report.code,
            report.count("uploaded"),
            report.count("duplicate")
        ),
        (0, 4, 1),
        "{}",
        report.errors
    );
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
    // The configured folder of a site needs no rule.
    station.drop_file(hydrocam(0), &card.pictures[0]);
    station.drop_file(hydrocam(9), jpeg(900));
    let report = upload(&station, &[station.camera().to_str().unwrap()]);
    assert_eq!(
        (report.count("uploaded"), report.count("duplicate")),
        (1, 1)
    );
}

#[test]
fn a_file_that_fits_no_site_stops_everything_before_it_begins() {
    let s3 = S3::start();
    let mut station = Station::with_sites(&s3, &[]);
    station.add(BOTH);
    let card = Card::with(&station, "card", 12);
    let output = station.weir(&["upload", card.path()]);
    assert_eq!(output.status.code(), Some(2));
    let words = text(&output.stderr);
    assert!(
        words.contains("12 files fit no site") && words.contains("100RECNX: 10 files"),
        "{words}"
    );
    assert!(
        words.contains("--site NAME") && words.contains("match = ["),
        "{words}"
    );
    assert!(!station.state().exists(), "something was begun");
    let json = station.weir(&["upload", card.path(), "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(told["unmatched"]["files"], 12);
    for wrong in [
        &["upload", card.path(), "--site", "nroth"][..],
        &["upload", "/no/such/card", "--site", "north"],
        &["upload", card.path(), "--timezone", "UTC"],
        &["upload"],
    ] {
        assert_eq!(station.weir(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn without_any_configured_site_a_laptop_needs_a_name_and_a_zone() {
    let s3 = S3::start();
    let station = Station::with_sites(&s3, &[]);
    s3.make("lab-image");
    let card = Card::with(&station, "card", 2);
    let state = station.home().join("own-state");
    let arguments = [
        card.path(),
        "--site",
        "lab",
        "--timezone",
        "Etc/GMT+7",
        "--state",
        state.to_str().unwrap(),
    ];
    let report = upload(&station, &arguments);
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 2),
        "{}",
        report.errors
    );
    Oracle::of("lab-image", &card.pictures).agrees(&s3);
    assert_eq!(
        report.lines[0]["captured_at"].as_str().unwrap().get(19..),
        Some("-07:00")
    );
    assert!(state.join("queue.db").exists() && !station.state().exists());
}

#[test]
fn a_stated_order_holds_for_all_of_a_card() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.max_in_flight", 1);
    for (order, name) in [("oldest", "one"), ("freshest", "two")] {
        let mut card = Card::new(&station, name);
        let shift = if order == "oldest" { 0 } else { 100 };
        for number in [5, 3, 9, 1, 7, 0, 2, 8] {
            card.take(
                &format!("{number}/{}", hydrocam(number + shift)),
                u64::from(number + shift),
            );
        }
        let mut created = s3.subscribe();
        let report = upload(&station, &[card.path(), "--site", SITE, "--order", order]);
        assert_eq!(report.count("uploaded"), 8, "{}", report.errors);
        let keys: Vec<_> = std::iter::from_fn(|| created.try_recv().ok())
            .map(|event| event.key)
            .collect();
        let mut sorted = keys.clone();
        sorted.sort();
        if order == "freshest" {
            sorted.reverse();
        }
        assert_eq!(keys, sorted, "{order}");
    }
}

#[test]
fn a_pulled_card_costs_no_image_and_the_same_command_goes_on() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.max_in_flight", 1);
    let card = Card::with(&station, "card", 40);
    s3.faults()
        .set([Rule::new(Action::Delay { milliseconds: 60 })]);
    let command = station.command(&["upload", "--json", card.path(), "--site", SITE]);
    let mut agent = Agent::spawn(command, station.home().join("upload.log"));
    wait::until("some are stored", || s3.objects().len() >= 5);
    let pulled = station.home().join("pulled");
    fs::rename(&card.root, &pulled).unwrap();
    let status = agent.end();
    assert_eq!(status.code(), Some(1));
    let log = agent.log();
    assert!(
        log.contains("its card is away: put it back and run the same command"),
        "{log}"
    );
    for image in station.images() {
        let state = image["state"].as_str().unwrap();
        assert!(["verified", "parked", "queued"].contains(&state), "{image}");
    }
    fs::rename(&pulled, &card.root).unwrap();
    s3.faults().clear();
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(report.code, 0, "{}\n{:?}", report.errors, report.summary);
    assert_eq!(report.count("uploaded") + report.count("duplicate"), 40);
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
}

#[test]
fn a_site_that_is_refused_is_told_at_once_with_what_to_do() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 20);
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied))]);
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (report.code, report.count("parked")),
        (1, 20),
        "{}",
        report.errors
    );
    let error = report.lines[0]["error"].as_str().unwrap();
    assert!(
        error.contains("AccessDenied") && error.contains(';'),
        "{error}"
    );
    s3.faults().clear();
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 20),
        "{}",
        report.errors
    );
}

#[test]
fn a_store_that_is_away_is_given_up_after_a_while_and_nothing_is_lost() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 3);
    s3.down();
    let report = upload(&station, &[card.path(), "--site", SITE, "--give-up", "2s"]);
    assert_eq!((report.code, report.count("failed")), (1, 3));
    assert!(
        report.summary["error"]
            .as_str()
            .unwrap()
            .contains("given up after 2 s"),
        "{}",
        report.summary
    );
    s3.up();
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 3),
        "{}",
        report.errors
    );
}

#[test]
fn an_interruption_drains_and_reports() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.max_in_flight", 1);
    let card = Card::with(&station, "card", 30);
    s3.faults()
        .set([Rule::new(Action::Delay { milliseconds: 80 })]);
    let receipt = station.home().join("receipt.jsonl");
    let arguments = [
        "upload",
        "--json",
        card.path(),
        "--site",
        SITE,
        "--receipt",
        receipt.to_str().unwrap(),
    ];
    let mut agent = Agent::spawn(
        station.command(&arguments),
        station.home().join("upload.log"),
    );
    wait::until("some are stored", || s3.objects().len() >= 3);
    agent.signal(Signal::INT);
    assert_eq!(agent.end().code(), Some(1));
    let log = agent.log();
    let report = log
        .lines()
        .find(|line| line.contains("\"summary\""))
        .unwrap_or_else(|| panic!("{log}"));
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    assert_eq!(report["summary"]["interrupted"], true);
    let uploaded = report["summary"]["uploaded"].as_u64().unwrap();
    assert_eq!(uploaded, s3.objects().len() as u64, "{log}");
    // Header, images, end.
    let lines = fs::read_to_string(&receipt).unwrap().lines().count() as u64;
    assert_eq!(lines, uploaded + 2);
    assert_eq!(
        files(&station.state().join("import")),
        ["in-hand/0", "in-hand/1"]
    );
}

#[test]
fn what_is_told_to_people_is_a_table_and_a_line_for_each_failure() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let card = Card::with(&station, "card", 3);
    card.write("DCIM/empty.jpg", b"");
    let output = station.weir(&["upload", card.path(), "--site", SITE]);
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(said.contains("uploaded             3"), "{said}");
    assert!(
        complained.contains("empty.jpg: quarantined: an empty file"),
        "{complained}"
    );
    assert!(
        !said.contains('\u{1b}') && !complained.contains('\u{1b}'),
        "colours without a terminal"
    );
    let quiet = station.weir(&["upload", card.path(), "--site", SITE, "--quiet"]);
    assert_eq!(
        (text(&quiet.stdout), quiet.status.code()),
        (String::new(), Some(1))
    );
    let _ = Report::of(&station.weir(&["upload", "--json", card.path(), "--site", SITE]));
}
