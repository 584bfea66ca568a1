//! The files of products: where they lie, and those that nobody knows of.

use std::fs;
use std::path::{Path, PathBuf};

use crate::queue::{Known, Place, QueueError, View};
use crate::snapshot::{discard, entries, places_in};

/// Files asked about at once.
const BATCH: usize = 256;

/// The folder of a site's products. The products of an image lie in a folder of its own in there, which is deleted with
/// the last of them.
pub fn products(state: &Path, site: &str) -> PathBuf {
    of_all(state).join(site)
}

fn of_all(state: &Path) -> PathBuf {
    state.join("products")
}

/// Deletes every product's file that the queue does not know: made by a run that was killed before it could write
/// them down. Their images are still to be looked at, so they are made again. Only before new ones are made.
///
/// # Errors
/// The queue's.
pub async fn remove_leftovers(state: PathBuf, view: &View) -> Result<u64, QueueError> {
    let files = crate::blocking::spawn(move || files_in(&of_all(&state)))
        .await
        .unwrap_or_default();
    let mut removed = 0;
    for batch in files.chunks(BATCH) {
        let known = view.known(batch.to_vec()).await?;
        for (place, known) in batch.iter().zip(known) {
            let is_known = matches!(
                known,
                Known::Taken { .. } | Known::Changed { image: Some(_) }
            );
            if !is_known {
                let path = place.path.clone();
                // A panic would be one of ours; the file stays until the next start.
                let _ = crate::blocking::spawn(move || discard(&path)).await;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Every product as it lies there, of all sites; empty folders of images are deleted.
fn files_in(products: &Path) -> Vec<Place> {
    let mut files = Vec::new();
    for folder in entries(products).flat_map(|site| entries(&site)) {
        files.extend(places_in(&folder));
        // One that is not empty stays.
        let _ = fs::remove_dir(&folder);
    }
    files
}
