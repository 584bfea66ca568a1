//! What a run leaves behind: its records and figures in files, and a page that shows them.
//!
//! The page is one file that needs nothing else: no network, no fonts, no scripts but its own few lines.

pub mod files;
pub mod outage;
pub mod spread;
pub mod summary;

#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

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
