//! The step itself: one image at a time, the freshest first.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weir_journey::infer::{Answer, Failure, Guard, Job, Outcome, Print, Report, Thermal, Trouble};
use weir_journey::settle::{Format, Kind};

use super::prepare::{NotPrepared, Prepared, prepare};
use super::{Died, Means, Plan, Settings, plan};
use crate::queue::{Class, Dossier, Image, ImageId, LookOutcome, QueueError, Selector, SiteId};
use crate::retain;

/// How long a site rests whose images cannot be looked at for a reason that may pass.
const REST: Duration = Duration::from_secs(60);

/// Looks at images until it is told to stop.
#[derive(Debug)]
pub(crate) struct Looker {
    pub(super) means: Means,
    pub(super) settings: Settings,
    plans: HashMap<SiteId, Plan>,
    pub(super) guards: HashMap<SiteId, Guard>,
    /// Sites that are left alone until then.
    resting: HashMap<SiteId, Duration>,
    /// The picture of each site that was captured last, of those that were looked at.
    pub(super) before: HashMap<SiteId, (i64, Print)>,
    /// Tries of images that failed, in this run of the agent.
    pub(super) tries: HashMap<ImageId, u32>,
    thermal: Option<Thermal>,
    /// Until when whoever looks is kept ready, with its models in memory; `None` while it is not.
    ready_until: Option<Duration>,
}

/// What a turn came to.
enum Turn {
    /// Something was done, and there may be more.
    Worked,
    /// There is nothing to do until somebody rings, or for so long.
    Idle(Option<Duration>),
}

/// How a look ended, before what follows from it is decided.
enum Ended {
    /// With a report, the products of which are in the folder.
    Seen(Box<Report>, Box<Prepared>),
    /// With a failure: of the picture, the model or the device.
    Failed(Failure, Outcome),
    /// The image's bytes are not there, as the sentence says.
    Gone(String),
    /// Nothing can be said now; the site rests.
    NotNow(String),
    /// The agent is to stop.
    Stopped,
}

impl Looker {
    /// The step for the sites of these plans, not yet begun.
    pub(crate) fn new(means: Means, settings: Settings, plans: Vec<Plan>) -> Self {
        Self {
            thermal: settings.pause_above.map(Thermal::new),
            plans: plans.into_iter().map(|plan| (plan.site.id, plan)).collect(),
            means,
            settings,
            guards: HashMap::new(),
            resting: HashMap::new(),
            before: HashMap::new(),
            tries: HashMap::new(),
            ready_until: None,
        }
    }

    /// Works until `stop`. A look that is under way then is given up: its image stays due.
    ///
    /// # Errors
    /// What the queue calls [`Class::Fatal`]; whatever passes is waited out.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), QueueError> {
        while !stop.is_cancelled() {
            let pause = match self.turn(&stop).await {
                Ok(Turn::Worked) => continue,
                Ok(Turn::Idle(pause)) => pause,
                Err(error) if error.class() == Class::Fatal => return Err(error),
                Err(error) => {
                    self.complain(
                        "infer queue",
                        &format!("images cannot be looked at now: {error}"),
                    );
                    Some(REST)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = self.means.wake.notified() => {}
                () = sleep(self.lingers()) => {
                    self.ready_until = None;
                    self.means.seer.rest().await;
                }
                () = sleep(pause) => {}
            }
        }
        // The process that looks ends with its pipe.
        self.means.seer.rest().await;
        Ok(())
    }

    async fn turn(&mut self, stop: &CancellationToken) -> Result<Turn, QueueError> {
        let now = self.means.clock.monotonic();
        self.resting.retain(|_, until| *until > now);
        let (sites, again) = self.open(now);
        let next = self.means.queue.view().infer_next(sites).await?;
        let Some(image) = next else {
            return Ok(Turn::Idle(again));
        };
        if self.too_hot().await {
            return Ok(Turn::Idle(Some(REST)));
        }
        self.look_at(image, stop).await?;
        Ok(Turn::Worked)
    }

    /// The sites whose images may be looked at now, and how long it takes until another one's may.
    fn open(&self, now: Duration) -> (Vec<SiteId>, Option<Duration>) {
        let (mut sites, mut again) = (Vec::with_capacity(self.plans.len()), None::<Duration>);
        for site in self.plans.keys() {
            let off = self
                .guards
                .get(site)
                .and_then(Guard::off)
                .map(|off| off.until);
            let resting = self.resting.get(site).copied();
            match off.max(resting).filter(|until| *until > now) {
                None => sites.push(*site),
                Some(until) => again = Some(again.map_or(until, |again| again.min(until))),
            }
        }
        (sites, again.map(|again| again - now))
    }

    /// How long whoever looks stays ready without work.
    fn lingers(&self) -> Option<Duration> {
        let now = self.means.clock.monotonic();
        self.ready_until.map(|until| until.saturating_sub(now))
    }

    async fn too_hot(&mut self) -> bool {
        let Some(thermal) = &mut self.thermal else {
            return false;
        };
        let sensors = self.means.sensors.clone();
        let hottest = crate::blocking::spawn(move || sensors.hottest()).await;
        let hottest = hottest.ok().flatten();
        let hot = thermal.pauses(hottest);
        self.means.standing.is_hot(hottest.filter(|_| hot));
        match hottest.filter(|_| hot) {
            Some(celsius) => self.complain(
                "infer heat",
                &format!("images are not looked at while the board has {celsius:.0} C (infer.pause_above)"),
            ),
            None => {
                let over = "the board has cooled down, images are looked at again";
                self.means.complaints.over("infer heat", &over);
            }
        }
        hot
    }

