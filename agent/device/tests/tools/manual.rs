//! The man pages: one for every command, with the sections that a person looks for, and roff that groff takes.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[path = "../../examples/manual/pages.rs"]
mod pages;

use pages::{Page, pages};

/// Every command, as a page's name.
fn commands(of: &clap::Command, name: &str) -> Vec<String> {
    let below = of.get_subcommands().filter(|sub| !sub.is_hide_set());
    let mut names = vec![name.to_owned()];
    names.extend(below.flat_map(|sub| commands(sub, &format!("{name}-{}", sub.get_name()))));
    names
}

#[test]
fn every_command_has_a_page_with_every_section() {
    let pages = pages().unwrap();
    let names: Vec<_> = pages.iter().map(|page| page.name.clone()).collect();
    assert_eq!(names, commands(&weir::cli::command(), "weir"));
    assert!(names.len() > 10);
    for Page { name, roff } in &pages {
        let of_groups = ["weir-queue", "weir-config"].contains(&name.as_str());
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "EXAMPLES",
            "\"EXIT STATUS\"",
            "FILES",
            "ENVIRONMENT",
        ] {
            if section == "EXAMPLES" && of_groups {
                continue;
            }
            assert!(
                roff.contains(&format!(".SH {section}\n")),
                "{name} has no {section}: its --help wants \"Examples:\" and lines of them"
            );
        }
        assert!(!roff.contains(".SH EXTRA"), "{name}");
    }
}

#[test]
fn groff_takes_every_page_without_a_warning() {
    for Page { name, roff } in pages().unwrap() {
        let mut groff = Command::new("groff")
            .args(["-K", "utf8", "-man", "-Tutf8", "-ww", "-z"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("groff is not installed: apt-get install groff-base (scripts/test does)");
        groff
            .stdin
            .take()
            .unwrap()
            .write_all(roff.as_bytes())
            .unwrap();
        let output = groff.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && complaints.is_empty(),
            "{name}: {complaints}\n{roff}"
        );
    }
}
