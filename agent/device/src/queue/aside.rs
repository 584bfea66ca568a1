//! The files of the queue in the state directory: made private, suspected, set aside. Nothing here deletes
//! a database.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::QueueError;

/// The paths of the queue's files in a state directory.
#[derive(Debug, Clone)]
pub(super) struct Files {
    dir: PathBuf,
}

/// What SQLite keeps beside a database, by suffix; the database itself first.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

impl Files {
    pub(super) fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.dir.join("queue.db")
    }

    fn suspect(&self) -> PathBuf {
        self.dir.join("queue.db.suspect")
    }

    fn part(&self, stem: &str, suffix: &str) -> PathBuf {
        self.dir.join(format!("{stem}{suffix}"))
    }

    /// Makes the directory (0700) and an empty database file (0600), where they are missing.
    pub(super) fn prepare(&self) -> Result<(), QueueError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(QueueError::io("create", &self.dir))?;
        let file = self.database();
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&file)
            .map_err(QueueError::io("open", &file))?;
        // SQLite gives the log and the index beside it the permissions of the database.
        opened
            .set_permissions(Permissions::from_mode(0o600))
            .map_err(QueueError::io("make private", &file))?;
        self.sync()
    }

    /// What is wrong at first sight, before the database is opened.
    pub(super) fn oddity(&self) -> Result<Option<&'static str>, QueueError> {
        let length = |path: PathBuf| match fs::metadata(&path) {
            Ok(found) if found.is_dir() => Err(QueueError::io("open", path)(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a directory: move it away",
            ))),
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(QueueError::io("look at", path)(error)),
        };
        let log = length(self.part("queue.db", "-wal"))?;
        Ok(match length(self.database())? {
            Some(0) => Some("the file is empty"),
            None if log.is_some_and(|bytes| bytes > 0) => Some("its log is there without it"),
            Some(_) | None => None,
        })
    }

    /// Why the database is suspected, if it is.
    pub(super) fn suspicion(&self) -> Option<String> {
        fs::read(self.suspect())
            .ok()
            .map(|text| String::from_utf8_lossy(&text).trim().to_owned())
    }

    /// Leaves word for the next start that the database wants a full check.
    pub(super) fn suspect_it(&self, reason: &str) -> Result<(), QueueError> {
        let marker = self.suspect();
        let write = || {
            let mut file = File::create(&marker)?;
            writeln!(file, "{reason}")?;
            file.sync_all()
        };
        write().map_err(QueueError::io("write", &marker))?;
        self.sync()
    }

    /// Takes the word back.
    pub(super) fn trust_it(&self) -> Result<(), QueueError> {
        match fs::remove_file(self.suspect()) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(QueueError::io("remove", self.suspect())(error)),
        }
    }

    /// Renames the database and what belongs to it to a dated name that is free. The database goes first:
    /// one that lost its log would look sound. Gives its new path, or `None` when no database was there.
    pub(super) fn set_aside(&self, now: DateTime<Utc>) -> Result<Option<PathBuf>, QueueError> {
        let stem = self.free_stem(now);
        let mut aside = None;
        for suffix in SUFFIXES {
            let from = self.part("queue.db", suffix);
            let to = self.part(&stem, suffix);
            match fs::rename(&from, &to) {
                Ok(()) if suffix.is_empty() => aside = Some(to),
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(QueueError::io("set aside", from)(error)),
            }
        }
        self.sync()?;
        Ok(aside)
    }

    fn free_stem(&self, now: DateTime<Utc>) -> String {
        let dated = format!("queue.db.corrupt-{}", now.format("%Y-%m-%dT%H-%M-%SZ"));
        let free = |stem: &String| {
            let taken = |suffix| self.part(stem, suffix).symlink_metadata().is_ok();
            !SUFFIXES.into_iter().any(taken)
        };
        std::iter::once(dated.clone())
            .chain((2u32..).map(|n| format!("{dated}.{n}")))
            .find(free)
            .unwrap_or(dated)
    }

    fn sync(&self) -> Result<(), QueueError> {
        File::open(&self.dir)
            .and_then(|dir| dir.sync_all())
            .map_err(QueueError::io("sync", &self.dir))
    }
}
