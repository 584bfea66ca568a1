//! The script that makes the devices' roles, with a command line of AWS that writes down how it is called.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::identity::openssl;
use super::{provisioned, read, said, write};

#[test]
fn roles_are_made_and_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let iot = [
        "--credentials",
        "iot",
        "--iot-endpoint",
        "c0.credentials.iot.us-west-1.amazonaws.com",
        "--role-arn",
        "arn:aws:iam::123456789012:role/weir-{device}",
        "--role-alias-arn",
        "arn:aws:iot:us-west-1:123456789012:rolealias/weir-{device}",
    ];
    let out = provisioned(folder.path(), &iot);
    let openssl_words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=logan-1 -keyout k -out out/logan-1.crt";
    openssl(&openssl_words.split(' ').collect::<Vec<_>>(), folder.path());
    // The command line of AWS: it knows what was made in the file `made`, and every file that it is given is there.
    let aws = r#"#!/bin/sh
echo "$*" >>"$LOG"
for word; do case $word in file://*) [ -s "${word#file://}" ] || exit 9 ;; esac; done
case "$*" in
*get-role* | *describe-role-alias* | *describe-thing* | *get-policy* | *"describe-certificate --certificate-id"*)
  case "$*" in *--query*) echo arn:certificate; exit ;; esac
  [ -e "$MADE" ] ;;
esac
"#;
    let programs = folder.path().join("programs");
    write(&programs.join("aws"), aws, 0o755);
    symlink(&out, folder.path().join("elsewhere")).unwrap();
    let run = || {
        let log = folder.path().join("log");
        let _ = std::fs::remove_file(&log);
        let output = Command::new("sh")
            .arg("elsewhere/make-roles.sh")
            .current_dir(folder.path())
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .env("LOG", &log)
            .env("MADE", folder.path().join("made"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        (said(&output), read(&log))
    };
    let (told, calls) = run();
    assert!(
        told.contains("logan-1  arn:aws:iam::123456789012:role/weir-logan-1; arn:certificate"),
        "{told}"
    );
    assert!(told.contains("no old-mill.crt here yet"), "{told}");
    for call in [
        "iam create-role --role-name weir-logan-1 --path / --assume-role-policy-document file://logan-1/trust-policy.json",
        "iam put-role-policy --role-name weir-old-mill --policy-name weir --policy-document file://old-mill/policy.json",
        "--region us-west-1 iot create-role-alias --role-alias weir-logan-1 --role-arn arn:aws:iam::123456789012:role/weir-logan-1",
        "--region us-west-1 iot attach-policy --policy-name weir-logan-1 --target arn:certificate",
        "--region us-west-1 iot attach-thing-principal --thing-name logan-1 --principal arn:certificate",
    ] {
        assert!(calls.contains(call), "{call}: {calls}");
    }
    std::fs::write(folder.path().join("made"), "").unwrap();
    let (_, calls) = run();
    assert!(
        !calls.contains(" create-") && !calls.contains("register-"),
        "{calls}"
    );
    assert!(
        calls.contains("update-assume-role-policy") && calls.contains("update-role-alias"),
        "{calls}"
    );
}
