//! Why a file is set aside.

use std::fmt;

use super::foreign::Foreign;
use super::format::Format;
use super::structure::Structure;

/// Why a file is set aside instead of taken: quarantined, listed, kept where it is.
///
/// No reason is for ever: when the file changes (its [`super::Observation`] differs from the one that was
/// judged), the case is opened again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It began as a picture or video and is not all there.
    Truncated {
        /// What it began as.
        format: Format,
        /// What is not there, as the end of the sentence "lacks ...".
        missing: &'static str,
    },
    /// It has no byte.
    Empty,
    /// It is something else.
    NotAnImage(Foreign),
    /// It could not be read to its end.
    Unreadable {
        /// The system's words.
        error: String,
    },
    /// The agent died each time it worked on the file.
    FatalToAgent,
}

impl Reason {
    /// A short name, for databases, metrics and scripts. Never changed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Empty => "empty",
            Self::NotAnImage(_) => "not-an-image",
            Self::Unreadable { .. } => "unreadable",
            Self::FatalToAgent => "fatal-to-agent",
        }
    }

    /// The reason not to take a file of this structure, if there is one.
    pub fn against(structure: &Structure) -> Option<Self> {
        match *structure {
            Structure::Whole(_) => None,
            Structure::Partial { format, missing } => Some(Self::Truncated { format, missing }),
            Structure::Foreign(foreign) => Some(Self::NotAnImage(foreign)),
            Structure::Empty => Some(Self::Empty),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { format, missing } => {
                write!(
                    f,
                    "a {format} that is cut short or damaged: it lacks {missing}"
                )
            }
            Self::Empty => f.write_str("an empty file"),
            Self::NotAnImage(foreign) => foreign.fmt(f),
            Self::Unreadable { error } => write!(f, "it cannot be read: {error}"),
            Self::FatalToAgent => f.write_str("the agent died each time it worked on this file"),
        }
    }
}
