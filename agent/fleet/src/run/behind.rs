//! What is behind the buckets: the pipeline twin, and the judge at the store's door.
//!
//! Neither knows anything of the agents or of their gates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_store::Edge;

use super::RunError;
use super::plan::Plan;
use super::premises::Depot;
use crate::course::Course;
use crate::pipeline::cloud::{Cloud, Gauges, Totals, What};
use crate::pipeline::door;
use crate::pipeline::observer::{Findings, Hold, Limits, Observer};
use crate::pipeline::twin::{Act, News, Results, Twin};
use crate::record::ImageRecord;
use crate::report::ClockKind;
use crate::site::home::site_of_bucket;
use crate::weather::scenario;

/// Over sockets the store learns later than the agent that a request is over: an excess shorter than this is none.
const GRACE: Duration = Duration::from_secs(2);

/// The pipeline and its judge; clones are handles to the same ones.
#[derive(Debug, Clone)]
pub(super) struct Behind {
    course: Course,
    began: Instant,
    /// When the twin's time began, by the run's.
    offset: Duration,
    twin: Twin,
    observer: Arc<Mutex<Observer>>,
    works: Arc<Mutex<Works>>,
    watched: bool,
}

/// What became of images in the pipeline.
#[derive(Debug, Default)]
struct Works {
    by_image: BTreeMap<(u32, Arc<str>), Work>,
    /// PUT requests that began, by site, but for those that only asked.
    puts: BTreeMap<u32, u64>,
}

impl Works {
    fn count(&mut self, site: u32, edge: Edge) {
        let puts = self.puts.entry(site).or_default();
        match edge {
            Edge::Began => *puts += 1,
            // The agent asks once whether a bucket honours conditions; the refusal is the answer it wants.
            Edge::Ended {
                status: Some(412), ..
            } => *puts = puts.saturating_sub(1),
            Edge::Ended { .. } => {}
        }
    }
}

/// The pipeline's work on one image.
#[derive(Debug, Clone, Copy, Default)]
struct Work {
    cold: Option<bool>,
    started: Option<Duration>,
    done: Option<Duration>,
    attempts: u32,
    dropped: bool,
}

impl Behind {
    /// A pipeline to which nothing has come yet.
    ///
    /// # Errors
    /// [`RunError::Pipeline`].
    pub(super) fn new(plan: &Plan, depot: &Depot, course: Course) -> Result<Self, RunError> {
        let run = &plan.scenario.run;
        let habits = plan.scenario.pipeline.resolve(&plan.scenario.folder)?;
        let observer = Observer::new(Limits {
            sites: plan.cap(),
            images_per_site: run.max_in_flight_per_site,
            hold: match run.hold {
                scenario::Hold::Upload => Hold::Upload,
                scenario::Hold::For(time) => Hold::For(time),
                scenario::Hold::Result => Hold::Result {
                    limit: run.hold_limit,
                },
            },
            grace: match plan.time() {
                ClockKind::Virtual => Duration::ZERO,
                ClockKind::Real => GRACE,
            },
        });
        let twin = Twin::new(Cloud::new(habits, run.seed));
        Ok(Self {
            began: Instant::now(),
            offset: course.now(),
            course,
            twin,
            observer: Arc::new(Mutex::new(observer)),
            works: Arc::default(),
            watched: depot.is_watched(),
        })
    }

    /// Works until `stop`, or until `acting` is shut down.
    pub(super) fn begin(
        &self,
        depot: &Depot,
        results: Option<Arc<dyn Results>>,
        acting: &mut JoinSet<()>,
        stop: CancellationToken,
    ) {
        if let Some(objects) = depot.events() {
            let this = self.clone();
            acting.spawn(async move {
                let tell = |news: News| this.hear(&news);
                this.twin.run(objects, results, tell, stop).await;
            });
        }
        let Some(mut passages) = depot.passages() else {
            return;
        };
        let this = self.clone();
        acting.spawn(async move {
            while let Some(passage) = passages.recv().await {
                if let Some(site) = site_of_bucket(&passage.bucket) {
                    this.works().count(site, passage.edge);
                }
                door::tell(&mut this.observer(), this.began, &passage);
            }
        });
    }

    fn hear(&self, news: &News) {
        let mut works = self.works();
        let work = works
            .by_image
            .entry((news.site, Arc::clone(&news.key)))
            .or_default();
        match news.what {
            Act::Received => {}
            Act::Cloud(What::Began { cold, attempt }) => {
                work.cold = Some(cold);
                work.started = Some(news.at);
                work.attempts = attempt;
            }
            Act::Cloud(What::Ended { ok: true, .. }) => work.done = Some(news.at),
            Act::Cloud(What::Ended { ok: false, .. } | What::Throttled) => {}
            Act::Cloud(What::Dropped(_)) => work.dropped = true,
            Act::Result => {
                drop(works);
                self.observer().result(news.at, news.site, &news.key);
            }
        }
    }

    /// Writes what the pipeline did into the records of a site's images.
    pub(super) fn tell_of(&self, images: &mut [ImageRecord]) {
        let works = self.works();
        let at = |moment: Duration| self.course.at(self.offset + moment);
        for image in images {
            let Some(key) = &image.key else { continue };
            let Some(work) = works.by_image.get(&(image.site, Arc::from(key.as_str()))) else {
                continue;
            };
            image.cold = work.cold;
            image.started_at = work.started.map(at);
            image.done_at = work.done.map(at);
            image.attempts = work.attempts;
            image.dropped = work.dropped;
        }
    }

    /// PUT requests for images of a site so far.
    pub(super) fn puts(&self, site: u32) -> u64 {
        self.works().puts.get(&site).copied().unwrap_or(0)
    }

    /// The pipeline now.
    pub(super) fn gauges(&self) -> Gauges {
        self.twin.gauges()
    }

    /// What it did so far.
    pub(super) fn totals(&self) -> Totals {
        self.twin.totals()
    }

    /// Whether it has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.twin.is_idle()
    }

    /// The most sites at one moment since the last call, and those now.
    pub(super) fn take_peak(&self) -> (u32, u32) {
        let at = self.began.elapsed();
        let mut observer = self.observer();
        (observer.take_peak(at), observer.sites(at))
    }

    /// What the judge saw; `None` where nobody could watch.
    pub(super) fn findings(&self) -> Option<Findings> {
        self.watched
            .then(|| self.observer().findings(self.began.elapsed()))
    }

    fn observer(&self) -> MutexGuard<'_, Observer> {
        self.observer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn works(&self) -> MutexGuard<'_, Works> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
