//! Where models are found.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Folder, MANIFEST, ModelError};

/// A folder among the models, in order or not.
#[derive(Debug)]
pub struct Listed {
    /// Where it lies.
    pub path: PathBuf,
    /// What it is, or what is wrong with it.
    pub folder: Result<Folder, ModelError>,
}

/// The folder of the model called `name`: `name` itself where it contains a `/`, else the first folder of that name
/// that has a `model.toml`, in the order of `places`. `None` if there is none.
pub fn find(name: &str, places: &[PathBuf]) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    places
        .iter()
        .map(|place| place.join(name))
        .find(|path| super::is_name(name) && path.join(MANIFEST).exists())
}

/// Every model in the folders `places`, place by place and by name. A place that does not exist has none; a folder
/// without a `model.toml` is none.
pub fn list(places: &[PathBuf]) -> Vec<Listed> {
    places.iter().flat_map(|place| list_one(place)).collect()
}

fn list_one(place: &Path) -> Vec<Listed> {
    let entries = fs::read_dir(place).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> = match entries {
        Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![Listed {
                path: place.to_owned(),
                folder: Err(ModelError::unreadable(place, error)),
            }];
        }
    };
    paths.retain(|path| path.join(MANIFEST).exists());
    paths.sort();
    paths
        .into_iter()
        .map(|path| Listed {
            folder: Folder::open(&path),
            path,
        })
        .collect()
}
