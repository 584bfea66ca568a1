//! What is wrong with a configuration: every fault with its place, its key and what would be right.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Origin {
    /// The built-in defaults.
    Default,
    /// A configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1; absent when the file as a whole is meant.
        line: Option<usize>,
        /// Column in characters, from 1; absent when the file as a whole is meant.
        column: Option<usize>,
    },
    /// The environment.
    Environment {
        /// The variable.
        variable: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment { variable } => write!(f, "${variable}"),
            Self::File {
                path,
                line: Some(line),
                column: Some(column),
            } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// One fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where it is.
    #[serde(flatten)]
    pub origin: Origin,
    /// The key it is about, `section.key`; absent when it is not about one.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; {suggestion}")?;
        }
        Ok(())
    }
}

/// All the faults of a configuration, in the order of their places; never empty.
///
/// Fatal: the agent does not start on a configuration that it understands in part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults in order, or nothing when there are none.
    pub(super) fn of(mut faults: Vec<Fault>) -> Option<Self> {
        let rank = |fault: &Fault| match &fault.origin {
            Origin::File { line, column, .. } => (0, line.unwrap_or(0), column.unwrap_or(0)),
            Origin::Environment { .. } => (1, 0, 0),
            Origin::Default => (2, 0, 0),
        };
        faults.sort_by_key(rank);
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// Each fault.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        Ok(())
    }
}
