//! No faster than the pipeline behind the bucket: a backlog must not make events that are dropped for their age.
//!
//! Each stored image is an event in a queue of the pipeline, which works on `concurrency` images at once and drops
//! what has waited for `max_age` (AWS Lambda: `MaximumEventAgeInSeconds`, 21,600 at most,
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>). The sender cannot see that queue,
//! so it keeps the books: a level that rises by one with each image sent and sinks at the rate at which the pipeline
//! works. While the level has room images go as they come; after that one goes whenever one is through.
//!
//! The bound: the level is at most `B`, and the pipeline finishes in steps, so that it may hold `concurrency` images
//! more than the level says. An image then waits for no longer than `(B / concurrency + 1) * per_image`, which is kept
//! below [`SAFETY`] times `max_age`.

use std::num::NonZeroU32;
use std::time::Duration;

/// The part of the age limit that is used: stated times are means, and others send too.
const SAFETY: f64 = 0.8;

/// What a pipeline can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pipeline {
    /// Images worked on at once.
    pub concurrency: NonZeroU32,
    /// Time for one of them.
    pub per_image: Duration,
    /// Events older than this are dropped; at least twice `per_image`.
    pub max_age: Duration,
}

impl Pipeline {
    /// How many images may be sent and not yet worked off; at least `concurrency`.
    pub fn capacity(&self) -> u32 {
        let rounds = SAFETY * self.max_age.as_secs_f64() / self.per_image.as_secs_f64() - 1.0;
        let most = f64::from(self.concurrency.get());
        (most * rounds).max(most) as u32
    }

    /// Images worked off in a time.
    pub fn worked_off(&self, time: Duration) -> f64 {
        f64::from(self.concurrency.get()) * time.as_secs_f64() / self.per_image.as_secs_f64()
    }

    /// How long it takes to send `images` to an idle pipeline, as far as the pipeline decides.
    pub fn time_for(&self, images: u64) -> Duration {
        let beyond = images.saturating_sub(u64::from(self.capacity()));
        self.per_image
            .mul_f64(beyond as f64 / f64::from(self.concurrency.get()))
    }
}

/// The books of what was sent. Moments are on the monotonic clock.
#[derive(Debug, Clone)]
pub struct Pacer {
    pipeline: Pipeline,
    /// Images sent and not worked off, at the moment `at`.
    level: f64,
    at: Duration,
}

impl Pacer {
    /// Books that begin with `level` images sent and not worked off.
    pub fn new(pipeline: Pipeline, level: f64, now: Duration) -> Self {
        Self {
            pipeline,
            level: level.max(0.0),
            at: now,
        }
    }

    /// Images sent and not worked off.
    pub fn level(&self, now: Duration) -> f64 {
        (self.level - self.pipeline.worked_off(now.saturating_sub(self.at))).max(0.0)
    }

    /// How many images may be sent now.
    pub fn room(&self, now: Duration) -> usize {
        // A hair of tolerance: the moment that `opens` names must have room, whatever rounding did.
        (f64::from(self.pipeline.capacity()) - self.level(now) + 1e-6).max(0.0) as usize
    }

    /// When there is room for one.
    pub fn opens(&self, now: Duration) -> Duration {
        let lacking = self.level(now) + 1.0 - f64::from(self.pipeline.capacity());
        if lacking <= 0.0 {
            return now;
        }
        let one =
            self.pipeline.per_image.as_secs_f64() / f64::from(self.pipeline.concurrency.get());
        // At least a millisecond: what timers can keep.
        now + Duration::from_secs_f64((lacking * one).max(0.001))
    }

    /// `images` were sent, or are about to be.
    pub fn sent(&mut self, now: Duration, images: usize) {
        self.level = self.level(now) + images as f64;
        self.at = self.at.max(now);
    }

