//! How hot the board is, as the kernel's sensors say.

use std::fs;
use std::path::PathBuf;

/// Where the kernel shows its sensors.
const THERMAL: &str = "/sys/class/thermal";

/// The sensors of a board.
#[derive(Debug, Clone)]
pub(crate) struct Sensors(PathBuf);

impl Default for Sensors {
    fn default() -> Self {
        Self::at(THERMAL)
    }
}

impl Sensors {
    /// Those that a folder shows as `/sys/class/thermal` does.
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// What the hottest one shows, degrees Celsius; `None` when none shows anything. Blocks.
    pub(crate) fn hottest(&self) -> Option<f64> {
        let zones = fs::read_dir(&self.0).ok()?.flatten();
        let zones = zones.filter(|zone| {
            zone.file_name()
                .as_encoded_bytes()
                .starts_with(b"thermal_zone")
        });
        let millidegrees = zones.filter_map(|zone| {
            let text = fs::read_to_string(zone.path().join("temp")).ok()?;
            text.trim().parse::<i32>().ok()
        });
        millidegrees
            .max()
            .map(|hottest| f64::from(hottest) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_counts_and_a_board_without_zones_says_nothing() {
        let room = tempfile::tempdir().unwrap();
        let sensors = Sensors::at(room.path());
        assert_eq!(sensors.hottest(), None);
        for (name, text) in [
            ("thermal_zone0", "41200\n"),
            ("thermal_zone1", "67500\n"),
            ("thermal_zone2", "broken"),
            ("cooling_device0", "99000"),
        ] {
            fs::create_dir(room.path().join(name)).unwrap();
            fs::write(room.path().join(name).join("temp"), text).unwrap();
        }
        assert_eq!(sensors.hottest(), Some(67.5));
    }
}
