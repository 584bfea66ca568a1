//! Refusals that hold a whole site, or everything: no bucket, no rights, unknown credentials.
//!
//! While one stands, nothing of what it holds goes up but one image now and then, which asks whether somebody
//! has mended it. The refusals live in the queue, so a restart neither forgets nor repeats them.

use std::collections::HashMap;

use weir_journey::upload::{Schedule, Scope};

use crate::queue::{Hold, SiteId};

/// What stands in the way, by site; `None` holds everything.
#[derive(Debug, Default)]
pub(super) struct Refusals(HashMap<Option<SiteId>, Standing>);

#[derive(Debug, Clone)]
struct Standing {
    hold: Hold,
    asking: bool,
}

/// What a site may send as far as refusals go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Anything.
    Free,
    /// One image, to ask again.
    Ask,
    /// Nothing before this moment, milliseconds since 1970.
    Until(i64),
    /// Nothing until the one that asks has come back.
    Asking,
}

impl Refusals {
    pub(super) fn new(holds: Vec<Hold>) -> Self {
        Self(
            holds
                .into_iter()
                .map(|hold| {
                    (
                        hold.site,
                        Standing {
                            hold,
                            asking: false,
                        },
                    )
                })
                .collect(),
        )
    }

    /// Takes over what the queue says of them: the operator may have had them asked about now.
    pub(super) fn renew(&mut self, holds: Vec<Hold>) {
        let renewed = holds.into_iter().map(|hold| {
            let asking = self
                .0
                .get(&hold.site)
                .is_some_and(|standing| standing.asking);
            (hold.site, Standing { hold, asking })
        });
        self.0 = renewed.collect();
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `site` may send at `now_ms`.
    pub(super) fn leave(&self, site: SiteId, now_ms: i64, longest_ms: i64) -> Leave {
        let mut leave = Leave::Free;
        for standing in [self.0.get(&None), self.0.get(&Some(site))]
            .into_iter()
            .flatten()
        {
            let next = standing.hold.next_probe_ms;
            // A probe further away than any schedule goes was set by a clock that has since stepped back.
            let due = next <= now_ms || next > now_ms.saturating_add(longest_ms);
            match (standing.asking, due) {
                (true, _) => return Leave::Asking,
                (false, true) if leave == Leave::Free => leave = Leave::Ask,
                (false, true) => {}
                (false, false) => {
                    leave = match leave {
                        Leave::Until(other) => Leave::Until(other.max(next)),
                        _ => Leave::Until(next),
                    };
                }
            }
        }
        leave
    }

    /// An image of `site` asks.
    pub(super) fn asking(&mut self, site: SiteId) {
        self.mark(site, true);
    }

    /// The image of `site` that asked came back without an answer to it.
    pub(super) fn unasked(&mut self, site: SiteId) {
        self.mark(site, false);
    }

    fn mark(&mut self, site: SiteId, asking: bool) {
        for key in [None, Some(site)] {
            if let Some(standing) = self.0.get_mut(&key) {
                standing.asking = asking;
            }
        }
    }

    /// The store refused `site` (or everything, by `scope`): the hold to keep, with its next probe drawn by
    /// `chance` (0 to 1).
    pub(super) fn refused(
        &mut self,
        site: SiteId,
        scope: Scope,
        words: (String, String),
        now_ms: i64,
        schedule: &Schedule,
        chance: f64,
    ) -> Hold {
        let key = (scope == Scope::Site).then_some(site);
        self.unasked(site);
        let before = self.0.get(&key).map(|standing| &standing.hold);
        // Images that were under way together are refused together: that is one refusal, not several.
        let probes = before.map_or(1, |hold| {
            if hold.next_probe_ms > now_ms {
                hold.probes
            } else {
                hold.probes.saturating_add(1)
            }
        });
        let since_ms = before.map_or(now_ms, |hold| hold.since_ms);
        let wait = schedule.delay(probes, 0.5 + chance / 2.0).as_millis();
        let hold = Hold {
            site: key,
            reason: words.0,
            fix: words.1,
            since_ms,
            probes,
            next_probe_ms: now_ms.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)),
        };
        self.0.insert(
            key,
            Standing {
                hold: hold.clone(),
                asking: false,
            },
        );
        hold
    }

    /// The store took an image of `site`: what is lifted by that.
    pub(super) fn accepted(&mut self, site: SiteId) -> Vec<Hold> {
        [None, Some(site)]
            .into_iter()
            .filter_map(|key| self.0.remove(&key))
            .map(|standing| standing.hold)
            .collect()
    }

    /// Why nothing of `site` goes up, as a sentence.
    pub(super) fn reason(&self, site: SiteId) -> Option<String> {
        [None, Some(site)]
            .iter()
            .find_map(|key| self.0.get(key))
            .map(|standing| format!("{} ({})", standing.hold.reason, standing.hold.fix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const DAY_MS: i64 = 86_400_000;

    fn schedule() -> Schedule {
        Schedule::new(Duration::from_secs(900), Duration::from_secs(86_400)).unwrap()
    }

    fn words() -> (String, String) {
        ("no such bucket".into(), "create it".into())
    }

    #[test]
    fn a_refused_site_asks_ever_more_rarely_and_never_twice_at_once() {
        let site = SiteId(1);
        let mut refusals = Refusals::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let hold = refusals.refused(site, Scope::Site, words(), now, &schedule(), 1.0);
            waits.push(hold.next_probe_ms - now);
            assert_eq!(
                refusals.leave(site, now, DAY_MS),
                Leave::Until(hold.next_probe_ms)
            );
            now = hold.next_probe_ms;
            assert_eq!(refusals.leave(site, now, DAY_MS), Leave::Ask);
            refusals.asking(site);
            assert_eq!(refusals.leave(site, now, DAY_MS), Leave::Asking);
            assert_eq!(refusals.leave(SiteId(2), now, DAY_MS), Leave::Free);
        }
        assert!(waits.is_sorted());
        assert_eq!((waits[0], *waits.last().unwrap()), (900_000, DAY_MS));
        assert_eq!(refusals.accepted(site).len(), 1);
        assert_eq!(refusals.leave(site, now, DAY_MS), Leave::Free);
    }

    #[test]
    fn a_refused_account_holds_every_site_and_one_success_frees_all() {
        let mut refusals = Refusals::default();
        let hold = refusals.refused(SiteId(1), Scope::Account, words(), 0, &schedule(), 1.0);
        assert_eq!(
            refusals.leave(SiteId(2), 1, DAY_MS),
            Leave::Until(hold.next_probe_ms)
        );
        assert!(refusals.reason(SiteId(2)).is_some());
        refusals.accepted(SiteId(2));
        assert_eq!(refusals.leave(SiteId(1), 1, DAY_MS), Leave::Free);
    }

    #[test]
    fn what_the_operator_has_mended_is_asked_about_at_once_and_by_one_image() {
        let site = SiteId(1);
        let mut refusals = Refusals::default();
        let hold = refusals.refused(site, Scope::Site, words(), 0, &schedule(), 1.0);
        assert_eq!(
            refusals.leave(site, 1, DAY_MS),
            Leave::Until(hold.next_probe_ms)
        );
        refusals.renew(vec![Hold {
            next_probe_ms: 0,
            ..hold.clone()
        }]);
        assert_eq!(refusals.leave(site, 1, DAY_MS), Leave::Ask);
        refusals.asking(site);
        refusals.renew(vec![Hold {
            next_probe_ms: 0,
            ..hold
        }]);
        assert_eq!(refusals.leave(site, 1, DAY_MS), Leave::Asking);
    }

    #[test]
    fn images_refused_together_lengthen_the_wait_once() {
        let mut refusals = Refusals::default();
        let first = refusals.refused(SiteId(1), Scope::Site, words(), 0, &schedule(), 1.0);
        let second = refusals.refused(SiteId(1), Scope::Site, words(), 5, &schedule(), 1.0);
        assert_eq!((first.probes, second.probes), (1, 1));
    }

    #[test]
    fn a_probe_set_by_a_clock_that_stepped_back_is_due() {
        let mut refusals = Refusals::default();
        refusals.refused(
            SiteId(1),
            Scope::Site,
            words(),
            1000 * DAY_MS,
            &schedule(),
            1.0,
        );
        assert_eq!(refusals.leave(SiteId(1), 0, DAY_MS), Leave::Ask);
    }
}
