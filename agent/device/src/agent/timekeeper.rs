//! The device's clock while the agent runs: whether it can be trusted, and what follows when it is put right.
//!
//! A board without a battery boots with a wrong clock, which a time service later sets. What was accepted in between
//! and is dated by the files' modification times is dated wrongly, by as much as the clock went: the time since the
//! boot, which every row keeps, tells it exactly. Those rows are put right; those that have their names in the store
//! already are noted. Nothing polls: the kernel tells of steps, and the time service is asked when something is
//! accepted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weir_journey::stamp::Cause;

use crate::clock::{BootId, Clock};
use crate::queue::{
    Among, Class, ClockStep, DeviceClock, Image, ImageId, Queue, QueueError, Retimed, SiteId,
    Synchronised,
};
use crate::s3::Store;
use crate::serve::Vitals;
use crate::stamping::{Stamping, correction, of_device_clock};

/// A time service that had not set the clock yet is asked again after this time, when something is accepted.
const ASK_AGAIN: Duration = Duration::from_secs(300);
/// After a look that the queue refused (a full disk), the next one waits for so long.
const PAUSE: Duration = Duration::from_secs(60);
/// Up to here the store's clock and ours agree: its `Date` has whole seconds, and answers can be slow.
const AGREES: TimeDelta = TimeDelta::minutes(1);
/// Less is no step: clocks are slewed, and are read one after the other. Milliseconds.
const STEP_MS: i64 = 1000;
/// 2024-01-01: a clock that shows less has not been put right, whoever set it.
const EARLIEST: i64 = 1_704_067_200;

/// Keeps an eye on the device's clock.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    clock: Clock,
    store: Arc<Store>,
    queue: Queue,
    vitals: Arc<Vitals>,
    sites: Arc<HashMap<SiteId, Stamping>>,
    known: Mutex<Known>,
    ask: Notify,
}

#[derive(Debug)]
struct Known {
    /// What the time service said last.
    service: Option<bool>,
    asked: Option<Duration>,
    /// What the clock showed at the boot, by what it showed last, milliseconds since 1970.
    origin_ms: i64,
    /// How far it could be trusted when rows were judged last.
    trust: Synchronised,
}

/// The clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// What the queue keeps of them.
    pub(crate) device: DeviceClock,
    /// The wall clock.
    pub(crate) wall: DateTime<Utc>,
    /// How far it can be trusted.
    pub(crate) trust: Synchronised,
}

impl Timekeeper {
    pub(crate) fn new(
        clock: Clock,
        store: Arc<Store>,
        queue: Queue,
        vitals: Arc<Vitals>,
        sites: HashMap<SiteId, Stamping>,
    ) -> Self {
        let known = Known {
            service: None,
            asked: None,
            origin_ms: origin_ms(&clock),
            trust: Synchronised::Unknown,
        };
        Self {
            clock,
            store,
            queue,
            vitals,
            sites: Arc::new(sites),
            known: Mutex::new(known),
            ask: Notify::new(),
        }
    }

    /// The clocks now. Where the wall clock is not known to be right, the time service is asked again, for later.
    pub(crate) fn read(&self) -> Reading {
        let trust = self.trust();
        let (wall, now) = (self.clock.now(), self.clock.monotonic());
        let known = self.known();
        let stale = trust != Synchronised::Yes
            && known
                .asked
                .is_none_or(|asked| now.saturating_sub(asked) >= ASK_AGAIN);
        let stepped = (origin_ms(&self.clock) - known.origin_ms).abs() >= STEP_MS;
        if stale || stepped || trust != known.trust {
            self.ask.notify_one();
        }
        drop(known);
        let boot = self.clock.boot();
        let uptime_ms = i64::try_from(self.clock.uptime().as_millis()).ok();
        let synchronised = match trust {
            Synchronised::Yes => Synchronised::Yes,
            // Whatever is not known to be right may have to be put right.
            _ if boot.is_some() => Synchronised::No,
            _ => Synchronised::Unknown,
        };
        Reading {
            device: DeviceClock {
                boot,
                uptime_ms,
                synchronised,
            },
            wall,
            trust,
        }
    }

    /// How far the wall clock can be trusted.
    pub(crate) fn trust(&self) -> Synchronised {
        judge(self.known().service, self.store_ahead())
    }

    /// How far the store's clock is ahead of the device's; `None` before its first answer.
    pub(crate) fn store_ahead(&self) -> Option<TimeDelta> {
        self.store.clock_offset()
    }

    /// Works until `stop`.
    ///
    /// # Errors
    /// When the queue is damaged.
    pub(crate) async fn run(&self, stop: CancellationToken) -> Result<(), QueueError> {
        let mut steps = self
            .clock
            .steps()
            .inspect_err(|error| tracing::warn!("steps of the clock are noticed late: {error}"))
            .ok();
        let mut failing = false;
        loop {
            let stepped = async {
                match &mut steps {
                    Some(steps) => steps.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = stepped => {}
                () = self.ask.notified() => {}
            }
            match self.look().await {
                Ok(()) => failing = false,
                Err(error) if error.class() == Class::Fatal => return Err(error),
                // The rows keep what is needed: a later look puts them right. Every acceptance asks for one, so
                // it is said once.
                Err(error) => {
                    if !failing {
                        tracing::warn!("capture times cannot be put right now: {error}");
                    }
                    failing = true;
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(PAUSE) => self.ask.notify_one(),
                    }
                }
            }
        }
    }

