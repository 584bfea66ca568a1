//! The program as a process of its own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
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

/// The agent's own check has nothing against the configuration `path`.
pub(crate) fn agent_takes(path: &Path) {
    let path = path.to_str().unwrap();
    let words = ["weir", "--config", path, "config", "check"];
    let checked = weir::cli::main(words.map(OsString::from));
    assert_eq!(checked, ExitCode::SUCCESS, "{path}");
}

/// The program while it runs; it does not outlive the test.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn begin(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = command(folder, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }

    pub(crate) fn out(&mut self) -> ChildStdout {
        self.0
            .as_mut()
            .and_then(|child| child.stdout.take())
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.0.as_ref().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Said {
        let child = self.0.take().unwrap();
        child.wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
