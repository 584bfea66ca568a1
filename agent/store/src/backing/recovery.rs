//! Reading a directory store back after any kind of end, and sweeping what no record names.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::directory::{BUCKET_RECORD, Directory, FileRef, OnDisk, UPLOAD_RECORD};
use super::{Blob, BodyFile};
use crate::catalog::{Bucket, Catalog};
use crate::object::{Object, Part, Upload};

impl Directory {
    /// Opens `root` and returns it with everything that was acknowledged before.
    ///
    /// # Errors
    /// An error of the file system, or `InvalidData` naming the record that cannot be read: a store never goes on as if
    /// it had been empty.
    pub(crate) fn load(root: &Path) -> io::Result<(Self, Catalog)> {
        let directory = Self::open(root)?;
        let state = directory.state();
        let mut named = HashSet::new();
        let mut catalog = Catalog::default();
        for (name, folder) in folders(&state.join("buckets"))? {
            // A folder without its record is a bucket whose creation or removal was cut short.
            let Some(record) = read_record(&folder.join(BUCKET_RECORD))? else {
                continue;
            };
            let mut bucket: Bucket = record.record;
            bucket.objects = read_objects(&folder, &state, &mut named)?;
            catalog.buckets.insert(name, bucket);
        }
        for (id, folder) in folders(&state.join("uploads"))? {
            match read_upload(&folder, &state, &named)? {
                Some(upload) => {
                    named.extend(
                        upload
                            .parts
                            .values()
                            .flat_map(|part| part.body.iter().filter_map(path_of)),
                    );
                    catalog.uploads.insert(id, upload);
                }
                None => fs::remove_dir_all(&folder)?,
            }
        }
        sweep(&state.join("bodies"), &named)?;
        Ok((directory, catalog))
    }
}

fn read_objects(
    folder: &Path,
    state: &Path,
    named: &mut HashSet<PathBuf>,
) -> io::Result<BTreeMap<String, Arc<Object>>> {
    let mut objects = BTreeMap::new();
    for path in files(folder)? {
        if path.file_name().is_some_and(|name| name == BUCKET_RECORD) {
            continue;
        }
        let Some(OnDisk { record, files }) = read_record::<Object>(&path)? else {
            continue;
        };
        let body = bodies(&files, state);
        named.extend(body.iter().filter_map(path_of));
        objects.insert(record.key.clone(), Arc::new(Object { body, ..record }));
    }
    Ok(objects)
}

/// `None` for an upload that was cut short: not yet begun, or completed into an object whose body is in `taken`.
fn read_upload(
    folder: &Path,
    state: &Path,
    taken: &HashSet<PathBuf>,
) -> io::Result<Option<Upload>> {
    let Some(OnDisk {
        record: mut upload, ..
    }) = read_record::<Upload>(&folder.join(UPLOAD_RECORD))?
    else {
        return Ok(None);
    };
    for path in files(folder)? {
        if path.file_name().is_some_and(|name| name == UPLOAD_RECORD) {
            continue;
        }
        let Some(OnDisk { record, files }) = read_record::<Part>(&path)? else {
            continue;
        };
        let body = bodies(&files, state);
        if body
            .iter()
            .filter_map(path_of)
            .any(|path| taken.contains(&path))
        {
            return Ok(None);
        }
        upload.parts.insert(record.number, Part { body, ..record });
    }
    Ok(Some(upload))
}

fn bodies(files: &[FileRef], state: &Path) -> Vec<Blob> {
    let blob = |file: &FileRef| {
        Blob::File(Arc::new(BodyFile::new(
            state.join("bodies").join(&file.id),
            file.len,
        )))
    };
    files.iter().map(blob).collect()
}

fn path_of(blob: &Blob) -> Option<PathBuf> {
    match blob {
        Blob::File(file) => Some(file.path().to_owned()),
        Blob::Memory(_) | Blob::Discarded(_) => None,
    }
}

fn read_record<T: DeserializeOwned>(path: &Path) -> io::Result<Option<OnDisk<T>>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {error}", path.display()),
        )
    })
}

fn sweep(bodies: &Path, named: &HashSet<PathBuf>) -> io::Result<()> {
    for path in files(bodies)? {
        if !named.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

fn folders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    Ok(files(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .filter_map(named)
        .collect())
}
