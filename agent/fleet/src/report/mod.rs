//! What a run leaves behind: its records and figures in files, and a page that shows them.
//!
//! The page is one file that needs nothing else: no network, no fonts, no scripts but its own few lines.

mod bins;
mod chart;
pub mod files;
pub mod outage;
pub mod page;
pub mod spread;
pub mod summary;
mod words;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use files::FilesError;
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
