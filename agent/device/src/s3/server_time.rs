//! The store's time, learned from its answers.
//!
//! A board without a battery clock may be months off when it boots, and a store refuses signatures that are
//! more than 15 minutes off (`RequestTimeTooSkewed`). Every answer of the store carries its `Date`; from
//! the first one on, requests are signed, and credentials expire, by that time where ours disagrees.
//!
//! What is kept is the store's time at the zero of our *monotonic* clock, so that a step of the wall clock
//! changes nothing. While the wall clock agrees within [`AGREES`] it is used itself: it goes on through a
//! suspend, which the monotonic clock does not see. The SDK's own correction is switched off: it would add
//! the same offset a second time, forgets that credentials expire too, and measures from the middle of a
//! request, which is minutes off when a large body went up a slow link. The `Date` is written when the answer
//! begins, so the moment it arrives is the better guess.
//!
//! This does not mend TLS: certificates are judged by the system's clock, before any answer can be read. Over
//! HTTPS, a clock outside the certificate's life (months off, or 1970) shows as a TLS failure that names the
//! certificate, and only setting the clock helps.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;

/// Up to here the two clocks are taken to agree: far inside the 15 minutes that S3 allows, far outside what
/// the second's resolution of `Date` and a slow answer make of it.
const AGREES: TimeDelta = TimeDelta::minutes(1);

/// A handle to what is known of the store's time, cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreTime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// The store's time when our monotonic clock showed zero.
    at_zero: Mutex<Option<DateTime<Utc>>>,
}

impl StoreTime {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner {
            clock,
            at_zero: Mutex::new(None),
        }))
    }

    /// What the store's clock shows now, as far as is known; ours, before its first answer.
    pub fn now(&self) -> DateTime<Utc> {
        match (self.0.clock.now(), self.learned()) {
            (own, Some(learned)) if (learned - own).abs() > AGREES => learned,
            (own, _) => own,
        }
    }

    /// [`StoreTime::now`] in milliseconds since 1970, as the queue keeps moments.
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// How far the store's clock is ahead of ours; `None` before its first answer.
    pub(super) fn offset(&self) -> Option<TimeDelta> {
        Some(self.learned()? - self.0.clock.now())
    }

    /// A mark to measure with, later, whether the answers since then corrected our time.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            believed_zero: self.now() - self.elapsed(),
        }
    }

    /// Whether a request that was signed at `mark` was signed with a time that the store would refuse.
    pub(super) fn corrected_since(&self, mark: &Mark) -> bool {
        (self.now() - self.elapsed() - mark.believed_zero).abs() > TimeDelta::minutes(4)
    }

    fn observe(&self, date: DateTime<Utc>) {
        *self.zero() = Some(date - self.elapsed());
    }

    fn learned(&self) -> Option<DateTime<Utc>> {
        Some((*self.zero())? + self.elapsed())
    }

    fn zero(&self) -> std::sync::MutexGuard<'_, Option<DateTime<Utc>>> {
        self.0
            .at_zero
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> TimeDelta {
        TimeDelta::from_std(self.0.clock.monotonic()).unwrap_or(TimeDelta::MAX)
    }
}

/// What we took the time to be, at one moment.
#[derive(Debug)]
pub(super) struct Mark {
    believed_zero: DateTime<Utc>,
}

impl TimeSource for StoreTime {
    fn now(&self) -> SystemTime {
        self.now().into()
    }
}

/// Learns from the `Date` of every answer, refusals included. Answers that a cache gave are left out.
#[derive(Debug)]
pub(super) struct LearnTime(pub(super) StoreTime);

#[dyn_dispatch_hint]
impl Intercept for LearnTime {
    fn name(&self) -> &'static str {
        "LearnTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        if headers.get("age").is_none()
            && let Some(date) = headers.get("date")
            && let Ok(date) = DateTime::parse_from_rfc2822(date)
        {
            self.0.observe(date.to_utc());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_stores_time_is_followed_wherever_ours_is_far_off(
            own in 0i64..4_000_000_000, store in 0i64..4_000_000_000, later in 0u64..10_000_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async move {
                let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
                let time = StoreTime::new(Clock::simulated(at(own)));
                assert_eq!((StoreTime::now(&time), time.offset()), (at(own), None));
                let mark = time.mark();
                time.observe(at(store));
                assert_eq!(time.offset(), Some(TimeDelta::seconds(store - own)));
                assert_eq!(time.corrected_since(&mark), (store - own).abs() > 240);
                tokio::time::advance(Duration::from_secs(later)).await;
                let off = (StoreTime::now(&time) - at(store + later as i64)).abs();
                assert!(off <= AGREES, "{off}");
            });
        }
    }

    #[test]
    fn the_date_of_an_answer_is_read_as_http_writes_it() {
        let date = DateTime::parse_from_rfc2822("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.timestamp(), 784_111_777);
    }
}
