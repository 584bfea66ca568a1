//! Whether a time service has set the clock.
//!
//! The kernel knows (`STA_UNSYNC` of `adjtimex(2)`), but tells only through a call that safe Rust does not have. So
//! systemd is asked, which does: its time service leaves a file once it has set the clock in this boot
//! (`systemd-timesyncd.service(8)`), and `timedatectl` reads the kernel's flag, whoever set it: chrony, ntpd, gpsd.

use std::path::Path;
use std::process::{Command, Stdio};

const MARK: &str = "/run/systemd/timesync/synchronized";

/// Asks; `None` when nobody can tell. Takes as long as `timedatectl`.
pub(super) fn ask() -> Option<bool> {
    if Path::new(MARK).exists() {
        return Some(true);
    }
    let answer = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    meaning(&answer.stdout)
}

fn meaning(answer: &[u8]) -> Option<bool> {
    match answer.trim_ascii() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_answer_counts() {
        assert_eq!(meaning(b"yes\n"), Some(true));
        assert_eq!(meaning(b"no\n"), Some(false));
        for none in ["", "NTPSynchronized=yes", "maybe"] {
            assert_eq!(meaning(none.as_bytes()), None, "{none}");
        }
    }
}
