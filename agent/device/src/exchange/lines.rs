//! JSON lines with a header, read so that a damaged line costs itself and nothing else.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;
/// A longer line is damage: a path has at most 4096 bytes, and all the rest of a line is shorter than that.
const LONGEST: u64 = 64 * 1024;

/// Why a file cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Its first line is not the header of such a file.
    #[error("{} is no {kind} of weir: its first line is not the header of one", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        kind: &'static str,
    },
    /// Another version wrote it.
    #[error("{} is a {kind} of version {found}, and this weir reads version 1: use the weir that wrote it, or a newer one", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
        /// Its version.
        found: u64,
    },
}

impl ExchangeError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// A line of such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<T> {
    /// What it says, and where it begins (bytes).
    Good(T, u64),
    /// It cannot be understood: its number, from 1, and why.
    Damaged(u64, String),
}

/// Reads the lines behind the header.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    from: BufReader<File>,
    number: u64,
    offset: u64,
}

/// The header line of a file of `kind`.
pub(super) fn header(kind: &'static str, now: DateTime<Utc>) -> String {
    let agent = format!("weir/{}", env!("CARGO_PKG_VERSION"));
    format!(
        "{}\n",
        json!({ "weir": kind, "version": VERSION, "created_at": now, "agent": agent })
    )
}

impl Lines {
    /// Opens a file and checks its header.
    ///
    /// # Errors
    /// [`ExchangeError`]: the file is refused as a whole.
    pub fn open(path: &Path, kind: &'static str) -> Result<Self, ExchangeError> {
        let file = File::open(path).map_err(ExchangeError::io(path))?;
        let mut lines = Self {
            path: path.to_owned(),
            from: BufReader::new(file),
            number: 0,
            offset: 0,
        };
        let foreign = || ExchangeError::Foreign {
            path: path.to_owned(),
            kind,
        };
        let first = match lines.read::<Value>()? {
            Some(Line::Good(first, _)) if first["weir"] == kind => first,
            _ => return Err(foreign()),
        };
        match first["version"].as_u64() {
            Some(VERSION) => Ok(lines),
            Some(found) => Err(ExchangeError::Version {
                path: path.to_owned(),
                kind,
                found,
            }),
            None => Err(foreign()),
        }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub fn read<T: DeserializeOwned>(&mut self) -> Result<Option<Line<T>>, ExchangeError> {
        let mut bytes = Vec::new();
        let begins = self.offset;
        let read = (&mut self.from).take(LONGEST).read_until(b'\n', &mut bytes);
        let read = read.map_err(ExchangeError::io(&self.path))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.offset += read as u64;
        if bytes.last() != Some(&b'\n') {
            let skipped = self.skip_rest()?;
            let why = if skipped > 0 {
                "it is far too long"
            } else {
                "it is cut short"
            };
            return Ok(Some(Line::Damaged(self.number, why.to_owned())));
        }
        Ok(Some(match serde_json::from_slice(&bytes) {
            Ok(fact) => Line::Good(fact, begins),
            Err(error) => Line::Damaged(self.number, error.to_string()),
        }))
    }

    /// Reads the line that begins at `offset`.
    ///
    /// # Errors
    /// [`ExchangeError::Io`].
    pub(super) fn at<T: DeserializeOwned>(
        &mut self,
        offset: u64,
    ) -> Result<Option<Line<T>>, ExchangeError> {
        let sought = self.from.seek(SeekFrom::Start(offset));
        self.offset = sought.map_err(ExchangeError::io(&self.path))?;
        self.read()
    }

    fn skip_rest(&mut self) -> Result<u64, ExchangeError> {
        let skipped = self.from.skip_until(b'\n');
        let skipped = skipped.map_err(ExchangeError::io(&self.path))? as u64;
        self.offset += skipped;
        Ok(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_damage_panics_or_takes_a_good_line_with_it(damage in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..3) {
            let room = tempfile::tempdir().unwrap();
            let path = room.path().join("x");
            let mut damage = damage;
            damage.retain(|byte| *byte != b'\n');
            let mut lines: Vec<Vec<u8>> = (0..3).map(|n| format!("{{\"n\":{n}}}").into_bytes()).collect();
            lines.insert(at, damage);
            let body = [header("receipt", Utc::now()).into_bytes(), lines.join(&b'\n'), b"\n".to_vec()].concat();
            std::fs::write(&path, body).unwrap();
            let mut lines = Lines::open(&path, "receipt").unwrap();
            let mut good = 0;
            while let Some(line) = lines.read::<Value>().unwrap() {
                good += u64::from(matches!(line, Line::Good(value, _) if value["n"] == good));
            }
            prop_assert_eq!(good, 3);
        }
    }

    #[test]
    fn other_files_and_other_versions_are_refused() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x");
        let open = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Lines::open(&path, "receipt").unwrap_err()
        };
        for text in ["", "{}\n", "photos\n", &header("manifest", Utc::now())] {
            assert!(
                matches!(open(text), ExchangeError::Foreign { .. }),
                "{text}"
            );
        }
        let newer = "{\"weir\":\"receipt\",\"version\":2}\n";
        assert!(matches!(
            open(newer),
            ExchangeError::Version { found: 2, .. }
        ));
    }

    #[test]
    fn a_line_without_end_is_told_and_its_memory_bounded() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x");
        let long = "x".repeat(200_000);
        let text = format!(
            "{}{long}\n{{\"n\":1}}\n{{\"n\"",
            header("receipt", Utc::now())
        );
        std::fs::write(&path, text).unwrap();
        let mut lines = Lines::open(&path, "receipt").unwrap();
        let mut next = || lines.read::<Value>().unwrap();
        assert!(matches!(next(), Some(Line::Damaged(2, why)) if why.contains("long")));
        assert!(matches!(next(), Some(Line::Good(..))));
        assert!(matches!(next(), Some(Line::Damaged(4, why)) if why.contains("short")));
        assert!(next().is_none());
    }
}
