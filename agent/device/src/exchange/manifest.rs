//! The manifest of a stick: which site each file is of and when it was taken, as the device knew it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use weir_journey::stamp::CaptureTime;

use super::lines::{ExchangeError, Line, Lines, header};

/// The manifest's name, in the folder that was given to `weir export`.
pub const MANIFEST: &str = "weir-manifest.jsonl";

const KIND: &str = "manifest";

/// A line of a manifest: one file of the stick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose image.
    pub site: String,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Their number.
    pub size: u64,
    /// Where the file lies, below the manifest's folder.
    pub path: String,
    /// Where it lay on the device; what is not UTF-8 is replaced.
    pub original: String,
    /// When it was taken, and how that is known.
    pub capture: CaptureTime,
}

/// By what a path is known: 16 bytes of its SHA-256.
type PathKey = [u8; 16];

fn key_of(path: &str) -> PathKey {
    let digest: [u8; 32] = sha2::Sha256::digest(path.as_bytes()).into();
    let mut key = PathKey::default();
    key.copy_from_slice(&digest[..16]);
    key
}

/// A manifest that is looked things up in: 24 bytes of memory a line.
#[derive(Debug)]
pub struct Manifest {
    folder: PathBuf,
    lines: Lines,
    index: HashMap<PathKey, u64>,
    damaged: u64,
}

impl Manifest {
    /// Reads the manifest of `folder`; `None` where there is none.
    ///
    /// # Errors
    /// [`ExchangeError`]: it is refused as a whole.
    pub fn of(folder: &Path) -> Result<Option<Self>, ExchangeError> {
        let path = folder.join(MANIFEST);
        let mut lines = match Lines::open(&path, KIND) {
            Ok(lines) => lines,
            Err(ExchangeError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (mut index, mut damaged) = (HashMap::new(), 0);
        while let Some(line) = lines.read::<Entry>()? {
            match line {
                Line::Good(entry, offset) => drop(index.insert(key_of(&entry.path), offset)),
                Line::Damaged(..) => damaged += 1,
            }
        }
        Ok(Some(Self {
            folder: folder.to_owned(),
            lines,
            index,
            damaged,
        }))
    }

    /// The folder that it is of.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many of its lines could not be understood.
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// What it says of a file at an absolute path.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn entry(&mut self, path: &Path) -> Result<Option<Entry>, ExchangeError> {
        let Some(below) = path.strip_prefix(&self.folder).ok().and_then(Path::to_str) else {
            return Ok(None);
        };
        let Some(&offset) = self.index.get(&key_of(below)) else {
            return Ok(None);
        };
        Ok(match self.lines.at::<Entry>(offset)? {
            Some(Line::Good(entry, _)) if entry.path == below => Some(entry),
            _ => None,
        })
    }
}

/// Adds lines to the manifest of a folder.
#[derive(Debug)]
pub struct ManifestWriter {
    file: File,
    path: PathBuf,
}

impl ManifestWriter {
    /// Opens or begins the manifest of `folder`. A last line that was cut off is ended, and so damaged alone.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn open(folder: &Path, now: DateTime<Utc>) -> Result<Self, ExchangeError> {
        let path = folder.join(MANIFEST);
        let opened = (|| {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .read(true)
                .open(&path)?;
            let size = file.metadata()?.len();
            if size == 0 {
                file.write_all(header(KIND, now).as_bytes())?;
            } else if !ends_a_line(&file, size)? {
                file.write_all(b"\n")?;
            }
            Ok(file)
        })();
        let file = opened.map_err(ExchangeError::io(&path))?;
        Ok(Self { file, path })
    }

    /// Adds lines, durably.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn add(&mut self, entries: &[Entry]) -> Result<(), ExchangeError> {
        let mut text = Vec::new();
        let added = entries
            .iter()
            .try_for_each(|entry| {
                serde_json::to_writer(&mut text, entry)?;
                text.push(b'\n');
                Ok(())
            })
            .and_then(|()| self.file.write_all(&text))
            .and_then(|()| self.file.sync_data());
        added.map_err(ExchangeError::io(&self.path))
    }
}

fn ends_a_line(file: &File, size: u64) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let mut last = [0];
    file.read_exact_at(&mut last, size - 1)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_journey::stamp::{Evidence, Rules, stamp};

    fn entry(path: &str) -> Entry {
        let name = Path::new("image_capture_2024-08-09_14-30-00.jpg");
        Entry {
            site: "first-dam".into(),
            sha256: "0".repeat(64),
            size: 3,
            path: path.into(),
            original: format!("/srv/{path}"),
            capture: stamp(&Evidence::of(name), &Rules::default()),
        }
    }

    #[test]
    fn lines_are_found_by_their_path_after_a_cut_and_a_second_writing() {
        let room = tempfile::tempdir().unwrap();
        assert!(Manifest::of(room.path()).unwrap().is_none());
        let mut writer = ManifestWriter::open(room.path(), Utc::now()).unwrap();
        writer
            .add(&[entry("first-dam/a.jpg"), entry("first-dam/b.jpg")])
            .unwrap();
        drop(writer);
        let path = room.path().join(MANIFEST);
        let size = std::fs::metadata(&path).unwrap().len();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(size - 10)
            .unwrap();
        let mut writer = ManifestWriter::open(room.path(), Utc::now()).unwrap();
        writer.add(&[entry("first-dam/c.jpg")]).unwrap();
        let mut manifest = Manifest::of(room.path()).unwrap().unwrap();
        let mut entry_of = |name: &str| {
            manifest
                .entry(&room.path().join("first-dam").join(name))
                .unwrap()
        };
        assert_eq!(entry_of("a.jpg").unwrap().path, "first-dam/a.jpg");
        assert!(entry_of("b.jpg").is_none());
        assert_eq!(entry_of("c.jpg").unwrap().original, "/srv/first-dam/c.jpg");
        assert_eq!(manifest.damaged(), 1);
    }
}
