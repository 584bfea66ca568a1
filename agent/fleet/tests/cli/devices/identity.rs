//! A device's key and certificate, with an authority of the test's own.

use std::path::Path;
use std::process::{Command, Output};

use super::board::Board;
use super::{ANYWHERE, mode, provisioned, read, said, write};

pub(super) fn openssl(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is not installed: apt-get install openssl (scripts/test does)");
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn sh(script: &Path, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new("sh");
    command
        .arg(script)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_device_makes_its_key_and_takes_no_certificate_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &[ANYWHERE, &["--package", "apt"]].concat());
    let ca = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=ca -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt";
    openssl(&ca.split(' ').collect::<Vec<_>>(), folder.path());
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    std::fs::create_dir_all(board.at("boot/firmware")).unwrap();
    let waits = board.boot().done();
    assert!(
        waits.said.contains("waits for its certificate"),
        "{}",
        waits.said
    );
    waits.called("systemctl restart weir.service");
    // The next boot looks again.
    waits.not_called("disable");
    let (key, request) = (
        board.at("etc/weir/identity/device.key"),
        board.at("boot/firmware/logan-1.csr"),
    );
    assert_eq!((mode(&key), mode(key.parent().unwrap())), (0o400, 0o700));
    let made = read(&key);
    assert!(!read(&request).contains("PRIVATE"));

    // The authority signs what is this device's, and nothing that only calls itself so.
    let sign = out.join("sign-identity.sh");
    let stolen = board.at("boot/firmware/old-mill.csr");
    std::fs::copy(&request, &stolen).unwrap();
    let refused = sh(
        &sign,
        &[stolen.to_str().unwrap(), "ca.crt", "ca.key"],
        folder.path(),
    );
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(
        said(&refused).contains("another device's"),
        "{}",
        said(&refused)
    );
    std::fs::remove_file(&stolen).unwrap();
    let signed = sh(
        &sign,
        &[request.to_str().unwrap(), "ca.crt", "ca.key"],
        folder.path(),
    );
    assert!(signed.status.success(), "{}", said(&signed));
    let certificate = board.at("boot/firmware/logan-1.crt");
    let path = certificate.to_str().unwrap();
    openssl(
        &[
            "verify",
            "-purpose",
            "sslclient",
            "-x509_strict",
            "-CAfile",
            "ca.crt",
            path,
        ],
        folder.path(),
    );
    let shown = openssl(&["x509", "-in", path, "-noout", "-text"], folder.path());
    for known in [
        "CA:FALSE",
        "Digital Signature",
        "TLS Web Client Authentication",
        "CN = logan-1",
        "Version: 3",
    ] {
        assert!(shown.contains(known), "{known}: {shown}");
    }

    // The helper of AWS comes from the card as well.
    write(
        &board.at("boot/firmware/aws_signing_helper"),
        "#!/bin/sh\n",
        0o644,
    );
    let complete = board.boot().done();
    assert_eq!(
        read(board.at("etc/weir/identity/device.crt")),
        read(&certificate)
    );
    assert_eq!(read(&key), made, "the key stays");
    assert_eq!(mode(board.at("usr/bin/aws_signing_helper")), 0o755);
    complete.called("systemctl disable weir-first-boot.service");

    // Another key's certificate, with this device's name.
    let other = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=logan-1 -keyout other.key -out";
    let words: Vec<_> = other.split(' ').chain([path]).collect();
    openssl(&words, folder.path());
    board.boot().failed("is not a certificate of logan-1");
    assert_ne!(
        read(board.at("etc/weir/identity/device.crt")),
        read(&certificate)
    );
}
