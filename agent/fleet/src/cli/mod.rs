//! The command line: what a person or a script asks for, and the exit code it gets.
//!
//! 0 done and every promise kept, 1 not so, or ended early, 2 usage: nothing was done.

mod args;
mod ending;
mod help;
mod output;
mod place;
mod plan;
mod progress;
mod provision;
mod report;
mod run;
mod scenarios;
mod signals;
mod store;
mod told;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use args::{Cli, Command};
use ending::Failed;
pub use help::command;

/// Does what the arguments ask for.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no faults: clap knows which is which.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    begin_log();
    let manner = output::Manner {
        json: cli.json,
        quiet: cli.quiet,
    };
    let done = match &cli.command {
        Command::Run(asked) => run::run(asked, &written(&arguments), manner),
        Command::Report(asked) => report::report(asked, manner),
        Command::Scenarios { name } => scenarios::scenarios(name.as_deref(), manner),
        Command::Store(asked) => store::store(asked, manner),
        Command::Provision(asked) => provision::provision(asked, manner),
        Command::Completions { shell } => help::completions(*shell),
    };
    done.unwrap_or_else(|failed| {
        eprintln!("weir-fleet: {failed}");
        ExitCode::from(failed.code())
    })
}

/// Hundreds of agents that tell what befalls them are for nobody to read: only who asks gets it.
fn begin_log() {
    if std::env::var_os("RUST_LOG").is_some_and(|asked| !asked.is_empty()) {
        weir::logging::begin(weir::logging::Format::Text);
    }
}

/// The command line as it can be typed again.
fn written(arguments: &[OsString]) -> String {
    let words = arguments.iter().skip(1).map(|word| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    std::iter::once("weir-fleet".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_so_that_a_shell_reads_it_back() {
        let told = |words: &[&str]| written(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(
            told(&["/bin/x", "run", "--sites", "5"]),
            "weir-fleet run --sites 5"
        );
        assert_eq!(
            told(&["x", "run", "--schedule", "rate 1/s for 3m", "it's", ""]),
            r"weir-fleet run --schedule 'rate 1/s for 3m' 'it'\''s' ''"
        );
    }
}
