//! Copies that nobody knows of.

use std::path::{Path, PathBuf};

use super::{discard, discard_folder, entries, places_in};
use crate::queue::{Known, Place, QueueError, View};

/// Copies asked about at once.
const BATCH: usize = 256;

/// The copies in a site's spool that the queue does not know: made by a run that was killed before it could hand
/// them over, or forgotten with a queue that had to be rebuilt. They are as good as a camera's own files, and are to
/// be settled like those. What was quarantined is deleted. Only before new copies are made.
///
/// # Errors
/// The queue's.
pub async fn leftovers(spool: PathBuf, view: &View) -> Result<Vec<PathBuf>, QueueError> {
    let copies = crate::blocking::spawn(move || copies_in(&spool))
        .await
        .unwrap_or_default();
    let mut unknown = Vec::new();
    for batch in copies.chunks(BATCH) {
        let known = view.known(batch.to_vec()).await?;
        for (place, known) in batch.iter().zip(known) {
            let path = place.path.clone();
            match known {
                Known::Taken { .. } => {}
                Known::New | Known::Changed { .. } => unknown.push(path),
                Known::Quarantined { .. } => {
                    // A panic would be one of ours; the copy stays until the next start.
                    let _ = crate::blocking::spawn(move || discard(&path)).await;
                }
            }
        }
    }
    Ok(unknown)
}

/// Every copy, as it lies there; folders without one are deleted.
fn copies_in(spool: &Path) -> Vec<Place> {
    let mut copies = Vec::new();
    for folder in entries(spool) {
        let in_there = places_in(&folder);
        if in_there.is_empty() {
            discard_folder(&folder.join("gone"));
        }
        copies.extend(in_there);
    }
    copies
}
