//! The documents say what is so: the commands in them parse, the options and files that they name exist.

use std::collections::BTreeSet;
use std::path::Path;

fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The lines of the blocks in `sh`.
fn lines(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap_or(rest));
    // A command may go on in the next line.
    let whole = blocks.map(|block| block.replace(" \\\n", " "));
    let whole: Vec<_> = whole.collect();
    whole
        .iter()
        .flat_map(|block| block.lines())
        .map(|line| line.replace('"', "").replace("$i", "1"))
        .collect()
}

/// Splits a command into words, up to its comment; single quotes hold a word together.
fn words(command: &str) -> Vec<String> {
    let command = ["|", ">", " #"].iter().fold(command, |rest, end| {
        rest.split(end).next().unwrap_or_default()
    });
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
fn every_command_shown_parses() {
    let mut tried = 0;
    for path in [
        "README.md",
        "docs/fleet.md",
        "docs/scenarios.md",
        "docs/operations.md",
        "docs/figures.md",
    ] {
        for line in lines(&page(path)) {
            let line = line.strip_prefix("target/release/").unwrap_or(&line);
            if !line.starts_with("weir-fleet ") {
                continue;
            }
            if let Err(error) = weir_fleet::cli::command().try_get_matches_from(words(line)) {
                panic!("{path}: {line}\n{error}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 15, "only {tried} commands were found");
}

#[test]
fn the_examples_of_the_help_parse() {
    let command = weir_fleet::cli::command();
    let helps = command.get_subcommands().chain([&command]);
    for help in helps.filter_map(clap::Command::get_after_help) {
        for line in help.to_string().lines().map(str::trim_start) {
            if line.starts_with("weir-fleet ") {
                // What follows two spaces says what it does.
                let asked = line.split("   ").next().unwrap_or(line);
                let parsed = weir_fleet::cli::command().try_get_matches_from(words(asked));
                assert!(parsed.is_ok(), "{line}\n{parsed:?}");
            }
        }
    }
}

#[test]
fn the_manual_names_every_option_of_a_run_and_no_other() {
    let manual = page("docs/fleet.md");
    let command = weir_fleet::cli::command();
    let longs = |command: &clap::Command| -> BTreeSet<String> {
        let all = command.get_arguments().filter_map(clap::Arg::get_long);
        all.map(|long| format!("--{long}")).collect()
    };
    let run = command.find_subcommand("run").unwrap();
    for option in longs(run).union(&longs(&command)) {
        assert!(
            manual.contains(&format!("`{option}")),
            "{option} is not documented"
        );
    }
    let known: BTreeSet<_> = command
        .get_subcommands()
        .flat_map(longs)
        .chain(longs(&command))
        .collect();
    let prose = manual.split("```").step_by(2);
    let quoted = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
    for word in quoted.flat_map(str::split_whitespace) {
        let option = word.split(['=', ',']).next().unwrap_or(word);
        let is_known = !option.starts_with("--") || known.contains(option);
        assert!(is_known, "there is no option {option}");
    }
}

#[test]
fn the_scenario_shown_is_understood() {
    let page = page("docs/scenarios.md");
    let shown = page
        .split("```ini\n")
        .nth(1)
        .unwrap()
        .split("\n```")
        .next()
        .unwrap();
    let scenario = weir_fleet::weather::Scenario::parse("shown", Path::new(""), shown);
    assert_eq!(
        scenario.unwrap_or_else(|faults| panic!("{faults}")).name,
        "mine"
    );
}
