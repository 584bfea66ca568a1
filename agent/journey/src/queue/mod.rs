//! The states of an accepted image and the moves between them.
//!
//! The table of the queue holds one of these states a row; every change of a row is one of these moves,
//! so that an image cannot fall between two of them. `docs/queue-states.md` draws the machine, and a test
//! compares the drawing with [`State::after`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an accepted image stands. The integer values are what the database holds: never renumber them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum State {
    /// Ready: it goes up when the gate lets it.
    Queued = 0,
    /// Something passing went wrong: ready again at a moment that the row holds.
    Waiting = 1,
    /// Claimed: from here on the store may hold it, whatever we hear.
    Uploading = 2,
    /// The store has shown that it holds the bytes. The end.
    Verified = 3,
    /// Refused until somebody mends something; asked again, rarely, at a moment that the row holds.
    Parked = 4,
    /// The file went away or was replaced before it was stored; taken up again when its bytes return.
    Missing = 5,
    /// Given up by the operator, and recorded as such.
    Dropped = 6,
}

/// What can happen to an accepted image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// The gate let it through.
    Claim,
    /// The store's answer was compared with ours and equals it.
    Verify,
    /// A passing failure: try again later.
    Delay,
    /// The moment of a delay or of a rare probe has come, or what stood in the way is gone.
    Due,
    /// A refusal that trying again does not mend.
    Park,
    /// The card or folder that it was imported from is away: a person has to bring it back.
    Unplug,
    /// What was found in it says that it is not to go up unless a person says so.
    Withhold,
    /// A receipt shows that another weir has stored these bytes and proved it.
    Receipt,
    /// The bytes that were accepted are no longer at any path we know.
    Lose,
    /// The bytes came back to the camera directory.
    Return,
    /// The claim ended without an attempt: a restart, a drain, a gate that closed.
    Release,
    /// The operator wants it tried now.
    Retry,
    /// The operator gives it up.
    Drop,
}

impl State {
    /// All states, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Waiting,
        Self::Uploading,
        Self::Verified,
        Self::Parked,
        Self::Missing,
        Self::Dropped,
    ];

    /// The state that `step` leads to, or `None` where it makes no sense.
    pub const fn after(self, step: Move) -> Option<Self> {
        match (self, step) {
            (Self::Queued, Move::Claim) => Some(Self::Uploading),
            (Self::Uploading, Move::Verify)
            | (Self::Queued | Self::Waiting | Self::Parked | Self::Missing, Move::Receipt) => {
                Some(Self::Verified)
            }
            (Self::Uploading, Move::Delay) => Some(Self::Waiting),
            (Self::Uploading, Move::Park)
            | (Self::Queued, Move::Unplug)
            | (Self::Queued | Self::Waiting, Move::Withhold) => Some(Self::Parked),
            (Self::Uploading, Move::Lose) => Some(Self::Missing),
            (Self::Uploading, Move::Release)
            | (Self::Waiting | Self::Parked, Move::Due)
            | (Self::Missing | Self::Dropped, Move::Return)
            | (Self::Waiting | Self::Parked | Self::Missing | Self::Dropped, Move::Retry) => {
                Some(Self::Queued)
            }
            (Self::Queued | Self::Waiting | Self::Parked | Self::Missing, Move::Drop) => {
                Some(Self::Dropped)
            }
            _ => None,
        }
    }

    /// The integer that stands for the state in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The state that an integer of the database stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Whether something is still owed: the image is accepted and neither stored nor given up.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Verified | Self::Dropped)
    }
}

impl Move {
    /// All moves.
    pub const ALL: [Self; 13] = [
        Self::Claim,
        Self::Verify,
        Self::Delay,
        Self::Due,
        Self::Park,
        Self::Unplug,
        Self::Withhold,
        Self::Receipt,
        Self::Lose,
        Self::Return,
        Self::Release,
        Self::Retry,
        Self::Drop,
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Uploading => "uploading",
            Self::Verified => "verified",
            Self::Parked => "parked",
            Self::Missing => "missing",
            Self::Dropped => "dropped",
        })
    }
}

/// A text that names no [`State`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no state is called {0:?}: take queued, waiting, uploading, verified, parked, missing or dropped"
)]
pub struct NoSuchState(String);

impl std::str::FromStr for State {
    type Err = NoSuchState;

    fn from_str(text: &str) -> Result<Self, NoSuchState> {
        Self::ALL
            .into_iter()
            .find(|state| state.to_string() == text)
            .ok_or_else(|| NoSuchState(text.to_owned()))
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claim => "claim",
            Self::Verify => "verify",
            Self::Delay => "delay",
            Self::Due => "due",
            Self::Park => "park",
            Self::Unplug => "unplug",
            Self::Withhold => "withhold",
            Self::Receipt => "receipt",
            Self::Lose => "lose",
            Self::Return => "return",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Drop => "drop",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_drawing_in_the_docs_is_the_machine() {
        let drawn: BTreeSet<String> = include_str!("../../../../docs/queue-states.md")
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("-->") && !line.contains("[*]"))
            .map(str::to_owned)
            .collect();
        let coded: BTreeSet<String> = State::ALL
            .into_iter()
            .flat_map(|from| Move::ALL.into_iter().map(move |step| (from, step)))
            .filter_map(|(from, step)| Some(format!("{from} --> {}: {step}", from.after(step)?)))
            .collect();
        assert_eq!(drawn, coded);
    }

    #[test]
    fn codes_and_names_lead_back() {
        for state in State::ALL {
            assert_eq!(State::from_code(state.code()), Some(state));
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert_eq!(State::from_code(7), None);
    }

    #[test]
    fn every_open_image_can_still_be_verified() {
        for start in State::ALL.into_iter().filter(|state| state.is_open()) {
            let mut reached = BTreeSet::from([start]);
            loop {
                let next: BTreeSet<_> = reached
                    .iter()
                    .flat_map(|from| Move::ALL.into_iter().filter_map(|step| from.after(step)))
                    .chain(reached.iter().copied())
                    .collect();
                if next == reached {
                    break;
                }
                reached = next;
            }
            assert!(reached.contains(&State::Verified), "{start} is a dead end");
        }
    }

    #[test]
    fn nothing_leaves_the_verified_state() {
        assert!(
            Move::ALL
                .into_iter()
                .all(|step| State::Verified.after(step).is_none())
        );
    }
}
