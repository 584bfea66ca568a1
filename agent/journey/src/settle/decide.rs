//! When a file is read, and what follows from the reading.
//!
//! A file whose writer is done, by an event, is read at once. Any other is read when it has been quiet. Quiet
//! is proved in one of two ways:
//! - by its stamps: the later of modification and status change lies far enough back. The modification time
//!   alone proves nothing, since copying tools set it to the original's. The stamps are believed only while
//!   the wall clock has not been set for as long as the quiet must last: then a write before the step is old
//!   enough by itself, and a write after it is stamped by the same clock that is asked now;
//! - by observation: `stat` has not changed between two looks far enough apart on the monotonic clock. This
//!   serves when the stamps lie in the future, or the clock was set.
//!
//! Writes that were heard of count as changes even when `stat` shows none, as on file systems with stamps of
//! two seconds. Being quiet is no proof of being done, a writer may pause: so only what is structurally whole
//! is taken, and only when `stat` before and after the reading agree. Whatever is not whole keeps its
//! chance until it has not changed for [`Patience::give_up`].

use std::time::Duration;

use super::format::Format;
use super::reason::Reason;
use super::structure::{Inspection, Structure};

/// A file's content as `stat` tells one from another. Times are nanoseconds since 1970 of the wall clock
/// that wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Observation {
    /// Bytes.
    pub size: u64,
    /// Last modification, which tools may set.
    pub mtime_ns: i128,
    /// Last change of content or status, which only the kernel sets.
    pub ctime_ns: i128,
    /// Inode number.
    pub inode: u64,
    /// Device number.
    pub device: u64,
}

/// How an observation came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The writer closed the file, or it was renamed to its name: nobody is expected to write more.
    Closed,
    /// Someone looked, without having heard of the file.
    Found,
    /// It was created or written to and is still open, as far as is known.
    Touched,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Without change for so long, a file that nobody was heard to close is read.
    pub quiet: Duration,
    /// Without change for so long, a file that is not whole is set aside.
    pub give_up: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(2),
            give_up: Duration::from_secs(60),
        }
    }
}

/// The moment of a decision on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, nanoseconds since 1970.
    pub wall_ns: i128,
    /// A clock that is never set, from any origin.
    pub monotonic: Duration,
    /// How long ago the wall clock was last seen to be set; `None` when it never was.
    pub since_step: Option<Duration>,
}

/// What to do with a file now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Read it, and report with [`Settling::inspected`] or [`Settling::unreadable`].
    Inspect,
    /// Look at it again after so long (never zero), or when an event comes.
    Wait(Duration),
}

/// What follows from a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Take it: all of it was there and nobody wrote meanwhile.
    Take(Format),
    /// Look at it again after so long (never zero), or when an event comes.
    Wait(Duration),
    /// Set it aside.
    Quarantine(Reason),
}

/// One file on its way to being taken or set aside.
#[derive(Debug, Clone)]
pub struct Settling {
    seen: Observation,
    /// Monotonic time of the last change of `seen`, or of the last write heard of.
    since: Duration,
    /// Whether a write was heard of: from then on, stamps prove nothing that hearing did not.
    heard: bool,
    /// Whether its writer closed it after the last change.
    closed: bool,
    /// Whether it has been read since the last change and was not to be taken.
    wanting: bool,
}

impl Settling {
    /// A file at its first observation.
    pub fn new(seen: Observation, cause: Cause, now: Now) -> Self {
        Self {
            seen,
            since: now.monotonic,
            heard: cause == Cause::Touched,
            closed: cause == Cause::Closed,
            wanting: false,
        }
    }

    /// Takes note of a further observation.
    pub fn observe(&mut self, seen: Observation, cause: Cause, now: Now) {
        let changed = seen != self.seen;
        if changed || cause == Cause::Touched {
            self.since = now.monotonic;
            self.closed = false;
            self.wanting = false;
        }
        if cause == Cause::Closed {
            self.closed = true;
            self.wanting = false;
        }
        self.heard |= cause == Cause::Touched;
        self.seen = seen;
    }

    /// What to do now.
    pub fn verdict(&self, now: Now, patience: &Patience) -> Verdict {
        if self.closed {
            return Verdict::Inspect;
        }
        let enough = if self.wanting {
            patience.give_up
        } else {
            patience.quiet
        };
        match self.lacking(enough, now) {
            None => Verdict::Inspect,
            Some(wait) => Verdict::Wait(wait),
        }
    }

    /// What follows from a reading between two observations.
    pub fn inspected(
        &mut self,
        before: Observation,
        inspection: &Inspection,
        after: Observation,
        now: Now,
        patience: &Patience,
    ) -> Outcome {
        match inspection.structure {
            Structure::Whole(format) if before == after && inspection.len == after.size => {
                Outcome::Take(format)
            }
            ref structure => {
                let reason = Reason::against(structure).filter(|_| before == after);
                self.not_taken(after, reason, now, patience)
            }
        }
    }

    /// What follows from a reading that failed with the system's words `error`.
    pub fn unreadable(
        &mut self,
        seen: Observation,
        error: String,
        now: Now,
        patience: &Patience,
    ) -> Outcome {
        self.not_taken(seen, Some(Reason::Unreadable { error }), now, patience)
    }

    /// Waits on, or sets the file aside when it has a `reason` and its time is up. Without one it changed
    /// while it was read.
    fn not_taken(
        &mut self,
        seen: Observation,
        reason: Option<Reason>,
        now: Now,
        patience: &Patience,
    ) -> Outcome {
        self.observe(
            seen,
            if reason.is_some() {
                Cause::Found
            } else {
                Cause::Touched
            },
            now,
        );
        self.closed = false;
        let Some(reason) = reason else {
            return Outcome::Wait(self.lacking(patience.quiet, now).unwrap_or(patience.quiet));
        };
        self.wanting = true;
        match self.lacking(patience.give_up, now) {
            None => Outcome::Quarantine(reason),
            Some(wait) => Outcome::Wait(wait),
        }
    }

    /// How much is lacking to having been quiet for `enough`, or `None` when it is proved.
    fn lacking(&self, enough: Duration, now: Now) -> Option<Duration> {
        let observed = now.monotonic.saturating_sub(self.since);
        let quiet = if self.heard {
            observed
        } else {
            observed.max(self.stamped(enough, now))
        };
        enough
            .checked_sub(quiet)
            .filter(|lacking| !lacking.is_zero())
    }

    /// How long the file has been quiet by its stamps; zero when they cannot be believed.
    fn stamped(&self, enough: Duration, now: Now) -> Duration {
        if now.since_step.is_some_and(|since| since < enough) {
            return Duration::ZERO;
        }
        let age = now.wall_ns - self.seen.mtime_ns.max(self.seen.ctime_ns);
        u64::try_from(age).map_or(
            if age > 0 {
                Duration::MAX
            } else {
                Duration::ZERO
            },
            Duration::from_nanos,
        )
    }
}
