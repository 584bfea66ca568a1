//! The instances of one function: which are busy, and which are still warm.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Function {
    executions: u32,
    /// Since when each instance without work has had none; rising.
    idle: Vec<Duration>,
}

impl Function {
    pub(super) const fn executions(&self) -> u32 {
        self.executions
    }

    /// Begins an execution on the instance used last, if that is still there; says whether a new one was needed.
    pub(super) fn begin(&mut self, now: Duration, keep_warm: Duration) -> bool {
        self.executions += 1;
        let last = self.idle.pop();
        let warm = last.is_some_and(|since| now.saturating_sub(since) <= keep_warm);
        if !warm {
            // The others have been idle for longer.
            self.idle.clear();
        }
        !warm
    }

    /// Ends an execution; its instance is kept if it is `intact`.
    pub(super) fn end(&mut self, now: Duration, intact: bool) {
        self.executions -= 1;
        if intact {
            self.idle.push(now);
        }
    }
}
