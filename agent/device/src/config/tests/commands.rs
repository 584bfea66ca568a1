//! `weir config init`, `check` and `show`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_config_is_shown_with_its_sources_and_can_be_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.toml");
    let text = "[store]\nregion = \"eu-west-1\"\ncredential_process = \"get --token hunter2\"\n\
                [[site]]\nname = \"a\"\ndirectory = \"a\"\n";
    fs::write(&path, text).expect("written");
    let environment = [
        ("WEIR_GATE__MAX_IN_FLIGHT", "2"),
        ("STATE_DIRECTORY", "/run/weir"),
        ("SHELL", "/bin/sh"),
    ];
    let environment = variables(&environment);
    let shown = show(Some(&path), environment.clone(), Format::Text);
    assert_eq!(shown.exit, 0);
    let file = path.display();
    for line in [
        format!("region = \"eu-west-1\" # {file}:2:10"),
        "max_in_flight = 2 # $WEIR_GATE__MAX_IN_FLIGHT".to_owned(),
        "timeout = \"60s\" # default".to_owned(),
        "directory = \"/run/weir\" # default".to_owned(),
        format!(
            "directory = \"{}/a\" # {file}:6:13",
            folder.path().display()
        ),
        "bucket = \"a-image\" # default".to_owned(),
        format!("credential_process = \"(set, not shown)\" # {file}:3:22"),
    ] {
        assert!(
            shown.text.lines().any(|shown| shown == line),
            "{line}\nnot in\n{}",
            shown.text
        );
    }
    let json = show(Some(&path), environment.clone(), Format::Json).text;
    assert!(
        !json.contains("hunter2") && !shown.text.contains("hunter2"),
        "a secret is shown"
    );
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let region = json
        .as_array()
        .expect("a list")
        .iter()
        .find(|setting| setting["key"] == "region");
    assert_eq!(region.expect("shown")["value"], "eu-west-1");
    assert_eq!(region.expect("shown")["origin"]["line"], 2);

    let again = shown
        .text
        .replace("(set, not shown)", "get --token hunter2");
    let loaded = Config::load(Some(&path), environment).expect("loads");
    assert_eq!(config(&again), loaded);
}

#[test]
fn a_check_says_fine_or_all_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("w.toml");
    let home = || variables(&[("HOME", "/home/nobody")]);
    fs::write(&path, "[[site]]\nname = \"a\"\ndirectory = \"away\"\n").expect("written");
    let fine = check(Some(&path), home(), Format::Text);
    assert_eq!(fine.exit, 0);
    assert!(
        fine.text.starts_with("configuration is fine: 1 site ("),
        "{}",
        fine.text
    );
    assert!(fine.text.contains("away is away"), "{}", fine.text);

    fs::write(&path, "[gate]\norder = 1\noder = 2\n").expect("written");
    let wrong = check(Some(&path), home(), Format::Json);
    assert_eq!(wrong.exit, 2);
    let json: serde_json::Value = serde_json::from_str(&wrong.text).expect("JSON");
    let faults = json["faults"].as_array().expect("a list");
    assert_eq!(faults.len(), 2);
    assert_eq!(
        (&faults[0]["line"], &faults[0]["column"]),
        (&2.into(), &9.into())
    );
    assert_eq!(faults[0]["key"], "gate.order");
    assert_eq!(faults[1]["suggestion"], "did you mean \"order\"?");

    let missing = check(Some(&folder.path().join("none.toml")), home(), Format::Text);
    assert_eq!(missing.exit, 2);
    fs::write(&path, b"[gate]\norder = \"\xff\"\n").expect("written");
    let told = check(Some(&path), home(), Format::Text).text;
    assert_eq!(told, format!("{}:2:10: not UTF-8\n", path.display()));
}

#[test]
fn a_file_is_written_whole_and_none_is_replaced_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weir.toml");
    init(Some(&path), false).expect("written");
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        init(None, false).expect("a text")
    );
    assert_eq!(
        fs::metadata(&path).expect("there").permissions().mode() & 0o777,
        0o644
    );

    fs::write(&path, "mine").expect("written");
    assert!(matches!(
        init(Some(&path), false),
        Err(InitFault::Exists(_))
    ));
    assert_eq!(fs::read_to_string(&path).expect("there"), "mine");
    init(Some(&path), true).expect("replaced");
    assert_ne!(fs::read_to_string(&path).expect("there"), "mine");
    assert_eq!(
        fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "no draft is left"
    );
    let nowhere = folder.path().join("no/weir.toml");
    assert!(matches!(
        init(Some(&nowhere), false),
        Err(InitFault::Unwritable { .. })
    ));
}
