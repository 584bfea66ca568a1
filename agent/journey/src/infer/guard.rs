//! Work that fails again and again is switched off for a while.
//!
//! A model that cannot be loaded, or that takes the device's memory each time, would otherwise fail for every image,
//! at its full cost. Only the work stops: the images go their way without it.

use std::time::Duration;

use super::job::Trouble;

/// So many failures in a row switch the work off.
const FAILURES: u32 = 5;
/// For so long at first; twice as long after each try that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(3600);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// How a look at an image ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a report.
    Done,
    /// With a failure that was told.
    Failed(Trouble),
    /// The worker died: a signal, a panic, the deadline.
    Died,
}

impl Outcome {
    /// Whether another image would probably fare so. A picture that cannot be decoded says nothing about the model.
    const fn counts(self) -> bool {
        match self {
            Self::Done | Self::Failed(Trouble::Picture) => false,
            Self::Failed(Trouble::Model | Trouble::Device) | Self::Died => true,
        }
    }
}

/// Whether images are looked at. Looks are made one at a time, and times are those of a clock that never goes back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    failures: u32,
    off: Option<Off>,
}

/// Switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    /// From when on one image is tried.
    pub until: Duration,
    /// How long it was switched off for.
    pub pause: Duration,
    /// Why, as a sentence.
    pub because: String,
}

impl Guard {
    /// Whether an image may be looked at now. After a pause that is one try: what comes of it decides about the next.
    pub fn allows(&self, now: Duration) -> bool {
        self.off.as_ref().is_none_or(|off| now >= off.until)
    }

    /// Why and until when the work is switched off; still told while the try after the pause is under way.
    pub const fn off(&self) -> Option<&Off> {
        self.off.as_ref()
    }

    /// Takes note of how a look ended; `sentence` says what failed, without a full stop.
    pub fn ended(&mut self, now: Duration, outcome: Outcome, sentence: &str) {
        if outcome == Outcome::Done {
            *self = Self::default();
            return;
        }
        // A look that began before the work was switched off tells nothing new.
        if !outcome.counts() || !self.allows(now) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = match &self.off {
            Some(off) => off.pause.saturating_mul(2).min(LONGEST_PAUSE),
            None if self.failures >= FAILURES => FIRST_PAUSE,
            None => return,
        };
        self.off = Some(Off {
            until: now.saturating_add(pause),
            pause,
            because: format!(
                "{} looks in a row failed, the last one because {sentence}",
                self.failures
            ),
        });
    }
}

#[cfg(test)]
mod tests;
