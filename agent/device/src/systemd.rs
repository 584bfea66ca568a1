//! What systemd hears of the daemon (sd_notify(3)): ready, reloading, stopping, alive.
//!
//! Outside systemd (`NOTIFY_SOCKET` unset) all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The agent watches and uploads.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The agent takes up a new configuration; [`ready`] ends it. The moment belongs to it by the protocol of
/// `Type=notify-reload` (systemd.service(5)).
pub fn reloading() {
    let now = NotifyState::monotonic_usec_now();
    let Ok(now) = now.inspect_err(|error| tracing::debug!("no monotonic clock: {error}")) else {
        return;
    };
    tell(&[
        NotifyState::Reloading,
        now,
        NotifyState::Status("taking up the configuration"),
    ]);
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
