//! Forgetting files that are gone, so that the memory of what was judged does not grow for ever.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::queue::Queue;

/// How often the files of a folder are compared with what is remembered of them.
const PERIOD: Duration = Duration::from_secs(86_400);

/// Compares, once a day and folder and after a scan of it.
pub(super) struct Pruning {
    queue: Queue,
    clock: Clock,
    last: Mutex<HashMap<PathBuf, Duration>>,
}

impl Pruning {
    pub(super) fn new(queue: Queue, clock: Clock) -> Self {
        Self {
            queue,
            clock,
            last: Mutex::default(),
        }
    }

    /// A folder was scanned, so it is there. The first scan after a start only begins the day.
    pub(super) fn scanned(&self, folder: &Path) {
        let now = self.clock.monotonic();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *last.entry(folder.to_owned()).or_insert(now);
        if now.saturating_sub(since) < PERIOD {
            return;
        }
        last.insert(folder.to_owned(), now);
        let (queue, folder) = (self.queue.clone(), folder.to_owned());
        tokio::spawn(async move {
            let exists = |path: &Path| !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound);
            match queue.forget_absent(folder.clone(), exists).await {
                Ok(0) => {}
                Ok(count) => tracing::debug!("{count} files are gone from {}", folder.display()),
                Err(error) => tracing::debug!("nothing was forgotten: {error}"),
            }
        });
    }
}