    async fn look_at(&mut self, image: Image, stop: &CancellationToken) -> Result<(), QueueError> {
        let Some(plan) = self.plans.get(&image.site).cloned() else {
            return Ok(());
        };
        if Format::from_code(image.format).map(Format::kind) == Some(Kind::Video) {
            let nothing = Failure {
                trouble: Trouble::Picture,
                sentence: "it is a video: only pictures are looked at".to_owned(),
            };
            return self.nothing(image, LookOutcome::Impossible, &nothing).await;
        }
        let begun = self.means.clock.monotonic();
        let ended = self.see(&plan, &image, stop).await?;
        let now = self.means.clock.monotonic();
        let took = now.saturating_sub(begun);
        self.ready_until = Some(now + self.settings.linger);
        match ended {
            Ended::Seen(report, prepared) => {
                match silent(&plan, &report) {
                    Some(why) => self.guard(&plan, Outcome::Failed(Trouble::Model), why),
                    None => self.guard(&plan, Outcome::Done, ""),
                }
                self.means.vitals.looked(plan.site.name.as_str(), took);
                self.learn(&plan, image, *report, *prepared).await
            }
            Ended::Failed(failure, outcome) => {
                self.means
                    .vitals
                    .look_failed(plan.site.name.as_str(), outcome);
                self.guard(&plan, outcome, &failure.sentence);
                self.failed(&plan, image, failure, outcome).await
            }
            Ended::Gone(sentence) => {
                let gone = Failure {
                    trouble: Trouble::Picture,
                    sentence,
                };
                self.nothing(image, LookOutcome::Failed, &gone).await
            }
            Ended::NotNow(why) => {
                let sentence = format!(
                    "{}: image {} is not looked at now: {why}",
                    plan.site.name, image.id
                );
                self.complain(&format!("infer {}", plan.site.name), &sentence);
                self.rest(image.site);
                Ok(())
            }
            Ended::Stopped => Ok(()),
        }
    }

    /// Has the image looked at.
    async fn see(
        &mut self,
        plan: &Plan,
        image: &Image,
        stop: &CancellationToken,
    ) -> Result<Ended, QueueError> {
        let shown = self.means.queue.view().show(Selector::Id(image.id)).await?;
        let Some(dossier) = shown.into_iter().next() else {
            return Ok(Ended::NotNow("its row has gone".to_owned()));
        };
        let prepared = match self.prepare(plan, dossier).await {
            Ok(prepared) => prepared,
            Err(error @ (NotPrepared::Gone | NotPrepared::Unplugged(_))) => {
                return Ok(Ended::Gone(error.to_string()));
            }
            Err(error @ NotPrepared::NoModel(_)) => {
                return Ok(failed(Trouble::Model, error.to_string()));
            }
            Err(error @ (NotPrepared::NotNow(_) | NotPrepared::NoRoom { .. })) => {
                return Ok(Ended::NotNow(error.to_string()));
            }
        };
        let before = self.before.get(&image.site);
        let (_, object) = plan.image(image);
        let job = Job {
            image: prepared.place.path.clone(),
            view: prepared.view.clone(),
            before: before
                .filter(|(at, _)| *at < image.captured_ms)
                .map(|(_, print)| print.clone()),
            products: Some(prepared.folder.clone()),
            masks: None,
            stem: plan::stem(&object).to_owned(),
        };
        let answered = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            answered = self.means.seer.look(&job) => Some(answered),
        };
        let ended = match answered {
            None => Ended::Stopped,
            Some(Ok(Answer::Done(report))) => return Ok(Ended::Seen(report, Box::new(prepared))),
            Some(Ok(Answer::Failed(failure))) => {
                let outcome = Outcome::Failed(failure.trouble);
                Ended::Failed(failure, outcome)
            }
            Some(Err(error @ Died::NotStarted(_))) => failed(Trouble::Device, error.to_string()),
            Some(Err(died)) => Ended::Failed(
                Failure {
                    trouble: Trouble::Device,
                    sentence: died.to_string(),
                },
                Outcome::Died,
            ),
        };
        self.discard(prepared.folder).await;
        Ok(ended)
    }

    async fn prepare(&self, plan: &Plan, dossier: Dossier) -> Result<Prepared, NotPrepared> {
        let products = retain::products(&self.settings.state, plan.site.name.as_str());
        let plan = plan.clone();
        crate::blocking::spawn(move || prepare(&plan, &dossier, &products))
            .await
            .unwrap_or_else(|error| Err(NotPrepared::NotNow(error.to_string())))
    }

    pub(super) fn rest(&mut self, site: SiteId) {
        let until = self.means.clock.monotonic() + REST;
        self.resting.insert(site, until);
    }

    pub(super) fn complain(&self, about: &str, sentence: &str) {
        let now = self.means.clock.monotonic();
        self.means.complaints.warn(about, now, &sentence);
    }
}

/// Why no model said anything of an image, where one was asked: what else was found is told all the same.
fn silent<'r>(plan: &Plan, report: &'r Report) -> Option<&'r str> {
    let said = report.water.is_some() || !report.classes.is_empty();
    let fault = report.faults.first().filter(|_| plan.tells() && !said)?;
    Some(&fault.sentence)
}

fn failed(trouble: Trouble, sentence: String) -> Ended {
    Ended::Failed(Failure { trouble, sentence }, Outcome::Failed(trouble))
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
