//! `weir-fleet provision --devices`: what it writes is what a board, an authority and AWS's command line take.

mod board;
mod first_boot;
mod identity;
mod roles;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::program::{agent_takes, done, fleet};

const TABLE: &str = "\
site,device,label,timezone,bucket,model,latitude,longitude,note
first-dam,logan-1,\"First Dam, Logan <River>\",Etc/GMT+7,,,41.7423,-111.7921,\"Key at the \"\"gate\"\"\"
second-dam,logan-1,,Etc/GMT+7,,,,,
old-mill,,Old Mill,America/Denver,mill-images,,,,
";

const ANYWHERE: &[&str] = &[
    "--credentials",
    "roles-anywhere",
    "--trust-anchor-arn",
    "arn:aws:rolesanywhere:us-west-1:123456789012:trust-anchor/0-a",
    "--profile-arn",
    "arn:aws:rolesanywhere:us-west-1:123456789012:profile/0-b",
    "--role-arn",
    "arn:aws:iam::123456789012:role/weir-{device}",
];

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    path.as_ref().metadata().unwrap().permissions().mode() & 0o7777
}

const PROVISION: &[&str] = &[
    "provision",
    "--devices",
    "--table",
    "sites.csv",
    "--out",
    "out",
];

/// Provisions the devices of the table, into the folder `out`.
fn provisioned(folder: &Path, more: &[&str]) -> PathBuf {
    write(&folder.join("sites.csv"), TABLE, 0o644);
    done(folder, &[PROVISION, more].concat());
    folder.join("out")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn each_device_gets_what_flashes_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &[]);
    let devices = ["logan-1", "old-mill"];
    for device in devices {
        let settings = out.join(device).join("weir.toml");
        agent_takes(&settings);
        let data = read(out.join(device).join("user-data"));
        // What follows the first line is JSON, which is YAML.
        let data: Value =
            serde_json::from_str(data.strip_prefix("#cloud-config\n").unwrap()).unwrap();
        assert_eq!(data["write_files"][0]["content"], read(&settings));
        assert_eq!(
            (mode(&settings), mode(out.join(device).join("user-data"))),
            (0o640, 0o640)
        );
    }
    // Again: nothing has changed.
    let flags = [PROVISION, &["--json"]].concat();
    let said = done(folder.path(), &flags);
    let told: Vec<Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[0]["sites"],
        serde_json::json!(["first-dam", "second-dam"])
    );
    assert_eq!(told[1]["folder"], "out/old-mill");
    for changed in ["weir.toml", "user-data", "network-config"] {
        let path = out.join("old-mill").join(changed);
        let before = read(&path);
        // Not even UTF-8.
        std::fs::write(&path, b"# mine \xff\n").unwrap();
        let refused = fleet(folder.path(), &flags);
        assert_eq!(refused.code, Some(2), "{changed}: {refused:?}");
        assert!(
            refused.err.contains("1 of 6") && refused.err.contains("--force"),
            "{}",
            refused.err
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"# mine \xff\n");
        done(folder.path(), &[&flags[..], &["--force"]].concat());
        assert_eq!(read(&path), before);
    }
    let refused = fleet(
        folder.path(),
        &[
            "provision",
            "--table",
            "sites.csv",
            "--out",
            "x",
            "--apn",
            "a",
        ],
    );
    assert_eq!(
        refused.code,
        Some(2),
        "options of devices without --devices: {refused:?}"
    );
    let many = [&flags[..], ANYWHERE].concat();
    let shared: Vec<&str> = many
        .iter()
        .map(|word| word.strip_suffix("-{device}").unwrap_or(word))
        .collect();
    let refused = fleet(folder.path(), &[&shared[..], &["--force"]].concat());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the rights of all") && !out.join("make-roles.sh").exists());
}

#[test]
fn a_telephone_reads_the_codes_of_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &[]);
    let page = read(out.join("labels.html"));
    assert!(
        !page.contains("http") && !page.contains("<script"),
        "it needs nothing else"
    );
    assert!(page.contains("First Dam, Logan &lt;River&gt;"), "{page}");
    let environment = std::env::var_os("WEIR_TEST_VENV").expect(
        "WEIR_TEST_VENV must name a Python environment with OpenCV (scripts/test makes one): codes are read with it",
    );
    // The drawings as pictures, and what OpenCV reads in them.
    let program = r#"
import re, sys, cv2, numpy
for drawing in re.findall(r'<svg viewBox="0 0 (\d+) \d+".*?d="([^"]*)"', open(sys.argv[1]).read()):
    picture = numpy.full((int(drawing[0]),) * 2, 255, numpy.uint8)
    for x, y, run in re.findall(r'M(\d+) (\d+)h(\d+)v1h-\d+z', drawing[1]):
        picture[int(y), int(x):int(x) + int(run)] = 0
    text, *_ = cv2.QRCodeDetector().detectAndDecode(cv2.resize(picture, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST))
    print(text.replace("\n", "|"))
"#;
    let output = Command::new(Path::new(&environment).join("bin/python"))
        .args(["-c", program])
        .arg(out.join("labels.html"))
        .output()
        .unwrap();
    let expected = "device logan-1|site first-dam|bucket first-dam-image\n\
        device logan-1|site second-dam|bucket second-dam-image\n\
        device old-mill|site old-mill|bucket mill-images\n";
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        expected,
        "{:?}",
        String::from_utf8(output.stderr)
    );
}
