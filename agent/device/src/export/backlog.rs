//! What is owed, of all sites together, in order of capture: a page of each site and state at a time.

use std::collections::VecDeque;

use weir_journey::identity::SiteName;
use weir_journey::queue::State;

use super::ExportError;
use crate::queue::{Dossier, ImageId, OWED, Order, SiteId, View};

/// Rows that are read at once of one site and state.
const PAGE: u32 = 50;

/// A reading of the backlog.
pub(super) struct Backlog {
    view: View,
    order: Order,
    images: u64,
    cursors: Vec<Cursor>,
}

struct Cursor {
    site: SiteId,
    state: State,
    page: VecDeque<Dossier>,
    after: Option<(i64, ImageId)>,
    done: bool,
}

impl Backlog {
    /// What is owed of one site, or of all.
    pub(super) async fn new(
        view: View,
        site: Option<&SiteName>,
        order: Order,
    ) -> Result<Self, ExportError> {
        let sites = view.sites().await?;
        let wanted: Vec<_> = sites
            .into_iter()
            .filter(|(_, name)| site.is_none_or(|site| site.as_str() == name))
            .collect();
        if let (Some(site), []) = (site, wanted.as_slice()) {
            return Err(ExportError::NoSite(site.clone()));
        }
        let stats = view.stats().await?;
        let mut backlog = Self {
            view,
            order,
            images: 0,
            cursors: Vec::new(),
        };
        for (id, name) in wanted {
            let Some(counts) = name
                .parse::<SiteName>()
                .ok()
                .and_then(|name| stats.sites.get(&name))
            else {
                continue;
            };
            for state in OWED {
                let images = counts.states.get(&state).map_or(0, |count| count.images);
                backlog.images += images;
                if images > 0 {
                    backlog.cursors.push(Cursor {
                        site: id,
                        state,
                        page: VecDeque::new(),
                        after: None,
                        done: false,
                    });
                }
            }
        }
        Ok(backlog)
    }

    /// How many images were owed when the reading began.
    pub(super) const fn images(&self) -> u64 {
        self.images
    }

    /// The next image. One that changes its state meanwhile may be met twice or not at all.
    pub(super) async fn next(&mut self) -> Result<Option<Dossier>, ExportError> {
        for cursor in &mut self.cursors {
            if cursor.page.is_empty() && !cursor.done {
                let page = self
                    .view
                    .backlog(cursor.site, cursor.state, self.order, cursor.after, PAGE)
                    .await?;
                cursor.done = page.is_empty();
                cursor.after = page.last().map(mark).or(cursor.after);
                cursor.page = page.into();
            }
        }
        let heads = self
            .cursors
            .iter()
            .enumerate()
            .filter_map(|(number, cursor)| Some((mark(cursor.page.front()?), number)));
        let chosen = match self.order {
            Order::Freshest => heads.max(),
            Order::Oldest | Order::Probe => heads.min(),
        };
        Ok(chosen.and_then(|(_, number)| self.cursors[number].page.pop_front()))
    }
}

fn mark(dossier: &Dossier) -> (i64, ImageId) {
    (dossier.image.captured_ms, dossier.image.id)
}
