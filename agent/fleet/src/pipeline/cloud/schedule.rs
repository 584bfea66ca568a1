//! What is due when: by time; at one moment ends come before tries, so that what ends makes room; then by order of entry.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The execution of the event of this number ends.
    End(u64),
    /// The event of this number tries to begin.
    Try(u64),
}

#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<Entry>>,
    entered: u64,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    number: u64,
    step: Step,
}

impl Schedule {
    pub(super) fn add(&mut self, at: Duration, step: Step) {
        self.entered += 1;
        self.heap.push(Reverse(Entry {
            at,
            number: self.entered,
            step,
        }));
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The next step that is due at `now`.
    pub(super) fn due(&mut self, now: Duration) -> Option<(Duration, Step)> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.step))
    }
}

impl Entry {
    const fn key(&self) -> (Duration, bool, u64) {
        (self.at, matches!(self.step, Step::Try(_)), self.number)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}
