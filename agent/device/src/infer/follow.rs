//! What follows from a look: it is written down, and the image goes its way.

use std::path::PathBuf;

use weir_journey::infer::{Course, Decision, Failure, Outcome, Report, Trouble};

use super::prepare::{Prepared, is};
use super::products::{Told, discard, gather};
use super::step::Looker;
use super::{Plan, Troubled, findings};
use crate::queue::{Held, Image, Inferred, LookOutcome, NewProduct, QueueError, Recorded, Urgency};

/// So often an image may be what ends the process that looks, or lacks room on the device.
const TRIES: u32 = 2;

impl Looker {
    /// Writes down what was found, and what follows from it.
    pub(super) async fn learn(
        &mut self,
        plan: &Plan,
        image: Image,
        report: Report,
        prepared: Prepared,
    ) -> Result<(), QueueError> {
        for fault in &report.faults {
            let sentence = format!("{}: {}: {}", plan.site.name, fault.part, fault.sentence);
            self.complain(
                &format!("infer {} {}", plan.site.name, fault.part),
                &sentence,
            );
        }
        let decision = plan.rules().decide(&report);
        let found = findings::found(&report, &decision);
        let print = report.print.clone();
        let folder = prepared.folder.clone();
        let gathered = self.gather(plan, &image, report, prepared).await;
        let products = match gathered {
            Ok(products) => products,
            Err(why) => {
                self.discard(folder).await;
                let sentence = format!(
                    "{}: the results of image {} cannot be kept now: {why}",
                    plan.site.name, image.id
                );
                self.complain(&format!("infer {}", plan.site.name), &sentence);
                self.rest(image.site);
                return Ok(());
            }
        };
        let newest = self
            .before
            .get(&image.site)
            .is_none_or(|(at, _)| *at < image.captured_ms);
        if newest {
            self.before.insert(image.site, (image.captured_ms, print));
        }
        self.tries.remove(&image.id);
        tracing::debug!(site = %plan.site.name, image = %image.id, findings = found, "looked at");
        let files: Vec<_> = products
            .iter()
            .map(|product| product.place.path.clone())
            .collect();
        let sizes: Vec<_> = products
            .iter()
            .map(|product| product.place.identity.size)
            .collect();
        let inferred = Inferred {
            outcome: LookOutcome::Done,
            findings: found,
            urgency: urgency(decision.course),
            hold: held(decision),
            products,
            at_ms: self.means.clock.now_ms(),
        };
        match self.record(image, inferred).await {
            Ok(Recorded::Written { known, .. }) => {
                for size in sizes {
                    self.means.disks.accepted(size);
                    self.means.disks.copied();
                }
                let unneeded = known.into_iter().filter_map(|at| files.get(at).cloned());
                self.delete(unneeded.collect(), folder).await;
                Ok(())
            }
            Ok(Recorded::Stale) => {
                self.discard(folder).await;
                Ok(())
            }
            Err(error) => {
                self.discard(folder).await;
                Err(error)
            }
        }
    }

