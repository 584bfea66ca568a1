//! `[watch]`: how new files are noticed.

use std::time::Duration;

use super::{DAY, seconds};
use crate::config::form::{duration, flag, integer};
use crate::config::reader::Reader;

/// How new files are noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Levels of folders below a site's folder that are watched; 0 when it is not watched recursively.
    pub depth: u32,
    /// Time between two full readings of every folder.
    pub rescan: Duration,
    /// Time between two proofs that events arrive; `None` for no proofs.
    pub canary: Option<Duration>,
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Watch {
    let recursive = reader.get("watch.recursive", flag());
    let max_depth = reader.get("watch.max_depth", integer(1..=64));
    Watch {
        depth: if recursive { max_depth } else { 0 },
        rescan: reader.get("watch.rescan", duration(seconds(1)..=DAY)),
        canary: reader.get("watch.canary", duration(seconds(1)..=DAY).or("off")),
    }
}
