//! The program as a process of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// How it ended, and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The one object that it wrote.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program in `folder`, with an environment in which nothing but what it needs is set.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir-fleet"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::null());
    command
}

pub(crate) fn fleet(folder: &Path, arguments: &[&str]) -> Said {
    command(folder, arguments).output().unwrap().into()
}

/// It did what was asked.
pub(crate) fn done(folder: &Path, arguments: &[&str]) -> Said {
    let said = fleet(folder, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    said
}
