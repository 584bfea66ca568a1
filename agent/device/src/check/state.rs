//! The agent's own folder: may it be used, will it keep what it is given, and what does the queue say?

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use weir_journey::queue::State;

use super::disk::{self, FileSystem};
use super::finding::{Check, Finding};
use crate::lock;
use crate::queue::{QueueError, View};

/// Times that a scratch file is made durable: the median is told.
const SYNCS: usize = 5;
/// An image takes about three of them.
const SLOW: Duration = Duration::from_secs(1);

/// Checks the state directory.
pub(super) async fn check(directory: &Path) -> Vec<Finding> {
    let at = directory.to_owned();
    let (usable, mut findings) = crate::blocking::spawn(move || on_disk(&at))
        .await
        .unwrap_or_default();
    if usable {
        findings.push(queue(directory.to_owned()).await);
        findings.push(daemon(directory));
    }
    findings
}

/// Whether it is there, and what was found.
fn on_disk(directory: &Path) -> (bool, Vec<Finding>) {
    let check = Check::begin("storage.directory", directory.display());
    let metadata = match fs::metadata(directory) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (false, vec![creatable(check, directory)]);
        }
        Err(error) => {
            let fix = "give the agent's user the right to enter the folders above";
            return (false, vec![check.fail(error, fix)]);
        }
    };
    if !metadata.is_dir() {
        let fix = "move it away, or set state.directory to another folder";
        return (false, vec![check.fail("is not a folder", fix)]);
    }
    let user = rustix::process::geteuid().as_raw();
    let mode = metadata.mode() & 0o777;
    let mut findings = vec![if metadata.uid() != user {
        check.warn(
            format!(
                "belongs to user {}, and this check runs as user {user}",
                metadata.uid()
            ),
            "run the check as the agent's user: rights are judged for whoever asks (sudo -u)",
        )
    } else if mode & 0o077 != 0 {
        check.warn(
            format!("is open to others than its owner (mode {mode:04o})"),
            format!("run: chmod 700 {}", directory.display()),
        )
    } else {
        check.ok(format!("is there, mode {mode:04o}"))
    }];
    if let Ok(found) = FileSystem::of(directory) {
        let check = Check::begin("storage.filesystem", directory.display());
        findings.push(check.judged(disk::for_the_queue(&found)));
    }
    findings.push(durable(directory));
    (true, findings)
}

/// A folder that is not there yet: the agent makes it, where it may.
fn creatable(check: Check, directory: &Path) -> Finding {
    let above = directory.ancestors().skip(1).find(|above| above.exists());
    let above = above.unwrap_or(Path::new("/"));
    match accessat(
        CWD,
        above,
        Access::WRITE_OK | Access::EXEC_OK,
        AtFlags::EACCESS,
    ) {
        Ok(()) => check.ok("is not there yet; the first start makes it"),
        Err(error) => check.fail(
            format!(
                "is not there, and cannot be made in {}: {error}",
                above.display()
            ),
            format!(
                "as root: mkdir -p {0} && chown (the agent's user) {0}, or set state.directory",
                directory.display()
            ),
        ),
    }
}

/// Writes a scratch file and has it made durable, as the queue does with every image.
fn durable(directory: &Path) -> Finding {
    let check = Check::begin("storage.durable", directory.display());
    match syncs(directory) {
        Ok(median) if median > SLOW => check.warn(
            format!(
                "slow: making a file durable took {:.1} s",
                median.as_secs_f64()
            ),
            "use a better card, or a disk: every image waits for about three of these",
        ),
        Ok(median) => check.ok(format!(
            "a file was made durable in {:.1} ms (median of {SYNCS})",
            median.as_secs_f64() * 1000.0
        )),
        Err(error) => check.fail(
            format!("a file cannot be written and made durable: {error}"),
            "see that the agent's user may write there, and that the disk has room and is well",
        ),
    }
}

fn syncs(directory: &Path) -> io::Result<Duration> {
    let path = directory.join(format!(".weir-check-{:016x}", fastrand::u64(..)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    let measured = (|| {
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&[b'w'; 4096])?;
            file.sync_all()?;
            took.push(begun.elapsed());
        }
        took.sort();
        Ok(took.get(SYNCS / 2).copied().unwrap_or_default())
    })();
    fs::remove_file(&path)?;
    measured
}

