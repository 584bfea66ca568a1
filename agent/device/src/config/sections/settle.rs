//! `[settle]`: when a file counts as whole.

use std::time::Duration;

use super::{DAY, seconds};
use crate::config::form::duration;
use crate::config::reader::Reader;

/// When a file counts as whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// How long size and time of change must stand still.
    pub quiet: Duration,
    /// How long a still file may stay incomplete before it is set aside; longer than `quiet`.
    pub give_up: Duration,
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Settle {
    const QUIET: &str = "settle.quiet";
    const GIVE_UP: &str = "settle.give_up";
    let quiet = reader.get(QUIET, duration(Duration::from_millis(50)..=seconds(3600)));
    let give_up = reader.get(GIVE_UP, duration(seconds(1)..=DAY));
    if give_up <= quiet {
        reader.blame(
            &[GIVE_UP, QUIET],
            format!("{GIVE_UP} is not longer than {QUIET}"),
            None,
        );
    }
    Settle { quiet, give_up }
}
