//! What is written, looked at as a whole.

use std::collections::BTreeSet;

use clap::FromArgMatches as _;
use serde_json::Value;
use weir_journey::gate::Hold;

use super::super::args::{Cli, Command};
use super::*;

/// What the command line asks for, and the sites of the table.
fn asked(table: &str, more: &[&str]) -> (args::Provision, Vec<Place>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), table).unwrap();
    let path = file.path().to_str().unwrap();
    let words = ["weir-fleet", "provision", "--out", "out", "--table", path];
    let words = words.iter().chain(&["--timezone", "UTC"]).chain(more);
    let matches = super::super::command().get_matches_from(words);
    let Command::Provision(asked) = Cli::from_arg_matches(&matches).unwrap().command else {
        panic!("another command");
    };
    let sites = table::sites(&asked).unwrap_or_else(|faults| panic!("{faults}"));
    (*asked, sites)
}

fn files_of(table: &str, more: &[&str]) -> Vec<Planned> {
    let (asked, sites) = asked(table, &[&["--devices"], more].concat());
    devices::files(&devices::of(&sites), &asked).unwrap_or_else(|fault| panic!("{fault}"))
}

fn text<'a>(files: &'a [Planned], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == Path::new(path));
    let known: Vec<_> = files.iter().map(|file| &file.path).collect();
    &file
        .unwrap_or_else(|| panic!("no {path} among {known:?}"))
        .text
}

fn json_of(files: &[Planned], path: &str) -> Value {
    serde_json::from_str(text(files, path)).unwrap()
}

/// The cloud-config, and the files in it by their paths.
fn user_data(files: &[Planned], device: &str) -> (Value, Vec<(String, String)>) {
    let data = text(files, &format!("{device}/user-data"));
    let json = data.strip_prefix("#cloud-config\n").unwrap();
    let config: Value = serde_json::from_str(json).unwrap();
    let written = config["write_files"].as_array().unwrap();
    let word = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
    let written = written
        .iter()
        .map(|file| (word(file, "path"), word(file, "content")))
        .collect();
    (config, written)
}

