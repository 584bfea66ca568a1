//! The sites of a run with all that is around them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use weir::gate::{Limits, LocalGate};

use super::behind::Behind;
use super::ledger::Ledger;
use super::plan::Plan;
use super::premises::{self, Depot};
use super::sampler::Sampler;
use super::station::{Around, Station};
use super::{Audience, RunError};
use crate::camera::Camera;
use crate::course::Course;
use crate::report::{ClockKind, Run};
use crate::site::{Admission, Site, Surroundings};
use crate::weather::scenario::Gate;
use crate::weather::{Change, Forecast, Link, SimulatedDisk, What};

/// A fleet, set up and not yet begun.
pub struct Fleet {
    pub(super) plan: Plan,
    pub(super) course: Course,
    pub(super) depot: Depot,
    pub(super) stations: Vec<Station>,
    pub(super) ledger: Ledger,
    pub(super) behind: Behind,
    pub(super) forecast: Forecast,
    pub(super) began: std::time::Instant,
}

/// Bytes of a site's disk; scenarios take most of it away where they want one that is full.
const DISK: u64 = 32 << 30;
/// How often it is looked whether everything owed has been uploaded.
const GLANCE: Duration = Duration::from_secs(5);
/// Left to the agents after the last upload: what was proven is written down, and files are deleted.
const REST: Duration = Duration::from_secs(90);
/// The same where it is the machine's time that passes.
const GLANCE_OF_THE_MACHINE: Duration = Duration::from_millis(200);
const REST_OF_THE_MACHINE: Duration = Duration::from_secs(3);

