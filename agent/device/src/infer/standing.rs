//! How the look at images stands, for those who ask.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::queue::SiteId;

/// A site whose images are not looked at for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Troubled {
    /// Why, as a sentence.
    pub(crate) because: String,
    /// When one image is tried, by the board's clock.
    pub(crate) until: DateTime<Utc>,
}

/// How the look at images stands.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    off: BTreeMap<SiteId, Troubled>,
    /// Degrees Celsius, while the board is too hot.
    hot: Option<f64>,
}

impl Standing {
    /// Whether an image of a site that is accepted now will be looked at soon, so that it may wait for that.
    pub(crate) fn looks(&self, site: SiteId) -> bool {
        let state = self.state();
        state.hot.is_none() && !state.off.contains_key(&site)
    }

    /// The sites whose images are not looked at.
    pub(crate) fn off(&self) -> BTreeMap<SiteId, Troubled> {
        self.state().off.clone()
    }

    /// How hot the board is, while it is too hot; degrees Celsius.
    pub(crate) fn hot(&self) -> Option<f64> {
        self.state().hot
    }

    pub(super) fn is_hot(&self, celsius: Option<f64>) {
        self.state().hot = celsius;
    }

    /// Gives whether that is news.
    pub(super) fn is_off(&self, site: SiteId, troubled: Option<Troubled>) -> bool {
        let mut state = self.state();
        let news = match troubled {
            Some(troubled) => state.off.insert(site, troubled).is_none(),
            None => state.off.remove(&site).is_some(),
        };
        drop(state);
        news
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
