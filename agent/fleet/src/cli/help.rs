//! The command line as a whole, and what is made from it: completions, man pages.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Failed;
use super::args::Cli;
use super::output::print;

/// The command line, as it is parsed and documented.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell) -> Result<ExitCode, Failed> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "weir-fleet", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for sub in command().get_subcommands() {
            let help = sub.get_after_help().map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.starts_with("Examples:\n")),
                "{}",
                sub.get_name()
            );
        }
    }
}
