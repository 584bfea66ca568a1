//! Answers that go wrong once or for a while, and pass.

use std::time::Duration;

use serde_json::Value;
use weir_store::faults::{Action, Refusal, Rule};
use weir_store::{Operation, Store};

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

/// The store of a station, with a script.
fn scripted(rules: impl IntoIterator<Item = Rule>) -> (S3, Station) {
    let s3 = S3::start();
    s3.faults().set(rules);
    let station = Station::new(&s3);
    (s3, station)
}

/// Five pictures go up in spite of the script, each once; gives their rows.
fn five_arrive(s3: &S3, station: &Station) -> Vec<Value> {
    let agent = station.start();
    let pictures: Vec<_> = (0..5).map(jpeg).collect();
    for (second, picture) in (0..).zip(&pictures) {
        station.drop_file(hydrocam(second), picture);
    }
    Oracle::of(BUCKET, &pictures).agrees(s3);
    station.until("verified", 5);
    let images = station.images();
    agent.drain();
    Oracle::of(BUCKET, &pictures).agrees(s3);
    images
}

/// Objects that the store made, whatever it answered: PUTs answered 200 and those whose answer was lost.
fn puts(s3: &S3) -> u64 {
    s3.stats().count(Operation::PutObject)
}

fn attempts(images: &[Value]) -> u64 {
    images
        .iter()
        .map(|image| image["attempts"].as_u64().unwrap())
        .sum()
}

#[test]
fn inner_errors_of_the_store_pass() {
    let (s3, station) = scripted([
        Rule::new(Action::Error(Refusal::InternalError))
            .on(Operation::PutObject)
            .requests(1..=4),
        Rule::new(Action::Error(Refusal::InternalError))
            .on(Operation::HeadObject)
            .requests(8..=9),
    ]);
    five_arrive(&s3, &station);
}

#[test]
fn a_busy_store_uses_up_no_attempts() {
    for busy in [
        Refusal::SlowDown,
        Refusal::ServiceUnavailable,
        Refusal::TooManyRequests,
    ] {
        let (s3, station) = scripted([Rule::new(Action::Error(busy))
            .on(Operation::PutObject)
            .requests(1..=8)]);
        let images = five_arrive(&s3, &station);
        assert!(puts(&s3) > 8, "the script was not played");
        assert_eq!(
            attempts(&images),
            0,
            "{busy:?} used up attempts: {images:?}"
        );
    }
}

#[test]
fn a_hanging_store_is_left_after_the_timeout() {
    let (s3, mut station) = scripted([Rule::new(Action::Hang)
        .on(Operation::PutObject)
        .requests(1..=1)]);
    station.set("upload.timeout", "1s");
    let images = five_arrive(&s3, &station);
    assert!(attempts(&images) >= 1, "nothing was given up: {images:?}");
}

#[test]
fn connections_cut_in_the_middle_of_a_body_are_made_again() {
    let (s3, station) = scripted([
        Rule::new(Action::Cut { after_bytes: 100 })
            .on(Operation::PutObject)
            .requests(1..=3),
        Rule::new(Action::Cut { after_bytes: 0 })
            .on(Operation::HeadObject)
            .requests(7..=7),
    ]);
    five_arrive(&s3, &station);
}

#[test]
fn an_answer_lost_after_storing_costs_no_second_object_and_no_second_body() {
    let (s3, mut station) = scripted([Rule::new(Action::LostAnswer)
        .on(Operation::PutObject)
        .requests(1..=1)]);
    station.set("store.conditional_writes", "on");
    five_arrive(&s3, &station);
    assert_eq!(
        puts(&s3),
        5,
        "a body was sent again although the store had it"
    );
}

#[test]
fn a_wrong_etag_is_harmless() {
    let (s3, station) = scripted([Rule::new(Action::WrongEtag)]);
    let images = five_arrive(&s3, &station);
    assert_eq!(attempts(&images), 0);
}

