//! The proof, every few minutes, that events still arrive.
//!
//! A watcher can fall silent for ever without an error (minio/mc#2971). So the agent watches a private
//! directory of its own with the same inotify instance, opens a file there for writing and closes it
//! without writing: that gives `IN_CLOSE_WRITE` at the cost of no byte on disk. When the event does not
//! come back in time, the watcher is dead. The same directory is where the command line knocks.
//!
//! [`Canary`] is the decision (when to sing, when to give up); the functions touch the files.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

/// The file whose close proves that the watcher lives.
pub(super) const CANARY: &str = "canary";
/// The file whose close means that somebody changed the queue.
pub(super) const WAKE: &str = "wake";

/// Where the private files are, below the state directory.
pub(super) fn directory(state: &Path) -> PathBuf {
    state.join("watch")
}

/// Wakes the daemon that runs on `state`: its watcher reports [`Report::Woken`](super::Report). For a
/// command that changed the queue beside the daemon; without a daemon it has no effect.
///
/// # Errors
/// The state directory cannot be written.
pub fn wake(state: &Path) -> io::Result<()> {
    knock(&directory(state), WAKE)
}

/// Makes the private directory, mode 0700, where it is not there yet.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // Created before the watch is set, so that singing later changes no directory on disk.
    knock(directory, CANARY)
}

/// Opens `name` for writing and closes it unwritten.
pub(super) fn knock(directory: &Path, name: &str) -> io::Result<()> {
    if !directory.is_dir() {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join(name))
        .map(drop)
}

/// When to sing and when to call the watcher dead.
#[derive(Debug)]
pub(super) struct Canary {
    period: Duration,
    grace: Duration,
    phase: Phase,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Resting { until: Instant },
    Listening { until: Instant },
}

/// What the moment asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing is due.
    Rest,
    /// Open and close the canary file.
    Sing,
    /// The last song was not heard in time.
    Dead,
}

impl Canary {
    /// Sings every `period` from `now` and waits `grace` for the echo.
    pub(super) fn new(period: Duration, grace: Duration, now: Instant) -> Self {
        Self {
            period,
            grace,
            phase: Phase::Resting {
                until: now + period,
            },
        }
    }

    /// When [`act`](Self::act) is to be called next.
    pub(super) fn due(&self) -> Instant {
        match self.phase {
            Phase::Resting { until } | Phase::Listening { until } => until,
        }
    }

    /// What to do at `now`; the answer counts as done.
    pub(super) fn act(&mut self, now: Instant) -> Act {
        if now < self.due() {
            return Act::Rest;
        }
        match self.phase {
            Phase::Resting { .. } => {
                self.phase = Phase::Listening {
                    until: now + self.grace,
                };
                Act::Sing
            }
            Phase::Listening { .. } => {
                self.rest(now);
                Act::Dead
            }
        }
    }

    /// The event came.
    pub(super) fn heard(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Listening { .. }) {
            self.rest(now);
        }
    }

    fn rest(&mut self, now: Instant) {
        self.phase = Phase::Resting {
            until: now + self.period,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PERIOD: Duration = Duration::from_secs(600);
    const GRACE: Duration = Duration::from_secs(10);

    proptest! {
        /// A song heard within the grace never counts as death; one not heard always does, once.
        #[test]
        fn only_silence_is_death(echoes in prop::collection::vec(0_u64..20, 1..20)) {
            let mut now = Instant::now();
            let mut canary = Canary::new(PERIOD, GRACE, now);
            for echo in echoes {
                now = canary.due();
                prop_assert_eq!(canary.act(now), Act::Sing);
                prop_assert_eq!(canary.act(now), Act::Rest);
                let echo = Duration::from_secs(echo);
                if echo < GRACE {
                    now += echo;
                    canary.heard(now);
                } else {
                    now = canary.due();
                    prop_assert_eq!(canary.act(now), Act::Dead);
                }
                prop_assert_eq!(canary.due(), now + PERIOD);
            }
        }
    }

    #[test]
    fn singing_writes_nothing() {
        let state = tempfile::tempdir().expect("tempdir");
        let private = directory(state.path());
        prepare(&private).expect("prepared");
        let before = fs::metadata(private.join(CANARY)).expect("there");
        knock(&private, CANARY).expect("sung");
        let after = fs::metadata(private.join(CANARY)).expect("there");
        assert_eq!(after.len(), 0);
        assert_eq!(
            before.modified().expect("mtime"),
            after.modified().expect("mtime")
        );
    }
}
