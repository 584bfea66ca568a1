//! What has to do with room on the disk, put together: the queue on a full one, retention, and the spools.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_journey::settle::Cause;

use super::Agent;
use crate::config::Site;
use crate::queue::{Opened, Queue, QueueError};
use crate::retain::{self, Reserve, Retention};
use crate::snapshot::{self, Spool};
use crate::upload::Destination;
use crate::watch::{Inbox, RootId};
use crate::world::World;

impl Agent {
    pub(super) fn retention(&self) -> Retention {
        let state = &self.config.state.directory;
        let of_site = |(site, settings): (&Destination, &Site)| {
            let folder = |path: PathBuf, kind| retain::Folder {
                path,
                site: site.id,
                name: site.name.to_string(),
                overwritten: settings.overwritten.clone(),
                kind,
            };
            let spool = folder(
                snapshot::spool(state, site.name.as_str()),
                retain::Kind::Spool,
            );
            let cameras = site
                .directories
                .iter()
                .map(|path| folder(path.clone(), retain::Kind::Camera));
            cameras.chain([spool]).collect::<Vec<_>>()
        };
        let products = self.products.iter().map(|(number, of)| retain::Folder {
            path: retain::products(state, self.destinations[*number].name.as_str()),
            site: of.id,
            name: of.name.to_string(),
            overwritten: Vec::new(),
            kind: retain::Kind::Products,
        });
        let sites = self.destinations.iter().zip(&self.config.sites);
        let settings = retain::Settings {
            policy: self.config.retain.policy,
            history: self.config.retain.history,
            folders: sites.flat_map(of_site).chain(products).collect(),
            state: state.clone(),
        };
        let means = retain::Means {
            queue: self.queue.clone(),
            clock: self.world.clock.clone(),
            time: self.store.time().clone(),
            meter: self.world.disks.clone(),
            standing: Arc::clone(&self.disks),
            vitals: Arc::clone(&self.vitals),
            complaints: Arc::clone(&self.complaints),
        };
        Retention::new(means, settings)
    }

    /// The spools in the order of the roots.
    pub(super) fn spools(&self) -> Vec<Spool> {
        let of_site = |site: &Site| {
            let spool = Spool {
                overwritten: site.overwritten.clone(),
                directory: snapshot::spool(&self.config.state.directory, site.name.as_str()),
                overtaken: self.vitals.overtaken(),
            };
            vec![spool; site.directories.len()]
        };
        self.config.sites.iter().flat_map(of_site).collect()
    }
}

/// Opens the queue; where the disk has no room for its log, with the room that was kept back.
///
/// # Errors
/// As [`Queue::open`].
pub(crate) async fn open_queue(state: &Path, world: &World) -> Result<Opened, QueueError> {
    loop {
        match Queue::open(state.to_owned(), world.clock.now()).await {
            Err(error) if error.is_full() && Reserve::of(state).give_up() => {}
            other => return other,
        }
    }
}

/// Has copies settled that an earlier run left behind, a few at a time; then waits for `halt`.
pub(super) async fn hand_in(
    leftovers: Vec<(usize, PathBuf)>,
    inbox: Inbox,
    halt: CancellationToken,
) {
    /// Well below what the inbox holds before it asks for a scan, which would not find them.
    const AT_ONCE: usize = 256;
    for batch in leftovers.chunks(AT_ONCE) {
        while inbox.waiting() > AT_ONCE && !halt.is_cancelled() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for (root, path) in batch {
            inbox.announce(RootId(*root), path, Cause::Found);
        }
    }
    halt.cancelled().await;
}