    /// `images` of those sent made no event after all.
    pub fn unsent(&mut self, now: Duration, images: usize) {
        self.level = (self.level(now) - images as f64).max(0.0);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::{BinaryHeap, VecDeque};

    /// The pipeline as it is: a queue and so many workers, each busy for `per_image`.
    struct Twin {
        busy: BinaryHeap<Reverse<Duration>>,
        waiting: VecDeque<Duration>,
        pipeline: Pipeline,
        finished: u64,
        oldest: Duration,
    }

    impl Twin {
        fn new(pipeline: Pipeline) -> Self {
            Self {
                busy: BinaryHeap::new(),
                waiting: VecDeque::new(),
                pipeline,
                finished: 0,
                oldest: Duration::ZERO,
            }
        }

        fn until(&mut self, now: Duration) {
            while let Some(&Reverse(end)) = self.busy.peek().filter(|end| end.0 <= now) {
                self.busy.pop();
                self.finished += 1;
                if let Some(came) = self.waiting.pop_front() {
                    self.begin(came, end);
                }
            }
        }

        fn begin(&mut self, came: Duration, at: Duration) {
            self.oldest = self.oldest.max(at - came);
            self.busy.push(Reverse(at + self.pipeline.per_image));
        }

        fn event(&mut self, now: Duration) {
            self.until(now);
            if self.busy.len() < self.pipeline.concurrency.get() as usize {
                self.begin(now, now);
            } else {
                self.waiting.push_back(now);
            }
        }
    }

    prop_compose! {
        fn pipelines()(concurrency in 1u32..40, per_image_ms in 100u64..60_000, ages in 2.0f64..400.0) -> Pipeline {
            let per_image = Duration::from_millis(per_image_ms);
            Pipeline { concurrency: NonZeroU32::new(concurrency).unwrap(), per_image, max_age: per_image.mul_f64(ages) }
        }
    }

    proptest! {
        #[test]
        fn nothing_expires_and_a_backlog_keeps_the_pipeline_busy(pipeline in pipelines(), images in 1u64..3_000) {
            let mut twin = Twin::new(pipeline);
            let mut pacer = Pacer::new(pipeline, 0.0, Duration::ZERO);
            let (mut now, mut left) = (Duration::ZERO, images);
            while left > 0 {
                let count = (pacer.room(now) as u64).min(left);
                pacer.sent(now, count as usize);
                (0..count).for_each(|_| twin.event(now));
                left -= count;
                if left > 0 {
                    let next = pacer.opens(now);
                    prop_assert!(next > now || pacer.room(now) > 0);
                    now = next;
                }
            }
            let sent_for = now;
            let least = pipeline.per_image.mul_f64(images as f64 / f64::from(pipeline.concurrency.get()));
            twin.until(Duration::MAX / 2);
            prop_assert_eq!(twin.finished, images);
            prop_assert!(twin.oldest < pipeline.max_age, "waited {:?} of {:?}", twin.oldest, pipeline.max_age);
            // The last image is sent when the pipeline has as much left as may wait: the workers never idled.
            let rest = pipeline.worked_off(least.saturating_sub(sent_for));
            prop_assert!(rest <= f64::from(pipeline.capacity()) * 1.05 + 1.0);
            prop_assert!(sent_for <= least.mul_f64(1.05) + pipeline.per_image);
        }

        #[test]
        fn a_stream_that_never_ends_goes_at_the_rate_of_the_pipeline(pipeline in pipelines()) {
            let mut pacer = Pacer::new(pipeline, f64::from(pipeline.capacity()), Duration::ZERO);
            let mut now = Duration::ZERO;
            for _ in 0..1_000 {
                now = pacer.opens(now);
                prop_assert!(pacer.room(now) >= 1);
                pacer.sent(now, 1);
            }
            let rate = 1_000.0 / now.as_secs_f64();
            let wanted = f64::from(pipeline.concurrency.get()) / pipeline.per_image.as_secs_f64();
            prop_assert!((rate / wanted - 1.0).abs() < 0.05 || now < Duration::from_secs(1), "{} of {}", rate, wanted);
        }

        #[test]
        fn no_order_of_sending_and_giving_back_exceeds_the_capacity(pipeline in pipelines(), steps in proptest::collection::vec((0u64..10_000, 0usize..50, any::<bool>()), 0..200)) {
            let mut pacer = Pacer::new(pipeline, 0.0, Duration::ZERO);
            let mut now = Duration::ZERO;
            for (pause, images, comes) in steps {
                now += Duration::from_millis(pause);
                if comes { pacer.sent(now, images.min(pacer.room(now))) } else { pacer.unsent(now, images) }
                prop_assert!((0.0..=f64::from(pipeline.capacity()) + 1e-3).contains(&pacer.level(now)));
            }
        }
    }

    #[test]
    fn the_pipeline_of_the_field_takes_hours_of_images_at_once_and_then_its_rate() {
        let pipeline = Pipeline {
            concurrency: NonZeroU32::new(10).unwrap(),
            per_image: Duration::from_secs(22),
            max_age: Duration::from_secs(6 * 3600),
        };
        assert_eq!(pipeline.capacity(), 7_844);
        assert_eq!(pipeline.time_for(7_844), Duration::ZERO);
        assert_eq!(pipeline.time_for(7_844 + 100), Duration::from_secs(220));
    }
}
