//! How results are written to standard output.

use std::io::{self, Write as _};

use super::Failed;

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// As JSON.
    pub(super) json: bool,
    /// Without progress.
    pub(super) quiet: bool,
}

/// Writes to standard output; a reader that went away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failed::Work(format!("cannot write the result: {error}"))),
    }
}

/// One JSON object on a line.
pub(super) fn json(value: &serde_json::Value) -> Result<(), Failed> {
    print(&format!("{value}\n"))
}

/// Whether colours are wanted on a terminal that is there (<https://no-color.org>).
pub(super) fn colours() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
