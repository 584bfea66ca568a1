//! The command line as a whole: its commands in groups, and what is made from it (completions, man pages).

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::output::{Failed, print};

/// Commands that belong together, in the order in which they are shown. One that is in no group is shown last.
const GROUPS: [(&str, &[&str]); 3] = [
    (
        "On the device",
        &["run", "check", "status", "queue", "receipt", "export"],
    ),
    ("Anywhere", &["upload", "timestamp", "infer"]),
    ("Setting up", &["config", "completions"]),
];

/// The command line, as it is parsed and documented.
pub fn command() -> clap::Command {
    let plain = Cli::command();
    let groups = groups(&plain);
    plain.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{groups}\nOptions:\n{{options}}{{after-help}}"
    ))
}

fn groups(command: &clap::Command) -> String {
    let mut left: Vec<_> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .collect();
    let mut text = String::new();
    let mut tell = |heading: &str, subs: &[&clap::Command]| {
        if !subs.is_empty() {
            text.push_str(&format!("\n{heading}:\n"));
        }
        for sub in subs {
            let about = sub.get_about().map(ToString::to_string);
            text.push_str(&format!(
                "  {:12} {}\n",
                sub.get_name(),
                about.unwrap_or_default()
            ));
        }
    };
    for (heading, names) in GROUPS {
        let of_group: Vec<_> = names
            .iter()
            .filter_map(|name| left.iter().find(|sub| sub.get_name() == *name).copied())
            .collect();
        left.retain(|sub| !names.contains(&sub.get_name()));
        tell(heading, &of_group);
    }
    tell("Further", &left);
    text
}

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> Result<ExitCode, Failed> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "weir", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_the_help_once() {
        let help = command().render_help().to_string();
        for sub in command().get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let name = format!("\n  {:12} ", sub.get_name());
            assert_eq!(help.matches(&name).count(), 1, "{name}\n{help}");
        }
        assert!(
            !help.contains("Further:"),
            "a command is in no group\n{help}"
        );
    }

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }
}