    async fn gather(
        &self,
        plan: &Plan,
        image: &Image,
        report: Report,
        prepared: Prepared,
    ) -> Result<Vec<NewProduct>, String> {
        let told = Told {
            md5: prepared.md5,
            endpoint: self.settings.endpoint.clone(),
            now: self.means.clock.now(),
        };
        let (plan, image) = (plan.clone(), image.clone());
        let gathered = crate::blocking::spawn(move || {
            let Prepared { place, folder, .. } = prepared;
            // Other bytes at the path during the look: what was found may be theirs.
            if !is(&place.path, &place.identity) {
                return Err(format!("{} changed meanwhile", place.path.display()));
            }
            gather(&plan, &image, (&report, &told), &folder).map_err(|error| error.to_string())
        });
        gathered
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Decides what becomes of an image at which a look failed.
    pub(super) async fn failed(
        &mut self,
        plan: &Plan,
        image: Image,
        failure: Failure,
        outcome: Outcome,
    ) -> Result<(), QueueError> {
        let sentence = format!(
            "{}: image {} could not be looked at: {failure}",
            plan.site.name, image.id
        );
        self.complain(
            &format!("infer {} {:?}", plan.site.name, failure.trouble),
            &sentence,
        );
        let tries = self.tries.entry(image.id).or_default();
        *tries += 1;
        let over = match outcome {
            Outcome::Failed(Trouble::Picture) => true,
            // Every image fares so until somebody sees to the model: this one is due until then.
            Outcome::Failed(Trouble::Model) => false,
            Outcome::Failed(Trouble::Device) | Outcome::Died | Outcome::Done => *tries >= TRIES,
        };
        if over {
            self.nothing(image, LookOutcome::Failed, &failure).await?;
        }
        Ok(())
    }

    /// Writes down that nothing was found, and why: the image goes its way.
    pub(super) async fn nothing(
        &mut self,
        image: Image,
        outcome: LookOutcome,
        failure: &Failure,
    ) -> Result<(), QueueError> {
        self.tries.remove(&image.id);
        let inferred = Inferred {
            outcome,
            findings: findings::failed(failure),
            urgency: Urgency::Usual,
            hold: None,
            products: Vec::new(),
            at_ms: self.means.clock.now_ms(),
        };
        self.record(image, inferred).await.map(drop)
    }

    async fn record(&self, image: Image, inferred: Inferred) -> Result<Recorded, QueueError> {
        let recorded = self.means.queue.inferred(image, inferred).await;
        let over = "what images show can be written down again";
        match &recorded {
            Ok(_) => self.means.complaints.over("infer queue", &over),
            // Compacted meanwhile: there is nothing to write it down for.
            Err(QueueError::NoSuchImage(_)) => return Ok(Recorded::Stale),
            Err(_) => {}
        }
        self.means.uploader.notify_one();
        recorded
    }

    /// Takes note of how a look ended, and says when that switches the site's looks off or on.
    pub(super) fn guard(&mut self, plan: &Plan, outcome: Outcome, sentence: &str) {
        let now = self.means.clock.monotonic();
        let guard = self.guards.entry(plan.site.id).or_default();
        guard.ended(now, outcome, sentence);
        let off = guard.off().map(|off| Troubled {
            because: off.because.clone(),
            until: self.means.clock.now() + off.until.saturating_sub(now),
        });
        let name = &plan.site.name;
        let said = off.clone();
        if !self.means.standing.is_off(plan.site.id, off) {
            return;
        }
        match said {
            Some(off) => tracing::error!(
                "{name}: images are not looked at until {}, and go up without results: {}",
                off.until.to_rfc3339(),
                off.because
            ),
            None => tracing::info!("{name}: images are looked at again"),
        }
    }

    pub(super) async fn discard(&self, folder: PathBuf) {
        // Should this fail: what lies there without a row is removed at the next start.
        let _ = crate::blocking::spawn(move || discard(&folder)).await;
    }

    /// Removes files of products that nobody needs, and their folder when nothing else is in it.
    async fn delete(&self, files: Vec<PathBuf>, folder: PathBuf) {
        let _ = crate::blocking::spawn(move || {
            for file in files {
                let _ = std::fs::remove_file(file);
            }
            // One that holds something stays.
            let _ = std::fs::remove_dir(folder);
        })
        .await;
    }
}

const fn urgency(course: Course) -> Urgency {
    match course {
        Course::First => Urgency::First,
        Course::Later => Urgency::Later,
        Course::Usual | Course::Skip => Urgency::Usual,
    }
}

/// What an image is held back for, if it is.
fn held(decision: Decision) -> Option<Held> {
    (decision.course == Course::Skip).then(|| Held {
        failure: format!(
            "kept back by the site's skip: {}",
            decision.because.unwrap_or_default()
        ),
        fix:
            "look at it, then send it with `weir queue retry` or give it up with `weir queue drop`"
                .to_owned(),
    })
}
