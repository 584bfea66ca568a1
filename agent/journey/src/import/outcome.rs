//! What came of one file of an import.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::queue::State;

/// What came of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Stored and verified by this import.
    Uploaded,
    /// Its bytes were stored and verified before, or lie at another place of the same import.
    Duplicate,
    /// It is no whole image.
    Quarantined,
    /// Accepted, and refused until somebody mends or judges something.
    Parked,
    /// Not stored by this import; the same command again goes on with it.
    Failed,
}

impl Outcome {
    /// All outcomes, in the order in which they are reported.
    pub const ALL: [Self; 5] = [
        Self::Uploaded,
        Self::Duplicate,
        Self::Quarantined,
        Self::Parked,
        Self::Failed,
    ];

    /// Whether nothing is left to be done for the file.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Uploaded | Self::Duplicate)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uploaded => "uploaded",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Parked => "parked",
            Self::Failed => "failed",
        })
    }
}

/// How the image of a file stands in the queue, seen from the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state of its row.
    pub state: State,
    /// It was verified when the import came to the file, or another file with its bytes was there.
    pub before: bool,
    /// Its card or folder is away.
    pub unplugged: bool,
    /// Everything of its site is refused now.
    pub site_refused: bool,
    /// Nobody waits any longer: the import was interrupted, or nothing has moved for too long.
    pub over: bool,
}

/// What came of a file, or `None` while it is still to come.
pub const fn outcome(of: Standing) -> Option<Outcome> {
    match of.state {
        State::Verified if of.before => Some(Outcome::Duplicate),
        State::Verified => Some(Outcome::Uploaded),
        State::Missing | State::Dropped => Some(Outcome::Failed),
        _ if of.unplugged => Some(Outcome::Failed),
        State::Parked => Some(Outcome::Parked),
        State::Queued | State::Waiting if of.site_refused => Some(Outcome::Parked),
        State::Queued | State::Waiting | State::Uploading if of.over => Some(Outcome::Failed),
        State::Queued | State::Waiting | State::Uploading => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn standings()(state in 0..State::ALL.len(), flags: [bool; 4]) -> Standing {
            let [before, unplugged, site_refused, over] = flags;
            Standing { state: State::ALL[state], before, unplugged, site_refused, over }
        }
    }

    proptest! {
        #[test]
        fn done_is_said_of_verified_rows_and_of_all_of_them(of in standings()) {
            let done = outcome(of).is_some_and(Outcome::is_done);
            prop_assert_eq!(done, of.state == State::Verified);
        }

        #[test]
        fn whoever_does_not_wait_gets_an_answer(of in standings()) {
            let answer = outcome(Standing { over: true, ..of });
            prop_assert!(answer.is_some());
            prop_assert!(outcome(of).is_none_or(|now| Some(now) == answer));
        }

        #[test]
        fn what_is_under_way_is_waited_for(of in standings()) {
            let quiet = Standing { unplugged: false, site_refused: false, over: false, ..of };
            let under_way = matches!(of.state, State::Queued | State::Waiting | State::Uploading);
            prop_assert_eq!(outcome(quiet).is_none(), under_way);
        }
    }
}
