//! SIGTERM drains, within a bound; a second one does not wait; one agent works in a state directory.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use weir_store::Operation;
use weir_store::faults::{Action, Rule};

use crate::support::oracle::Oracle;
use crate::support::station::{BUCKET, text};
use crate::support::{Picture, S3, Station, hydrocam, jpeg, wait};

/// An agent with one picture on its way that the store does not answer to.
fn with_a_hanging_upload(station: &Station, s3: &S3) -> (crate::support::agent::Agent, Vec<u8>) {
    s3.faults()
        .set([Rule::new(Action::Hang).on(Operation::PutObject)]);
    let agent = station.start();
    let picture = jpeg(1);
    station.drop_file(hydrocam(0), &picture);
    wait::until("it is on its way", || s3.stats().puts_now == 1);
    (agent, picture)
}

#[test]
fn sigterm_lets_what_is_under_way_finish_and_begins_nothing_new() {
    for signal in [Signal::TERM, Signal::INT] {
        let s3 = S3::start();
        let mut station = Station::new(&s3);
        station.set_number("gate.max_in_flight", 1);
        station.set("gate.order", "oldest");
        s3.faults().set([Rule::new(Action::Slow {
            bytes_per_second: 100_000,
        })
        .on(Operation::PutObject)]);
        let pictures = [1, 2].map(|seed| Picture::new(seed).sized(100_000).jpeg());
        for (second, picture) in (0..).zip(&pictures) {
            station.drop_file(hydrocam(second), picture);
        }
        let mut agent = station.start();
        wait::until("both are accepted and one is on its way", || {
            station.images().len() == 2 && s3.stats().puts_now == 1
        });
        agent.signal(signal);
        let status = agent.end();
        assert!(status.success(), "{status}");
        let states: Vec<_> = station
            .images()
            .iter()
            .map(|image| image["state"].to_string())
            .collect();
        assert!(
            states.contains(&"\"verified\"".to_owned())
                && states.contains(&"\"queued\"".to_owned()),
            "{states:?}"
        );
        s3.faults().clear();
        let agent = station.start();
        Oracle::of(BUCKET, &pictures).agrees(&s3);
        station.until("verified", 2);
        agent.drain();
    }
}

#[test]
fn a_drain_ends_at_its_bound_and_what_was_under_way_goes_up_later_once() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("daemon.drain", "1s");
    let (mut agent, picture) = with_a_hanging_upload(&station, &s3);
    let asked = Instant::now();
    agent.signal(Signal::TERM);
    let status = agent.end();
    assert!(status.success(), "{status}");
    assert!(
        asked.elapsed() < Duration::from_secs(9),
        "the drain took {:?}",
        asked.elapsed()
    );
    s3.faults().clear();
    let agent = station.start();
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn a_second_signal_does_not_wait() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("daemon.drain", "1h");
    station.set("upload.timeout", "1h");
    let (mut agent, _) = with_a_hanging_upload(&station, &s3);
    agent.signal(Signal::TERM);
    agent.hears("draining");
    assert!(agent.ended().is_none(), "nothing was waited for");
    agent.signal(Signal::TERM);
    assert_eq!(agent.end().code(), Some(1));
}

#[test]
fn a_second_agent_in_the_same_state_directory_is_told_who_works_there() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let agent = station.start();
    let first = agent.pid().as_raw_nonzero();
    // Another port: it must not be the port that stops it.
    station.set("daemon.listen", "");
    let second = station.weir(&["run"]);
    assert_eq!(second.status.code(), Some(1));
    let words = text(&second.stderr);
    let sentence = format!("another weir (process {first}) works in ");
    assert!(
        words.contains(&sentence) && words.contains("state.dir"),
        "{words}"
    );
    agent.kill();
    station.start().drain();
}
