//! What systemd hears (sd_notify(3)), on a socket of the test's own.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::support::wait::BOUND;
use crate::support::{S3, Station};

#[test]
fn systemd_hears_that_it_is_ready_alive_and_stopping() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let path = station.home().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    station.environment("NOTIFY_SOCKET", path.to_str().unwrap());
    station.environment("WATCHDOG_USEC", "400000");
    let mut buffer = [0; 4096];
    let mut next = || {
        let length = socket.recv(&mut buffer).expect("systemd hears something");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut agent = station.begin();
    let first = next();
    assert!(first.contains("READY=1"), "{first}");
    assert!(first.contains("STATUS=watching 1 sites"), "{first}");
    // A beat is due twice in the time that systemd allows.
    for _ in 0..3 {
        let beat = next();
        assert!(beat.contains("WATCHDOG=1"), "{beat}");
    }
    agent.signal(Signal::TERM);
    let last = loop {
        let heard = next();
        if !heard.contains("WATCHDOG=1") {
            break heard;
        }
    };
    assert!(last.contains("STOPPING=1"), "{last}");
    assert!(agent.end().success());
}

#[test]
fn an_agent_that_cannot_start_never_says_that_it_is_ready() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let path = station.home().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    station.environment("NOTIFY_SOCKET", path.to_str().unwrap());
    std::fs::write(station.state(), "a file where the directory should be").unwrap();
    let mut agent = station.begin();
    assert_eq!(agent.end().code(), Some(1));
    assert!(agent.log().contains("state.directory"), "{}", agent.log());
    let mut buffer = [0; 4096];
    let heard = socket.recv(&mut buffer);
    assert!(heard.is_err(), "{}", String::from_utf8_lossy(&buffer));
}
