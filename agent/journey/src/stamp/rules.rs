//! What the operator says of a site's camera.

use chrono::NaiveDate;

use super::camera_clock::CameraClock;
use super::pattern::Pattern;
use super::zone::Zone;

/// What the operator says of a site's camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The zone that its clock is set to; where it is not known, UTC is taken and a warning says so.
    pub zone: Option<Zone>,
    /// How its files are named; these win over everything else.
    pub patterns: Vec<Pattern>,
    /// How far its clock was off, and since when.
    pub camera_clock: CameraClock,
    /// The day on which the site was set up, in the camera's zone.
    pub since: Option<NaiveDate>,
}

impl Rules {
    /// The zone of local times.
    pub fn zone(&self) -> Zone {
        self.zone.unwrap_or(Zone::UTC)
    }
}