    /// Asks the time service, notices a step, and puts right what can be.
    ///
    /// # Errors
    /// Those of the queue.
    pub(crate) async fn look(&self) -> Result<(), QueueError> {
        let service = self.clock.synchronised().await;
        let origin_ms = origin_ms(&self.clock);
        let (by_ms, before) = {
            let mut known = self.known();
            known.service = service;
            known.asked = Some(self.clock.monotonic());
            (origin_ms - known.origin_ms, known.trust)
        };
        let trust = self.trust();
        let stepped = by_ms.abs() >= STEP_MS;
        let settled = trust == Synchronised::Yes && before != Synchronised::Yes;
        if (stepped || settled)
            && self.clock.now().timestamp() >= EARLIEST
            && let Some(boot) = self.clock.boot()
        {
            self.put_right(boot, origin_ms, by_ms, trust).await?;
        }
        // Last, so that a failure above is made good by the next look.
        let mut known = self.known();
        known.trust = trust;
        known.origin_ms = origin_ms;
        Ok(())
    }

    /// Puts the rows of this boot right, and says so.
    async fn put_right(
        &self,
        boot: BootId,
        origin_ms: i64,
        by_ms: i64,
        trust: Synchronised,
    ) -> Result<(), QueueError> {
        let counts = Arc::new(Counts::default());
        let judge = {
            let (sites, counts) = (Arc::clone(&self.sites), Arc::clone(&counts));
            let at_ms = self.clock.now_ms();
            move |image: &Image| {
                put_right(
                    image,
                    sites.get(&image.site)?,
                    origin_ms,
                    trust,
                    at_ms,
                    &counts,
                )
            }
        };
        let rows = Among::Boot(boot, ImageId(0));
        self.queue.retime(rows, self.clock.now_ms(), judge).await?;
        let images = counts.corrected.load(Ordering::Relaxed);
        let late = counts.late.load(Ordering::Relaxed);
        if by_ms.abs() >= STEP_MS {
            let step = ClockStep {
                boot,
                at_ms: self.clock.now_ms(),
                by_ms,
                images,
            };
            self.queue.clock_stepped(step).await?;
            self.vitals.clock_stepped();
            tracing::warn!(
                "the device's clock went by {:.1} s to {}",
                TimeDelta::milliseconds(by_ms).as_seconds_f64(),
                self.clock.now().to_rfc3339()
            );
        }
        self.vitals.times_corrected(images);
        if images > 0 {
            tracing::warn!(
                "{images} capture times that came from the device's clock are put right"
            );
        }
        if late > 0 {
            tracing::warn!(
                "{late} images had their names already with a time of the wrong clock: see their history in \
                 `weir queue show`"
            );
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Counts {
    corrected: AtomicU64,
    /// Known to be off, and named already.
    late: AtomicU64,
}

/// What becomes of a row of this boot now that the clock shows what it does.
fn put_right(
    image: &Image,
    stamping: &Stamping,
    origin_ms: i64,
    trust: Synchronised,
    at_ms: i64,
    counts: &Counts,
) -> Option<Retimed> {
    let own = of_device_clock(&image.place.identity, image.clock, image.accepted_ms);
    let anew = stamping.anew(image, own.then(|| correction(image, origin_ms)))?;
    let synchronised = if trust == Synchronised::Yes {
        Synchronised::Yes
    } else {
        Synchronised::No
    };
    if anew.is_same(image) && synchronised == image.clock.synchronised {
        return None;
    }
    if anew.kept.at != anew.filed.capture.at {
        let count = if image.is_named() {
            &counts.late
        } else {
            &counts.corrected
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
    anew.retimed(image, Cause::ClockStep, at_ms, synchronised)
}

/// What the clock showed at the boot, by what it shows now: it changes with a step, and with nothing else.
fn origin_ms(clock: &Clock) -> i64 {
    let uptime = i64::try_from(clock.uptime().as_millis()).unwrap_or(i64::MAX);
    clock.now_ms().saturating_sub(uptime)
}

/// How far the clock can be trusted. The time service knows best; else the store is asked, whose clock disagrees
/// only where one of both is wrong.
fn judge(service: Option<bool>, store_ahead: Option<TimeDelta>) -> Synchronised {
    match (service, store_ahead) {
        (Some(true), _) => Synchronised::Yes,
        (_, Some(ahead)) if ahead.abs() <= AGREES => Synchronised::Yes,
        (Some(false), _) | (_, Some(_)) => Synchronised::No,
        (None, None) => Synchronised::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_service_and_then_the_store_say_whether_the_clock_is_right() {
        let (right, wrong) = (Some(TimeDelta::seconds(-3)), Some(TimeDelta::days(30)));
        assert_eq!(judge(Some(true), wrong), Synchronised::Yes);
        assert_eq!(judge(Some(false), right), Synchronised::Yes);
        assert_eq!(judge(Some(false), None), Synchronised::No);
        assert_eq!(judge(None, wrong), Synchronised::No);
        assert_eq!(judge(None, None), Synchronised::Unknown);
    }
}
