//! Whether an image that is accepted is to be looked at, and whether it waits for that.

use std::sync::Arc;
use std::time::Duration;

use weir_journey::settle::{Format, Kind};

use super::Standing;
use crate::config::Site;
use crate::queue::{InferWish, SiteId};

/// What a site wants of the images that it accepts.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// For how long an image waits for its look, while there are looks.
    waits: Option<(Duration, Arc<Standing>)>,
}

impl Wish {
    /// The wish of a site whose images a running agent looks at, `None` where it does not.
    pub(crate) fn of(site: &Site, wait: Duration, standing: &Arc<Standing>) -> Option<Self> {
        let rules = &site.look.as_ref()?.rules;
        Some(Self {
            waits: (!rules.is_empty()).then(|| (wait, Arc::clone(standing))),
        })
    }

    /// The wish for images that are uploaded by hand: the agent looks at them some time, and they do not wait for it.
    pub(crate) fn by_hand(site: &Site) -> Option<Self> {
        site.look.as_ref().map(|_| Self { waits: None })
    }

    /// What the queue is told of an image of a site.
    pub(crate) fn image(&self, site: SiteId, format: Format, accepted_ms: i64) -> InferWish {
        if format.kind() == Kind::Video {
            return InferWish::None;
        }
        let waits = self
            .waits
            .as_ref()
            .filter(|(_, standing)| standing.looks(site));
        let until = |(wait, _): &(Duration, _)| {
            accepted_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
        };
        InferWish::Due {
            hold_until_ms: waits.map(until),
        }
    }
}