/// The buckets on which a policy allows an action.
fn allowed(policy: &Value, action: &str) -> BTreeSet<String> {
    let words = |value: &Value| -> Vec<String> {
        match value {
            Value::String(one) => vec![one.clone()],
            several => {
                let several = several.as_array().unwrap().iter();
                several.map(|one| one.as_str().unwrap().into()).collect()
            }
        }
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .filter(|one| {
            one["Effect"] == "Allow" && words(&one["Action"]).iter().any(|is| is == action)
        })
        .flat_map(|one| words(&one["Resource"]))
        .map(|resource| resource.strip_prefix("arn:aws:s3:::").unwrap().to_owned())
        .collect()
}

const TABLE: &str = "\
site,device,model,bucket
north,board-1,water-demo,
south,board-1,,
mill,,water-demo;iris,mill-images
";

#[test]
fn a_policy_allows_what_its_configuration_does_and_no_more() {
    let cases: [&[&str]; 5] = [
        &[],
        &["--hold", "result"],
        &["--hold", "result", "--pipeline-result-bucket", "{site}-out"],
        &[
            "--result-bucket",
            "{site}-found",
            "--control-bucket",
            "river-control",
        ],
        &["--hold", "30s"],
    ];
    let mut compared = 0;
    for more in cases {
        let files = files_of(TABLE, more);
        for device in ["board-1", "mill"] {
            let policy = json_of(&files, &format!("{device}/policy.json"));
            let settings = text(&files, &format!("{device}/weir.toml"));
            let config = settings::check(settings).unwrap_or_else(|fault| panic!("{fault}"));
            let objects = |name: &str| format!("{name}/*");
            let (mut written, mut read) = (BTreeSet::new(), BTreeSet::new());
            for site in &config.sites {
                written.insert(objects(site.bucket.as_str()));
                // The program of this test may be built without models: the text tells which sites have some.
                if site.name.as_str() != "south" {
                    let results = config.infer.result_bucket.bucket_of(&site.name).unwrap();
                    written.insert(objects(results.as_str()));
                }
                if matches!(config.pipeline.hold, Hold::Result { .. }) {
                    let awaited = config.pipeline.result_bucket.bucket_of(&site.name).unwrap();
                    read.insert(objects(awaited.as_str()));
                }
            }
            let control = config.pipeline.control_bucket.as_ref();
            let control = control.map(|name| objects(name.as_str()));
            let with = |set: &BTreeSet<String>| set.iter().chain(&control).cloned().collect();
            read.extend(written.iter().cloned());
            let (written, read, control): (_, _, BTreeSet<_>) = (
                with(&written),
                with(&read),
                control.iter().cloned().collect(),
            );
            assert_eq!(allowed(&policy, "s3:PutObject"), written, "{more:?}");
            assert_eq!(allowed(&policy, "s3:GetObject"), read, "{more:?}");
            assert_eq!(allowed(&policy, "s3:DeleteObject"), control, "{more:?}");
            assert!(!policy.to_string().contains("s3:*"));
            compared += 1;
        }
    }
    assert_eq!(compared, 10);
}

#[test]
fn a_site_by_itself_has_the_rights_on_what_its_model_makes() {
    let (asked, sites) = asked(TABLE, &[]);
    let files = files(&sites, &asked);
    let put = |site: &str| {
        let policy = json_of(&files, &format!("{site}/policy.json"));
        allowed(&policy, "s3:PutObject")
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(put("north"), ["north-image/*", "north-segmentedoutput/*"]);
    assert_eq!(put("south"), ["south-image/*"]);
    let names = buckets::names(&sites, None);
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let expected = [
        "north-image",
        "north-segmentedoutput",
        "south-image",
        "mill-images",
        "mill-segmentedoutput",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_sites_of_a_device_are_in_one_configuration() {
    let files = files_of(TABLE, &[]);
    let settings = text(&files, "board-1/weir.toml");
    let config = settings::check(settings).unwrap_or_else(|fault| panic!("{fault}"));
    let names: Vec<_> = config.sites.iter().map(|site| site.name.as_str()).collect();
    assert_eq!(names, ["north", "south"]);
    assert!(text(&files, "mill/weir.toml").contains("model = [\"water-demo\", \"iris\"]\n"));
    let (config, written) = user_data(&files, "board-1");
    assert_eq!(config["hostname"], "board-1");
    assert_eq!(written[0], ("/etc/weir/weir.toml".into(), settings.into()));
    let (_, values) = &written[1];
    assert!(
        values.contains("CAMERAS='/srv/camera/north /srv/camera/south'\n"),
        "{values}"
    );
    // A configuration that is wrong is not written.
    assert!(settings::check(&settings.replace("\"UTC\"", "\"Mars\"")).is_err());
}

#[test]
fn what_is_wrong_with_devices_is_told_with_its_line() {
    let wrong = |table: &str, more: &[&str]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), table).unwrap();
        let path = file.path().to_str().unwrap();
        let words = [
            "weir-fleet",
            "provision",
            "--out",
            "x",
            "--timezone",
            "UTC",
            "--table",
            path,
        ];
        let matches = super::super::command().get_matches_from(words.iter().chain(more));
        let Command::Provision(asked) = Cli::from_arg_matches(&matches).unwrap().command else {
            panic!("another command");
        };
        let told = table::sites(&asked).unwrap_err().to_string();
        told.replace(path, "t")
    };
    let table = "site,device,directory,model,latitude,longitude,label,note\n\
        a,Board,/srv/camera/a,,,,,\n\
        b.c,,/srv/camera/b,,,,,\n\
        d,board,/srv/camera/x/../d,,,,,\n\
        e,board,/srv/camera/e,Water,,,,\n\
        f,board,/srv/camera/f,,91,-111,,\n\
        g,board,/srv/camera/g,,41,,,\n\
        h,board,/srv/camera/h,,,,\"two\nlines\",\n\
        i,board,/srv/camera/i,,,,,a\u{2028}b\n\
        j,board,/srv/camera/j,,,,,\n\
        k,board,/srv/camera/j/deeper,,,,,\n";
    let told = wrong(table, &["--devices"]);
    let expected = [
        "t:2: \"Board\" cannot be a device's name",
        "t:3: \"b.c\" cannot be a device's name",
        "t:4: the folder \"/srv/camera/x/../d\"",
        "t:5: the model \"Water\"",
        "t:6: latitude \"91\"",
        "t:7: longitude \"\"",
        "t:8: a label is one line",
        "t:10: a note is one line",
        "t:12: the folder /srv/camera/j/deeper",
    ];
    for (line, start) in told.lines().zip(expected) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    // Sites by themselves need no device, and their folders may be of any name.
    let (_, sites) = asked("site,directory\nb.c,/srv/my camera\n", &[]);
    assert_eq!(sites[0].directory, "/srv/my camera");
    let mixed = "site,model,bucket\na,water-demo,\nb,,a-segmentedoutput\nc,,river-control\n";
    let told = wrong(mixed, &["--control-bucket", "river-control"]);
    assert!(
        told.contains("t:3: the bucket a-segmentedoutput is that of the results of a"),
        "{told}"
    );
    assert!(
        told.contains("t:4: the bucket river-control is the control bucket"),
        "{told}"
    );
    let shared = wrong("site,model\na,x\nb,x\n", &["--result-bucket", "results"]);
    assert!(shared.contains("t:3: the bucket results"), "{shared}");
}

#[test]
fn whatever_people_call_a_site_stays_what_they_call_it() {
    let label = "\u{201e}Wehr\u{201c} <b>&amp;</b> \u{1f30a}: {x} %i $HOME `id` \\n #";
    let note = "]]> --> \\ ' \"; rm -rf /";
    let table = format!(
        "site,device,label,note\na,b,\"{}\",\"{}\"\n",
        label.replace('"', "\"\""),
        note.replace('"', "\"\"")
    );
    let files = files_of(&table, &[]);
    let settings = text(&files, "b/weir.toml");
    assert!(
        settings.contains(&format!("# {label}\n# {note}\n[[site]]\n")),
        "{settings}"
    );
    settings::check(settings).unwrap_or_else(|fault| panic!("{fault}"));
    let (_, written) = user_data(&files, "b");
    assert_eq!(written[0].1, settings);
    let page = text(&files, "labels.html");
    let escaped = "\u{201e}Wehr\u{201c} &lt;b&gt;&amp;amp;&lt;/b&gt; \u{1f30a}: {x}";
    assert!(page.contains(escaped) && !page.contains("<b>"), "{page}");
    assert!(
        page.contains("]]&gt; --&gt; \\ ' &quot;; rm -rf /"),
        "{page}"
    );
    let mut list = csv::Reader::from_reader(text(&files, "devices.csv").as_bytes());
    let row = list.records().next().unwrap().unwrap();
    assert_eq!((&row[2], &row[10]), (label, note));
}

const ANYWHERE: &[&str] = &[
    "--credentials",
    "roles-anywhere",
    "--trust-anchor-arn",
    "arn:aws:rolesanywhere:us-west-1:123456789012:trust-anchor/0-a",
    "--profile-arn",
    "arn:aws:rolesanywhere:us-west-1:123456789012:profile/0-b",
    "--role-arn",
    "arn:aws:iam::123456789012:role/fleet/weir-{device}",
];
const IOT: &[&str] = &[
    "--credentials",
    "iot",
    "--iot-endpoint",
    "c0.credentials.iot.us-west-1.amazonaws.com",
    "--role-arn",
    "arn:aws:iam::123456789012:role/weir-{device}",
    "--role-alias-arn",
    "arn:aws:iot:eu-central-1:123456789012:rolealias/weir-{device}",
];

#[test]
fn a_role_is_taken_by_its_device_alone() {
    let files = files_of(TABLE, ANYWHERE);
    for device in ["board-1", "mill"] {
        let trust = json_of(&files, &format!("{device}/trust-policy.json"));
        let condition = &trust["Statement"][0]["Condition"];
        assert_eq!(
            condition["StringEquals"]["aws:PrincipalTag/x509Subject/CN"],
            device
        );
        assert_eq!(condition["ArnEquals"]["aws:SourceArn"], ANYWHERE[3]);
        let settings = text(&files, &format!("{device}/weir.toml"));
        let role = format!("--role-arn arn:aws:iam::123456789012:role/fleet/weir-{device}\"");
        assert!(settings.contains(&role), "{settings}");
    }
    let roles = text(&files, "make-roles.sh");
    let call =
        "device 'mill' 'weir-mill' '/fleet/' 'arn:aws:iam::123456789012:role/fleet/weir-mill' ''\n";
    assert!(roles.ends_with(call), "{roles}");

    let files = files_of(TABLE, IOT);
    let alias = "arn:aws:iot:eu-central-1:123456789012:rolealias/weir-mill";
    let trust = json_of(&files, "mill/trust-policy.json");
    assert_eq!(
        trust["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"],
        alias
    );
    assert_eq!(
        trust["Statement"][0]["Condition"]["StringEquals"]["aws:SourceAccount"],
        "123456789012"
    );
    assert_eq!(
        json_of(&files, "mill/iot-policy.json")["Statement"][0]["Resource"],
        alias
    );
    let settings = text(&files, "mill/weir.toml");
    let command = "\"/usr/lib/weir/weir-iot-credentials --endpoint c0.credentials.iot.us-west-1.amazonaws.com --role-alias weir-mill --thing mill --certificate /etc/weir/identity/device.crt --private-key /etc/weir/identity/device.key\"";
    assert!(settings.contains(command), "{settings}");
    assert!(text(&files, "make-roles.sh").contains("--region eu-central-1 iot "));
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let faults = |more: &[&str]| {
        let (asked, sites) = asked(TABLE, &[&["--devices"], more].concat());
        let fault = devices::files(&devices::of(&sites), &asked).err();
        fault.map_or_else(String::new, |fault| fault.to_string())
    };
    let without = |of: &[&'static str], name: &str| {
        let at = of.iter().position(|word| *word == name).unwrap();
        [&of[..at], &of[at + 2..]].concat()
    };
    assert_eq!(faults(ANYWHERE), "");
    assert_eq!(faults(IOT), "");
    for (of, names) in [
        (
            ANYWHERE,
            vec!["--trust-anchor-arn", "--profile-arn", "--role-arn"],
        ),
        (
            IOT,
            vec!["--iot-endpoint", "--role-arn", "--role-alias-arn"],
        ),
    ] {
        for name in names {
            assert_eq!(
                faults(&without(of, name)),
                format!("--credentials needs {name}")
            );
        }
    }
    let mut shared = ANYWHERE.to_vec();
    *shared.last_mut().unwrap() = "arn:aws:iam::123456789012:role/weir";
    assert!(
        faults(&shared).contains("the rights of all"),
        "{}",
        faults(&shared)
    );
    let useless = faults(&[
        "--credentials",
        "keys",
        "--role-arn",
        "arn:aws:iam::123456789012:role/x",
    ]);
    assert_eq!(
        useless,
        "--role-arn is for --credentials roles-anywhere or iot"
    );
    assert!(faults(&["--package", "http://example.org/weir.deb"]).contains("--package-sha256"));
    let digest = "0".repeat(64);
    assert!(faults(&["--package-sha256", &digest]).contains("a URL"));
    assert_eq!(
        faults(&[
            "--package",
            "http://example.org/weir.deb",
            "--package-sha256",
            &digest
        ]),
        ""
    );
    assert!(faults(&["--credentials", "process:a\nb"]).contains("one line"));
    assert!(faults(&["--ssh-key", "/nowhere.pub"]).contains("/nowhere.pub"));
}

#[test]
fn nothing_that_is_written_is_secret_and_keys_are_named_where_they_are() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        file.path(),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let (asked, sites) = asked(TABLE, &["--devices", "--ssh-key", path]);
    let refused = devices::files(&devices::of(&sites), &asked).err().unwrap();
    let refused = refused.to_string();
    assert!(
        refused.contains("no public key") && !refused.contains("b3Blb"),
        "{refused}"
    );

    fs::write(
        file.path(),
        "# mine\nssh-ed25519 AAAAC3NzaC1lZDI1 me@home\n",
    )
    .unwrap();
    let sources: [&[&str]; 4] = [
        &["--credentials", "keys"],
        &["--credentials", "process:/usr/local/bin/keys-of {device}"],
        ANYWHERE,
        IOT,
    ];
    for source in sources {
        let files = files_of(TABLE, &[source, &["--ssh-key", path]].concat());
        check_settings(&files).unwrap_or_else(|fault| panic!("{fault}"));
        for file in &files {
            for secret in ["PRIVATE KEY", "AKIA", "aws_secret_access_key"] {
                assert!(!file.text.contains(secret), "{}", file.path.display());
            }
            let whole = file.mode & 0o027 == 0;
            assert!(
                whole || !file.is(&[SETTINGS, "user-data"]),
                "{}",
                file.path.display()
            );
        }
        let (config, _) = user_data(&files, "mill");
        assert_eq!(
            config["ssh_authorized_keys"][0],
            "ssh-ed25519 AAAAC3NzaC1lZDI1 me@home"
        );
    }
    let settings = |more: &[&str]| {
        let files = files_of(TABLE, more);
        text(&files, "mill/weir.toml").to_owned()
    };
    assert!(settings(sources[0]).contains("\ncredentials_file = \"/etc/weir/keys\"\n"));
    assert!(
        settings(sources[1]).contains("\ncredential_process = \"/usr/local/bin/keys-of mill\"\n")
    );
    assert!(settings(&[]).contains("\n# credentials_file = "));
}

