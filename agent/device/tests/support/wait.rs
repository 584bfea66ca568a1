//! Waiting for a condition, with a bound; never for a time.

use std::time::{Duration, Instant};

/// Far more than anything here takes on two loaded cores: only a failure waits so long.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `look` finds something.
#[track_caller]
pub(crate) fn find<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    find_within(BOUND, what, look)
}

/// Waits until `look` finds something, for at most `bound`.
#[track_caller]
pub(crate) fn find_within<T>(
    bound: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {} s in vain: {what}",
            bound.as_secs()
        );
        std::thread::sleep(PAUSE);
    }
}

/// Waits until `holds`.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    find(what, || holds().then_some(()));
}

/// Looks for all of `time` that something goes on holding: for what must *not* happen.
#[track_caller]
pub(crate) fn steadily(time: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        assert!(holds(), "{what}");
        std::thread::sleep(PAUSE);
    }
}
