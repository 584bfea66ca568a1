//! The pipeline's pace, kept through restarts: what was sent to it, in the books of
//! [`weir_journey::gate::Pacer`], written to the queue ahead of the sending.

use std::time::Duration;

use weir_journey::gate::{Pacer, Pipeline};

use crate::clock::Clock;
use crate::queue::{Queue, QueueError};

/// Part of the capacity that is written down ahead: so many images cost one commit.
const AHEAD: f64 = 0.02;

/// The books of one process. Without a pipeline there is always room.
#[derive(Debug)]
pub(super) struct Books {
    pacer: Option<Pacer>,
    /// Images that the level in the queue allows for beyond those already counted.
    ahead: usize,
    step: usize,
}

impl Books {
    /// Opens the books where the last process left them.
    pub(super) async fn open(
        pipeline: Option<Pipeline>,
        queue: &Queue,
        clock: &Clock,
    ) -> Result<Self, QueueError> {
        let Some(pipeline) = pipeline else {
            return Ok(Self {
                pacer: None,
                ahead: 0,
                step: 0,
            });
        };
        let level = match queue.view().pipeline().await? {
            None => 0.0,
            Some((level, at_ms)) => {
                // A clock that went back has the pipeline work off nothing: late rather than lost.
                let since = clock.now_ms().saturating_sub(at_ms).max(0).unsigned_abs();
                (level - pipeline.worked_off(Duration::from_millis(since))).max(0.0)
            }
        };
        let capacity = f64::from(pipeline.capacity());
        Ok(Self {
            pacer: Some(Pacer::new(pipeline, level.min(capacity), clock.monotonic())),
            ahead: 0,
            step: ((capacity * AHEAD) as usize).max(1),
        })
    }

    /// Takes room for up to `wanted` images; when there is none, gives 0. What is taken is durably counted.
    pub(super) async fn take(
        &mut self,
        wanted: usize,
        queue: &Queue,
        clock: &Clock,
    ) -> Result<usize, QueueError> {
        let Some(pacer) = &mut self.pacer else {
            return Ok(wanted);
        };
        let now = clock.monotonic();
        let count = wanted.min(pacer.room(now));
        if count == 0 {
            return Ok(0);
        }
        if count > self.ahead {
            let ahead = count.max(self.step);
            let level = pacer.level(now) + ahead as f64;
            queue.note_pipeline(level, clock.now_ms()).await?;
            self.ahead = ahead;
        }
        self.ahead -= count;
        pacer.sent(now, count);
        Ok(count)
    }

    /// `count` images that room was taken for made no event.
    pub(super) fn give_back(&mut self, count: usize, clock: &Clock) {
        if let Some(pacer) = &mut self.pacer {
            pacer.unsent(clock.monotonic(), count);
        }
    }

    /// When there is room again, on the monotonic clock; `None` where there is now.
    pub(super) fn opens(&self, clock: &Clock) -> Option<Duration> {
        let pacer = self.pacer.as_ref()?;
        let now = clock.monotonic();
        (pacer.room(now) == 0).then(|| pacer.opens(now))
    }
}