/// Opens the database to read, as every look into it does.
async fn queue(directory: PathBuf) -> Finding {
    let check = Check::begin("storage.queue", directory.join("queue.db").display());
    let stats = match View::open(directory).await {
        Ok(view) => view.stats().await,
        Err(error) => Err(error),
    };
    match stats {
        Ok(stats) => {
            let count = |wanted: State| -> u64 {
                let of_sites = stats.sites.values();
                let of_state = of_sites.filter_map(|site| site.states.get(&wanted));
                of_state.map(|found| found.images).sum()
            };
            let owed: u64 = State::ALL
                .into_iter()
                .filter(|state| state.is_open())
                .map(count)
                .sum();
            match (count(State::Parked), count(State::Missing)) {
                (0, 0) => check.ok(format!("opens; {owed} images are still owed")),
                (parked, missing) => check.warn(
                    format!("opens; {parked} images are parked, {missing} missing"),
                    "see `weir queue list --state parked` and `weir queue list --state missing`",
                ),
            }
        }
        Err(QueueError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            check.ok("is not there yet; the first start makes it")
        }
        Err(error @ QueueError::Older { .. }) => {
            check.warn(error, "start `weir run`: it brings the database up to date")
        }
        Err(error @ QueueError::Damaged(_)) => check.fail(
            error,
            "restart the agent, or stop it and run `weir queue repair`: what is owed is kept",
        ),
        Err(error) => check.fail(error, "see docs/troubleshooting.md, `weir queue check`"),
    }
}

/// Whether an agent works there; the lock itself is not touched.
fn daemon(directory: &Path) -> Finding {
    let check = Check::begin("storage.agent", directory.display());
    match lock::holder(directory) {
        Ok(Some(process)) => check.ok(format!("an agent runs (process {process})")),
        Ok(None) => check.warn("no agent runs", "start it: `weir run`, or its service"),
        Err(error) => check.skipped(format!("not known whether an agent runs: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::lock::Lock;
    use std::os::unix::fs::PermissionsExt as _;

    async fn outcome(directory: &Path, name: &str) -> Option<Outcome> {
        let findings = check(directory).await;
        findings
            .into_iter()
            .find(|finding| finding.check == name)
            .map(|finding| finding.outcome)
    }

    #[tokio::test]
    async fn a_state_folder_is_judged_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        assert_eq!(
            outcome(&state, "storage.directory").await,
            Some(Outcome::Ok)
        );
        assert_eq!(outcome(&state, "storage.durable").await, None);
        fs::create_dir(&state).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            outcome(&state, "storage.directory").await,
            Some(Outcome::Warn)
        );
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(
            outcome(&state, "storage.directory").await,
            Some(Outcome::Ok)
        );
        assert_eq!(outcome(&state, "storage.durable").await, Some(Outcome::Ok));
        assert_eq!(outcome(&state, "storage.queue").await, Some(Outcome::Ok));
        assert_eq!(
            fs::read_dir(&state).unwrap().count(),
            0,
            "the check left something"
        );
        fs::write(
            state.join("queue.db"),
            "no database at all, and long enough to be one".repeat(100),
        )
        .unwrap();
        assert_eq!(outcome(&state, "storage.queue").await, Some(Outcome::Fail));
        fs::remove_dir_all(&state).unwrap();
        fs::write(&state, "").unwrap();
        assert_eq!(
            outcome(&state, "storage.directory").await,
            Some(Outcome::Fail)
        );
    }

    #[tokio::test]
    async fn a_running_agent_is_seen_and_not_disturbed() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(
            outcome(state.path(), "storage.agent").await,
            Some(Outcome::Warn)
        );
        let lock = Lock::take(state.path()).unwrap();
        assert_eq!(
            outcome(state.path(), "storage.agent").await,
            Some(Outcome::Ok)
        );
        drop(lock);
        assert_eq!(
            outcome(state.path(), "storage.agent").await,
            Some(Outcome::Warn)
        );
    }
}
