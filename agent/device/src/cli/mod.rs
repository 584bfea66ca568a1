//! The command line: what a person or a script asks for, and the exit code it gets.
//!
//! 0 done, 1 some of the work failed or needs attention, 2 usage or configuration.

mod args;
mod check;
mod config;
mod export;
mod help;
mod infer;
mod listing;
mod moment;
mod output;
mod paint;
mod queue;
mod receipt;
mod retained;
mod row;
mod run;
mod status;
mod timestamp;
mod upload;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::config::Config;
use args::{Cli, Command};
pub use help::command;
pub use output::Failed;
use paint::Paint;

/// Does what the arguments ask for.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no faults: clap knows which is which.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let paint = Paint::new(cli.color);
    let done = match &cli.command {
        Command::Run => configured(&cli).and_then(|config| run::run(cli.config.clone(), config)),
        Command::Upload(command) => {
            configured(&cli).and_then(|config| upload::upload(config, command, cli.json))
        }
        Command::Export(command) => {
            configured(&cli).and_then(|config| export::export(&config, command, cli.json))
        }
        Command::Receipt(receipt::Receipt::Apply(command)) => {
            configured(&cli).and_then(|config| receipt::apply(&config, command, cli.json))
        }
        Command::Check(wanted) => {
            let config = Config::load(cli.config.as_deref(), std::env::vars_os());
            check::check(config, wanted, cli.json, paint)
        }
        Command::Status => {
            configured(&cli).and_then(|config| status::status(&config, cli.json, paint))
        }
        Command::Queue(command) => {
            configured(&cli).and_then(|config| queue::queue(&config, command, cli.json, paint))
        }
        Command::Timestamp(asked) => timestamp::timestamp(cli.config.as_deref(), asked, cli.json),
        Command::Infer(asked) => infer::infer(cli.config.as_deref(), asked, cli.json, paint),
        Command::Config(command) => config::config(cli.config.as_deref(), command, cli.json),
        #[cfg(feature = "infer")]
        Command::InferWorker(bounds) => infer_worker(bounds),
        Command::Completions { shell } => help::completions(*shell),
    };
    match done {
        Ok(code) => code,
        Err(failed) => {
            eprintln!("weir: {failed}");
            ExitCode::from(failed.code())
        }
    }
}

/// Looks at the images that a running agent names on standard input.
#[cfg(feature = "infer")]
fn infer_worker(bounds: &crate::infer::Bounds) -> Result<ExitCode, Failed> {
    crate::infer::serve(bounds).map_err(|error| Failed::Work(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

fn configured(cli: &Cli) -> Result<Config, Failed> {
    load(cli.config.as_deref())
}

fn load(path: Option<&Path>) -> Result<Config, Failed> {
    Config::load(path, std::env::vars_os())
        .map_err(|faults| Failed::Configuration(faults.to_string()))
}

/// A runtime for short work: one thread is enough to ask a question.
fn short<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Work(format!("cannot start: {error}")))?
        .block_on(work)
}
