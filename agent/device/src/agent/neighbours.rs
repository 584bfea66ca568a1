//! The picture of each site whose file is the newest: with it a camera that went back in time is noticed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use weir_journey::stamp::{CaptureTime, Neighbour, Source};

use crate::queue::SiteId;

/// The newest picture of each site, as far as it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Neighbours(Mutex<HashMap<SiteId, Option<Neighbour>>>);

impl Neighbours {
    /// That of a site; `None` when it was never asked for.
    pub(crate) fn of(&self, site: SiteId) -> Option<Option<Neighbour>> {
        self.lock().get(&site).copied()
    }

    /// Begins with what the queue knows of a site, unless something newer was noted meanwhile.
    pub(crate) fn begin(&self, site: SiteId, found: Option<Neighbour>) -> Option<Neighbour> {
        *self.lock().entry(site).or_insert(found)
    }

    /// Notes a picture that was stamped, where a camera's clock states its time beyond doubt and its file is newer.
    pub(crate) fn note(&self, site: SiteId, capture: &CaptureTime) {
        let stated = matches!(
            capture.source,
            Source::Exif | Source::Filename | Source::Path
        );
        let mtime = capture
            .candidates
            .iter()
            .find(|c| c.source == Source::Mtime);
        let (Some(at), Some(mtime)) = (capture.at, mtime) else {
            return;
        };
        if !stated || capture.is_doubtful() {
            return;
        }
        let new = Neighbour {
            mtime: mtime.at.to_utc(),
            at: at.to_utc(),
        };
        let mut known = self.lock();
        let newest = known.entry(site).or_default();
        if newest.is_none_or(|newest| newest.mtime <= new.mtime) {
            *newest = Some(new);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SiteId, Option<Neighbour>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
