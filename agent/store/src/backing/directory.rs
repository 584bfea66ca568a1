//! A durable store in a directory.
//!
//! ```text
//! DIR/.weir-store/lock                     held while a store is open
//! DIR/.weir-store/buckets/B/bucket.json    a bucket
//! DIR/.weir-store/buckets/B/<sha256 of the key>.json   an object's record: the commit point of a PUT
//! DIR/.weir-store/uploads/U/upload.json, <n>.json      a multipart upload and its parts
//! DIR/.weir-store/bodies/<id>              bodies, named by records
//! DIR/.weir-store/tmp/                     swept at every start
//! DIR/B/<key>                              a hard link to the body, for people to look at; never read
//! ```
//!
//! A body is written to `tmp`, fsynced, renamed to `bodies`, and that folder fsynced, before its record is. A record is
//! written to `tmp`, fsynced, and renamed over the one before it: after a crash at any moment the one or the other is
//! there, whole, and a PUT that was answered is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Blob, BodyFile, Slot, Staged};
use crate::checksum::{Algorithm, hex};

/// Name of a bucket's own record; an object's is 64 hexadecimal digits, so they cannot meet.
pub(super) const BUCKET_RECORD: &str = "bucket.json";
/// Name of an upload's own record; a part's is a number.
pub(super) const UPLOAD_RECORD: &str = "upload.json";
/// Everything that the store trusts lies in this folder.
const STATE: &str = ".weir-store";

/// A record as it lies on disk: itself, and the files of its body in order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OnDisk<T> {
    pub(super) record: T,
    pub(super) files: Vec<FileRef>,
}

/// A file in `bodies`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileRef {
    pub(super) id: String,
    pub(super) len: u64,
}

/// An opened directory; clones share it, and it is locked against other processes until the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// Makes names unique among the runs of one store: the count of starts, then a counter.
    run: u64,
    next: AtomicU64,
    lock: File,
}

/// A program that is being started at this moment has inherited the open file, and would hold the lock until it has begun.
impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl Directory {
    /// Opens or creates `root`, takes its lock and empties `tmp`.
    ///
    /// # Errors
    /// `WouldBlock` when another process has it open; any error of the file system.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let state = root.join(STATE);
        for folder in ["buckets", "uploads", "bodies"] {
            fs::create_dir_all(state.join(folder))?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(state.join("lock"))?;
        lock.try_lock().map_err(|error| {
            let kind = match error {
                fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock,
                fs::TryLockError::Error(ref error) => error.kind(),
            };
            io::Error::new(
                kind,
                format!("{} is in use by another store: {error}", root.display()),
            )
        })?;
        let tmp = state.join("tmp");
        match fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&tmp)?,
        }
        let run = next_run(&state)?;
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            run,
            next: AtomicU64::new(0),
            lock,
        })))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.0.root.join(STATE)
    }

    pub(super) fn run(&self) -> u64 {
        self.0.run
    }

    /// A name that no run of this store has used.
    fn fresh_id(&self) -> String {
        format!(
            "{:08x}-{:012x}",
            self.0.run,
            self.0.next.fetch_add(1, Ordering::Relaxed)
        )
    }

    pub(super) async fn keep(&self, body: Bytes) -> io::Result<Blob> {
        let id = self.fresh_id();
        let tmp = self.state().join("tmp").join(&id);
        let bodies = self.state().join("bodies");
        blocking(move || {
            let path = bodies.join(&id);
            write_durably(&tmp, &body)?;
            // People look at bodies through hard links: an editor should not change what the store has checked.
            let mut permissions = fs::metadata(&tmp)?.permissions();
            permissions.set_readonly(true);
            fs::set_permissions(&tmp, permissions)?;
            fs::rename(&tmp, &path)?;
            sync_folder(&bodies)?;
            Ok(Blob::File(Arc::new(BodyFile::new(path, body.len() as u64))))
        })
        .await
    }

    pub(super) async fn stage(
        &self,
        slot: Slot<'_>,
        record: &impl Serialize,
        body: &[Blob],
    ) -> io::Result<Staged> {
        let files = body.iter().map(file_ref).collect::<io::Result<_>>()?;
        let json = serde_json::to_vec(&OnDisk { record, files })?;
        let tmp = self.state().join("tmp").join(self.fresh_id());
        let path = self.path(slot);
        blocking(move || {
            if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
                fs::create_dir_all(folder)?;
                folder.parent().map_or(Ok(()), sync_folder)?;
            }
            write_durably(&tmp, &json)?;
            Ok(Staged(Some((tmp, path))))
        })
        .await
    }

    pub(super) fn retract(&self, slot: Slot<'_>) -> io::Result<()> {
        let path = self.path(slot);
        match slot {
            Slot::Object { .. } | Slot::Part { .. } => fs::remove_file(path),
            // A bucket is empty and an upload goes with its parts: the record first, then the folder.
            Slot::Bucket(_) | Slot::Upload(_) => {
                fs::remove_file(&path)?;
                path.parent().map_or(Ok(()), fs::remove_dir_all)
            }
        }
    }

    pub(super) async fn settle(&self, slot: Slot<'_>) -> io::Result<()> {
        let folder = self.path(slot).parent().map(Path::to_owned);
        blocking(move || match folder {
            Some(folder) if folder.exists() => sync_folder(&folder),
            Some(folder) => folder.parent().map_or(Ok(()), sync_folder),
            None => Ok(()),
        })
        .await
    }

    fn path(&self, slot: Slot<'_>) -> PathBuf {
        let state = self.state();
        match slot {
            Slot::Bucket(bucket) => state.join("buckets").join(bucket).join(BUCKET_RECORD),
            Slot::Object { bucket, key } => state
                .join("buckets")
                .join(bucket)
                .join(format!("{}.json", digest(key))),
            Slot::Upload(id) => state.join("uploads").join(id).join(UPLOAD_RECORD),
            Slot::Part { upload, number } => state
                .join("uploads")
                .join(upload)
                .join(format!("{number}.json")),
        }
    }

    /// Best effort: a key that is no sensible path, or one that is also a folder, is simply not shown.
    pub(super) fn show(&self, bucket: &str, key: &str, body: Option<&[Blob]>) {
        let Some(view) = view_path(&self.0.root, bucket, key) else {
            return;
        };
        let shown = match body {
            Some([Blob::File(file)]) => self.link(file.path(), &view),
            _ => fs::remove_file(&view),
        };
        if let Err(error) = shown
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(view = %view.display(), %error, "an object is not shown as a file");
        }
    }

    fn link(&self, body: &Path, view: &Path) -> io::Result<()> {
        view.parent().map_or(Ok(()), fs::create_dir_all)?;
        let tmp = self.state().join("tmp").join(self.fresh_id());
        fs::hard_link(body, &tmp)?;
        fs::rename(&tmp, view)
    }
}

