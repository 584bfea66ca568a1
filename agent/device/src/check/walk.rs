//! What lies in a camera folder: how many folders a watcher has to watch, and which file is the newest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use weir_journey::settle::leave_alone;

/// Entries that are looked at: a folder of a year's pictures, and an end to a folder of ten years'.
const MOST: u64 = 200_000;

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Regular files whose names the agent looks at.
    pub(super) files: u64,
    /// Folders, the first one included: each wants an inotify watch.
    pub(super) folders: u64,
    /// The file that was changed last.
    pub(super) newest: Option<Newest>,
    /// The first folder that could not be read.
    pub(super) unreadable: Option<(PathBuf, io::Error)>,
    /// Whether everything was looked at.
    pub(super) all: bool,
}

/// A file and when it was changed last.
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) path: PathBuf,
    pub(super) changed: SystemTime,
}

/// Walks `directory` and `depth` levels of folders below it, as the agent does: links are not followed, hidden
/// and unfinished names are left alone.
pub(super) fn walk(directory: &Path, depth: u32) -> Walked {
    let mut walked = Walked {
        all: true,
        ..Walked::default()
    };
    let mut looked_at = 0;
    let mut ahead = vec![(directory.to_owned(), depth)];
    while let Some((folder, depth)) = ahead.pop() {
        walked.folders += 1;
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                walked.unreadable.get_or_insert((folder, error));
                continue;
            }
        };
        for entry in entries.flatten() {
            looked_at += 1;
            if looked_at > MOST {
                walked.all = false;
                return walked;
            }
            if leave_alone(&entry.file_name()).is_some() {
                continue;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() && depth > 0 {
                ahead.push((entry.path(), depth - 1));
            } else if metadata.is_file() {
                walked.files += 1;
                let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                if walked
                    .newest
                    .as_ref()
                    .is_none_or(|newest| changed > newest.changed)
                {
                    walked.newest = Some(Newest {
                        path: entry.path(),
                        changed,
                    });
                }
            }
        }
    }
    walked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_would_look_at_is_counted() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        fs::create_dir_all(at("2026/11/21")).unwrap();
        fs::create_dir(at(".hidden")).unwrap();
        for file in [
            "a.jpg",
            "2026/b.jpg",
            "2026/11/21/c.jpg",
            ".d.jpg",
            "e.tmp",
            ".hidden/f.jpg",
        ] {
            fs::write(at(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(at("a.jpg"), at("link.jpg")).unwrap();
        let late = SystemTime::now() + std::time::Duration::from_secs(60);
        let file = fs::File::options()
            .write(true)
            .open(at("2026/b.jpg"))
            .unwrap();
        file.set_modified(late).unwrap();
        let found = walk(home.path(), 8);
        assert_eq!((found.files, found.folders, found.all), (3, 4, true));
        assert_eq!(found.newest.unwrap().path, at("2026/b.jpg"));
        let shallow = walk(home.path(), 0);
        assert_eq!((shallow.files, shallow.folders), (1, 1));
    }
}