impl Fleet {
    /// Makes buckets, folders and sites.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn set_up(plan: &Plan) -> Result<Self, RunError> {
        let began = std::time::Instant::now();
        let mut plan = plan.clone();
        if plan.time() == ClockKind::Real {
            // Others have clocks as well: a store, whoever looks at the files.
            plan.scenario.run.start = chrono::Utc::now();
        }
        let plan = &plan;
        let course = Course::begin(plan.scenario.run.start);
        let depot = Depot::open(plan, SystemTime::from(plan.scenario.run.start)).await?;
        let premises = premises::of(plan, &depot);
        premises.prepare()?;
        let ledger = Ledger::default();
        let (seed, fair) = (plan.scenario.run.seed, plan.scenario.fair_link());
        let gate = match plan.scenario.run.gate {
            Gate::Local => Admission::Shared(LocalGate::new(Limits {
                sites: plan.cap() as usize,
                // Each agent keeps its own number of uploads.
                images: usize::MAX,
                images_per_site: plan.scenario.run.max_in_flight_per_site as usize,
            })),
            Gate::S3 => Admission::Slots { seed },
        };
        let mut stations = Vec::new();
        for number in plan.numbers() {
            let link = Link::new(seed ^ u64::from(number));
            link.shape(fair);
            let client = link.client(depot.client());
            let mut disk = None;
            let site = Site::set_up(number, &premises, course, |home, _| {
                let simulated = SimulatedDisk::new(u64::from(number), DISK, home.camera());
                let disks = disk.insert(simulated).meter();
                Surroundings {
                    http: client,
                    gate: gate.clone(),
                    disks,
                }
            })?;
            let disk = disk.unwrap_or_else(|| SimulatedDisk::new(0, DISK, PathBuf::new()));
            let around = Around {
                link,
                fair,
                disk,
                ledger: ledger.clone(),
                announces: plan.time() == ClockKind::Virtual,
            };
            let station = Station::new(site, around, course, seed);
            stations.push(station);
        }
        Ok(Self {
            behind: Behind::new(plan, &depot, course)?,
            forecast: plan.scenario.forecast(),
            plan: plan.clone(),
            course,
            depot,
            stations,
            ledger,
            began,
        })
    }

    /// Runs it to its end, or to `stop`, and judges it.
    ///
    /// # Errors
    /// When the machine fails it.
    pub async fn run(self, audience: Audience, stop: CancellationToken) -> Result<Run, RunError> {
        let mut acting = JoinSet::new();
        self.lay_backlog()
            .await
            .map_err(RunError::machine("cannot write a backlog"))?;
        self.begin_cameras(&mut acting);
        self.begin_weather(&mut acting);
        self.begin_eyes(&mut acting, &stop);
        self.begin_books(&mut acting);
        let results = self
            .depot
            .results()
            .filter(|_| self.plan.scenario.pipeline.results);
        let closed = CancellationToken::new();
        self.behind.begin(&self.depot, results, &mut acting, closed);
        for station in &self.stations {
            station.site().await.start();
        }
        if let Some(watching) = self.depot.watching(&self.plan) {
            acting.spawn(watching);
        }
        let sampler = Sampler::begin(&self, audience);
        let completed = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = self.until_all_is_done() => true,
        };
        let samples = sampler.end().await;
        acting.shutdown().await;
        self.close(completed, samples).await
    }

    fn begin_cameras(&self, acting: &mut JoinSet<()>) {
        let (fresh, run) = (self.fresh_at(), &self.plan.scenario.run);
        for station in &self.stations {
            let camera = Camera::new(
                &self.plan.scenario.camera,
                station.number,
                run.sites,
                run.seed,
                run.start,
                run.length,
            );
            let station = station.clone();
            acting.spawn(async move {
                if let Err(error) = station.photograph(camera, vec![fresh]).await {
                    tracing::error!("the camera of site{} ended: {error}", station.number);
                }
            });
        }
    }

    /// When every site takes a picture of its own that shows whether it has recovered, since the start.
    pub(super) fn fresh_at(&self) -> Duration {
        match self.forecast.last_fault_ends() {
            Duration::ZERO => self.plan.scenario.run.length,
            at => at + Duration::from_secs(1),
        }
    }

    /// Applies what befalls the sites, when it does.
    fn begin_weather(&self, acting: &mut JoinSet<()>) {
        let mut by_site = std::collections::BTreeMap::<Option<u32>, Vec<Change>>::new();
        for change in self.forecast.changes() {
            by_site.entry(change.site).or_default().push(change.clone());
        }
        let course = self.course;
        for (site, changes) in by_site {
            let station = site.and_then(|number| {
                let found = self
                    .stations
                    .iter()
                    .find(|station| station.number == number);
                found.cloned()
            });
            let faults = self.depot.faults();
            acting.spawn(async move {
                for change in changes {
                    course.reach(change.at).await;
                    match (&station, &change.what) {
                        (_, What::StoreFaults(rules)) => {
                            faults.iter().for_each(|faults| faults.set(rules.clone()));
                        }
                        (_, What::StoreFine) => faults.iter().for_each(|faults| faults.clear()),
                        (Some(station), what) => station.befall(what).await,
                        // A site of another shard.
                        (None, _) => {}
                    }
                }
            });
        }
    }

    /// Keeps the books by what the store says.
    fn begin_books(&self, acting: &mut JoinSet<()>) {
        let Some(mut events) = self.depot.events() else {
            return;
        };
        let ledger = self.ledger.clone();
        acting.spawn(async move {
            while let Some(event) = events.recv().await {
                if let Some(site) = crate::site::home::site_of_bucket(&event.bucket) {
                    ledger.stored(site, &event.sha256);
                }
            }
        });
    }

    /// The cameras' time, and then until all that is owed has been uploaded, but not for ever.
    async fn until_all_is_done(&self) {
        let run = &self.plan.scenario.run;
        let (rest, glance) = match self.plan.time() {
            ClockKind::Virtual => (REST, GLANCE),
            ClockKind::Real => (REST_OF_THE_MACHINE, GLANCE_OF_THE_MACHINE),
        };
        self.course.reach(run.length.max(self.fresh_at())).await;
        // Pictures of the last moment are written, and slow ones too.
        tokio::time::sleep(rest).await;
        let end = self.course.now() + run.drain;
        while (self.ledger.balance().waiting > 0 || !self.behind.is_idle())
            && self.course.now() < end
        {
            tokio::time::sleep(glance).await;
        }
        tokio::time::sleep(rest).await;
    }
}
