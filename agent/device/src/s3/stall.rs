//! Noticing that nothing moves any more.
//!
//! An upload may take hours on a slow link, so there is no limit to its length; it is broken off when no
//! byte moved for the configured time. What we can see is bytes handed to the connection, not bytes
//! acknowledged: the connection's own buffers hold up to about a mebibyte. So the last bytes handed on are
//! given time to drain at [`SLOWEST`]; a link slower than that is indistinguishable from a dead one.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The slowest link that is waited for, in bytes a second.
const SLOWEST: u64 = 8 * 1024;
/// What the buffers between us and the wire may hold: about 400 KiB in hyper, one piece, and the kernel's.
const BUFFERS: u64 = 1024 * 1024;

/// What one request last did.
#[derive(Debug)]
pub(super) struct Watch {
    moved: Mutex<Moved>,
    /// We hold it back ourselves (bandwidth limit, disk): not the link's fault.
    held: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Moved {
    at: Instant,
    bytes: u64,
}

/// Nothing moved for the time given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stalled;

impl Watch {
    pub(super) fn new() -> Self {
        let moved = Moved {
            at: Instant::now(),
            bytes: 0,
        };
        Self {
            moved: Mutex::new(moved),
            held: AtomicBool::new(false),
        }
    }

    /// `bytes` were handed to the connection just now.
    pub(super) fn moved(&self, bytes: u64) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.at = Instant::now();
        moved.bytes += bytes;
    }

    /// Whether it is we who hold the next bytes back.
    pub(super) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    fn deadline(&self, limit: Duration) -> Instant {
        if self.held.load(Ordering::Relaxed) {
            return Instant::now() + limit;
        }
        let moved = *self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.at + patience(limit, moved.bytes)
    }

    /// Runs `work` until it ends or nothing moved for `limit`; then drops it, which closes the connection.
    pub(super) async fn over<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Stalled> {
        let mut work = pin!(work);
        loop {
            let deadline = self.deadline(limit);
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = tokio::time::sleep_until(deadline) => {
                    if self.deadline(limit) <= Instant::now() {
                        return Err(Stalled);
                    }
                }
            }
        }
    }
}

/// How long nothing may be seen to move after `handed` bytes went to the connection.
fn patience(limit: Duration, handed: u64) -> Duration {
    limit + Duration::from_millis(handed.min(BUFFERS) * 1000 / SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_link_at_the_slowest_rate_is_never_broken_off(handed: u64, limit in 1u64..3600) {
            let limit = Duration::from_secs(limit);
            let wait = patience(limit, handed);
            let buffered = handed.min(BUFFERS);
            prop_assert!(wait.as_secs_f64() + 0.001 >= limit.as_secs_f64() + buffered as f64 / SLOWEST as f64);
            prop_assert!(wait <= limit + Duration::from_secs(BUFFERS / SLOWEST));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_goes_on_for_ever_and_what_hangs_is_dropped() {
        let limit = Duration::from_secs(60);
        let watch = Watch::new();
        let slow = async {
            for _ in 0..1000 {
                tokio::time::sleep(Duration::from_secs(59)).await;
                watch.moved(1);
            }
        };
        assert_eq!(watch.over(limit, slow).await, Ok(()));
        let began = Instant::now();
        let hang = std::future::pending::<()>();
        assert_eq!(watch.over(limit, hang).await, Err(Stalled));
        assert!(began.elapsed() < Duration::from_secs(62));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_our_own_making_is_not_held_against_the_link() {
        let watch = Watch::new();
        let work = async {
            watch.hold(true);
            tokio::time::sleep(Duration::from_secs(600)).await;
            watch.moved(4096);
            watch.hold(false);
        };
        assert_eq!(watch.over(Duration::from_secs(1), work).await, Ok(()));
    }
}
