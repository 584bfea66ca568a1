//! Inotify for a whole fleet in one process: the kernel gives a user a hundred or so instances, and one serves any
//! number of folders. What it sees is handed to the agent of the site.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir::watch::{self, Eyes, Inbox, Root, RootId, Settings};

use super::fleet::Fleet;
use crate::report::ClockKind;

/// As the agents' own setting.
const DEPTH: usize = 16;
const RESCAN: Duration = Duration::from_secs(15 * 60);
/// Files handed on at a time.
const BATCH: usize = 256;

impl Fleet {
    /// In real time: watches the folders of all cameras.
    pub(super) fn begin_eyes(&self, acting: &mut JoinSet<()>, stop: &CancellationToken) {
        if self.plan.time() != ClockKind::Real {
            return;
        }
        let mut roots = Vec::new();
        for number in self.plan.numbers() {
            roots.push(Root {
                id: RootId(roots.len()),
                directory: self
                    .plan
                    .work
                    .join(crate::site::home::name(number))
                    .join("camera"),
                max_depth: DEPTH,
            });
        }
        let settings = Settings {
            rescan: RESCAN,
            canary: None,
            grace: Settings::GRACE,
            state: self.plan.work.join("eyes"),
        };
        let (inbox, stop) = (Inbox::new(), stop.clone());
        let watching = inbox.clone();
        acting.spawn(async move {
            watch::run(Eyes::Inotify, roots, settings, watching, |_| (), stop).await;
        });
        let stations = self.stations.clone();
        acting.spawn(async move {
            loop {
                for seen in inbox.next(BATCH, BATCH).await {
                    if let Some(station) = stations.get(seen.root.0) {
                        station.announce(&seen.path, seen.cause).await;
                    }
                }
            }
        });
    }
}
