//! A running `weir run`.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::wait;

/// The daemon; killed when it goes out of scope, and its log shown when that happens in a failing test.
pub(crate) struct Agent {
    child: Child,
    log: PathBuf,
    /// Where the log of this run begins.
    from: usize,
}

impl Agent {
    /// Spawns `command` with its output appended to the file `log`.
    pub(crate) fn spawn(mut command: Command, log: PathBuf) -> Self {
        let from = std::fs::read(&log).map_or(0, |text| text.len());
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log, from }
    }

    /// What this run has logged so far.
    pub(crate) fn log(&self) -> String {
        said(&self.log).split_off(self.from)
    }

    /// Waits until this run has logged `words`.
    #[track_caller]
    pub(crate) fn hears(&mut self, words: &str) {
        wait::until(&format!("the agent logs {words:?}"), || {
            let heard = self.log().contains(words);
            if !heard && let Some(ended) = self.ended() {
                assert!(
                    self.log().contains(words),
                    "the agent ended ({ended}) and never logged {words:?}"
                );
            }
            heard
        });
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait::find("the agent ends", || self.ended())
    }

    /// SIGTERM, which must end in a clean exit.
    #[track_caller]
    pub(crate) fn drain(mut self) {
        self.signal(Signal::TERM);
        let status = self.end();
        assert!(status.success(), "SIGTERM ended the agent with {status}");
    }

    /// SIGKILL, in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(
            status.signal().is_some(),
            "the agent ended by itself before it was killed: {status}"
        );
    }
}

fn said(log: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned()
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Already ended, or about to: either way nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = said(&self.log);
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(60)..];
            eprintln!("-- the end of the agent's log --\n{}", last.join("\n"));
        }
    }
}
