//! One pass over the images: noted, deleted, recorded, a batch at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use weir_journey::queue::State;
use weir_journey::retain::{Candidate, Departure, Entry, Needs, Policy, Thinner, Why, decide};

use super::Means;
use super::erase::{Erased, erase};
use super::oldest::Oldest;
use super::places::Places;
use super::reserve::Reserve;
use super::standing::Standing;
use crate::queue::{Class, Departed, Dossier, ImageId, Local, Place, QueueError, Selector, SiteId};
use crate::snapshot::discard_folder;

/// Images deleted between two commits: what a crash makes the next start look at again.
const BATCH: usize = 64;
/// Rows of a list that are read at a time.
const ROWS: u32 = 500;
/// Images that one reading of what is unverified may give up.
const THINNED: usize = 512;
/// Deletions left over by a crash that one pass looks at.
const BEGUN: u32 = 1_000;

/// What one pass deletes.
pub(super) struct Sweep<'a> {
    means: &'a Means,
    policy: &'a Policy,
    reserve: &'a Reserve,
    places: &'a Places,
    stop: &'a CancellationToken,
    /// Folders in which nothing can be deleted, and the system's words.
    refused: BTreeMap<usize, String>,
    files: u64,
}

/// What became of an image's files.
struct Outcome {
    gone: Vec<PathBuf>,
    refused: Option<(usize, io::Error)>,
    away: bool,
}

impl Outcome {
    /// Nothing was done, and nothing is known.
    const fn away() -> Self {
        Self {
            gone: Vec::new(),
            refused: None,
            away: true,
        }
    }
}

