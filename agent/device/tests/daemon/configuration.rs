//! A wrong configuration is told at once and whole, with exit code 2, and nothing is begun.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::s3::{ACCESS_KEY, SECRET_KEY};
use crate::support::station::text;
use crate::support::{S3, Station, hydrocam, jpeg};

#[test]
fn every_fault_of_the_configuration_is_told_at_once_with_its_line() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("settle.quite", "2s");
    station.set("upload.timeout", "soon");
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    let words = text(&output.stderr);
    let config = fs::read_to_string(station.home().join("weir.toml")).unwrap();
    for (key, hint) in [
        ("quite", "did you mean \"quiet\"?"),
        ("timeout", "\"soon\""),
    ] {
        let line = config
            .lines()
            .position(|line| line.starts_with(&format!("{key} =")));
        let place = format!("weir.toml:{}:", line.unwrap() + 1);
        let said = words
            .lines()
            .any(|line| line.contains(&place) && line.contains(hint));
        assert!(said, "{place} ... {hint} is not in\n{words}");
    }
    assert!(!station.state().exists(), "the state directory was made");
    let check = station.weir(&["config", "check"]);
    assert_eq!(check.status.code(), Some(2));
}

#[test]
fn keys_that_others_may_read_are_refused() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let keys = station.home().join("keys");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    let output = station.weir(&["run"]);
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("chmod 600"), "{words}");
    assert!(!words.contains(SECRET_KEY), "{words}");
}

#[test]
fn keys_that_systemd_hands_over_stand_for_the_file_that_is_named() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    let handed = station.home().join("handed");
    fs::create_dir(&handed).unwrap();
    let named = station.home().join("keys");
    let keys = fs::read(&named).unwrap();
    // As of the unit: root's file, which the agent may not read.
    fs::remove_file(&named).unwrap();
    station.environment("CREDENTIALS_DIRECTORY", handed.to_str().unwrap());
    let write = |text: &[u8]| {
        fs::write(handed.join("keys"), text).unwrap();
        fs::set_permissions(handed.join("keys"), Permissions::from_mode(0o400)).unwrap();
    };
    write(b"# none\n\n");
    let output = station.weir(&["run"]);
    let words = text(&output.stderr);
    assert!(words.contains("credentials_file"), "{words}");
    fs::remove_file(handed.join("keys")).unwrap();
    write(&keys);
    let agent = station.start();
    station.drop_file(hydrocam(0), jpeg(0));
    station.until("verified", 1);
    agent.drain();
    // Without a name it will do as well; another source that is named goes first.
    station.set("store.credentials_file", "");
    let agent = station.start();
    station.drop_file(hydrocam(1), jpeg(1));
    station.until("verified", 2);
    agent.drain();
    station.set("store.credential_process", "/bin/false");
    let shown = text(&station.weir(&["config", "show"]).stdout);
    assert!(!shown.contains("handed"), "{shown}");
}

#[test]
fn an_agent_without_a_site_has_nothing_to_do_and_says_what_is_missing() {
    let station = Station::at("http://127.0.0.1:1", ACCESS_KEY, SECRET_KEY, &[]);
    let output = station.weir(&["run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("[[site]]"));
}

#[test]
fn a_setting_in_the_environment_wins_over_the_file() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("daemon.drain", "1s");
    station.environment("WEIR_DAEMON__DRAIN", "7s");
    let shown = station.weir(&["config", "show"]);
    let words = text(&shown.stdout);
    assert!(
        words.contains("drain = \"7s\" # $WEIR_DAEMON__DRAIN\n"),
        "{words}"
    );
}
