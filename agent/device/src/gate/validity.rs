//! Until when a permit may be used.

use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;

/// Between two looks at the clock: tokio's sleep does not count the time that the device was suspended.
const LOOK: Duration = Duration::from_secs(1);

/// Whether a permit may still be used, and when no longer; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Validity(Option<Lease>);

#[derive(Debug, Clone)]
struct Lease {
    clock: Clock,
    /// The end, on the boot-time clock; later with every renewal, and past when it is lost.
    until: watch::Receiver<Duration>,
}

impl Validity {
    /// That of a permit that is its holder's until it is given back.
    pub const FOR_EVER: Self = Self(None);

    /// Valid until what `until` shows, on the boot-time clock.
    pub const fn until(clock: Clock, until: watch::Receiver<Duration>) -> Self {
        Self(Some(Lease { clock, until }))
    }

    /// Whether it is valid now.
    pub fn holds(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|lease| lease.clock.uptime() < *lease.until.borrow())
    }

    /// Returns when it is valid no longer, which may be never.
    pub async fn over(&self) {
        let Some(lease) = &self.0 else {
            return std::future::pending().await;
        };
        let mut until = lease.until.clone();
        loop {
            let left = until
                .borrow_and_update()
                .saturating_sub(lease.clock.uptime());
            if left.is_zero() {
                return;
            }
            // A sender that is gone changes nothing: the last end stands.
            let _ = tokio::time::timeout(left.min(LOOK), until.changed()).await;
            if until.has_changed().is_err() {
                tokio::time::sleep(left.min(LOOK)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_it_was_not_made_longer_and_at_once_when_it_is_taken_away() {
        let clock = Clock::simulated(chrono::DateTime::UNIX_EPOCH);
        let from_now = |seconds| clock.uptime() + Duration::from_secs(seconds);
        let (sender, receiver) = watch::channel(from_now(10));
        let validity = Validity::until(clock.clone(), receiver);
        assert!(Validity::FOR_EVER.holds() && validity.holds());
        let over = tokio::spawn({
            let validity = validity.clone();
            async move { validity.over().await }
        });
        tokio::time::sleep(Duration::from_secs(9)).await;
        sender.send_replace(from_now(10));
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(validity.holds() && !over.is_finished());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!validity.holds() && over.is_finished());
        sender.send_replace(from_now(100));
        let over = tokio::spawn(async move { validity.over().await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!over.is_finished());
        sender.send_replace(Duration::ZERO);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(over.is_finished());
    }
}
