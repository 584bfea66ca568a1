//! The documents say what is so: their configurations load, their commands parse, the metrics, files, sections
//! and tests that they name exist.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use weir::config::Config;
use weir::serve::{Status, Vitals};
use weir_journey::infer::Outcome;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The README, the changelog and every page of `docs/`, by their path below the root.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let mut paths: Vec<_> = docs
        .map(|entry| Path::new("docs").join(entry.unwrap().file_name()))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.extend(["README.md", "CHANGELOG.md"].map(PathBuf::from));
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The fenced blocks of a page in one language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let found = page.split(&fence).skip(1);
    found
        .map(|rest| rest.split("\n```").next().unwrap_or(rest))
        .collect()
}

/// The words of a page that stand `between backquotes`, outside of blocks.
fn quoted(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    prose
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_configuration_shown_loads() {
    // Stands for /etc/weir: a file of keys that a configuration names has to be there.
    let etc = tempfile::tempdir().unwrap();
    let keys = etc.path().join("keys");
    fs::write(&keys, "access_key_id = a\nsecret_access_key = b\n").unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let mut tried = 0;
    for (path, page) in pages() {
        for block in blocks(&page, "toml") {
            let file = etc.path().join("weir.toml");
            fs::write(
                &file,
                block.replace("/etc/weir/", &format!("{}/", etc.path().display())),
            )
            .unwrap();
            if let Err(faults) = Config::load(Some(&file), []) {
                panic!(
                    "a configuration of {} does not load:\n{block}\n{faults}",
                    path.display()
                );
            }
            tried += 1;
        }
    }
    assert!(
        tried >= 3,
        "only {tried} configurations were found: is the fence ```toml?"
    );
}

#[test]
fn every_weir_command_shown_parses() {
    let mut tried = 0;
    for (path, page) in pages() {
        for line in blocks(&page, "sh").into_iter().flat_map(str::lines) {
            let command = line.split('|').next().unwrap_or_default().trim();
            let command = command.strip_prefix("sudo ").unwrap_or(command);
            let Some(arguments) = command.strip_prefix("weir ") else {
                continue;
            };
            let words = words(arguments.split(" #").next().unwrap_or_default());
            let parsed = weir::cli::command()
                .try_get_matches_from(std::iter::once("weir".to_owned()).chain(words));
            if let Err(error) = parsed {
                panic!("{}: {line}\n{error}", path.display());
            }
            tried += 1;
        }
    }
    assert!(
        tried >= 10,
        "only {tried} commands were found: is the fence ```sh?"
    );
}

/// Splits a command into words; single quotes hold a word together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_metric_named_exists_and_every_metric_is_documented() {
    // Families show only with a member: so there is one of each.
    let status: Status = serde_json::from_value(serde_json::json!({
        "version": "0", "running": true, "started_at": null, "now": "2026-11-21T00:00:00Z", "troubles": [],
        "link": { "down_since": null, "last_failure": null, "in_flight": 0, "width": 1 },
        "clock": { "store_ahead_s": null },
        "watch": { "events_arrive": true, "last_scan": null, "missed_events": 0, "pending": 0 },
        "sites": [{
            "name": "a", "directories": [], "images": { "queued": 1 }, "open_bytes": 1,
            "oldest_open": "2026-11-21T00:00:00Z", "held": null,
        }],
        "quarantined": { "empty": 1 },
        "disks": [{
            "folders": ["/srv"], "bytes": 1, "free_bytes": 1, "inodes": 1, "free_inodes": 1, "read_only": false,
            "trouble": null,
        }],
        "infer": {
            "due": { "a": 1 },
            "off": { "a": { "because": "the model is broken", "until": "2026-11-21T00:00:00Z" } },
            "hot_c": null,
        },
    }))
    .unwrap();
    let vitals = Vitals::default();
    vitals.accepted("a");
    vitals.verified("a", Duration::ZERO);
    vitals.failed("link");
    vitals.removed("a", "age", 1);
    vitals.dropped("a", "space");
    vitals.looked("a", Duration::ZERO);
    vitals.look_failed("a", Outcome::Died);
    let text = vitals.text(&status);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut exported = BTreeSet::new();
    for (name, kind) in types.filter_map(|line| line.split_once(' ')) {
        exported.insert(if kind == "counter" {
            format!("{name}_total")
        } else {
            name.to_owned()
        });
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut documented = BTreeSet::new();
    for (path, page) in pages() {
        for word in page
            .split(|c| !is_name(c))
            // weir_0.1.0-1_arm64.deb is a package, and weir_{arch}.deb any of them.
            .filter(|word| {
                let name = word.strip_prefix("weir_");
                name.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
            })
        {
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| word.strip_suffix(end))
                .unwrap_or(word);
            let crate_of_ours = ["weir_journey", "weir_store"].contains(&name);
            assert!(
                crate_of_ours || exported.contains(name),
                "{}: there is no metric {word}",
                path.display()
            );
            documented.insert(name.to_owned());
        }
    }
    let missing: Vec<_> = exported.difference(&documented).collect();
    assert!(missing.is_empty(), "documented nowhere: {missing:?}");
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    for (path, page) in pages() {
        let targets = page
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let from = path.parent().unwrap_or(Path::new(""));
            let file = if file.is_empty() {
                path.clone()
            } else {
                from.join(file)
            };
            assert!(
                root().join(&file).exists(),
                "{}: {target} leads nowhere",
                path.display()
            );
            if !section.is_empty() {
                let there = fs::read_to_string(root().join(&file)).unwrap();
                let found = there
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == section);
                assert!(found, "{}: {target} has no such section", path.display());
            }
        }
    }
}

/// The anchor of a heading, as forges make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_file_and_setting_named_in_the_prose_exists() {
    let reference = page("docs/configuration.md");
    for (path, page) in pages() {
        for word in quoted(&page) {
            let of_ours = ["agent/", "docs/", "scripts/", "benches/", ".ci/"];
            if of_ours.iter().any(|folder| word.starts_with(folder)) {
                let file = word.split([' ', ':']).next().unwrap_or(word);
                assert!(
                    root().join(file).exists(),
                    "{}: there is no {file}",
                    path.display()
                );
            }
            let sections = [
                "state.", "site.", "watch.", "settle.", "gate.", "store.", "upload.", "verify.",
                "daemon.",
            ];
            let setting = word.split([' ', '=']).next().unwrap_or(word);
            let is_key = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            if sections.iter().any(|section| setting.starts_with(section))
                && setting.chars().all(is_key)
            {
                let there = reference.contains(&format!("### {setting}\n"));
                assert!(there, "{}: there is no setting {setting}", path.display());
            }
        }
    }
}

/// Guards are named in the design as `file.rs: name_of_the_test`.
#[test]
fn every_guard_of_an_invariant_is_a_test() {
    let design = page("docs/design.md");
    let guards: Vec<_> = quoted(&design)
        .into_iter()
        .filter_map(|word| word.split_once(".rs: "))
        .collect();
    assert!(guards.len() >= 12, "only {} guards are named", guards.len());
    for (file, test) in guards {
        let path = root().join(format!("agent/{file}.rs"));
        let source =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            source.contains(&format!("fn {test}(")),
            "agent/{file}.rs has no test {test}"
        );
    }
}
