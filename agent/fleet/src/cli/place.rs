//! Where a run works and where its report goes: both are known to be good before the run begins.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Failed;
use crate::report::files::{IMAGES, PAGE, SAMPLES, SITES, SUMMARY};

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";
/// What a site's folder needs beside its images: the queue with its log, and the agent's own files.
const BYTES_A_SITE: u64 = 6 << 20;

/// The folder of the sites' folders; removed with this unless it is to be kept.
#[derive(Debug)]
pub(super) struct Work {
    folder: TempDir,
}

impl Work {
    /// A new folder below `within`, else in memory where that has room for `need()` bytes, else among the temporary ones.
    ///
    /// # Errors
    /// [`Failed`].
    pub(super) fn make(
        within: Option<&Path>,
        need: impl Fn() -> u64,
        keep: bool,
    ) -> Result<Self, Failed> {
        let within = match within {
            Some(within) => {
                std::fs::create_dir_all(within).map_err(|error| {
                    Failed::Usage(format!("--work {}: {error}", within.display()))
                })?;
                within.to_owned()
            }
            None if has_room(Path::new(MEMORY), need()) => PathBuf::from(MEMORY),
            None => std::env::temp_dir(),
        };
        let mut builder = tempfile::Builder::new();
        let made = builder.prefix("weir-fleet-").tempdir_in(&within);
        let mut folder = made.map_err(|error| {
            Failed::Work(format!(
                "cannot make a folder in {}: {error}; name another with --work",
                within.display()
            ))
        })?;
        folder.disable_cleanup(keep);
        Ok(Self { folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// About how many bytes a run takes at most: nothing is deleted, and all sites keep all their images.
pub(super) fn need(sites: u64, images: u64, bytes_an_image: u64) -> u64 {
    let of_images = images.saturating_mul(bytes_an_image + bytes_an_image / 4);
    of_images.saturating_add(sites.saturating_mul(BYTES_A_SITE))
}

/// Whether the folder, which is in memory, can take so much and leave as much again to everybody else.
fn has_room(folder: &Path, need: u64) -> bool {
    let free = rustix::fs::statvfs(folder).map_or(0, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|info| {
            let line = info
                .lines()
                .find_map(|line| line.strip_prefix("MemAvailable:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
    let available = available.unwrap_or(0).saturating_mul(1024);
    need <= free.min(available) / 2
}

/// Makes the folder of a report. One that is there must be empty or a run's: of a run only its own files are replaced.
///
/// # Errors
/// [`Failed::Usage`].
pub(super) fn report(out: &Path) -> Result<(), Failed> {
    let told = |error: std::io::Error| {
        Failed::Usage(format!(
            "the report cannot be written to {}: {error}; name another folder with --out",
            out.display()
        ))
    };
    std::fs::create_dir_all(out).map_err(told)?;
    let names: Vec<_> = std::fs::read_dir(out)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(told)?;
    let of_a_run = [SUMMARY, IMAGES, SITES, SAMPLES, PAGE];
    let is_ours = names.iter().any(|name| name == SUMMARY)
        || names
            .iter()
            .all(|name| of_a_run.iter().any(|ours| name == ours));
    if !is_ours {
        return Err(Failed::Usage(format!(
            "{} is not empty and not the folder of a run: name another with --out",
            out.display()
        )));
    }
    // A week is simulated before the report is written: whether it can be is found out now.
    tempfile::tempfile_in(out).map(drop).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/out");
        report(&out).unwrap();
        std::fs::write(out.join(IMAGES), "x").unwrap();
        report(&out).unwrap();
        std::fs::write(out.join("thesis.tex"), "x").unwrap();
        assert!(report(&out).is_err(), "half a run and something else");
        std::fs::write(out.join(SUMMARY), "{}").unwrap();
        report(&out).unwrap();
        assert!(report(&out.join("thesis.tex")).is_err(), "no folder");
    }

    #[test]
    fn a_folder_to_work_in_goes_with_the_run_unless_it_is_kept() {
        let within = tempfile::tempdir().unwrap();
        let path = |keep| {
            let work = Work::make(Some(within.path()), || 0, keep).unwrap();
            assert!(work.path().is_dir());
            work.path().to_owned()
        };
        assert!(!path(false).exists());
        assert!(path(true).exists());
    }

    #[test]
    fn no_memory_takes_more_than_it_has() {
        assert!(!has_room(Path::new(MEMORY), u64::MAX / 2));
        assert!(!has_room(Path::new("/no/such/folder"), 1));
        assert_eq!(need(u64::MAX, u64::MAX, 24 << 10), u64::MAX);
    }
}
