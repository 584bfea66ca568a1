//! The store or the way to it is away for a while.

use std::time::Duration;

use weir_store::faults::{Action, Rule};

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

fn fifty(station: &Station) -> Vec<Vec<u8>> {
    let pictures: Vec<_> = (0..50).map(jpeg).collect();
    for (second, picture) in (0..).zip(&pictures) {
        station.drop_file(hydrocam(second), picture);
    }
    pictures
}

#[test]
fn a_dead_link_is_asked_by_one_probe_at_a_time_and_what_waited_goes_up_when_it_is_back() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set_number("gate.breaker_failures", 3);
    station.set("gate.probe_first", "1s");
    station.set("gate.probe_max", "1s");
    // Connections are cut instead of refused, so that the store can count them.
    s3.faults().set([Rule::new(Action::Cut { after_bytes: 0 })]);
    let agent = station.start();
    let pictures = fifty(&station);
    wait::until("the link is said to be down", || {
        !station.status()["link"]["down_since"].is_null()
    });
    wait::until("all are accepted meanwhile", || {
        station.images().len() == 50
    });
    assert!(
        station.status()["troubles"]
            .to_string()
            .contains("does not answer")
    );
    let before = s3.stats().requests;
    wait::steadily(Duration::from_secs(3), "the dead link is stormed", || {
        s3.stats().requests - before <= 12
    });
    s3.faults().clear();
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 50);
    assert!(station.status()["link"]["down_since"].is_null());
    agent.drain();
}

#[test]
fn a_store_that_goes_down_in_the_middle_and_comes_back_gets_everything_once() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let pictures = fifty(&station);
    for part in 1..4 {
        wait::until("some are stored", || s3.objects().len() >= part * 10);
        s3.down();
        wait::until("the link is said to be down", || {
            !station.status()["link"]["down_since"].is_null()
        });
        s3.up();
    }
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 50);
    agent.drain();
}

#[test]
fn images_accepted_while_the_store_was_away_survive_a_restart() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    s3.down();
    let agent = station.start();
    let pictures = fifty(&station);
    wait::until("all are accepted", || station.images().len() == 50);
    agent.kill();
    assert_eq!(station.images().len(), 50);
    s3.up();
    let agent = station.start();
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 50);
    agent.drain();
}
