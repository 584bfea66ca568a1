//! The first pass: what is there and whose it is. Names and sizes only; nothing is changed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::matching::{Fit, Matching};
use super::sources::Source;
use super::walk::{Found, Walk, Walked};
use crate::config::Site;

/// Folders of files without a site that are told; the rest is counted.
const TOLD: usize = 20;

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Files and bytes by the number of their site.
    pub(super) sites: BTreeMap<usize, Extent>,
    /// Files passed over.
    pub(super) ignored: u64,
    /// What cannot be read.
    pub(super) faults: u64,
    pub(super) unmatched: Unmatched,
}

/// So many files and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl Survey {
    /// All of it.
    pub(super) fn total(&self) -> Extent {
        let mut total = Extent::default();
        for extent in self.sites.values() {
            total.files += extent.files;
            total.bytes += extent.bytes;
        }
        total
    }
}

/// Files that fit no site, or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// How many.
    pub files: u64,
    /// The first folders that have some.
    pub folders: Vec<Misfit>,
}

/// A folder with files that fit no site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The folder, as it was found.
    pub folder: PathBuf,
    /// How many of its files.
    pub files: u64,
    /// One of them.
    pub example: String,
    /// The sites whose patterns all stand for it; none when none does.
    pub sites: Vec<String>,
    /// The site that a manifest names and the configuration lacks.
    pub wanted: Option<String>,
}

impl Unmatched {
    pub(super) fn add(&mut self, found: &Found, sites: Vec<String>) {
        self.files += 1;
        let folder = found.path.parent().unwrap_or(Path::new("/"));
        let wanted = found.entry.as_ref().map(|entry| entry.site.clone());
        let same = |misfit: &&mut Misfit| {
            misfit.folder == folder && misfit.sites == sites && misfit.wanted == wanted
        };
        if let Some(misfit) = self.folders.iter_mut().find(same) {
            misfit.files += 1;
        } else if self.folders.len() < TOLD {
            let name = found.path.file_name().unwrap_or_default();
            self.folders.push(Misfit {
                folder: folder.to_owned(),
                files: 1,
                example: name.to_string_lossy().into_owned(),
                sites,
                wanted,
            });
        }
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} files fit no site, so nothing was begun:", self.files)?;
        for misfit in &self.folders {
            let (folder, example) = (misfit.folder.display(), &misfit.example);
            write!(f, "  {folder}: {} files, such as {example}", misfit.files)?;
            match (&misfit.wanted, misfit.sites.as_slice()) {
                (Some(site), _) => writeln!(
                    f,
                    " (the manifest says site {site}, which is not configured)"
                )?,
                (None, []) => writeln!(f)?,
                (None, several) => writeln!(f, " (match of {})", several.join(" and of "))?,
            }
        }
        let name = self
            .folders
            .first()
            .and_then(|misfit| misfit.folder.file_name());
        let name = name.unwrap_or_default().to_string_lossy();
        write!(
            f,
            "give --site NAME when all is one site's, or add match = [\"{name}\"] to its [[site]] block"
        )
    }
}

/// Whose a found file is.
pub(super) fn fit_of(found: &Found, sources: &[Source], matching: &Matching) -> Fit {
    match &found.entry {
        Some(entry) => matching.named(&entry.site),
        None => {
            let base = sources
                .get(found.source)
                .map_or(Path::new("/"), |source| &source.base);
            matching.fit(base, &found.path)
        }
    }
}

/// Surveys all sources. Blocks; ends early when `stop` is cancelled.
pub(super) fn survey(
    sources: &[Source],
    sites: &[Site],
    matching: &Matching,
    stop: &CancellationToken,
) -> Survey {
    let mut survey = Survey::default();
    let walks = sources
        .iter()
        .enumerate()
        .flat_map(|(number, source)| Walk::new(source, number));
    for walked in walks.take_while(|_| !stop.is_cancelled()) {
        match walked {
            Walked::Passed => survey.ignored += 1,
            Walked::Fault(path, why) => {
                survey.faults += 1;
                tracing::warn!("{}: {why}", path.display());
            }
            Walked::File(found) => match fit_of(&found, sources, matching) {
                Fit::Site(site) => {
                    let extent = survey.sites.entry(site).or_default();
                    extent.files += 1;
                    // What is gone by now is told by the reading.
                    extent.bytes += found.path.symlink_metadata().map_or(0, |stat| stat.len());
                }
                Fit::None => survey.unmatched.add(&found, Vec::new()),
                Fit::Several(fits) => {
                    let names = fits.into_iter().filter_map(|fit| sites.get(fit));
                    survey
                        .unmatched
                        .add(&found, names.map(|site| site.name.to_string()).collect());
                }
            },
        }
    }
    survey
}
