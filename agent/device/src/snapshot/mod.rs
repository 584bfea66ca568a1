//! **snapshot**: pictures that a camera writes again and again under one name (`latest.jpg`).
//!
//! Such a file has to be copied before it is overwritten. A copy lies in the spool, in a folder of its own so that
//! it keeps the camera's name: `<state>/spool/<site>/<modification time>-<n>/latest.jpg`. Promises:
//! - a copy is taken for an image only when the file stood still while it was made and read, holds the same bytes
//!   afterwards, and is whole; a camera that writes faster than that costs pictures between, never a torn one;
//! - a picture that has not changed is not kept twice;
//! - a copy that was not needed is deleted at once; one that a kill left behind is settled at the next start.

mod copy;
mod leftovers;

use std::fs;
use std::path::{Path, PathBuf};

use prometheus_client::metrics::counter::Counter;
use weir_journey::settle::NamePattern;

use crate::queue::{FileIdentity, Place};

pub use copy::{NotCopied, Snapshot};
pub use leftovers::leftovers;

/// The spool of a site.
pub fn spool(state: &Path, site: &str) -> PathBuf {
    state.join("spool").join(site)
}

/// Where copies of a camera folder's files go, and which files are copied.
#[derive(Debug, Clone)]
pub struct Spool {
    /// Names of files that the camera overwrites.
    pub overwritten: Vec<NamePattern>,
    /// The site's spool.
    pub directory: PathBuf,
    /// Counts copies that were thrown away because the camera had written on.
    pub overtaken: Counter,
}

impl Spool {
    /// Whether the file at `path` is one to copy.
    pub fn wants(&self, path: &Path) -> bool {
        let rewritten = |name| self.overwritten.iter().any(|one| one.matches(name));
        // What lies in the spool is a copy already.
        !path.starts_with(&self.directory) && path.file_name().is_some_and(rewritten)
    }
}

/// What lies in a folder; nothing where it cannot be read. Blocks.
pub(crate) fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let found = fs::read_dir(folder).into_iter().flatten();
    found.filter_map(Result::ok).map(|entry| entry.path())
}

/// The files in a folder as they lie there. Blocks.
pub(crate) fn places_in(folder: &Path) -> Vec<Place> {
    let place = |path: PathBuf| {
        let identity = FileIdentity::from(&fs::symlink_metadata(&path).ok()?);
        Some(Place { path, identity })
    };
    entries(folder).filter_map(place).collect()
}

/// Deletes a copy and the folder that is its own. Blocks.
pub(crate) fn discard(copy: &Path) {
    if let Err(error) = fs::remove_file(copy) {
        tracing::debug!(%error, path = %copy.display(), "a copy stays until the next start");
    }
    discard_folder(copy);
}

/// Deletes the folder of a copy that is gone. Blocks.
pub(crate) fn discard_folder(copy: &Path) {
    if let Some(folder) = copy.parent() {
        // Should it hold something all the same, then it is not empty, and stays.
        let _ = fs::remove_dir(folder);
    }
}
