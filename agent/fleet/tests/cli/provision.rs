//! `weir-fleet provision`: what it writes is what a device takes, and it makes the buckets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use weir::config::Config;

use crate::program::{agent_takes, command, done, fleet};
use crate::store::Served;

const TABLE: &str = "site,directory,timezone,bucket\nfirst-dam,/srv/cam,Etc/GMT+7,\nold-mill,,America/Denver,mill-images\n";

/// As the agent loads it, after `weir config check` had nothing against it.
fn load(path: &Path) -> Config {
    agent_takes(path);
    Config::load(Some(path), [("HOME".into(), "/root".into())]).unwrap()
}

#[test]
fn each_site_gets_a_configuration_that_its_agent_takes_and_its_rights() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sites.csv"), TABLE).unwrap();
    let flags = [
        "provision",
        "--table",
        "sites.csv",
        "--out",
        "sites",
        "--control-bucket",
        "river-control",
        "--max-concurrent-sites",
        "50",
    ];
    done(folder.path(), &flags);
    let at = |name: &str| folder.path().join("sites").join(name);
    let (dam, mill) = (
        load(&at("first-dam/weir.toml")),
        load(&at("old-mill/weir.toml")),
    );
    assert_eq!(dam.sites[0].bucket.as_str(), "first-dam-image");
    assert_eq!(mill.sites[0].bucket.as_str(), "mill-images");
    assert_eq!(mill.sites[0].name.as_str(), "old-mill");
    assert_eq!(mill.pipeline.max_concurrent_sites, 50);
    let mode = at("old-mill/weir.toml")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
    let policy = std::fs::read_to_string(at("old-mill/policy.json")).unwrap();
    assert!(policy.contains("arn:aws:s3:::mill-images/*") && policy.contains("river-control"));
    assert!(
        !policy.contains("first-dam"),
        "no rights on another's bucket"
    );
    let syntax = Command::new("sh")
        .arg("-n")
        .arg(at("make-buckets.sh"))
        .status()
        .unwrap();
    assert!(syntax.success());
    let script = std::fs::read_to_string(at("make-buckets.sh")).unwrap();
    for name in ["first-dam-image", "mill-images", "river-control"] {
        assert!(script.contains(&format!("\nmake {name}\n")), "{script}");
    }
    done(folder.path(), &flags);
    let changed = at("first-dam/weir.toml");
    std::fs::write(&changed, "# mine\n").unwrap();
    let refused = fleet(folder.path(), &flags);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&changed).unwrap(), "# mine\n");
    done(folder.path(), &[&flags[..], &["--force"]].concat());
    load(&changed);
}

#[test]
fn a_table_with_faults_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("sites.csv"),
        "site,timezone\na,UTC\nB,UTC\nc,\n",
    )
    .unwrap();
    let refused = fleet(
        folder.path(),
        &["provision", "--table", "sites.csv", "--out", "sites"],
    );
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("sites.csv:3: \"B\"")
            && refused.err.contains("sites.csv:4: which zone"),
        "{}",
        refused.err
    );
    assert!(!folder.path().join("sites").exists());
    let cases: [(&[&str], &str); 4] = [
        (&["--sites", "2"], "--timezone"),
        (&[], "--table"),
        (
            &["--sites", "2", "--timezone", "UTC", "--bucket", "{place}"],
            "place",
        ),
        (
            &["--sites", "2", "--timezone", "UTC", "--create-buckets"],
            "AWS_ACCESS_KEY_ID",
        ),
    ];
    for (flags, said) in cases {
        let refused = fleet(
            folder.path(),
            &[&["provision", "--out", "sites"], flags].concat(),
        );
        assert_eq!(refused.code, Some(2), "{flags:?}: {refused:?}");
        assert!(refused.err.contains(said), "{flags:?}: {}", refused.err);
    }
    assert!(!folder.path().join("sites").exists());
}

#[test]
fn buckets_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Served::begin(folder.path(), &["--bucket", "cam1-image"]);
    let flags = [
        "provision",
        "--sites",
        "3",
        "--prefix",
        "cam",
        "--timezone",
        "-07:00",
        "--out",
        "sites",
        "--endpoint",
        &store.endpoint,
        "--create-buckets",
    ];
    for _ in 0..2 {
        let made = command(folder.path(), &flags)
            .env("AWS_ACCESS_KEY_ID", "weir")
            .env("AWS_SECRET_ACCESS_KEY", "weir-secret")
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let said = String::from_utf8(made.stdout).unwrap();
        assert!(said.contains("3 buckets are there"), "{said}");
    }
    let settings = load(&folder.path().join("sites/cam3/weir.toml"));
    assert_eq!(settings.sites[0].bucket.as_str(), "cam3-image");
    store.end();
}
