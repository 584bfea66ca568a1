//! How results and failures are written.

use std::io::{self, Write};

use chrono::{DateTime, FixedOffset, SecondsFormat};

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The configuration: exit code 2.
    #[error("{0}")]
    Configuration(String),
    /// The command line: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The work: exit code 1.
    #[error("{0}")]
    Work(String),
}

impl Failed {
    /// The exit code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Configuration(_) | Self::Usage(_) => 2,
            Self::Work(_) => 1,
        }
    }
}

impl From<crate::queue::QueueError> for Failed {
    fn from(error: crate::queue::QueueError) -> Self {
        match error {
            crate::queue::QueueError::NotASelector(_) => Self::Usage(error.to_string()),
            other => Self::Work(other.to_string()),
        }
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no failure.
///
/// Gives `false` when nobody reads any more.
pub(super) fn print(text: &str) -> Result<bool, Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failed::Work(format!("cannot write the result: {error}"))),
    }
}

/// One JSON object on a line.
pub(super) fn json(value: &serde_json::Value) -> Result<bool, Failed> {
    print(&format!("{value}\n"))
}

/// A moment in its own offset, ISO 8601.
pub(super) fn moment(at: DateTime<FixedOffset>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// A number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16777216.0 TiB");
    }
}
