//! SIGHUP: the configuration is read again.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;
use weir_store::Operation;
use weir_store::faults::{Action, Rule};

use crate::support::wait::BOUND;
use crate::support::{S3, Station, hydrocam, jpeg, wait};

/// A station whose systemd listens.
fn told(s3: &S3) -> (Station, UnixDatagram) {
    let mut station = Station::new(s3);
    let path = station.home().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    station.environment("NOTIFY_SOCKET", path.to_str().unwrap());
    (station, socket)
}

/// What systemd hears up to the next READY=1, that included.
fn until_ready(socket: &UnixDatagram) -> Vec<String> {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).expect("systemd hears something");
        heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        if heard.last().unwrap().contains("READY=1") {
            return heard;
        }
    }
}

#[test]
fn a_changed_configuration_is_taken_up_by_the_same_process_and_systemd_hears_of_it() {
    let s3 = S3::start();
    let (mut station, socket) = told(&s3);
    let mut agent = station.begin();
    until_ready(&socket);
    station.drop_file(hydrocam(0), jpeg(0));
    station.until("verified", 1);
    // What is owed at that moment is not lost.
    s3.down();
    station.drop_file(hydrocam(1), jpeg(1));
    wait::until("the second is accepted", || station.images().len() == 2);
    let second = station.home().join("second");
    std::fs::create_dir(&second).unwrap();
    station.add("[[site]]\nname = \"second\"\ndirectory = \"second\"\ntimezone = \"UTC\"\n");
    s3.make("second-image");
    station.write_configuration();
    agent.signal(Signal::HUP);
    let heard = until_ready(&socket);
    assert!(heard[0].contains("RELOADING=1"), "{heard:?}");
    assert!(heard[0].contains("MONOTONIC_USEC="), "{heard:?}");
    assert!(
        heard.last().unwrap().contains("watching 2 sites"),
        "{heard:?}"
    );
    assert!(
        !heard.iter().any(|one| one.contains("STOPPING")),
        "{heard:?}"
    );
    s3.up();
    std::fs::write(second.join(hydrocam(2)), jpeg(2)).unwrap();
    station.until("verified", 3);
    assert!(agent.ended().is_none(), "it is the same process");
    agent.drain();
}

#[test]
fn a_faulty_or_unchanged_configuration_leaves_the_agent_as_it_is() {
    let s3 = S3::start();
    let (mut station, socket) = told(&s3);
    let mut agent = station.begin();
    until_ready(&socket);
    agent.signal(Signal::HUP);
    assert_eq!(until_ready(&socket).len(), 2, "reloading, ready");
    agent.hears("says what it did");
    station.set("upload.timeout", "soon");
    station.write_configuration();
    agent.signal(Signal::HUP);
    until_ready(&socket);
    agent.hears("weir.toml:");
    agent.hears("\"soon\"");
    assert!(!agent.log().contains("draining"), "{}", agent.log());
    station.drop_file(hydrocam(0), jpeg(0));
    station.set("upload.timeout", "10s");
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn a_configuration_that_does_not_work_gives_way_to_the_one_before() {
    let s3 = S3::start();
    let (mut station, socket) = told(&s3);
    let mut agent = station.begin();
    until_ready(&socket);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let before = station.port;
    station.set("daemon.listen", &taken.local_addr().unwrap().to_string());
    station.write_configuration();
    agent.signal(Signal::HUP);
    agent.hears("the one before is taken up again");
    let heard = until_ready(&socket);
    assert!(
        heard.last().unwrap().contains("watching 1 sites"),
        "{heard:?}"
    );
    station.set("daemon.listen", &format!("127.0.0.1:{before}"));
    station.drop_file(hydrocam(0), jpeg(0));
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn the_watchdog_is_fed_while_one_agent_drains_for_the_next() {
    let s3 = S3::start();
    let (mut station, socket) = told(&s3);
    station.environment("WATCHDOG_USEC", "400000");
    station.set("daemon.drain", "2s");
    let agent = station.begin();
    until_ready(&socket);
    // An upload that does not end by itself keeps the old agent for the whole of its drain.
    s3.faults()
        .set([Rule::new(Action::Hang).on(Operation::PutObject)]);
    station.drop_file(hydrocam(0), jpeg(0));
    wait::until("the upload is under way", || s3.stats().puts_now == 1);
    station.set("daemon.drain", "3s");
    station.write_configuration();
    agent.signal(Signal::HUP);
    let mut last = std::time::Instant::now();
    let mut buffer = [0; 4096];
    let mut longest = Duration::ZERO;
    loop {
        let length = socket.recv(&mut buffer).expect("systemd hears something");
        let heard = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if heard.contains("WATCHDOG=1") || heard.contains("READY=1") {
            longest = longest.max(last.elapsed());
            last = std::time::Instant::now();
        }
        if heard.contains("READY=1") {
            break;
        }
    }
    // systemd allows 0.4 s here; a loaded machine gets some more, an unfed watchdog would have had 2 s.
    assert!(longest < Duration::from_millis(1500), "{longest:?}");
    agent.kill();
}
