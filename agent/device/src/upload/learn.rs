//! What the end of an upload teaches: of the link, of a refusal, of a card that is away.

use std::path::PathBuf;

use super::carry::{self, Away, Carried};
use super::pace::{Change, Lesson};
use super::{AWAY_PAUSE, Due, Uploader};
use crate::queue::{Hold, QueueError, Refused, SiteId};

impl Uploader {
    /// Takes the end of an upload in.
    ///
    /// # Errors
    /// When the queue is damaged.
    pub(super) async fn learn(
        &mut self,
        ended: Result<Carried, tokio::task::JoinError>,
    ) -> Result<(), QueueError> {
        let carried = match ended {
            Ok(carried) => carried,
            Err(error) => {
                // The image is still marked as on its way: the next start looks for it in the store.
                tracing::error!("an upload ended by a fault of this program: {error}");
                self.pace
                    .learn(Lesson::Untried, self.means.clock.monotonic(), 0.0);
                return Ok(());
            }
        };
        if let Some(stay) = carried.stay {
            self.holds.begin(stay);
        }
        if let Some(error) = carried.queue_error {
            self.queue_failed(error)?;
        }
        if carried.lesson != Lesson::Fine {
            self.due = Due::Unknown;
        }
        if carried.paced && !carried.event {
            self.books.give_back(1, &self.means.clock);
        }
        self.learn_of_folders(carried.site, carried.away).await?;
        let chance = fastrand::f64();
        if carried.lesson == Lesson::Fine {
            for hold in self.refusals.accepted(carried.site) {
                let lifted = self.lift(hold).await;
                self.tolerate(lifted)?;
            }
        }
        if let Some(refused) = carried.refused {
            self.learn_of_refusal(carried.site, refused, chance).await?;
        } else if carried.lesson != Lesson::Fine {
            self.refusals.unasked(carried.site);
        }
        self.learn_of_link(carried.lesson, chance);
        Ok(())
    }

    async fn learn_of_folders(&mut self, site: SiteId, away: Away) -> Result<(), QueueError> {
        match away {
            Away::No => Ok(()),
            Away::Camera => {
                let now = self.means.clock.monotonic();
                self.away.insert(site, now + AWAY_PAUSE);
                Ok(())
            }
            Away::Card(folder) => {
                let parked = self.card_is_away(site, folder).await;
                self.tolerate(parked)
            }
        }
    }

    /// A card that images were imported from is away: all of them wait for it, and the site's others go on.
    async fn card_is_away(&self, site: SiteId, folder: PathBuf) -> Result<(), QueueError> {
        let away = carry::unplugged(&folder);
        let sentence = format!("{}; {}", away.failure, away.fix);
        let now = self.means.clock.monotonic();
        self.means.complaints.warn(&away.failure, now, &sentence);
        self.means.queue.unplug_under(site, folder, away).await?;
        Ok(())
    }

    async fn learn_of_refusal(
        &mut self,
        site: SiteId,
        refused: Refused,
        chance: f64,
    ) -> Result<(), QueueError> {
        let hold = self.refusals.refused(
            site,
            refused.scope,
            (refused.failure, refused.fix),
            self.means.clock.now_ms(),
            &self.orders.refusals,
            chance,
        );
        let about = format!("refused {:?}", hold.site);
        let sentence = format!("{}; {}", hold.reason, hold.fix);
        let now = self.means.clock.monotonic();
        self.means.complaints.warn(&about, now, &sentence);
        let held = self.means.queue.hold(hold).await;
        self.tolerate(held)
    }

    async fn lift(&mut self, hold: Hold) -> Result<(), QueueError> {
        self.means.queue.lift(hold.site).await?;
        self.due = Due::Unknown;
        let released = self
            .means
            .queue
            .release_parked(hold.site, hold.scope())
            .await?;
        self.means.complaints.over(
            &format!("refused {:?}", hold.site),
            &format!("what was refused is taken again: {released} images are queued"),
        );
        Ok(())
    }

    fn learn_of_link(&mut self, lesson: Lesson, chance: f64) {
        match self
            .pace
            .learn(lesson, self.means.clock.monotonic(), chance)
        {
            Some(Change::Down) => tracing::warn!(
                "the store does not answer: images wait, one at a time asks whether it is back ({})",
                self.pace.last_failure().unwrap_or("no reason given")
            ),
            Some(Change::Back) => {
                tracing::info!("the store answers again");
                self.means.complaints.over("link", &"the link works again");
            }
            None => {}
        }
    }
}
