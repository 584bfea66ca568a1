//! Makes a file survive a power cut: its bytes, its name, and the names of the directories above it.
//!
//! Files of one directory that come at the same time share one fsync of it: whoever comes while one runs
//! waits for the next, which then serves all that wait.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Directories remembered as durable themselves; beyond it the memory starts anew.
const REMEMBERED: usize = 1_024;

/// Shares the fsyncs of directories.
#[derive(Debug, Default)]
pub(super) struct Durable {
    turns: Mutex<HashMap<PathBuf, Arc<Turn>>>,
    /// Directories whose own names are on disk, up to their root.
    anchored: Mutex<HashSet<PathBuf>>,
}

/// The fsyncs of one directory.
#[derive(Debug, Default)]
struct Turn {
    asked: AtomicU64,
    /// The highest number of asking that has been served.
    served: tokio::sync::Mutex<u64>,
}

impl Durable {
    /// Returns when `file`, which is at `path` below `root`, is on disk with its name.
    ///
    /// # Errors
    /// Those of fsync; the file must not be counted as durable then.
    pub(super) async fn keep(&self, file: File, path: &Path, root: &Path) -> io::Result<()> {
        blocking(move || tolerant(file.sync_all())).await?;
        let Some(directory) = path.parent() else {
            return Ok(());
        };
        self.sync_directory(directory).await?;
        // A new directory's own name lies in the one above.
        let mut new = Vec::new();
        let mut child = directory;
        while child != root && !self.is_anchored(child) {
            let Some(above) = child.parent() else { break };
            self.sync_directory(above).await?;
            new.push(child.to_owned());
            child = above;
        }
        self.anchor(new);
        Ok(())
    }

    fn is_anchored(&self, directory: &Path) -> bool {
        let anchored = self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        anchored.contains(directory)
    }

    fn anchor(&self, new: Vec<PathBuf>) {
        let mut anchored = self.anchored.lock().unwrap_or_else(PoisonError::into_inner);
        if anchored.len() >= REMEMBERED {
            anchored.clear();
        }
        anchored.extend(new);
    }

    async fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(directory.to_owned()).or_default())
        };
        let result = turn.serve(directory).await;
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // This one and the map's: nobody else waits.
        if Arc::strong_count(&turn) == 2 {
            turns.remove(directory);
        }
        result
    }
}

impl Turn {
    async fn serve(&self, directory: &Path) -> io::Result<()> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = self.served.lock().await;
        if *served >= number {
            return Ok(());
        }
        let all = self.asked.load(Ordering::SeqCst);
        let directory = directory.to_owned();
        blocking(move || tolerant(File::open(&directory)?.sync_all())).await?;
        *served = all;
        Ok(())
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    crate::blocking::spawn(work)
        .await
        .map_err(io::Error::other)?
}

/// An fsync that is refused where there is nothing to write: on a read-only card nothing is dirty, and some file systems
/// (CIFS, some FUSE) know no fsync of directories, so that nothing more can be done.
fn tolerant(synced: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, ReadOnlyFilesystem, Unsupported};
    match synced {
        Err(error)
            if matches!(
                error.kind(),
                InvalidInput | ReadOnlyFilesystem | Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deep_file_is_kept_and_a_vanished_one_is_not() {
        let root = tempfile::tempdir().expect("tempdir");
        let deep = root.path().join("a/b");
        std::fs::create_dir_all(&deep).expect("created");
        let durable = Durable::default();
        for name in ["x", "y"] {
            let path = deep.join(name);
            let file = File::create(&path).expect("created");
            durable.keep(file, &path, root.path()).await.expect("kept");
        }
        assert!(durable.turns.lock().expect("turns").is_empty());
        let file = File::open(deep.join("x")).expect("opened");
        std::fs::remove_dir_all(root.path().join("a")).expect("removed");
        let error = durable.keep(file, &deep.join("x"), root.path()).await;
        assert_eq!(
            error.expect_err("no directory").kind(),
            io::ErrorKind::NotFound
        );
    }

    #[tokio::test]
    async fn those_who_wait_together_are_served_together() {
        let directory = tempfile::tempdir().expect("tempdir");
        let turn = Arc::new(Turn::default());
        // While this is held, everybody else comes to wait.
        let running = turn.served.lock().await;
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let (turn, path) = (Arc::clone(&turn), directory.path().to_owned());
                tokio::spawn(async move { turn.serve(&path).await })
            })
            .collect();
        while turn.asked.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        // Only one fsync can succeed: the directory is gone before a second could run.
        drop(running);
        let mut waiting = waiting.into_iter();
        let first = waiting.next().expect("one");
        first.await.expect("joined").expect("synced");
        drop(directory);
        for other in waiting {
            other.await.expect("joined").expect("served by the first");
        }
    }
}
