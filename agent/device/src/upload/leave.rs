//! What stands in the way of a site, beside the gate: a refusal, its folder, its window, its budget.

use std::time::Duration;

use chrono::NaiveDateTime;

use super::refusals::Leave;
use super::{Destination, Uploader, day_of, millis};
use crate::queue::QueueError;

/// Whether a site may send.
pub(super) enum Permitted {
    Now { asking: bool },
    Later(Option<Duration>, String),
}

const DAY: Duration = Duration::from_secs(86_400);

impl Uploader {
    /// What stands in the way of a site: a refusal, its window, its budget.
    pub(super) async fn leave(&self, site: &Destination) -> Result<Permitted, QueueError> {
        let now_ms = self.means.clock.now_ms();
        let asking = match self
            .refusals
            .leave(site.id, now_ms, millis(self.orders.refusals.cap()))
        {
            Leave::Free => false,
            Leave::Ask => true,
            Leave::Until(at_ms) => {
                let why = self.refusals.reason(site.id).unwrap_or_default();
                return Ok(Permitted::Later(Some(self.monotonic_of(at_ms)), why));
            }
            Leave::Asking => {
                let why = self.refusals.reason(site.id).unwrap_or_default();
                return Ok(Permitted::Later(None, why));
            }
        };
        let now = self.means.clock.monotonic();
        if let Some(until) = self
            .away
            .get(&site.id)
            .copied()
            .filter(|until| *until > now)
        {
            let why = "its camera folder is away: images wait until it is back".to_owned();
            return Ok(Permitted::Later(Some(until), why));
        }
        let local = site.zone.at(self.means.clock.now()).naive_local();
        let opens_in = self.orders.windows.opens_in(local);
        if !opens_in.is_zero() {
            let wait = opens_in.to_std().unwrap_or(DAY);
            let why = format!(
                "outside gate.windows for {} more minutes",
                opens_in.num_minutes()
            );
            return Ok(Permitted::Later(Some(now + wait), why));
        }
        if let Some(budget) = self.orders.daily_budget {
            let spent = self
                .means
                .queue
                .view()
                .spent(Some(site.account()), day_of(local))
                .await?;
            if spent >= budget {
                let wait = until_midnight(local);
                let why = format!("gate.daily_budget is used up ({spent} bytes today)");
                return Ok(Permitted::Later(Some(now + wait), why));
            }
        }
        Ok(Permitted::Now { asking })
    }
}

fn until_midnight(local: NaiveDateTime) -> Duration {
    let second = local.and_utc().timestamp().rem_euclid(86_400);
    Duration::from_secs((86_400 - second).unsigned_abs())
}
