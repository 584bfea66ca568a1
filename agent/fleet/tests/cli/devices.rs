//! `weir-fleet provision --devices`: what it writes is what a board, an authority and AWS's command line take.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use serde_json::Value;

use crate::program::{done, fleet};

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

/// Provisions the devices of the table, into the folder `out`.
fn provisioned(folder: &Path, more: &[&str]) -> PathBuf {
    write(&folder.join("sites.csv"), TABLE, 0o644);
    let flags = [
        "provision",
        "--devices",
        "--table",
        "sites.csv",
        "--out",
        "out",
    ];
    done(folder, &[&flags, more].concat());
    folder.join("out")
}

#[test]
fn each_device_gets_what_flashes_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &[]);
    let devices = ["logan-1", "old-mill"];
    for device in devices {
        let settings = out.join(device).join("weir.toml");
        let words = [
            "weir",
            "--config",
            settings.to_str().unwrap(),
            "config",
            "check",
        ];
        let checked = weir::cli::main(words.map(OsString::from));
        assert_eq!(checked, ExitCode::SUCCESS);
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
    let flags = [
        "provision",
        "--devices",
        "--table",
        "sites.csv",
        "--out",
        "out",
        "--json",
    ];
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

/// A board without a board: its folders, and programs that write down how they are called.
struct Board {
    root: PathBuf,
    programs: PathBuf,
}

impl Board {
    /// With all that cloud-init writes from `user-data`.
    fn flashed(folder: &Path, user_data: &Path) -> Self {
        let (root, programs) = (folder.join("root"), folder.join("programs"));
        let data = read(user_data);
        let data: Value =
            serde_json::from_str(data.strip_prefix("#cloud-config\n").unwrap()).unwrap();
        for file in data["write_files"].as_array().unwrap() {
            let word = |key: &str| file[key].as_str().unwrap();
            let mode = u32::from_str_radix(word("permissions"), 8).unwrap();
            write(
                &root.join(word("path").trim_start_matches('/')),
                word("content"),
                mode,
            );
        }
        std::fs::create_dir_all(root.join("etc/cloud")).unwrap();
        let noted = format!(
            "echo \"${{0##*/}} $*\" >>{}\n",
            folder.join("calls").display()
        );
        for (name, rest) in [
            (
                "apt-get",
                "case \" $* \" in *\" install \"*) for deb; do :; done; [ \"$deb\" = weir ] || [ -f \"$deb\" ] || [ \"${deb##*/}\" = \"$deb\" ] ;; esac\n",
            ),
            ("dpkg", "echo arm64\n"),
            ("dpkg-query", "exit 1\n"),
            ("systemctl", ""),
            ("weir", ""),
            ("nmcli", ""),
            ("mmcli", ""),
            ("curl", ""),
        ] {
            write(
                &programs.join(name),
                &format!("#!/bin/sh\n{noted}{rest}"),
                0o755,
            );
        }
        // apt-helper, as it fetches: what is asked for lies in the folder beside.
        let fetch = format!(
            "#!/bin/sh\n{noted}for to; do :; done; cp {}/fetched \"$to\"\n",
            folder.display()
        );
        write(&root.join("usr/lib/apt/apt-helper"), &fetch, 0o755);
        Self { root, programs }
    }

    /// Runs the script of the first boot.
    fn boot(&self) -> (Output, Vec<String>) {
        let calls = self.root.with_file_name("calls");
        let _ = std::fs::remove_file(&calls);
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        let output = Command::new("sh")
            .arg(self.root.join("usr/local/lib/weir/first-boot"))
            .env_clear()
            .env("PATH", path)
            .env("ROOT", &self.root)
            .output()
            .unwrap();
        let calls = std::fs::read_to_string(calls).unwrap_or_default();
        (output, calls.lines().map(str::to_owned).collect())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_first_boot_brings_up_weir_when_all_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = provisioned(folder.path(), &["--credentials", "keys"]);
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    // No package yet: told, and tried again by the unit.
    let (output, calls) = board.boot();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("there is no weir_…_arm64.deb"),
        "{}",
        said(&output)
    );
    assert!(
        !calls.iter().any(|call| call.starts_with("systemctl")),
        "{calls:?}"
    );
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
    let (output, calls) = board.boot();
    assert!(output.status.success(), "{}", said(&output));
    let installed = calls
        .iter()
        .find(|call| call.starts_with("apt-get "))
        .unwrap();
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
    let told: Vec<_> = calls
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
    assert!(
        calls
            .iter()
            .any(|call| call.starts_with("weir --config ") && call.ends_with(" config check"))
    );
    // A configuration that the installed weir refuses is not run.
    write(&board.programs.join("weir"), "#!/bin/sh\nexit 2\n", 0o755);
    let (output, calls) = board.boot();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !calls.iter().any(|call| call.contains("restart")),
        "{calls:?}"
    );
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
    let (output, calls) = board.boot();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("it is not installed"),
        "{}",
        said(&output)
    );
    let fetched = calls
        .iter()
        .find(|call| call.starts_with("apt-helper"))
        .unwrap();
    assert!(
        fetched.contains("http://example.org/weir_0.1.0_arm64.deb"),
        "{fetched}"
    );
    assert!(
        !calls.iter().any(|call| call.contains(" install ")),
        "{calls:?}"
    );
    let flags = [&flags[..], &["--package-sha256", &digest, "--force"]].concat();
    let out = provisioned(folder.path(), &flags);
    let board = Board::flashed(folder.path(), &out.join("logan-1/user-data"));
    let (output, calls) = board.boot();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        calls.iter().any(|call| call.contains(" install ")),
        "{calls:?}"
    );
}

fn openssl(arguments: &[&str], folder: &Path) -> String {
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
    let (output, calls) = board.boot();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("waits for its certificate"),
        "{}",
        said(&output)
    );
    assert!(
        calls.contains(&"systemctl restart weir.service".to_owned()),
        "{calls:?}"
    );
    assert!(
        !calls.iter().any(|call| call.contains("disable")),
        "the next boot looks again: {calls:?}"
    );
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
    let (output, calls) = board.boot();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(
        read(board.at("etc/weir/identity/device.crt")),
        read(&certificate)
    );
    assert_eq!(read(&key), made, "the key stays");
    assert_eq!(mode(board.at("usr/bin/aws_signing_helper")), 0o755);
    assert!(
        calls.contains(&"systemctl disable weir-first-boot.service".to_owned()),
        "{calls:?}"
    );

    // Another key's certificate, with this device's name.
    let other = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=logan-1 -keyout other.key -out";
    let words: Vec<_> = other.split(' ').chain([path]).collect();
    openssl(&words, folder.path());
    let (output, _) = board.boot();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("is not a certificate of logan-1"),
        "{}",
        said(&output)
    );
    assert_ne!(
        read(board.at("etc/weir/identity/device.crt")),
        read(&certificate)
    );
}

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
