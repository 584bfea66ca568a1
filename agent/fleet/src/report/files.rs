//! The folder of a run: `summary.json`, `images.csv`, `sites.csv`, `samples.csv`, and the page made from them.
//!
//! Each file is there whole or not at all: it is written under another name, made durable and renamed. What cannot be
//! read is said in one line with the file and, of a table, the line.

use std::fs;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Run;

/// Name of the figures in a run's folder.
pub const SUMMARY: &str = "summary.json";
/// Name of the table of images.
pub const IMAGES: &str = "images.csv";
/// Name of the table of sites.
pub const SITES: &str = "sites.csv";
/// Name of the table of moments.
pub const SAMPLES: &str = "samples.csv";
/// Name of the page.
pub const PAGE: &str = "report.html";

/// Why a run's folder could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// Not a run's folder, or not a whole one.
    #[error("{} has no {name}: it is not the folder of a run, or the run did not end", .directory.display())]
    Missing {
        /// The folder.
        directory: PathBuf,
        /// What it lacks.
        name: &'static str,
    },
    /// There, and not to be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There, and not what a run writes.
    #[error("{} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        what: String,
    },
    /// Not to be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes all of a run's files and its page into `directory`, which is made if need be. The figures come last: a
/// folder that has them is whole.
///
/// # Errors
/// [`FilesError::Write`].
pub fn write(directory: &Path, run: &Run, page: &str) -> Result<(), FilesError> {
    fs::create_dir_all(directory).map_err(|source| FilesError::Write {
        path: directory.to_owned(),
        source,
    })?;
    whole(&directory.join(IMAGES), |to| table(to, &run.images))?;
    whole(&directory.join(SITES), |to| table(to, &run.sites))?;
    whole(&directory.join(SAMPLES), |to| table(to, &run.samples))?;
    write_text(&directory.join(PAGE), page)?;
    whole(&directory.join(SUMMARY), |to| {
        serde_json::to_writer_pretty(&mut *to, &run.summary)?;
        to.write_all(b"\n")
    })
}

/// Writes a text of its own.
///
/// # Errors
/// [`FilesError::Write`].
pub fn write_text(path: &Path, text: &str) -> Result<(), FilesError> {
    whole(path, |to| to.write_all(text.as_bytes()))
}

/// Reads a run's folder; its page is not looked at.
///
/// # Errors
/// All but [`FilesError::Write`].
pub fn read(directory: &Path) -> Result<Run, FilesError> {
    let path = directory.join(SUMMARY);
    let text = opened(directory, SUMMARY)?;
    let summary = serde_json::from_reader(text).map_err(|fault| damaged(&path, &fault))?;
    Ok(Run {
        summary,
        images: rows(directory, IMAGES)?,
        sites: rows(directory, SITES)?,
        samples: rows(directory, SAMPLES)?,
    })
}

type Whole<'a> = BufWriter<&'a mut fs::File>;

fn whole(
    path: &Path,
    content: impl FnOnce(&mut Whole<'_>) -> io::Result<()>,
) -> Result<(), FilesError> {
    written(path, content).map_err(|source| FilesError::Write {
        path: path.to_owned(),
        source,
    })
}

fn written(path: &Path, content: impl FnOnce(&mut Whole<'_>) -> io::Result<()>) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    // A bare name is in the folder that is worked in.
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .suffix(".part")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(directory)?;
    let mut to = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    content(&mut to)?;
    to.flush()?;
    drop(to);
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(directory)?.sync_all()
}

fn table<Row: Serialize>(to: &mut Whole<'_>, rows: &[Row]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for row in rows {
        writer.serialize(row)?;
    }
    writer.flush()
}

fn opened(directory: &Path, name: &'static str) -> Result<BufReader<fs::File>, FilesError> {
    let path = directory.join(name);
    let file = fs::File::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => FilesError::Missing {
            directory: directory.to_owned(),
            name,
        },
        _ => FilesError::Read { path, source },
    })?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

fn rows<Row: DeserializeOwned>(
    directory: &Path,
    name: &'static str,
) -> Result<Vec<Row>, FilesError> {
    let mut reader = csv::Reader::from_reader(opened(directory, name)?);
    reader
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|fault| damaged(&directory.join(name), &fault))
}

fn damaged(path: &Path, fault: &dyn std::fmt::Display) -> FilesError {
    FilesError::Damaged {
        path: path.to_owned(),
        what: fault.to_string().replace('\n', " "),
    }
}
