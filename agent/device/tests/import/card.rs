//! A card as a camera leaves it, and what an upload of it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::station::text;
use crate::support::{Station, hydrocam, jpeg};

/// A folder that stands for a card.
pub(crate) struct Card {
    pub(crate) root: PathBuf,
    /// The pictures on it.
    pub(crate) pictures: Vec<Vec<u8>>,
}

impl Card {
    /// An empty card beside the station's folders.
    pub(crate) fn new(station: &Station, name: &str) -> Self {
        let root = station.home().join(name);
        fs::create_dir_all(&root).unwrap();
        Self {
            root,
            pictures: Vec::new(),
        }
    }

    /// With so many pictures in folders of ten, named as HydroCam names them.
    pub(crate) fn with(station: &Station, name: &str, pictures: u32) -> Self {
        let mut card = Self::new(station, name);
        for number in 0..pictures {
            card.take(
                &format!("DCIM/{}RECNX/{}", 100 + number / 10, hydrocam(number)),
                u64::from(number),
            );
        }
        card
    }

    /// Another picture; another seed gives other bytes.
    pub(crate) fn take(&mut self, path: &str, seed: u64) -> PathBuf {
        let bytes = jpeg(seed);
        let path = self.write(path, &bytes);
        self.pictures.push(bytes);
        path
    }

    /// A file that is not counted as a picture.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &str {
        self.root.to_str().unwrap()
    }
}

/// What an upload printed with `--json`.
pub(crate) struct Report {
    pub(crate) code: i32,
    pub(crate) lines: Vec<Value>,
    pub(crate) summary: Value,
    pub(crate) errors: String,
}

impl Report {
    #[track_caller]
    pub(crate) fn of(output: &Output) -> Self {
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        let mut lines: Vec<Value> = said
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        let last = lines.pop().unwrap_or_default();
        let code = output
            .status
            .code()
            .unwrap_or_else(|| panic!("{}: {errors}", output.status));
        Self {
            code,
            lines,
            summary: last["summary"].clone(),
            errors,
        }
    }

    /// How many files came out so, by the summary; the lines must say the same.
    #[track_caller]
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        let told = self
            .lines
            .iter()
            .filter(|line| line["outcome"] == outcome)
            .count() as u64;
        assert_eq!(
            self.summary[outcome], told,
            "{}\n{}",
            self.summary, self.errors
        );
        told
    }

    /// The line of the file whose path ends so.
    #[track_caller]
    pub(crate) fn line(&self, end: &str) -> &Value {
        let ends = |line: &&Value| line["path"].as_str().unwrap().ends_with(end);
        self.lines
            .iter()
            .find(ends)
            .unwrap_or_else(|| panic!("no line of {end}: {:?}", self.lines))
    }
}

/// `weir upload … --json`, to its end.
#[track_caller]
pub(crate) fn upload(station: &Station, arguments: &[&str]) -> Report {
    Report::of(&station.weir(&[&["upload", "--json"], arguments].concat()))
}

/// Every file below a folder, by its path there.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
