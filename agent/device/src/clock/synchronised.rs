//! Whether a time service has set the clock.
//!
//! The kernel knows (`STA_UNSYNC` of `adjtimex(2)`), but tells only through a call that safe Rust does not have. So
//! systemd is asked, which does: its time service leaves a file once it has set the clock in this boot
//! (`systemd-timesyncd.service(8)`), and `timedatectl` reads the kernel's flag, whoever set it: chrony, ntpd, gpsd.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

const MARK: &str = "/run/systemd/timesync/synchronized";

/// `timedatectl` waits for a service to start; one that does not answer within this never will.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks; `None` when nobody can tell.
pub(super) async fn ask() -> Option<bool> {
    if Path::new(MARK).exists() {
        return Some(true);
    }
    let asked = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        // It would tell our supervisor how it fared as if it were us (sd_notify(3)).
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?;
    meaning(&answer.ok()?.stdout)
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
