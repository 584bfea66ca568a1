//! What the uploader is given: where images go, what it is told, and what it works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use weir_journey::gate::{Hold, Order, Pipeline, Windows};
use weir_journey::identity::SiteName;
use weir_journey::settle::{Format, Kind};
use weir_journey::stamp::Zone;
use weir_journey::upload::{Naming, Schedule, Template};

use super::carry;
use super::hold::Results;
use crate::clock::Clock;
use crate::complaints::Complaints;
use crate::gate::Gate;
use crate::queue::{Image, Queue, SiteId};
use crate::s3::Store;
use crate::serve::Vitals;

/// What goes up to a destination, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lane {
    /// Images of a camera: the gate lets them into the pipeline behind the bucket.
    Images,
    /// Products of a site's images: bucket and key stand in their rows. No pipeline waits behind their bucket, so
    /// they need no permit and count in no books; the site's window and budget are theirs as well.
    Products {
        /// The site whose images they were made of.
        of: SiteId,
        /// Its name.
        site: SiteName,
    },
}

/// What the uploader knows of a site.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its number in the queue.
    pub id: SiteId,
    /// Its name.
    pub name: SiteName,
    /// The zone of its camera's clock, in which its windows and days are meant.
    pub zone: Zone,
    /// Its bucket.
    pub bucket: String,
    /// The names of its objects.
    pub key: Template,
    /// Its camera's folders.
    pub directories: Vec<PathBuf>,
    /// What goes there.
    pub lane: Lane,
}

impl Destination {
    /// Where the products of a site's images go; `id` and `name` are those of the site that they are images of.
    pub fn of_products(id: SiteId, name: SiteName, of: &Self) -> Self {
        Self {
            id,
            name,
            directories: Vec::new(),
            lane: Lane::Products {
                of: of.id,
                site: of.name.clone(),
            },
            ..of.clone()
        }
    }

    /// Whether products go there.
    pub(super) const fn takes_products(&self) -> bool {
        matches!(self.lane, Lane::Products { .. })
    }

    /// The site on whose budget its bytes are.
    pub(super) const fn account(&self) -> SiteId {
        match self.lane {
            Lane::Images => self.id,
            Lane::Products { of, .. } => of,
        }
    }

    /// The site that its objects are of, as far as others are told.
    pub(super) const fn told_site(&self) -> &SiteName {
        match &self.lane {
            Lane::Images => &self.name,
            Lane::Products { site, .. } => site,
        }
    }

    /// Bucket and key that an image of this site gets, unless that key is taken.
    pub(crate) fn target(&self, image: &Image) -> (String, String) {
        let naming = self.naming(image, carry::name(image));
        let key = if image.dated {
            self.key.render(&naming)
        } else {
            Template::undated().render(&naming)
        };
        (self.bucket.clone(), key)
    }

    /// What templates name an image of this site by, with `name` for its file.
    pub(crate) fn naming<'a>(&'a self, image: &Image, name: &'a [u8]) -> Naming<'a> {
        let format = Format::from_code(image.format);
        Naming {
            site: &self.name,
            // In the zone of the camera, also where the time itself was stated in UTC.
            captured: self.zone.at(carry::captured(image).to_utc()),
            kind: match format.map(Format::kind) {
                Some(Kind::Video) => "video",
                Some(Kind::Image) | None => "image",
            },
            extension: format.map_or("bin", Format::extension),
            name,
            sha256: image.sha256,
        }
    }
}

/// What the uploader is told.
#[derive(Debug, Clone)]
pub struct Orders {
    /// Which of a site's images goes first.
    pub order: Order,
    /// Images on their way at once, at most.
    pub most: usize,
    /// When images may go up, in the site's time.
    pub windows: Windows,
    /// Bytes a day and site, at most; `None` = no bound.
    pub daily_budget: Option<u64>,
    /// What the pipeline behind the store can carry; `None` for no pacing.
    pub pipeline: Option<Pipeline>,
    /// How long an image that was stored keeps its site in the pipeline.
    pub hold: Hold,
    /// Where its result will be.
    pub results: Results,
    /// Link failures in a row that open the breaker.
    pub tolerance: u32,
    /// Waits between the breaker's probes.
    pub probes: Schedule,
    /// Waits after passing failures of one image.
    pub retries: Schedule,
    /// Waits between the probes of a refusal.
    pub refusals: Schedule,
    /// The longest that an image waits to be looked at.
    pub look: Duration,
}

/// What the uploader shows of itself.
#[derive(Debug, Default, Clone)]
pub struct Progress {
    /// Images on their way.
    pub in_flight: usize,
    /// How many may be on their way at once.
    pub width: usize,
    /// Since when the link is down, on the monotonic clock.
    pub down_since: Option<Duration>,
    /// What the link or the store last failed with.
    pub last_failure: Option<String>,
    /// The pipeline has all that it may have, and for how long yet.
    pub paced: Option<Duration>,
    /// Why nothing of a site goes up now.
    pub held: Vec<(SiteName, String)>,
}

/// Has the settle step look at a file again.
#[derive(Clone)]
pub struct LookAgain(pub Arc<dyn Fn(&Path) + Send + Sync>);

impl std::fmt::Debug for LookAgain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LookAgain")
    }
}

/// Everything the uploader works with.
#[derive(Debug, Clone)]
pub struct Means {
    /// The queue.
    pub queue: Queue,
    /// The store.
    pub store: Arc<Store>,
    /// Who may go up.
    pub gate: Arc<dyn Gate>,
    /// The time.
    pub clock: Clock,
    /// The counters.
    pub vitals: Arc<Vitals>,
    /// Repeated errors.
    pub complaints: Arc<Complaints>,
    /// Told when something was accepted or changed in the queue.
    pub wake: Arc<Notify>,
    /// Told of files that are not what was accepted: the settle step looks at them again.
    pub look_again: LookAgain,
}
