//! The real program against Garage, a store without conditional writes.
//!
//! Building Garage takes a quarter of an hour, so this file is not among the tests that `cargo test` runs by itself:
//! `scripts/test-garage` installs Garage and runs it. `WEIR_GARAGE` names the program; without it, it is looked for
//! on the PATH.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::foreign::{Foreign, Keys, free_ports};
use support::visit;

/// A Garage of one node that keeps its data in `folder`.
fn garage(folder: &Path) -> (Foreign, Keys) {
    let program = std::env::var_os("WEIR_GARAGE").unwrap_or_else(|| "garage".into());
    let version = Command::new(&program).arg("--version").output();
    assert!(
        version.is_ok_and(|output| output.status.success()),
        "{} does not run: scripts/test-garage installs Garage and runs this test",
        program.display()
    );
    let [rpc, s3] = free_ports();
    let digits = |count| -> String {
        std::iter::repeat_with(|| char::from(b"0123456789abcdef"[fastrand::usize(..16)]))
            .take(count)
            .collect()
    };
    let keys = Keys {
        endpoint: format!("http://127.0.0.1:{s3}"),
        access: format!("GK{}", digits(24)),
        secret: digits(64),
    };
    let config = folder.join("garage.toml");
    let text = format!(
        "metadata_dir = {:?}\ndata_dir = {:?}\ndb_engine = \"sqlite\"\nreplication_factor = 1\n\
         rpc_bind_addr = \"127.0.0.1:{rpc}\"\nrpc_public_addr = \"127.0.0.1:{rpc}\"\nrpc_secret = \"{}\"\n\
         [s3_api]\ns3_region = \"us-west-1\"\napi_bind_addr = \"127.0.0.1:{s3}\"\n",
        folder.join("metadata"),
        folder.join("data"),
        digits(64),
    );
    fs::write(&config, text).unwrap();
    let (access, secret) = (keys.access.clone(), keys.secret.clone());
    let command = move || {
        let mut command = Command::new(&program);
        command
            .arg("-c")
            .arg(&config)
            .args(["server", "--single-node", "--default-access-key"])
            .env("GARAGE_DEFAULT_ACCESS_KEY", &access)
            .env("GARAGE_DEFAULT_SECRET_KEY", &secret);
        command
    };
    let server = Foreign::start(command, &keys, &folder.join("server.log"));
    (server, keys)
}

#[test]
fn garage_gets_everything_once_through_kills_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, keys) = garage(folder.path());
    visit::survives_kills_on_both_sides(&mut server, &keys);
}

#[test]
fn slots_on_garage_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let (server, keys) = garage(folder.path());
    server.make("weir-control");
    let mut station = visit::station(&keys);
    station.set("pipeline.gate", "s3");
    station.set("pipeline.control_bucket", "weir-control");
    let ended = station.weir(&["run"]);
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(
        said.contains("needs a store with conditional writes"),
        "{said}"
    );
}
