//! A site's camera folders: are they there and readable, do events arrive from them, does the camera work?

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::disk::{self, FileSystem};
use super::events::{self, Silence};
use super::finding::{Check, Finding, Judgement};
use super::walk::{self, Newest, Walked};
use crate::config::{Config, Site};

/// A camera that takes a picture an hour has missed two days by then.
const STALE: Duration = Duration::from_secs(2 * 86_400);

/// What the folders of a site showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) findings: Vec<Finding>,
    /// Folders that the agent has to watch.
    pub(super) folders: u64,
    /// The file systems that they lie on, by device number, each with a folder on it.
    pub(super) disks: Vec<(u64, PathBuf)>,
}

/// Checks the folders of a site; blocks while it reads them.
pub(super) fn check(config: &Config, site: &Site) -> Seen {
    let name = site.name.as_str();
    let mut seen = Seen::default();
    for directory in &site.directories {
        let present = present(name, directory);
        let there = present.outcome == super::Outcome::Ok;
        seen.findings.push(present);
        if there {
            inside(config, name, directory, &mut seen);
        }
    }
    seen
}

fn present(site: &str, directory: &Path) -> Finding {
    let check = Check::begin("folder.readable", site);
    let shown = directory.display();
    match std::fs::read_dir(directory) {
        Ok(_) => check.ok(format!("{shown} can be read")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => check.fail(
            format!("{shown} is not there"),
            "make it, put the card in, or correct the site's directory: the agent waits for it",
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => check.fail(
            format!("{shown} cannot be read: {error}"),
            "give the agent's user the right to read and enter it, and the folders above",
        ),
        Err(error) => check.fail(
            format!("{shown} cannot be read: {error}"),
            "see that the disk is well and mounted",
        ),
    }
}

fn inside(config: &Config, site: &str, directory: &Path, seen: &mut Seen) {
    let shown = directory.display();
    let file_system = FileSystem::of(directory);
    seen.disks
        .extend(device(directory).zip(Some(directory.to_owned())));
    let read_only = file_system.as_ref().is_ok_and(|found| found.read_only);
    seen.findings.push(writable(site, directory, read_only));
    if let Ok(found) = file_system {
        let judgement = disk::for_a_camera(&found, config.watch.rescan);
        let check = Check::begin("folder.filesystem", site);
        seen.findings.push(check.judged(about(&shown, judgement)));
    }
    seen.findings.push(arrive(site, directory));
    let check = Check::begin("folder.newest", site);
    let walked = walk::walk(directory, config.watch.depth);
    seen.folders += walked.folders;
    let judgement = newest(&walked, SystemTime::now());
    seen.findings.push(check.judged(about(&shown, judgement)));
    if let Some(Newest { path, .. }) = &walked.newest {
        seen.findings.push(file_readable(site, path));
    }
}

/// The number of the device that a folder lies on.
pub(super) fn device(directory: &Path) -> Option<u64> {
    std::fs::metadata(directory).ok().map(|found| found.dev())
}

fn about(what: &impl std::fmt::Display, judgement: Judgement) -> Judgement {
    Judgement {
        detail: format!("{what}: {}", judgement.detail),
        ..judgement
    }
}

/// Whether images there could be deleted once they are verified.
fn writable(site: &str, directory: &Path, read_only: bool) -> Finding {
    let check = Check::begin("folder.writable", site);
    let shown = directory.display();
    if read_only {
        return check.warn(
            format!(
                "{shown} is mounted read-only: the camera cannot write, and nothing can be freed"
            ),
            "mount it writable, unless it is a card that is only read",
        );
    }
    // By the effective user, as the deletion itself would be.
    match accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => check.ok(format!("{shown} can be written: verified images can be freed")),
        Err(error) => check.warn(
            format!("{shown} cannot be written ({error}): verified images there cannot be freed, and the disk fills"),
            "give the agent's user the right to write it, or free it by other means",
        ),
    }
}

fn arrive(site: &str, directory: &Path) -> Finding {
    let check = Check::begin("folder.events", site);
    let shown = directory.display();
    match events::arrive(directory) {
        Ok(took) => check.ok(format!(
            "{shown}: a file that was written was announced after {:.1} ms",
            took.as_secs_f64() * 1000.0
        )),
        Err(Silence::NotTried(why)) => check.skipped(format!("{shown}: not tried: {why}")),
        Err(Silence::NoInotify(error)) => check.fail(
            format!("{shown}: no inotify: {error}"),
            "raise the limits: sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288",
        ),
        Err(Silence::Nothing(bound)) => check.fail(
            format!("{shown}: a file was written and not announced within {} s", bound.as_secs()),
            "events do not arrive from this file system: shorten watch.rescan, or use a local disk",
        ),
    }
}

fn newest(walked: &Walked, now: SystemTime) -> Judgement {
    let files = match walked.files {
        1 => "1 file".to_owned(),
        many if walked.all => format!("{many} files"),
        many => format!("more than {many} files"),
    };
    if let Some((folder, error)) = &walked.unreadable {
        return Judgement::fail(
            format!("{files}, and {} cannot be read: {error}", folder.display()),
            "give the agent's user the right to read and enter it",
        );
    }
    let Some(newest) = &walked.newest else {
        return Judgement::warn(
            "no file yet",
            "have the camera take a picture, and run this again before you leave",
        );
    };
    let age = now.duration_since(newest.changed).unwrap_or_default();
    let detail = format!("{files}, the newest {} ago", duration(age));
    if age > STALE {
        Judgement::warn(
            detail,
            "see that the camera works and writes to this folder",
        )
    } else {
        Judgement::ok(detail)
    }
}

fn file_readable(site: &str, path: &PathBuf) -> Finding {
    let check = Check::begin("folder.files", site);
    let shown = path.display();
    match std::fs::File::open(path) {
        Ok(_) => check.ok(format!("{shown} can be read")),
        // Written, renamed or freed between two looks.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            check.skipped(format!("{shown} went away"))
        }
        Err(error) => check.fail(
            format!("{shown} cannot be read: {error}"),
            "have the camera's server write files that the agent's user can read (its umask, or a common group)",
        ),
    }
}

/// A duration in its largest unit.
fn duration(of: Duration) -> String {
    match of.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn walked(age: Option<Duration>) -> (Walked, SystemTime) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        let newest = age.map(|age| Newest {
            path: "a.jpg".into(),
            changed: now - age,
        });
        let walked = Walked {
            files: u64::from(newest.is_some()),
            folders: 1,
            newest,
            unreadable: None,
            all: true,
        };
        (walked, now)
    }

    #[test]
    fn a_camera_that_fell_silent_is_told() {
        let judged = |age: Option<u64>| {
            let (walked, now) = walked(age.map(Duration::from_secs));
            newest(&walked, now)
        };
        assert_eq!(judged(Some(3600)).outcome, Outcome::Ok);
        assert_eq!(judged(None).outcome, Outcome::Warn);
        let stale = judged(Some(3 * 86_400));
        assert_eq!(stale.outcome, Outcome::Warn);
        assert!(stale.detail.contains("3 days"), "{}", stale.detail);
    }

    #[test]
    fn a_file_from_the_future_is_no_reason_to_worry_about_the_camera() {
        let (mut walked, now) = walked(Some(Duration::ZERO));
        walked.newest = Some(Newest {
            path: "a.jpg".into(),
            changed: now + Duration::from_secs(86_400),
        });
        assert_eq!(newest(&walked, now).outcome, Outcome::Ok);
    }
}
