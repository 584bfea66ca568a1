//! What systemd hears of the daemon (sd_notify(3)): ready, stopping, alive.
//!
//! Outside systemd (`NOTIFY_SOCKET` unset) all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The agent watches and uploads.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The agent drains.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// The agent is alive: its parts answered.
pub fn alive(status: &str) {
    tell(&[NotifyState::Watchdog, NotifyState::Status(status)]);
}

/// How often [`alive`] is due: half of the unit's `WatchdogSec`, or `None` without one.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd was not reached: {error}");
    }
}