/// Counts the starts of a store, durably, so that ids never repeat.
fn next_run(state: &Path) -> io::Result<u64> {
    let path = state.join("run");
    let run = match fs::read_to_string(&path) {
        Ok(text) => {
            text.trim()
                .parse::<u64>()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
                + 1
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => 1,
        Err(error) => return Err(error),
    };
    let tmp = state.join("tmp/run");
    write_durably(&tmp, run.to_string().as_bytes())?;
    fs::rename(&tmp, &path)?;
    sync_folder(state)?;
    Ok(run)
}

fn file_ref(blob: &Blob) -> io::Result<FileRef> {
    let id = match blob {
        Blob::File(file) => file.path().file_name().and_then(|name| name.to_str()),
        Blob::Memory(_) | Blob::Discarded(_) => None,
    };
    let id =
        id.ok_or_else(|| io::Error::other("a body that is not in a file cannot be recorded"))?;
    Ok(FileRef {
        id: id.to_owned(),
        len: blob.len(),
    })
}

fn digest(key: &str) -> String {
    use base64::Engine as _;
    let raw =
        base64::engine::general_purpose::STANDARD.decode(Algorithm::Sha256.of(key.as_bytes()));
    hex(&raw.unwrap_or_default())
}

/// Where a key is shown, unless a part of it is empty, hidden or too long for a file system.
fn view_path(root: &Path, bucket: &str, key: &str) -> Option<PathBuf> {
    let sensible = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.len() <= 255 && !part.contains('\0')
    };
    key.split('/')
        .all(sensible)
        .then(|| root.join(bucket).join(key))
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename or a removal is durable only when its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs file work where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_keys_are_shown() {
        let shown = |key| view_path(Path::new("/r"), "b", key);
        assert_eq!(
            shown("2024/August/a.jpg"),
            Some("/r/b/2024/August/a.jpg".into())
        );
        for key in ["../x", "a/../x", "a//b", "/a", "a/", ".hidden", "a\0b"] {
            assert_eq!(shown(key), None, "{key:?}");
        }
    }

    #[test]
    fn a_directory_has_one_store_at_a_time_and_ids_never_repeat() {
        let root = tempfile::tempdir().unwrap();
        let first = Directory::open(root.path()).unwrap();
        assert_eq!(
            Directory::open(root.path()).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        let id = first.fresh_id();
        drop(first);
        assert_ne!(Directory::open(root.path()).unwrap().fresh_id(), id);
    }
}
