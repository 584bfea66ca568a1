//! What the cameras wrote before the agents came: it lies in their folders when the run begins.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::fleet::Fleet;
use super::station::Station;
use crate::camera::Camera;

impl Fleet {
    /// Lays the scenario's backlog into the cameras' folders.
    pub(super) async fn lay_backlog(&self) -> std::io::Result<()> {
        let run = &self.plan.scenario.run;
        if run.backlog.is_zero() {
            return Ok(());
        }
        let since = run.start - TimeDelta::from_std(run.backlog).unwrap_or(TimeDelta::zero());
        for station in &self.stations {
            // Another seed: no picture of the run is one of the backlog's.
            let camera = Camera::new(
                &self.plan.scenario.camera,
                station.number,
                run.sites,
                !run.seed,
                since,
                run.backlog,
            );
            lay(station, camera, since, run.backlog).await?;
        }
        Ok(())
    }
}

async fn lay(
    station: &Station,
    mut camera: Camera,
    since: DateTime<Utc>,
    length: Duration,
) -> std::io::Result<()> {
    while let Some(shot) = camera.next().filter(|shot| shot.at < length) {
        let take = camera.take(&shot);
        let done = since + TimeDelta::from_std(shot.at + take.how.done()).unwrap_or_default();
        // Numbers of the backlog go down from the greatest, those of the run up from 1.
        station.lay(take, u64::MAX - shot.number, done).await?;
    }
    Ok(())
}