#[test]
fn folders_elsewhere_are_opened_for_the_unit_and_the_network_is_optional() {
    let table = "site,device,directory\na,b,/data/cam\nc,b,/srv/camera/c\n";
    let files = files_of(table, &["--apn", "iot.example", "--interface", "end0"]);
    let (_, written) = user_data(&files, "b");
    let of = |path: &str| {
        let file = written.iter().find(|(is, _)| is == path);
        file.map(|(_, text)| text.as_str())
    };
    let unit = of("/etc/systemd/system/weir.service.d/10-camera.conf").unwrap();
    assert!(
        unit.ends_with("[Service]\nReadWritePaths=-/data/cam\n"),
        "{unit}"
    );
    let lte = of("/etc/NetworkManager/system-connections/lte.nmconnection").unwrap();
    assert!(lte.contains("\napn=iot.example\n"), "{lte}");
    let network = json_of(&files, "b/network-config");
    assert_eq!(network["ethernets"]["end0"]["optional"], true);
    let plain = files_of("site,device\na,b\n", &[]);
    assert_eq!(user_data(&plain, "b").1.len(), 4);
    let instance = |files: &[Planned]| json_of(files, "b/meta-data")["instance-id"].clone();
    assert_ne!(
        instance(&files),
        instance(&plain),
        "other data is another board"
    );
}

#[test]
fn a_policy_that_is_too_long_for_a_role_is_noticed() {
    let rows = |sites: usize| {
        let rows: String = (0..sites)
            .map(|n| format!("a-site-with-a-long-name-{n},b\n"))
            .collect();
        let (_, sites) = asked(&format!("site,device\n{rows}"), &["--devices"]);
        let policy = Planned {
            path: "b/policy.json".into(),
            text: policy::text(&sites.iter().collect::<Vec<_>>(), None),
            mode: 0o644,
        };
        too_long(&[policy]).count()
    };
    assert_eq!((rows(50), rows(300)), (0, 1));
}
