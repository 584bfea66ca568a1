//! Which verified images' files go.

use super::{GRACE, Needs, Policy, Why};

/// A verified image whose file is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// Bytes of its file.
    pub bytes: u64,
    /// When it was verified, milliseconds since 1970.
    pub verified_ms: i64,
    /// It stays, whatever the disk says.
    pub flagged: bool,
    /// It is a copy that the agent made: it has no other use than to be uploaded.
    pub copy: bool,
}

/// A file that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// Its image.
    pub id: i64,
    /// Why it goes.
    pub why: Why,
}

/// Which of a page of verified images go, given the oldest capture first; what they free is taken off `needs`.
/// `now_ms` is milliseconds since 1970 of the clock that wrote `verified_ms`.
pub fn decide(
    entries: &[Entry],
    needs: &mut Needs,
    policy: &Policy,
    now_ms: i64,
) -> Vec<Departure> {
    let mut going = Vec::new();
    for entry in entries {
        if let Some(why) = verdict(entry, needs, policy, now_ms) {
            needs.gone(entry.bytes);
            going.push(Departure { id: entry.id, why });
        }
    }
    going
}

fn verdict(entry: &Entry, needs: &Needs, policy: &Policy, now_ms: i64) -> Option<Why> {
    if entry.flagged {
        return None;
    }
    if entry.copy {
        return Some(Why::Copy);
    }
    let age_ms = now_ms.saturating_sub(entry.verified_ms);
    let reached = |span: std::time::Duration| {
        i64::try_from(span.as_millis()).is_ok_and(|span_ms| age_ms >= span_ms)
    };
    if policy.keep.is_some_and(reached) {
        return Some(Why::Age);
    }
    // A clock that was set back makes everything look young: then nothing is certain but what the disk says.
    if age_ms >= 0 && !reached(GRACE) {
        return None;
    }
    needs.why()
}
