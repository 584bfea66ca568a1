//! What holds at each moment, of things that begin and end: they compose here.

use std::time::Duration;

/// Something that holds from one moment until another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Strike<T> {
    pub(super) from: Duration,
    /// When it is over; `None` where it stays.
    pub(super) to: Option<Duration>,
    pub(super) what: T,
}

impl<T> Strike<T> {
    /// Whether there is a moment at which it holds.
    pub(super) fn lasts(&self) -> bool {
        self.to.is_none_or(|to| self.from < to)
    }

    pub(super) fn holds_at(&self, at: Duration) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// The moments at which `state`, a function of all that holds (in the order of `strikes`), changes, each with the new
/// state. Before the first it is `state(&[])`.
pub(super) fn sweep<'s, T, S: PartialEq + Clone>(
    strikes: &'s [Strike<T>],
    state: impl Fn(&[&'s T]) -> S,
) -> Vec<(Duration, S)> {
    // Begins and ends by time; ends come first, so that what follows at once on another of its kind is no change.
    let mut edges: Vec<(Duration, bool, usize)> = Vec::with_capacity(2 * strikes.len());
    for (i, strike) in strikes.iter().enumerate() {
        if strike.lasts() {
            edges.push((strike.from, true, i));
            edges.extend(strike.to.map(|to| (to, false, i)));
        }
    }
    edges.sort_unstable();
    let mut holds: Vec<usize> = Vec::new();
    let mut last = state(&[]);
    let mut changes = Vec::new();
    for together in edges.chunk_by(|a, b| a.0 == b.0) {
        for &(_, begins, i) in together {
            let place = holds.binary_search(&i);
            match (begins, place) {
                (true, Err(place)) => holds.insert(place, i),
                (false, Ok(place)) => {
                    holds.remove(place);
                }
                _ => {}
            }
        }
        let active: Vec<&T> = holds.iter().map(|&i| &strikes[i].what).collect();
        let now = state(&active);
        if now != last {
            changes.push((together[0].0, now.clone()));
            last = now;
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn strikes() -> impl Strategy<Value = Vec<Strike<u8>>> {
        let one = (0_u64..40, prop::option::weighted(0.9, 0_u64..12), 0_u8..6);
        let one = one.prop_map(|(from, length, what)| Strike {
            from: Duration::from_secs(from),
            to: length.map(|length| Duration::from_secs(from + length)),
            what,
        });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        /// The definition: at each moment, what holds.
        #[test]
        fn at_each_moment_the_state_is_that_of_what_holds(strikes in strikes()) {
            let state = |active: &[&u8]| active.iter().map(|what| **what).max();
            let changes = sweep(&strikes, state);
            prop_assert!(changes.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1));
            for second in 0..60 {
                let at = Duration::from_secs(second);
                let model = strikes.iter().filter(|strike| strike.holds_at(at)).map(|strike| strike.what).max();
                let said = changes.iter().rev().find(|(when, _)| *when <= at).and_then(|(_, state)| *state);
                prop_assert_eq!(said, model, "at {} s", second);
            }
        }
    }
}
