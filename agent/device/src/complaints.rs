//! Repeated errors are counted, not repeated: the log of a board with a dead link stays readable and small.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a complaint that was logged is only counted.
const QUIET: Duration = Duration::from_secs(600);

/// More different complaints than this are not told apart: the oldest is forgotten.
const MOST: usize = 256;

/// What was complained about, and how often since it was last said.
#[derive(Debug, Default)]
pub struct Complaints(Mutex<HashMap<String, Complaint>>);

#[derive(Debug, Clone, Copy)]
struct Complaint {
    said: Duration,
    unsaid: u64,
}

impl Complaints {
    /// Whether to log the complaint `about` something at the monotonic moment `now`, and how often it was
    /// swallowed since the last time; `None` = count it only.
    fn hear(&self, about: &str, now: Duration) -> Option<u64> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(complaint) = heard.get_mut(about) {
            if now.saturating_sub(complaint.said) < QUIET {
                complaint.unsaid += 1;
                return None;
            }
            let unsaid = complaint.unsaid;
            *complaint = Complaint {
                said: now,
                unsaid: 0,
            };
            return Some(unsaid);
        }
        if heard.len() >= MOST
            && let Some(oldest) = heard
                .iter()
                .min_by_key(|(_, c)| c.said)
                .map(|(k, _)| k.clone())
        {
            heard.remove(&oldest);
        }
        heard.insert(
            about.to_owned(),
            Complaint {
                said: now,
                unsaid: 0,
            },
        );
        Some(0)
    }

    /// Logs a warning `about` something, or counts it when it was said a short while ago.
    pub fn warn(&self, about: &str, now: Duration, sentence: &dyn std::fmt::Display) {
        match self.hear(about, now) {
            Some(0) => tracing::warn!("{sentence}"),
            Some(unsaid) => {
                tracing::warn!("{sentence} (and {unsaid} more times since this was last said)");
            }
            None => tracing::debug!("{sentence}"),
        }
    }

    /// What was complained `about` is over: logs the sentence if there was a complaint.
    pub fn over(&self, about: &str, sentence: &dyn std::fmt::Display) {
        let ended = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(about);
        match ended {
            Some(Complaint { unsaid: 0, .. }) => tracing::info!("{sentence}"),
            Some(Complaint { unsaid, .. }) => {
                tracing::info!("{sentence} (the complaint came {unsaid} more times)");
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_one_error_is_said_once_a_quiet_time_with_its_count() {
        let complaints = Complaints::default();
        let said: Vec<_> = (0..1800)
            .filter_map(|s| complaints.hear("link", Duration::from_secs(s)))
            .collect();
        assert_eq!(said, [0, 599, 599]);
        assert_eq!(complaints.hear("disk", Duration::ZERO), Some(0));
    }

    #[test]
    fn different_complaints_do_not_fill_the_memory() {
        let complaints = Complaints::default();
        for n in 0..10_000u64 {
            complaints.hear(&n.to_string(), Duration::from_secs(n));
        }
        assert!(complaints.0.lock().unwrap().len() <= MOST);
    }
}
