//! Small file systems of a test's own. Only root may mount them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::station::text;

/// A small file system, mounted for as long as this lives.
pub(crate) struct Disk {
    at: PathBuf,
    image: Option<PathBuf>,
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("{program} is not there: {error}"));
    assert!(
        done.status.success(),
        "this test mounts a small file system and so needs to run as root (or with CAP_SYS_ADMIN): {program} {arguments:?}: {}",
        text(&done.stderr)
    );
}

impl Disk {
    /// One in memory at `path`, with these options of tmpfs(5).
    pub(crate) fn tmpfs(path: PathBuf, options: &str) -> Self {
        fs::create_dir_all(&path).unwrap();
        run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                options,
                "weir-test",
                path.to_str().unwrap(),
            ],
        );
        Self {
            at: path,
            image: None,
        }
    }

    /// An ext4 of so many MiB at `path`, in a file beside it (`mkfs.ext4` is of the Debian package e2fsprogs).
    pub(crate) fn ext4(path: PathBuf, mebibytes: u64) -> Self {
        fs::create_dir_all(&path).unwrap();
        let image = path.with_extension("ext4");
        File::create(&image)
            .unwrap()
            .set_len(mebibytes << 20)
            .unwrap();
        run("mkfs.ext4", &["-q", "-m", "0", image.to_str().unwrap()]);
        let (from, to) = (image.to_str().unwrap(), path.to_str().unwrap());
        run("mount", &["-o", "loop", from, to]);
        Self {
            at: path,
            image: Some(image),
        }
    }

    /// Mounts it again with other options.
    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        run("mount", &["-o", &options, self.at.to_str().unwrap()]);
    }

    /// Fills it to the last byte; gives the file that does.
    pub(crate) fn fill(&self) -> PathBuf {
        let ballast = self.at.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        for piece in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![1; piece]).is_ok() {}
        }
        // Delayed allocation finds the end later than the write.
        let _ = file.sync_all();
        ballast
    }

    /// Where it is mounted.
    pub(crate) fn at(&self) -> &Path {
        &self.at
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, for an agent may still have it open; a failure leaves a few MiB mounted.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
        if let Some(image) = &self.image {
            let _ = fs::remove_file(image);
        }
    }
}
