//! What came of each file: told in the order of the walk as soon as it is certain, with the receipt and the deletion that
//! follow from it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use weir_journey::import::{Outcome, Standing, outcome};
use weir_journey::queue::State;

use super::ImportError;
use super::remove::{Removal, remove};
use super::run::Audience;
use super::sources::Source;
use super::spool::{Made, Record, Spool};
use crate::clock::Clock;
use crate::config::Site;
use crate::exchange::{ExchangeError, ReceiptLine, ReceiptWriter};
use crate::queue::{FileIdentity, Hold, Image, Queue};
use crate::upload::captured;

/// What came of a file.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The file.
    pub path: PathBuf,
    /// Its site.
    pub site: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Its image, where there is one.
    pub image: Option<Image>,
    /// Why it is not stored, or not deleted although that was asked for.
    pub error: Option<String>,
    /// It was deleted.
    pub deleted: bool,
}

/// What came of all.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Files by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Bytes of the files that were uploaded.
    pub uploaded_bytes: u64,
    /// Files that are no pictures and were passed over.
    pub ignored: u64,
    /// Files that were seen and not come to: a card that was pulled, an interruption.
    pub not_reached: u64,
    /// Files deleted.
    pub deleted: u64,
    /// Files that were to be deleted and were not.
    pub not_deleted: u64,
    /// Images named in the receipt.
    pub receipt: Option<u64>,
    /// It was interrupted.
    pub interrupted: bool,
    /// Why it ended early, or what is wrong with all of it.
    pub trouble: Option<String>,
}

impl Summary {
    /// Whether all is done that was asked for.
    pub fn is_complete(&self) -> bool {
        let all_done = self
            .outcomes
            .iter()
            .all(|(outcome, count)| outcome.is_done() || *count == 0);
        all_done
            && self.not_reached == 0
            && self.not_deleted == 0
            && !self.interrupted
            && self.trouble.is_none()
    }
}

/// Follows the records to their ends.
pub(super) struct Ending {
    pub(super) spool: Arc<Spool>,
    pub(super) queue: Queue,
    pub(super) clock: Clock,
    pub(super) sources: Arc<[Source]>,
    pub(super) sites: Vec<Site>,
    pub(super) delete: bool,
    pub(super) receipt: Option<ReceiptWriter>,
    pub(super) summary: Summary,
    /// Where the next record begins.
    at: u64,
}

impl Ending {
    pub(super) fn new(
        spool: Arc<Spool>,
        queue: Queue,
        clock: Clock,
        sources: Arc<[Source]>,
        sites: Vec<Site>,
    ) -> Self {
        Self {
            spool,
            queue,
            clock,
            sources,
            sites,
            delete: false,
            receipt: None,
            summary: Summary::default(),
            at: 0,
        }
    }

    /// Goes on as far as it is certain what came of the files; `why_over` when nobody waits any longer, and why. Gives
    /// how many records were passed.
    pub(super) async fn go_on(
        &mut self,
        why_over: Option<&str>,
        audience: &mut dyn Audience,
    ) -> Result<u64, ImportError> {
        let mut passed = 0;
        loop {
            let records = self.spool.read(self.at).map_err(notes_fault)?;
            if records.is_empty() {
                return Ok(passed);
            }
            let images = self.images(&records).await?;
            let holds = self.queue.view().holds().await?;
            for (record, next) in records {
                let Some(ended) = self.end(record, &images, &holds, why_over).await? else {
                    return Ok(passed);
                };
                self.at = next;
                passed += 1;
                self.count(&ended)?;
                audience.ended(&ended);
            }
        }
    }

    async fn images(&self, records: &[(Record, u64)]) -> Result<HashMap<i64, Image>, ImportError> {
        let ids = records.iter().filter_map(|(record, _)| match record.made {
            Made::Image { id, .. } => Some(id),
            Made::Refused(_) | Made::Failed(_) => None,
        });
        let images = self.queue.view().images(ids.collect()).await?;
        Ok(images
            .into_iter()
            .map(|image| (image.id.0, image))
            .collect())
    }

    /// What came of a record, or `None` while that is open.
    async fn end(
        &self,
        record: Record,
        images: &HashMap<i64, Image>,
        holds: &[Hold],
        why_over: Option<&str>,
    ) -> Result<Option<Ended>, ImportError> {
        let site = self
            .sites
            .get(record.site)
            .map(|site| site.name.to_string());
        let mut ended = Ended {
            path: record.path,
            site: site.unwrap_or_default(),
            outcome: Outcome::Failed,
            image: None,
            error: None,
            deleted: false,
        };
        let (id, before, identity) = match record.made {
            Made::Image {
                id,
                before,
                identity,
            } => (id, before, identity),
            Made::Refused(why) => {
                (ended.outcome, ended.error) = (Outcome::Quarantined, Some(why));
                return Ok(Some(ended));
            }
            Made::Failed(why) => {
                ended.error = Some(why);
                return Ok(Some(ended));
            }
        };
        let Some(image) = images.get(&id.0) else {
            ended.error =
                Some("its row is gone from the queue: run the same command again".to_owned());
            return Ok(Some(ended));
        };
        let now_ms = self.clock.now_ms();
        let hold = holds.iter().find(|hold| {
            hold.site.is_none_or(|site| site == image.site) && hold.next_probe_ms > now_ms
        });
        let standing = Standing {
            state: image.state,
            before,
            unplugged: image.unplugged,
            site_refused: hold.is_some(),
            over: why_over.is_some(),
        };
        let Some(outcome) = outcome(standing) else {
            return Ok(None);
        };
        ended.outcome = outcome;
        ended.error = (!outcome.is_done()).then(|| reason(image, hold, why_over));
        if self.delete && image.state == State::Verified {
            self.delete(&mut ended, image, &identity).await?;
        }
        ended.image = Some(image.clone());
        Ok(Some(ended))
    }

