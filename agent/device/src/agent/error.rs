//! Why an agent ends, said to whoever started it.

use crate::gate::ProbeError;
use crate::lock::LockError;
use crate::queue::QueueError;
use crate::serve::ServeError;

/// Why the agent does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing is configured to be watched.
    #[error("no [[site]] with a directory is configured: add one (see `weir config init`)")]
    NoSite,
    /// The state directory.
    #[error("cannot use state.directory {}: {source}", path.display())]
    State {
        /// The directory.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another agent works there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The queue.
    #[error("{0}")]
    Queue(#[from] QueueError),
    /// The listening socket.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The gate rests on what the store does not have.
    #[error(transparent)]
    Gate(#[from] ProbeError),
    /// A part of the agent ended although nobody asked it to: systemd starts it anew.
    #[error("{part} ended unexpectedly: {why}")]
    Ended {
        /// Which part.
        part: &'static str,
        /// How.
        why: String,
    },
}
