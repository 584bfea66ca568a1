//! `[retain]`: which local files are deleted, and when.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use weir_journey::retain::{Level, Policy};

use super::{DAY, bound, seconds};
use crate::config::form::{duration, flag, size, text};
use crate::config::reader::Reader;
use crate::config::units;

/// Which local files are deleted, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retain {
    /// What may be deleted.
    pub policy: Policy,
    /// How long the rows of images are kept whose files are gone; `None` for ever.
    pub history: Option<Duration>,
}

/// `5%`, or a size.
struct OfBytes(Level);

/// `5%`, or a number.
struct OfInodes(Level);

fn percent(text: &str) -> Option<Result<Level, String>> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let percent = number.parse().ok().filter(|percent| *percent <= 50);
    Some(
        percent
            .map(Level::Percent)
            .ok_or_else(|| "is no share from 0% to 50%".to_owned()),
    )
}

impl FromStr for OfBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let level = percent(text).unwrap_or_else(|| {
            let bytes = units::parse_size(text).map_err(|error| error.to_string())?;
            Ok(Level::Count(bytes))
        });
        level.map(Self)
    }
}

impl FromStr for OfInodes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let level = percent(text).unwrap_or_else(|| {
            let count = text.trim().parse();
            count
                .map(Level::Count)
                .map_err(|_| "is neither a share nor a number".to_owned())
        });
        level.map(Self)
    }
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Retain {
    let ages = || duration(seconds(0)..=100 * 365 * DAY).or("unlimited");
    let most = size(1 << 20..=1 << 60).or("unlimited");
    let free = text::<OfBytes>("a share from 0% to 50% or a size, such as \"5%\" or \"2GiB\"");
    let inodes =
        text::<OfInodes>("a share from 0% to 50% or a number, such as \"5%\" or \"10000\"");
    Retain {
        policy: Policy {
            keep: reader.get("retain.keep", ages()),
            max_bytes: bound(reader.get("retain.max_bytes", most)).map(NonZeroU64::get),
            min_free: reader.get("retain.min_free", free).0,
            min_free_inodes: reader.get("retain.min_free_inodes", inodes).0,
            drop_unverified: reader.get("retain.drop_unverified", flag()),
        },
        history: reader.get(
            "retain.history",
            duration(DAY..=100 * 365 * DAY).or("unlimited"),
        ),
    }
}
