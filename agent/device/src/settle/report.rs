//! What settling tells its surroundings beside what it hands to the register.

use std::path::PathBuf;

/// Something that kept a file from settling, for the log and the metrics.
#[derive(Debug, thiserror::Error)]
pub enum Report {
    /// A file cannot be looked at or read now; tried again later.
    #[error("cannot read {}: {error}; trying again later", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: String,
    },
    /// A file that its camera overwrites could not be copied; tried again later.
    #[error("{}: {error}; trying again later", path.display())]
    NotCopied {
        /// The file.
        path: PathBuf,
        /// Where it cannot be copied to, and the system's words.
        error: String,
    },
    /// A file or its directory could not be made durable; tried again later.
    #[error("cannot make {} durable: {error}; trying again later", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: String,
    },
    /// The register could not do its part; tried again later.
    #[error("cannot register {}: {error}; trying again later", path.display())]
    Unregistered {
        /// The file, or the first of several.
        path: PathBuf,
        /// The register's words.
        error: String,
    },
    /// The agent had died with this file in hand.
    #[error("the agent ended {strikes} times while it read {}", path.display())]
    Suspect {
        /// The file.
        path: PathBuf,
        /// How often so far.
        strikes: u32,
    },
    /// What is in hand cannot be noted; settling goes on without that protection.
    #[error("cannot note the file in hand: {error}")]
    NotNoted {
        /// The system's words.
        error: String,
    },
    /// More files are under way than may be; the rest is found again by a scan.
    #[error("more than {bound} files are settling: the rest follows by a rescan")]
    Surplus {
        /// How many may be under way.
        bound: usize,
    },
}

impl Report {
    /// What it is about: reports of the same matter are worth counting, not saying again.
    pub fn about(&self) -> String {
        match self {
            Self::Unreadable { .. } => "unreadable".to_owned(),
            Self::NotCopied { .. } => "not copied".to_owned(),
            Self::NotDurable { .. } => "not durable".to_owned(),
            Self::Unregistered { .. } => "queue".to_owned(),
            Self::Suspect { path, .. } => format!("suspect {}", path.display()),
            Self::NotNoted { .. } => "not noted".to_owned(),
            Self::Surplus { .. } => "surplus".to_owned(),
        }
    }
}
