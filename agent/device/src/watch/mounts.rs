//! Notices that something was mounted or unmounted, without polling.
//!
//! inotify says nothing when a card is mounted over a watched directory. The kernel does: a poll of
//! `/proc/self/mountinfo` reports `POLLPRI` when the mounts change (proc_pid_mountinfo(5)). A thread
//! sleeps in that poll until the mounts change or nobody listens any more.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::Notify;

/// Waits for changes of the mount table.
pub(super) struct Mounts {
    changed: Arc<Notify>,
    /// Its end ends the thread.
    _listening: Option<PipeWriter>,
}

impl Mounts {
    /// Listens from now on; without `/proc` it never hears anything, and the timer must do.
    pub(super) fn open() -> Self {
        let changed = Arc::new(Notify::new());
        let listening = begin(Arc::clone(&changed))
            .inspect_err(|error| tracing::debug!(%error, "mounts are not listened to"))
            .ok();
        Self {
            changed,
            _listening: listening,
        }
    }

    /// For a watcher without the kernel: never hears anything.
    pub(super) fn unheard() -> Self {
        Self {
            changed: Arc::default(),
            _listening: None,
        }
    }

    /// Returns when the mounts have changed since the last time. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn begin(changed: Arc<Notify>) -> io::Result<PipeWriter> {
    let table = File::open("/proc/self/mountinfo")?;
    let (ended, listening) = io::pipe()?;
    std::thread::Builder::new()
        .name("weir-mounts".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || listen(&table, &ended, &changed))?;
    Ok(listening)
}

fn listen(table: &File, ended: &PipeReader, changed: &Notify) {
    loop {
        let mut fds = [
            PollFd::new(table, PollFlags::PRI),
            PollFd::new(ended, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
            Ok(_) if !fds[1].revents().is_empty() => return,
            Ok(_) => changed.notify_one(),
        }
    }
}
