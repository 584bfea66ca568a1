//! The verified images of several sites as one list, the oldest capture first, a page at a time.

use std::collections::VecDeque;

use crate::queue::{Behind, ImageId, Local, QueueError, SiteId, View};

/// Rows held at once, of all sites together.
const ROWS: usize = 1_024;

/// Reads on from one site.
struct Cursor {
    site: SiteId,
    behind: Behind,
    page: VecDeque<Local>,
    over: bool,
}

/// The merged list.
pub(super) struct Oldest {
    view: View,
    cursors: Vec<Cursor>,
    page: u32,
}

impl Oldest {
    pub(super) fn new(view: View, sites: impl IntoIterator<Item = SiteId>) -> Self {
        let cursors: Vec<_> = sites
            .into_iter()
            .map(|site| Cursor {
                site,
                behind: (i64::MIN, ImageId(i64::MIN)),
                page: VecDeque::new(),
                over: false,
            })
            .collect();
        let page = (ROWS / cursors.len().max(1)).clamp(4, 128);
        Self {
            view,
            page: u32::try_from(page).unwrap_or(4),
            cursors,
        }
    }

    /// The next `most` images; fewer only when there are no more.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Local>, QueueError> {
        let mut found = Vec::with_capacity(most);
        while found.len() < most {
            self.refill().await?;
            let oldest = self
                .cursors
                .iter_mut()
                .filter(|cursor| !cursor.page.is_empty())
                .min_by_key(|cursor| cursor.page.front().map(|one| (one.captured_ms, one.id)));
            match oldest.and_then(|cursor| cursor.page.pop_front()) {
                Some(local) => found.push(local),
                None => break,
            }
        }
        Ok(found)
    }

    /// Leaves a site out from here on.
    pub(super) fn without(&mut self, left_out: impl Fn(SiteId) -> bool) {
        self.cursors.retain(|cursor| !left_out(cursor.site));
    }

    async fn refill(&mut self) -> Result<(), QueueError> {
        for cursor in &mut self.cursors {
            if cursor.over || !cursor.page.is_empty() {
                continue;
            }
            let page = self
                .view
                .verified_local(cursor.site, cursor.behind, self.page)
                .await?;
            cursor.over = page.len() < self.page as usize;
            if let Some(last) = page.last() {
                cursor.behind = (last.captured_ms, last.id);
            }
            cursor.page = page.into();
        }
        Ok(())
    }
}