#[test]
fn a_wrong_checksum_in_the_answer_makes_the_agent_ask_and_one_when_asked_is_believed_by_nobody() {
    let (s3, mut station) = scripted([Rule::new(Action::WrongChecksum).on(Operation::PutObject)]);
    station.set("verify.with", "answer");
    five_arrive(&s3, &station);
    assert!(
        s3.stats().answered(Operation::HeadObject, 200) >= 5,
        "a lie was taken for a proof"
    );

    let (s3, mut station) = scripted([Rule::new(Action::WrongChecksum).on(Operation::HeadObject)]);
    // The next attempt comes after the look below.
    station.set("upload.backoff_first", "1h");
    station.set("upload.backoff_max", "1h");
    let picture = jpeg(1);
    let path = station.drop_file(hydrocam(0), &picture);
    let agent = station.start();
    station.until("waiting", 1);
    let row = station.image(&path);
    assert!(
        row["failure"]
            .as_str()
            .unwrap()
            .contains("is not what was sent"),
        "{row}"
    );
    s3.faults().clear();
    station.json(&["queue", "retry", &row["id"].to_string()]);
    station.until("verified", 1);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    agent.drain();
}

#[test]
fn a_store_that_always_shows_a_wrong_checksum_gets_no_heap_of_copies() {
    let (s3, mut station) = scripted([Rule::new(Action::WrongChecksum).on(Operation::HeadObject)]);
    station.set("upload.backoff_first", "100ms");
    station.set("upload.backoff_max", "100ms");
    let picture = jpeg(1);
    let path = station.drop_file(hydrocam(0), &picture);
    let agent = station.start();
    wait::until("it is given up until somebody looks", || {
        station.count("parked") == 1
    });
    let row = station.image(&path);
    assert!(
        row["fix"].as_str().is_some_and(|fix| !fix.is_empty()),
        "{row}"
    );
    assert_eq!(s3.objects().len(), 1, "copies of one image");
    agent.drain();
}

#[test]
fn a_clock_off_by_63_days_is_noticed_and_uploads_go_on() {
    for days in [-63, 63] {
        let (s3, station) = scripted([]);
        let seconds = days * 86_400;
        s3.clock().set_offset_seconds(seconds);
        let agent = station.start();
        let picture = jpeg(1);
        station.drop_file(hydrocam(0), &picture);
        Oracle::of(BUCKET, [&picture]).agrees(&s3);
        station.until("verified", 1);
        let status = station.status();
        let ahead = status["clock"]["store_ahead_s"].as_f64().unwrap();
        assert!((ahead - seconds as f64).abs() < 60.0, "{ahead}");
        let troubles = status["troubles"].to_string();
        assert!(troubles.contains("clock is wrong"), "{troubles}");
        assert_eq!(
            s3.objects()[0].metadata["capture-time"],
            "2024-08-09T00:00:00-07:00",
            "the wrong clock got into the name"
        );
        agent.drain();
    }
}

#[test]
fn a_store_without_conditional_writes_still_keeps_two_pictures_of_one_second() {
    let s3 = S3::with(Store::memory().conditional_writes(false));
    let station = Station::new(&s3);
    let agent = station.start();
    let mut pictures = Vec::new();
    for seed in 0..4 {
        let folder = station.camera().join(seed.to_string());
        std::fs::create_dir(&folder).unwrap();
        let picture = jpeg(seed);
        std::fs::write(folder.join(hydrocam(0)), &picture).unwrap();
        pictures.push(picture);
        // One after the other: without the store's help, two writers of one moment cannot be told apart.
        Oracle::of(BUCKET, &pictures).agrees(&s3);
        station.until("verified", seed + 1);
    }
    agent.drain();
}

#[test]
fn a_slow_store_is_waited_for_while_bytes_move() {
    let (s3, mut station) = scripted([Rule::new(Action::Slow {
        bytes_per_second: 100_000,
    })
    .on(Operation::PutObject)]);
    station.set("upload.timeout", "1s");
    let agent = station.start();
    let picture = crate::support::Picture::new(1).sized(300_000).jpeg();
    let path = station.drop_file(hydrocam(0), &picture);
    wait::find_within(Duration::from_secs(60), "it is verified", || {
        (station.count("verified") == 1).then_some(())
    });
    assert_eq!(station.image(&path)["attempts"], 0);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    agent.drain();
}
