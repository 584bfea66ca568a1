//! The first boot of a board that was flashed: what is there is taken, and what is missing is told.

use std::process::Command;

use super::board::Board;
use super::{mode, provisioned, write};

#[test]
fn a_first_boot_brings_up_weir_when_all_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &["--credentials", "keys"]);
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    // No package yet: told, and tried again by the unit.
    let waits = board.boot().failed("there is no weir_…_arm64.deb");
    waits.not_called("systemctl");
    for name in [
        "weir_0.9.0_arm64.deb",
        "weir_0.10.0_arm64.deb",
        "weir_0.11.0_armhf.deb",
    ] {
        write(&board.at("boot/firmware").join(name), "", 0o644);
    }
    write(
        &board.at("boot/firmware/weir.keys"),
        "access_key_id = a\n",
        0o644,
    );
    let up = board.boot().done();
    let installed = up.call("apt-get ").unwrap();
    assert!(
        installed.ends_with("boot/firmware/weir_0.10.0_arm64.deb"),
        "{installed}"
    );
    assert!(
        installed.contains("--force-confold"),
        "the configuration of cloud-init stays: {installed}"
    );
    for site in ["first-dam", "second-dam"] {
        assert_eq!(mode(board.at("srv/camera").join(site)), 0o2775);
    }
    assert_eq!(mode(board.at("etc/weir/keys")), 0o600);
    assert!(
        !board.at("boot/firmware/weir.keys").exists(),
        "the keys are on the card no longer"
    );
    let told: Vec<_> = up
        .calls
        .iter()
        .filter(|call| call.starts_with("systemctl"))
        .map(String::as_str)
        .collect();
    let expected = [
        "systemctl daemon-reload",
        "systemctl enable weir.service",
        "systemctl restart weir.service",
        "systemctl disable weir-first-boot.service",
    ];
    assert_eq!(told, expected);
    let checked = up.call("weir --config ").unwrap();
    assert!(checked.ends_with(" config check"), "{checked}");
    // A configuration that the installed weir refuses is not run.
    board.program("weir", "#!/bin/sh\nexit 2\n");
    board.boot().failed("").not_called("restart");
}

#[test]
fn a_package_that_is_fetched_is_the_one_expected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("fetched"), "a package\n").unwrap();
    let url = "http://example.org/weir_0.1.0_{arch}.deb";
    // Of "a package\n".
    let digest = {
        let sum = Command::new("sha256sum")
            .arg(folder.path().join("fetched"))
            .output()
            .unwrap();
        String::from_utf8(sum.stdout).unwrap()[..64].to_owned()
    };
    let other = "0".repeat(64);
    let flags = ["--package", url, "--package-sha256", &other];
    let out = provisioned(folder.path(), &flags);
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    let refused = board.boot().failed("it is not installed");
    let fetched = refused.call("apt-helper").unwrap();
    assert!(
        fetched.contains("http://example.org/weir_0.1.0_arm64.deb"),
        "{fetched}"
    );
    refused.not_called(" install ");
    let flags = [&flags[..], &["--package-sha256", &digest, "--force"]].concat();
    let out = provisioned(folder.path(), &flags);
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    board.boot().done().called(" install ");
}