impl<'a> Sweep<'a> {
    pub(super) const fn new(
        means: &'a Means,
        policy: &'a Policy,
        reserve: &'a Reserve,
        places: &'a Places,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            means,
            policy,
            reserve,
            places,
            stop,
            refused: BTreeMap::new(),
            files: 0,
        }
    }

    pub(super) const fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// How many files were deleted so far.
    pub(super) const fn told(&self) -> u64 {
        self.files
    }

    /// Where nothing could be deleted, a sentence each.
    pub(super) fn refusals(&self) -> Vec<String> {
        self.refused.values().cloned().collect()
    }

    /// Whether files of the folder of this number can be deleted, as far as is known, and are on the device.
    fn is_open(&self, number: usize, device: Option<u64>) -> bool {
        self.places.is_on(number, device) && !self.refused.contains_key(&number)
    }

    fn is_usable(&self, path: &Path, device: Option<u64>) -> bool {
        let place = self.places.of(path);
        place.is_some_and(|(number, _)| self.is_open(number, device))
    }

    /// Bytes that images take.
    pub(super) async fn used(&self) -> Result<u64, QueueError> {
        self.means.queue.view().local_bytes().await
    }

    /// Finishes what a crash, or a folder that could not be written, left unfinished.
    pub(super) async fn finish_begun(&mut self) -> Result<(), QueueError> {
        let begun = self.means.queue.view().leaving(BEGUN).await?;
        for batch in begun.chunks(BATCH) {
            let going = batch.iter().map(|(id, why)| (*id, why.clone())).collect();
            self.erase_all(going, &mut Needs::default()).await?;
        }
        Ok(())
    }

    /// How the disks stand, to be told.
    pub(super) fn standing(&self) -> &Standing {
        &self.means.standing
    }

    /// Frees our own copies of images that the store has; whether others are left.
    pub(super) async fn copies(&mut self) -> Result<bool, QueueError> {
        let view = self.means.queue.view();
        let mut left = false;
        let spools: Vec<_> = self
            .places
            .own()
            .map(|folder| folder.path.clone())
            .collect();
        for spool in spools {
            loop {
                let page = view.verified_below(spool.clone(), BATCH as u32).await?;
                let before = self.files;
                self.go(&page, &mut Needs::default()).await?;
                if page.len() < BATCH || self.files == before || self.stop.is_cancelled() {
                    break;
                }
            }
            left |= !view.seen_under(spool, None, 1).await?.is_empty();
        }
        Ok(left)
    }

    /// Deletes what was kept for as long as it should be.
    pub(super) async fn aged(&mut self) -> Result<(), QueueError> {
        let Some(keep) = self.policy.keep else {
            return Ok(());
        };
        let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let until_ms = self.means.time.now_ms().saturating_sub(keep_ms);
        let mut behind = (i64::MIN, ImageId(i64::MIN));
        loop {
            let view = self.means.queue.view();
            let mut page = view.kept_local(until_ms, behind, BATCH as u32).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            behind = (last.verified_ms.unwrap_or(i64::MAX), last.id);
            page.retain(|one| self.is_usable(&one.path, None));
            self.go(&page, &mut Needs::default()).await?;
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Deletes files of verified images, of a device or of all, the oldest capture first, until `needs` are met.
    pub(super) async fn verified(
        &mut self,
        needs: &mut Needs,
        device: Option<u64>,
    ) -> Result<(), QueueError> {
        let sites = self.places.sites(|number| self.is_open(number, device));
        let mut oldest = Oldest::new(self.means.queue.view().clone(), sites);
        while !needs.met() && !self.stop.is_cancelled() {
            let mut page = oldest.next(BATCH).await?;
            if page.is_empty() {
                return Ok(());
            }
            page.retain(|one| self.is_usable(&one.path, device));
            let refused = self.refused.len();
            self.go(&page, needs).await?;
            if self.refused.len() > refused {
                let left = self.places.sites(|number| self.is_open(number, device));
                oldest.without(|site| !left.contains(&site));
            }
        }
        Ok(())
    }

    /// Gives up images that no store has, where the operator allowed it, until `needs` are met.
    pub(super) async fn unverified(
        &mut self,
        needs: &mut Needs,
        device: Option<u64>,
    ) -> Result<(), QueueError> {
        while self.policy.drop_unverified && !needs.met() && !self.stop.is_cancelled() {
            let now_ms = self.means.clock.now_ms();
            let mut thinner = Thinner::new(THINNED, now_ms);
            for site in self.places.sites_of(false) {
                self.read_unverified(&mut thinner, site, device).await?;
            }
            let before = self.files;
            for batch in thinner.finish(&mut needs.clone()).chunks(BATCH) {
                let going = self.give_up(coded(batch), now_ms).await?;
                self.say_dropped(going.len());
                self.erase_all(going, needs).await?;
            }
            if self.files == before {
                break;
            }
        }
        Ok(())
    }

    /// Gives up pictures made of images that no store has, until `needs` are met: they can be made again, so they go
    /// before any image, whatever may become of those. Results are too small to be of help.
    pub(super) async fn pictures(
        &mut self,
        needs: &mut Needs,
        device: Option<u64>,
    ) -> Result<(), QueueError> {
        for site in self.places.sites_of(true) {
            let mut behind = (i64::MIN, ImageId(i64::MIN));
            while !needs.met() && !self.stop.is_cancelled() {
                let view = self.means.queue.view();
                let page = view.unverified_local(site, behind, BATCH as u32).await?;
                let Some(last) = page.last() else {
                    break;
                };
                behind = (last.captured_ms, last.id);
                let may_go = |one: &&Local| {
                    let stays = one.flagged || one.state == State::Uploading;
                    one.is_picture && !stays && self.is_usable(&one.path, device)
                };
                let mut left = *needs;
                let going = page.iter().filter(may_go).map_while(|one| {
                    let why = left.why()?;
                    left.gone(one.size);
                    Some((one.id, why.code()))
                });
                let going: Vec<_> = going.collect();
                let now_ms = self.means.clock.now_ms();
                let going = self.give_up(going, now_ms).await?;
                self.say_pictures(going.len());
                self.erase_all(going, needs).await?;
            }
        }
        Ok(())
    }

    /// Has the queue give up images; gives those that it could.
    async fn give_up(
        &self,
        going: Vec<(ImageId, &'static str)>,
        now_ms: i64,
    ) -> Result<Vec<(ImageId, String)>, QueueError> {
        let queue = &self.means.queue;
        let given_up = match queue.give_up(going.clone(), now_ms).await {
            Err(error) if error.is_full() && self.reserve.give_up() => {
                queue.give_up(going.clone(), now_ms).await?
            }
            other => other?,
        };
        Ok(still(going, &given_up))
    }

    fn say_pictures(&self, pictures: usize) {
        if pictures == 0 {
            return;
        }
        let sentence = format!(
            "{pictures} pictures made of images were given up for want of room before they were sent: \
             the images stay, see `weir queue list --dropped`"
        );
        let now = self.means.clock.monotonic();
        self.means
            .complaints
            .warn("dropped pictures", now, &sentence);
    }

    fn say_dropped(&self, images: usize) {
        let sentence = format!(
            "{images} images that no store has were given up for want of room: see `weir queue list --dropped`"
        );
        let now = self.means.clock.monotonic();
        self.means.complaints.warn("dropped", now, &sentence);
    }

    async fn read_unverified(
        &self,
        thinner: &mut Thinner,
        site: SiteId,
        device: Option<u64>,
    ) -> Result<(), QueueError> {
        let mut behind = (i64::MIN, ImageId(i64::MIN));
        loop {
            let view = self.means.queue.view();
            let page = view.unverified_local(site, behind, ROWS).await?;
            for one in &page {
                let there = self.is_usable(&one.path, device);
                thinner.read(Candidate {
                    id: one.id.0,
                    site: one.site.0,
                    captured_ms: one.captured_ms,
                    bytes: one.size,
                    accepted_ms: one.accepted_ms,
                    stays: one.flagged || one.state == State::Uploading || !there,
                });
            }
            match page.last() {
                Some(last) if page.len() == ROWS as usize => {
                    behind = (last.captured_ms, last.id);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Decides about a page of verified images, and deletes what goes.
    async fn go(&mut self, page: &[Local], needs: &mut Needs) -> Result<(), QueueError> {
        let entry = |one: &Local| Entry {
            id: one.id.0,
            bytes: one.size,
            verified_ms: one.verified_ms.unwrap_or(i64::MAX),
            flagged: one.flagged,
            copy: self
                .places
                .of(&one.path)
                .is_some_and(|(_, folder)| folder.is_own()),
        };
        let entries: Vec<_> = page.iter().map(entry).collect();
        let now_ms = self.means.clock.now_ms();
        let going = coded(&decide(&entries, &mut needs.clone(), self.policy, now_ms));
        if going.is_empty() {
            return Ok(());
        }
        let noted = self.note(&going, now_ms).await?;
        self.erase_all(still(going, &noted), needs).await
    }

    /// Notes that verified images are about to go. Where the disk has no room even for that, they go without
    /// the note: the rows say already that the store has them, and a crash would cost the record alone.
    async fn note(
        &self,
        going: &[(ImageId, &'static str)],
        now_ms: i64,
    ) -> Result<Vec<ImageId>, QueueError> {
        let queue = &self.means.queue;
        match queue.depart(going.to_vec(), now_ms).await {
            Err(error) if error.is_full() => {
                if self.reserve.give_up()
                    && let Ok(noted) = queue.depart(going.to_vec(), now_ms).await
                {
                    return Ok(noted);
                }
                Ok(going.iter().map(|(id, _)| *id).collect())
            }
            other => other,
        }
    }

    /// Deletes all files of images, and has recorded what became of them.
    async fn erase_all(
        &mut self,
        going: Vec<(ImageId, String)>,
        needs: &mut Needs,
    ) -> Result<(), QueueError> {
        let mut records = Vec::with_capacity(going.len());
        for (id, why) in going {
            let view = self.means.queue.view();
            let Some(dossier) = view.show(Selector::Id(id)).await?.into_iter().next() else {
                continue;
            };
            let outcome = if dossier.image.flagged && dossier.image.state == State::Verified {
                // Flagged since it was noted: it stays.
                Outcome::away()
            } else {
                self.erase_one(&dossier).await?
            };
            if let Some(record) = self.judge(&dossier, why, outcome, needs) {
                records.push(record);
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        let now_ms = self.means.clock.now_ms();
        match self.means.queue.departed(records, now_ms).await {
            // What is gone is gone: the next pass finds it so, and records it.
            Err(error) if error.class() == Class::Retry => {
                tracing::debug!(%error, "deletions are recorded later");
                Ok(())
            }
            other => other,
        }
    }

    async fn erase_one(&self, dossier: &Dossier) -> Result<Outcome, QueueError> {
        if self.places.of(&dossier.image.place.path).is_none() {
            // In no folder of the configuration (any more): out of our hands.
            return Ok(Outcome::away());
        }
        let mut places: Vec<(usize, bool, PathBuf, Place)> = Vec::new();
        let own = std::iter::once(&dossier.image.place);
        for place in own.chain(&dossier.elsewhere) {
            if let Some((number, folder)) = self.places.of(&place.path)
                && !folder.is_live(&place.path)
            {
                places.push((number, folder.is_own(), folder.path.clone(), place.clone()));
            }
        }
        let sha256 = dossier.image.sha256;
        let erased = crate::blocking::spawn(move || {
            let mut outcome = Outcome {
                gone: Vec::new(),
                refused: None,
                away: false,
            };
            for (number, own, folder, place) in places {
                match erase(&place, sha256, &folder) {
                    Erased::Gone => {
                        if own {
                            discard_folder(&place.path);
                        }
                        outcome.gone.push(place.path);
                    }
                    Erased::Replaced => {}
                    Erased::Away => outcome.away = true,
                    Erased::Refused(error) => outcome.refused = Some((number, error)),
                }
            }
            outcome
        });
        erased.await.map_err(|_| QueueError::Closed)
    }

    /// What is recorded of an image; `None` leaves the note that it is about to go.
    fn judge(
        &mut self,
        dossier: &Dossier,
        why: String,
        outcome: Outcome,
        needs: &mut Needs,
    ) -> Option<Departed> {
        let image = &dossier.image;
        let stays = outcome.away || outcome.refused.is_some();
        if let Some((number, error)) = outcome.refused {
            let folder = self.places.of(&image.place.path);
            let path = folder.map_or(&image.place.path, |(_, folder)| &folder.path);
            let sentence = format!(
                "files in {} cannot be deleted ({error}): let the agent's user write there",
                path.display()
            );
            self.means
                .complaints
                .warn("deletion", self.means.clock.monotonic(), &sentence);
            self.refused.insert(number, sentence);
        }
        if stays && image.state != State::Verified {
            return None;
        }
        if !stays {
            needs.gone(image.place.identity.size);
            self.files += outcome.gone.len().max(1) as u64;
            let site = image.site_name.as_str();
            if image.state == State::Verified {
                self.means
                    .vitals
                    .removed(site, &why, image.place.identity.size);
            } else {
                self.means.vitals.dropped(site, &why);
            }
        }
        Some(Departed {
            id: image.id,
            gone: outcome.gone,
            why: (!stays).then_some(why),
        })
    }
}

/// Departures as the queue takes them.
fn coded(going: &[Departure]) -> Vec<(ImageId, &'static str)> {
    let code = |one: &Departure| (ImageId(one.id), Why::code(one.why));
    going.iter().map(code).collect()
}

/// Those that the queue agreed to.
fn still(going: Vec<(ImageId, &'static str)>, agreed: &[ImageId]) -> Vec<(ImageId, String)> {
    let agreed: BTreeSet<_> = agreed.iter().collect();
    going
        .into_iter()
        .filter(|(id, _)| agreed.contains(id))
        .map(|(id, why)| (id, why.to_owned()))
        .collect()
}
