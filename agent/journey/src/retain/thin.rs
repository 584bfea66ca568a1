//! Thinning: which unverified images are given up so that the rest stays even in time.
//!
//! Given up first is the image whose neighbours in time lie closest together: its removal leaves the smallest
//! gap. A series of `n` images in a span `s` that is thinned to `m` so has no gap longer than the longest
//! that was there before or about `2 s / (m - 1)`, twice the ideal. (The gaps of neighbouring pairs add up to at
//! most `2 s`, so the smallest of `k - 1` pairs is at most `2 s / (k - 1)`, and what is removed leaves just that
//! gap.) Of each site the first and the last image stay.
//!
//! The list is read once, in order, and only the best few candidates are kept: memory does not grow with it. No
//! two neighbours go in one reading, and no more than one image in [`PART`], for each removal changes what its
//! neighbours' would leave: within one reading the bound is 2.2 instead of 2.

use std::collections::BinaryHeap;

use super::{Departure, GRACE, Needs};

/// Of a reading, at most one image in so many goes.
const PART: usize = 32;

/// An image that no store has yet, and whose file is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub id: i64,
    /// Which site's it is.
    pub site: i64,
    /// Its capture time, milliseconds since 1970.
    pub captured_ms: i64,
    /// Bytes of its file.
    pub bytes: u64,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_ms: i64,
    /// It may not go: it is flagged, on its way, or on another disk. As a neighbour it counts.
    pub stays: bool,
}

/// What the removal of an image would leave: the smallest gap is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Loss {
    gap_ms: i64,
    /// The place in the order of reading: neighbours have neighbouring ones.
    place: usize,
    id: i64,
    bytes: u64,
}

/// Reads candidates and keeps those whose loss is least.
#[derive(Debug)]
pub struct Thinner {
    most: usize,
    now_ms: i64,
    /// The worst of the kept on top.
    best: BinaryHeap<Loss>,
    before: Option<Candidate>,
    last: Option<Candidate>,
    read: usize,
}

impl Thinner {
    /// A reading that may give up at most `most` images, at `now_ms` (milliseconds since 1970).
    pub const fn new(most: usize, now_ms: i64) -> Self {
        Self {
            most,
            now_ms,
            best: BinaryHeap::new(),
            before: None,
            last: None,
            read: 0,
        }
    }

    /// Reads the next candidate. They come site by site, and of each in order of capture.
    pub fn read(&mut self, next: Candidate) {
        if let (Some(before), Some(middle)) = (self.before, self.last)
            && before.site == middle.site
            && middle.site == next.site
            && self.may_go(&middle)
        {
            self.keep(Loss {
                gap_ms: next.captured_ms.saturating_sub(before.captured_ms),
                place: self.read,
                id: middle.id,
                bytes: middle.bytes,
            });
        }
        self.read += 1;
        self.before = self.last.replace(next);
    }

    fn may_go(&self, candidate: &Candidate) -> bool {
        let age_ms = self.now_ms.saturating_sub(candidate.accepted_ms);
        let fresh = u128::try_from(age_ms).is_ok_and(|age_ms| age_ms < GRACE.as_millis());
        !candidate.stays && !fresh
    }

    fn keep(&mut self, loss: Loss) {
        // Neighbours of one that goes stay, so three times as many must be known.
        if self.best.len() < self.most.saturating_mul(3) {
            self.best.push(loss);
        } else if let Some(mut worst) = self.best.peek_mut()
            && loss < *worst
        {
            *worst = loss;
        }
    }

    /// Those that go, the least loss first, until `needs` are met or the reading has given what it may. Another
    /// reading can give more.
    pub fn finish(self, needs: &mut Needs) -> Vec<Departure> {
        let most = self.most.min((self.read / PART).max(1));
        let mut taken = std::collections::BTreeSet::new();
        let mut going = Vec::new();
        for loss in self.best.into_sorted_vec() {
            let Some(why) = needs.why() else { break };
            if going.len() >= most {
                break;
            }
            let beside =
                taken.contains(&(loss.place + 1)) || taken.contains(&loss.place.wrapping_sub(1));
            if !beside {
                taken.insert(loss.place);
                needs.gone(loss.bytes);
                going.push(Departure { id: loss.id, why });
            }
        }
        going
    }
}
