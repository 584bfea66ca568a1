//! What a run leaves behind: its records and figures in files, and a page that shows them.
//!
//! The page is one file that needs nothing else: no network, no fonts, no scripts but its own few lines.

mod bins;
mod chart;
pub mod files;
pub mod outage;
pub mod page;
pub mod shards;
pub mod spread;
pub mod summary;
pub(crate) mod words;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use files::FilesError;
pub use shards::{MergeError, merge};
pub use summary::{ClockKind, Cost, Shard, Summary, Told, Verdict};

use crate::record::{ImageRecord, Sample, SiteRecord};

/// A run: its figures and its records.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The figures.
    pub summary: Summary,
    /// A row an image.
    pub images: Vec<ImageRecord>,
    /// A row a site.
    pub sites: Vec<SiteRecord>,
    /// A row a moment, in order of time.
    pub samples: Vec<Sample>,
}

impl Run {
    /// The run of these records; the figures are computed from them.
    #[must_use]
    pub fn of(
        told: Told,
        images: Vec<ImageRecord>,
        sites: Vec<SiteRecord>,
        samples: Vec<Sample>,
    ) -> Self {
        Self {
            summary: Summary::of(told, &images, &sites, &samples),
            images,
            sites,
            samples,
        }
    }
}

/// Writes a run's folder: its records, its figures and the page made from them.
///
/// # Errors
/// [`FilesError::Write`].
pub fn write(directory: &Path, run: &Run) -> Result<(), FilesError> {
    files::write(directory, run, &page::of(run))
}

/// Computes the figures of a run's folder again from its records and makes its page anew.
///
/// # Errors
/// [`FilesError`], when the folder is not a whole run's or cannot be written.
pub fn rebuild(directory: &Path) -> Result<Run, FilesError> {
    let run = files::read(directory)?;
    let run = Run::of(run.summary.told, run.images, run.sites, run.samples);
    write(directory, &run)?;
    Ok(run)
}

/// Writes the page that shows these runs beside each other, named after their folders, into the file `out`.
///
/// # Errors
/// [`FilesError`], when a folder is not a whole run's or the page cannot be written.
pub fn compare(directories: &[PathBuf], out: &Path) -> Result<(), FilesError> {
    let mut runs = Vec::with_capacity(directories.len());
    for directory in directories {
        let last = directory.file_name().map(|name| name.to_string_lossy());
        let same = directories
            .iter()
            .filter(|other| other.file_name() == directory.file_name());
        // Folders of one name are told apart by the way to them.
        let name = match last {
            Some(name) if same.count() == 1 => name.into_owned(),
            _ => directory.display().to_string(),
        };
        runs.push(page::compare::Compared::of(name, &files::read(directory)?));
    }
    files::write_text(out, &page::compare::page(&runs))
}
