//! The man pages: one for every command, with every section, and roff that groff takes.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[path = "../../examples/manual/pages.rs"]
mod pages;

use pages::{Page, pages};

#[test]
fn every_command_has_a_page_that_groff_takes_without_a_warning() {
    let pages = pages().unwrap();
    let names: Vec<_> = pages.iter().map(|page| page.name.as_str()).collect();
    let all = [
        "weir-fleet",
        "weir-fleet-run",
        "weir-fleet-report",
        "weir-fleet-scenarios",
        "weir-fleet-store",
        "weir-fleet-provision",
        "weir-fleet-completions",
    ];
    assert_eq!(names, all);
    for Page { name, roff } in &pages {
        for section in [
            "NAME",
            "SYNOPSIS",
            "EXAMPLES",
            "\"EXIT STATUS\"",
            "FILES",
            "ENVIRONMENT",
        ] {
            assert!(
                roff.contains(&format!(".SH {section}\n")),
                "{name} has no {section}"
            );
        }
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
