//! `weir config`: write, check, show, explain.

use std::path::Path;
use std::process::ExitCode;

use super::args;
use super::output::{Failed, print};
use crate::config::{self, Format};

pub(super) fn config(
    path: Option<&Path>,
    command: &args::Config,
    json: bool,
) -> Result<ExitCode, Failed> {
    let format = if json { Format::Json } else { Format::Text };
    let answer = match command {
        args::Config::Init { output, force } => {
            let text = config::init(output.as_deref(), *force)
                .map_err(|fault| Failed::Work(fault.to_string()))?;
            print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        args::Config::Check => config::check(path, std::env::vars_os(), format),
        args::Config::Show => config::show(path, std::env::vars_os(), format),
        args::Config::Reference { schema } => {
            let text = if *schema {
                config::json_schema()
            } else {
                config::reference_markdown()
            };
            print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    print(&answer.text)?;
    Ok(ExitCode::from(answer.exit))
}
