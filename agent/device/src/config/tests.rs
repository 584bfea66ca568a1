//! The configuration as a whole: what is promised of every key, and what a user sees.

mod commands;
mod disk;
mod docs;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use proptest::prelude::*;

use super::environment::{Environment, variable};
use super::load::{self, Loaded};
use super::manual;
use super::*;

type Variables = Vec<(OsString, OsString)>;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Reads `text` as the file `/etc/weir/w.toml`, without looking at the disk.
fn read(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Faults> {
    let environment = Environment::new(variables(environment));
    let path = Path::new("/etc/weir/w.toml");
    load::read(Some((path, text)), &environment, true, |_, _, _, _| {
        Vec::new()
    })
}

fn config(text: &str) -> Config {
    read(text, &[])
        .unwrap_or_else(|faults| panic!("{faults}"))
        .config
}

fn faults(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let faults = read(text, environment).expect_err("faults");
    faults
        .iter()
        .map(|fault| fault.to_string().replace("/etc/weir/w.toml", "w"))
        .collect()
}

/// Every key outside sites: section, key, default.
fn keys() -> Vec<(&'static str, &'static str, &'static str)> {
    let sections = manual::sections()
        .into_iter()
        .filter(|section| !section.repeats());
    let keys = sections.flat_map(|section| {
        let name = section.name;
        section
            .keys
            .into_iter()
            .map(move |key| (name, key.name, key.value))
    });
    keys.collect()
}

/// For every key a value that is right and not its default.
const OTHERS: &[(&str, &str)] = &[
    ("state.directory", r#""/data/weir""#),
    ("watch.recursive", "false"),
    ("watch.max_depth", "3"),
    ("watch.rescan", r#""1h30m""#),
    ("watch.canary", r#""off""#),
    ("settle.quiet", r#""500ms""#),
    ("settle.give_up", r#""2m""#),
    ("gate.order", r#""oldest""#),
    ("gate.max_in_flight", "9"),
    ("gate.max_in_flight_per_site", "1"),
    (
        "gate.windows",
        r#"["mon-fri 22:00-06:00", "sat,sun 00:00-24:00"]"#,
    ),
    ("gate.bandwidth", r#""500KiB/s""#),
    ("gate.daily_budget", r#""2GB""#),
    ("gate.breaker_failures", "2"),
    ("gate.probe_first", r#""1s""#),
    ("gate.probe_max", r#""1h""#),
    ("pipeline.concurrency", "10"),
    ("pipeline.seconds_per_image", r#""30s""#),
    ("pipeline.max_event_age", r#""1h""#),
    ("pipeline.max_concurrent_sites", "10"),
    ("pipeline.hold", r#""30s""#),
    ("pipeline.hold_limit", r#""5m""#),
    ("pipeline.result_bucket", r#""{site}-results""#),
    ("pipeline.result_key", r#""{site}/{stem}.json""#),
    ("pipeline.gate", r#""s3""#),
    ("pipeline.control_bucket", r#""weir-control""#),
    ("pipeline.lease", r#""2m""#),
    ("infer.models", r#"["/opt/models"]"#),
    ("infer.threads", "2"),
    ("infer.deadline", r#""5m""#),
    ("infer.memory", r#""1GiB""#),
    ("infer.nice", "5"),
    ("infer.max_pixels", "1000000"),
    ("infer.max_file", r#""8MiB""#),
    ("infer.linger", r#""5m""#),
    ("infer.pause_above", r#""off""#),
    ("infer.wait", r#""30s""#),
    ("infer.result_bucket", r#""{site}-found""#),
    ("infer.result_key", r#""{site}/{stem}.json""#),
    ("infer.overlay_key", r#""{site}/{stem}.{ext}""#),
    ("infer.derivative_bucket", r#""{site}-small""#),
    ("infer.derivative_key", r#""{name}/{stem}.{ext}""#),
    ("store.endpoint", r#""http://127.0.0.1:9000""#),
    ("store.region", r#""eu-west-1""#),
    ("store.path_style", r#""on""#),
    ("store.bucket", r#""{site}-simulatedbucket""#),
    ("store.key", r#""{site}/{name}""#),
    ("store.profile", r#""field""#),
    ("store.credential_process", r#""get-keys""#),
    ("store.credentials_file", r#""/etc/weir/keys""#),
    ("store.conditional_writes", r#""off""#),
    ("store.tls_ca_file", r#""/etc/weir/ca.pem""#),
    ("upload.timeout", r#""90s""#),
    ("upload.connect_timeout", r#""3s""#),
    ("upload.multipart_above", r#""64MiB""#),
    ("upload.part_size", r#""5MiB""#),
    ("upload.backoff_first", r#""1s""#),
    ("upload.backoff_max", r#""2h""#),
    ("upload.park_probe_first", r#""1h""#),
    ("upload.park_probe_max", r#""7d""#),
    ("verify.with", r#""answer""#),
    ("retain.keep", r#""30d""#),
    ("retain.max_bytes", r#""20GB""#),
    ("retain.min_free", r#""2GB""#),
    ("retain.min_free_inodes", r#""1000""#),
    ("retain.drop_unverified", "true"),
    ("retain.history", r#""90d""#),
    ("daemon.listen", r#""[::1]:0""#),
    ("daemon.drain", r#""5s""#),
    ("daemon.log_format", r#""json""#),
];

fn others() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    OTHERS.iter().map(|(name, value)| {
        let (section, key) = name.split_once('.').expect("section.key");
        (section, key, *value)
    })
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_read() {
    // What is documented and not read is refused as unknown; what is read and has no default panics. Only the keys
    // of a site have no default to miss.
    let loaded = read(&manual::with_example(), &[]).expect("the example loads");
    let read: BTreeSet<_> = loaded
        .settings
        .iter()
        .map(|s| (s.section.clone(), s.key.clone()))
        .collect();
    let documented = manual::sections().into_iter().flat_map(|section| {
        let keys = section.keys.into_iter();
        keys.map(move |key| (section.name.to_owned(), key.name.to_owned()))
    });
    assert_eq!(read, documented.collect());
}

#[test]
fn everything_has_a_meaning() {
    for section in manual::sections() {
        assert!(section.meaning.ends_with('.'), "{section:?}");
        for key in section.keys {
            assert!(key.meaning.ends_with('.'), "{key:?}");
        }
    }
}

#[test]
fn the_starting_file_changes_nothing() {
    let text = init(None, false).expect("a text");
    assert_eq!(config(&text), config(""));
    assert_eq!(config(manual::with_example().as_str()).sites.len(), 1);
}

#[test]
fn every_value_takes_effect_from_the_file_and_from_the_environment_alike() {
    assert_eq!(
        others().count(),
        keys().len(),
        "every key needs another value here"
    );
    for (section, key, value) in others() {
        // A gate that devices share is refused without its bucket.
        let beside = match key {
            "gate" => "pipeline.control_bucket = \"weir-control\"\n",
            _ => "",
        };
        let from_file = config(&format!("{beside}{section}.{key} = {value}"));
        assert!(from_file != config(beside), "{section}.{key} has no effect");
        let text = value.trim_matches('"');
        let name = variable(section, key);
        let from_environment = read(beside, &[(&name, text)]).expect(&name).config;
        assert_eq!(from_environment, from_file, "{name}");
        let over_file = read(
            &format!("{beside}{section}.{key} = \"worse\""),
            &[(&name, text)],
        );
        assert_eq!(
            over_file.expect("the environment hides the file").config,
            from_file
        );
    }
}

#[test]
fn a_slip_in_the_wrong_section_finds_its_home() {
    assert_eq!(
        faults("[daemon]\npart_sise = \"8MiB\"", &[]),
        [
            "w:2:1: daemon.part_sise: unknown key \"part_sise\"; did you mean \"part_size\" of [upload]?"
        ]
    );
}

#[test]
fn the_environment_is_judged_by_its_overrides_alone() {
    use std::os::unix::ffi::OsStringExt;
    let fine = [
        ("WEIR_LOG_LEVEL", "x"),
        ("__WEIR", "x"),
        ("AWS__KEY", "x"),
        ("WEIR_WATCH__MAX_DEPTH", " 3 "),
    ];
    assert_eq!(read("", &fine).expect("fine").config.watch.depth, 3);
    let bytes = OsString::from_vec(vec![0xFF]);
    let environment = Environment::new([
        ("WEIR_STORE__REGION".into(), bytes.clone()),
        (bytes, "x".into()),
    ]);
    let faults =
        load::read(None, &environment, true, |_, _, _, _| Vec::new()).expect_err("a fault");
    assert_eq!(faults.to_string(), "$WEIR_STORE__REGION: is not UTF-8");
}

#[test]
fn a_relative_path_starts_where_it_was_written() {
    let written = config("store.tls_ca_file = \"ca.pem\"").store.tls_ca_file;
    assert_eq!(written.as_deref(), Some(Path::new("/etc/weir/ca.pem")));
    let given = read("", &[("WEIR_STORE__TLS_CA_FILE", "ca.pem")])
        .expect("fine")
        .config
        .store
        .tls_ca_file;
    assert_eq!(
        given,
        Some(std::env::current_dir().expect("a folder").join("ca.pem"))
    );
}

#[test]
fn a_list_in_a_variable_is_separated_by_semicolons() {
    let list = read(
        "",
        &[("WEIR_GATE__WINDOWS", "sat,sun 08:00-12:00; 22:00-06:00")],
    );
    let toml = config(r#"gate.windows = ["sat,sun 08:00-12:00", "22:00-06:00"]"#);
    assert_eq!(list.expect("a list").config, toml);
}

proptest! {
    /// Whatever is wrong, wherever: each fault once, at its own line, and nothing else.
    #[test]
    fn every_fault_is_told_once_at_its_line(
        wrong in proptest::sample::subsequence((0..keys().len()).collect::<Vec<_>>(), 1..12),
    ) {
        let keys = keys();
        // No key takes a date, so each line is one fault, of one key.
        let lines: Vec<_> = keys.iter().enumerate().map(|(i, (section, key, default))| {
            let value = if wrong.contains(&i) { "2024-08-09" } else { default };
            format!("{section}.{key} = {value}")
        }).collect();
        let faults = read(&lines.join("\n"), &[]).expect_err("faults");
        let told: Vec<_> = faults.iter().map(|fault| match &fault.origin {
            Origin::File { line: Some(line), column: Some(column), .. } => (line - 1, *column, fault.key.clone()),
            other => panic!("{other:?}"),
        }).collect();
        let expected: Vec<_> = wrong.iter().map(|&i| {
            let name = format!("{}.{}", keys[i].0, keys[i].1);
            (i, name.len() + " = ".len() + 1, Some(name))
        }).collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn no_text_breaks_the_reading(
        lines in proptest::collection::vec(("[a-z]{0,9}", "[\\[\\]a-z0-9{}\"'.= #é-]{0,12}"), 0..6),
        key in proptest::sample::select(keys()),
        value in "\\PC{0,12}",
    ) {
        let (section, key, _) = key;
        let text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let _ = read(&format!("[[site]]\n{text}\n[{section}]\n{key} = {value}"), &[]);
        let _ = read("", &[(&variable(section, key), &value)]);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_what_would_be_right() {
    let text = r#"
endpoint = "http://127.0.0.1:9000"
[upload]
timout = "60s"
part_size = 8388608
backoff_first = "5"
max_in_flight = 3
[gate]
order = "newest"
windows = ["mon-fri 22:00-06:00", "weekdays 08:00-12:00", "22:00-30:00"]
bandwidth = "500KiB"
probe_first = "1h"
[store]
endpoint = "http://me:hunter2@store"
profile = "field"
credential_process = "get-keys"
key = "{yeer}/{time}"
[gates]
[daemon]
listen = "0.0.0.0:9185"
[[site]]
name = "First Dam"
directory = ["~/camera", "/srv/a"]
timezone = "America/Denvr"
[[site]]
name = "b"
directry = "/srv/b"
[[site]]
name = "first-dam"
directory = "/srv/c"
[[site]]
name = "first-dam"
directory = []
bucket = "{site}_image"
"#;
    let environment = [
        ("WEIR_UPLOAD__TIMEOUT", "2 weeks"),
        ("WEIR_GATE__ODER", "oldest"),
        ("WEIR_SITE__NAME", "x"),
    ];
    let told = faults(text, &environment).join("\n");
    let expected = include_str!("tests/faults.txt");
    assert_eq!(told, expected.trim_end(), "\n{told}");
    assert!(!told.contains("hunter2"), "a secret is shown");
}

#[test]
fn sections_must_be_sections() {
    assert_eq!(
        faults("upload = 3\n[site]\nname = \"a\"", &[]),
        [
            "w:1:1: upload: this is an integer; write [upload] and its keys below",
            "w:2:1: site: this is a table; write [[site]], with two brackets, before each",
        ]
    );
}

#[test]
fn what_belongs_together_is_compared() {
    let told = |text| faults(text, &[]).join("\n");
    assert!(
        told("settle.quiet = \"2m\"")
            .starts_with("w:1:16: settle.quiet: settle.give_up is not longer")
    );
    assert!(
        told("settle.quiet = \"60s\"")
            .starts_with("w:1:16: settle.quiet: settle.give_up is not longer")
    );
    assert!(told("upload.backoff_max = \"1s\"").starts_with("w:1:22: upload.backoff_max: "));
    assert!(
        told("pipeline.gate = \"s3\"")
            .starts_with("w:1:17: pipeline.gate: pipeline.control_bucket is not set")
    );
    assert!(
        told("[pipeline]\nresult_bucket = \"{site}_out\"\nhold = \"result\"\n[[site]]\nname = \"a\"\ndirectory = \"/a\"")
            .starts_with("w:2:17: pipeline.result_bucket: names the bucket \"a_out\"")
    );
    assert_eq!(
        config("gate.max_in_flight = 2").gate.max_in_flight_per_site,
        2
    );
    assert!(config("store.endpoint = \"http://h\"").store.path_style);
    assert!(!config("").store.path_style);
}

#[test]
fn a_site_takes_what_it_does_not_say_from_the_store() {
    let text = "store.bucket = \"{site}-simulatedbucket\"
        site = [{ name = \"site1\", directory = \"pictures\" },
                { name = \"site2\", directory = [\"/a\", \"/b\"], bucket = \"own\", key = \"{name}\", timezone = \"-07:00\" }]";
    let sites = config(text).sites;
    assert_eq!(sites[0].bucket.as_str(), "site1-simulatedbucket");
    assert_eq!(
        sites[0].directories,
        [Path::new("/etc/weir/pictures")],
        "relative to the file"
    );
    assert_eq!(sites[0].timezone.to_string(), "UTC");
    assert_eq!(
        sites[0].key.as_str(),
        "{year}/{month_name}/{kind}_capture_{date}_{time}.{ext}"
    );
    assert_eq!(sites[1].bucket.as_str(), "own");
    assert_eq!(sites[1].key.as_str(), "{name}");
    assert_eq!(sites[1].directories.len(), 2);
}

#[test]
fn without_a_home_the_state_needs_a_folder() {
    let nothing = Environment::default();
    let faults = load::read(None, &nothing, false, |_, _, _, _| Vec::new()).expect_err("no folder");
    assert!(
        faults
            .to_string()
            .starts_with("default: state.directory: there is no folder"),
        "{faults}"
    );
}

#[test]
fn a_site_says_how_its_pictures_are_dated() {
    use weir_journey::stamp::{CameraClock, Doubtful};
    let text = "site = [{ name = \"a\", directory = \"/a\", timezone = \"-07:00\", since = 2024-05-01, \
                doubtful = \"hold\", patterns = [\"cam_%Y%m%d_%H%M%S\"], camera_clock_offset = \"-1h3m\" },
                { name = \"b\", directory = \"/b\" }]";
    let sites = config(text).sites;
    assert_eq!(sites[0].doubtful, Doubtful::Hold);
    let rules = &sites[0].rules;
    assert_eq!(
        rules.zone.map(|zone| zone.to_string()),
        Some("-07:00".into())
    );
    assert_eq!(rules.since, chrono::NaiveDate::from_ymd_opt(2024, 5, 1));
    assert_eq!(rules.patterns.len(), 1);
    let fast = CameraClock::fixed(chrono::TimeDelta::minutes(-63));
    assert_eq!(rules.camera_clock, fast);
    assert_eq!(
        sites[1].rules.zone, None,
        "a zone that nobody gave is not known"
    );
    assert_eq!(sites[1].doubtful, Doubtful::Mtime);
    let told = faults(
        "[[site]]\nname = \"a\"\ndirectory = \"/a\"\nsince = \"May\"\ndoubtful = \"drop\"\npatterns = [\"%Q\"]\n\
         camera_clock_offset = \"1h\"",
        &[],
    );
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[test]
fn a_site_says_what_is_wanted_of_its_images() {
    use weir_journey::infer::{Overlay, PictureFormat, Size};
    let text = r#"
[[site]]
name = "a"
directory = "/a"
model = ["water", "./mine"]
frame = "1920x1080"
rois = { ROI2 = [[0, 0], [9, 0], [9, 9]], ROI1 = [[1, 1], [2, 2], [-3, 3]] }
stage_model = "stage"
truth = "truth.png"
overlay = "640px jpeg"
first = ["stage > 1.5", "ROI1 > 12"]
[[site]]
name = "b"
directory = "/b"
overlay = "off"
verified_above = 0.5
truth = "t.png"
model = "water"
[[site]]
name = "c"
directory = "/c"
"#;
    let sites = config(text).sites;
    let look = sites[0].look.as_ref().expect("a look");
    let mine = ModelRef::At("/etc/weir/mine".into());
    assert_eq!(look.models, [ModelRef::Named("water".into()), mine]);
    assert_eq!(
        look.frame,
        Some(Size {
            width: 1920,
            height: 1080
        })
    );
    assert_eq!(
        look.rois
            .iter()
            .map(|roi| roi.name.as_str())
            .collect::<Vec<_>>(),
        ["ROI2", "ROI1"]
    );
    assert_eq!(
        look.truth.as_deref(),
        Some(Path::new("/etc/weir/truth.png"))
    );
    let overlay = Overlay {
        width: 640,
        format: PictureFormat::Jpeg,
    };
    assert_eq!(look.overlay, Some(overlay));
    assert_eq!(look.rules.first.len(), 2);
    assert_eq!(sites[1].look.as_ref().expect("a look").overlay, None);
    assert_eq!(sites[2].look, None);
}

#[test]
fn all_that_is_wrong_with_a_look_is_told_at_once() {
    let text = r#"
infer.pause_above = "80"
infer.result_key = "{stem}.x"
infer.overlay_key = "{stem}.x"
infer.derivative_key = "{stem}.jpg"
[[site]]
name = "a"
directory = "/a"
model = "Wa ter"
rois = { ROI1 = [[0, 0], [9, 0]] }
later = ["gloomy", "dark"]
[[site]]
name = "b"
directory = "/b"
model = "water"
rois = { ROI1 = [[0, 0], [9, 0], [9, 9]] }
skip = ["ROI2 > 3"]
derivatives = [{ name = "s", steps = ["blur"], format = "png" }]
[[site]]
name = "b.products"
directory = "/c"
truth = "t.png"
"#;
    let told = faults(text, &[]);
    let places: Vec<_> = told
        .iter()
        .map(|fault| fault.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "w:2:21 infer.pause_above",
            "w:4:21 infer.overlay_key",
            "w:5:24 infer.derivative_key",
            "w:9:9 site[1].model",
            "w:10:17 site[1].rois",
            "w:11:10 site[1].later",
            "w:17:8 site[2].skip",
            "w:18:39 site[2].derivatives",
            "w:20:8 site[3].name",
            "w:22:9 site[3].truth",
        ],
        "{told:#?}"
    );
}
