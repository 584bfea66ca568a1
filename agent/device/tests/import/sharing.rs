//! Beside a running agent: it uploads what is accepted for it, and the card is its business too.

use std::fs;

use crate::card::{Card, upload};
use crate::support::agent::Agent;
use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, SITE};
use crate::support::{S3, Station, hydrocam, jpeg, wait};
use weir_store::faults::{Action, Rule};

#[test]
fn a_running_agent_uploads_the_card_and_its_camera_goes_on() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let mut card = Card::with(&station, "card", 25);
    let camera = jpeg(5_000);
    station.drop_file(hydrocam(5_000), &camera);
    let report = upload(
        &station,
        &[card.path(), "--site", SITE, "--delete-after-verify"],
    );
    assert_eq!(
        (report.code, report.count("uploaded")),
        (0, 25),
        "{}",
        report.errors
    );
    assert_eq!(report.summary["deleted"], 25);
    card.pictures.push(camera);
    Oracle::of(BUCKET, &card.pictures).agrees(&s3);
    station.until("verified", 26);
    agent.drain();
}

#[test]
fn a_card_pulled_from_a_running_agent_waits_and_holds_nothing_else_up() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.max_in_flight", 1);
    let mut agent = station.start();
    let card = Card::with(&station, "card", 30);
    s3.faults()
        .set([Rule::new(Action::Delay { milliseconds: 60 })]);
    let command = station.command(&["upload", "--json", card.path(), "--site", SITE]);
    let mut uploading = Agent::spawn(command, station.home().join("upload.log"));
    wait::until("some are stored", || s3.objects().len() >= 3);
    let pulled = station.home().join("pulled");
    fs::rename(&card.root, &pulled).unwrap();
    assert_eq!(uploading.end().code(), Some(1), "{}", uploading.log());
    s3.faults().clear();
    let camera = jpeg(5_000);
    let path = station.drop_file(hydrocam(5_000), &camera);
    wait::until("the camera's image is stored", || {
        station.image(&path)["state"] == "verified"
    });
    assert!(agent.ended().is_none());
    assert_eq!(station.count("missing"), 0);
    fs::rename(&pulled, &card.root).unwrap();
    let report = upload(&station, &[card.path(), "--site", SITE]);
    assert_eq!(report.code, 0, "{}\n{}", report.summary, report.errors);
    let mut all = card.pictures.clone();
    all.push(camera);
    Oracle::of(BUCKET, &all).agrees(&s3);
    agent.drain();
}

#[test]
fn an_agent_that_ends_meanwhile_is_told_and_the_command_goes_on_by_itself_next_time() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    s3.down();
    let card = Card::with(&station, "card", 3);
    let command = station.command(&["upload", "--json", card.path(), "--site", SITE]);
    let mut uploading = Agent::spawn(command, station.home().join("upload.log"));
    wait::until("all are accepted", || station.images().len() == 3);
    agent.kill();
    assert_eq!(uploading.end().code(), Some(1));
    assert!(
        uploading
            .log()
            .contains("has ended: run the same command again"),
        "{}",
        uploading.log()
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
