//! Why a command did not end well, and with which exit code.

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// What was asked for cannot be meant: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The work: exit code 1.
    #[error("{0}")]
    Work(String),
}

impl Failed {
    /// A wrong command line.
    pub(super) fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }

    /// Work that failed.
    pub(super) fn work(error: impl ToString) -> Self {
        Self::Work(error.to_string())
    }

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Work(_) => 1,
        }
    }
}