    /// Deletes a file whose image is verified in the queue, durably so.
    async fn delete(
        &self,
        ended: &mut Ended,
        image: &Image,
        identity: &FileIdentity,
    ) -> Result<(), ImportError> {
        let (path, identity) = (ended.path.clone(), *identity);
        let removal = crate::blocking::spawn(move || remove(&path, &identity)).await;
        match removal {
            Ok(Removal::Removed) => {
                ended.deleted = true;
                let (path, now_ms) = (ended.path.clone(), self.clock.now_ms());
                self.queue.removed(image.id, path, "upload", now_ms).await?;
            }
            Ok(Removal::Gone) => {}
            Ok(Removal::Changed) => {
                ended.error = Some("not deleted: it has changed since it was read".to_owned())
            }
            Ok(Removal::Failed(error)) => ended.error = Some(format!("not deleted: {error}")),
            Err(error) => ended.error = Some(format!("not deleted: {error}")),
        }
        Ok(())
    }

    fn count(&mut self, ended: &Ended) -> Result<(), ImportError> {
        *self.summary.outcomes.entry(ended.outcome).or_default() += 1;
        self.summary.deleted += u64::from(ended.deleted);
        if !ended.outcome.is_done() {
            return Ok(());
        }
        self.summary.not_deleted += u64::from(ended.error.is_some());
        let Some(image) = &ended.image else {
            return Ok(());
        };
        if ended.outcome == Outcome::Uploaded {
            self.summary.uploaded_bytes += image.place.identity.size;
        }
        let line = self.receipt_line(ended, image);
        if let (Some(receipt), Some(line)) = (&mut self.receipt, line) {
            receipt.add(&line).map_err(receipt_fault)?;
        }
        Ok(())
    }

    fn receipt_line(&self, ended: &Ended, image: &Image) -> Option<ReceiptLine> {
        let (bucket, key) = image.target.clone()?;
        let source = self
            .sources
            .iter()
            .find(|source| ended.path.starts_with(&source.base));
        let path = source.map_or(ended.path.as_path(), |source| source.relative(&ended.path));
        Some(ReceiptLine {
            site: image.site_name.to_string(),
            sha256: image.sha256.to_string(),
            size: image.place.identity.size,
            path: path.to_string_lossy().into_owned(),
            bucket,
            key,
            captured_at: captured(image),
            verified_at: image
                .verified_ms
                .and_then(DateTime::<Utc>::from_timestamp_millis)?,
            proof: image.proof?,
            etag: image.etag.clone(),
        })
    }

    /// Writes the receipt, whole; gives the summary.
    pub(super) fn finish(mut self) -> Result<Summary, ImportError> {
        if let Some(receipt) = self.receipt.take() {
            self.summary.receipt = Some(receipt.finish().map_err(receipt_fault)?);
        }
        Ok(self.summary)
    }
}

/// Why an image is not stored, and what to do about it.
fn reason(image: &Image, hold: Option<&Hold>, why_over: Option<&str>) -> String {
    let with_fix = |failure: &str, fix: Option<&str>| match fix {
        Some(fix) => format!("{failure}; {fix}"),
        None => failure.to_owned(),
    };
    if image.unplugged {
        return "its card is away: put it back and run the same command".to_owned();
    }
    match (image.state, hold, &image.failure) {
        (State::Queued | State::Waiting, Some(hold), _) => with_fix(&hold.reason, Some(&hold.fix)),
        (State::Dropped, ..) => {
            "given up with `weir queue drop`; `weir queue retry` takes it up again".to_owned()
        }
        (_, _, Some(failure)) if image.state != State::Queued => {
            with_fix(failure, image.fix.as_deref())
        }
        _ => why_over.unwrap_or("not stored yet").to_owned(),
    }
}

fn notes_fault(source: std::io::Error) -> ImportError {
    ImportError::Notes {
        path: PathBuf::from("the spool of the import"),
        source,
    }
}

fn receipt_fault(source: std::io::Error) -> ImportError {
    ImportError::Exchange(ExchangeError::Io {
        path: PathBuf::from("the receipt"),
        source,
    })
}
