//! Does what one site's claim says, one request after the other.

use std::sync::Arc;
use std::time::Duration;

use weir_journey::gate::slots::Step;
use weir_journey::identity::SiteName;

use super::Inner;

/// The longest sleep: what is to be done at a moment of the boot-time clock is not slept through when the device
/// was suspended.
const LONGEST: Duration = Duration::from_secs(30);

/// Looks after the claim of `site` until there is none.
pub(super) async fn keep(inner: Arc<Inner>, site: SiteName) {
    let mut proven = inner.proven.subscribe();
    // The sender lives as long as the gate.
    let _ = proven.wait_for(|proven| *proven).await;
    let Some(bell) = inner.books().bell(&site) else {
        return;
    };
    loop {
        let now = inner.control.clock.uptime();
        let (step, next) = inner.books().next(&site, now, &inner);
        match step {
            Step::Ask(request) => {
                let (exchange, answer) = inner.control.ask(&request).await;
                if inner.books().answered(&site, &request, &exchange, answer) {
                    inner.freed.notify_one();
                }
            }
            Step::Wait(until) => {
                let wait = until.saturating_sub(now).min(LONGEST);
                tokio::select! {
                    biased;
                    () = bell.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
            Step::Over => {
                inner.ended.notify_one();
                if let Some(next) = next {
                    inner.keep(next);
                }
                return;
            }
        }
    }
}
