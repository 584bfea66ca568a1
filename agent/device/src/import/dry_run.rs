//! The plan: what an import would do. Files are read, and nothing is changed: not the queue, not the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use tokio_util::sync::CancellationToken;
use weir_journey::queue::State;
use weir_journey::settle::Structure;
use weir_journey::stamp::{CaptureTime, Evidence, stamp};

use super::matching::Fit;
use super::run::{look, stamping_of};
use super::sources::{self, Source};
use super::survey::{Unmatched, fit_of};
use super::walk::{Found, Walk, Walked};
use super::{Audience, ImportError, Progress, Request};
use crate::agent::register::place;
use crate::config::{Config, Site};
use crate::queue::{Known, View};
use crate::settle::{Glance, glance, seen_now};
use crate::stamping::Stamping;
use crate::watch::RootId;

/// What an import would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// By site, in the order of the configuration; those with files only.
    pub sites: Vec<SitePlan>,
    /// Files that are no pictures and would be passed over.
    pub ignored: u64,
    /// Files and folders that cannot be read.
    pub unreadable: u64,
    /// Files that fit no site: nothing would be begun.
    pub unmatched: Unmatched,
    /// How long it would take at least, by the pipeline's pace, the bandwidth and the daily budget; `None` where none of
    /// them is bounded.
    pub expected: Option<Duration>,
    /// What bounds it.
    pub bounded_by: Option<&'static str>,
    /// It was interrupted: the plan is of a part.
    pub interrupted: bool,
}

/// What an import would do for one site.
#[derive(Debug, Clone, Default)]
pub struct SitePlan {
    /// Its name.
    pub site: String,
    /// Whole images, stored ones included.
    pub images: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Images that the queue knows as verified.
    pub stored: u64,
    /// Images that would be uploaded, and their bytes.
    pub to_upload: (u64, u64),
    /// Images whose capture time is doubtful.
    pub doubtful: u64,
    /// Files that would be set aside.
    pub quarantined: u64,
    /// The first and the last capture time.
    pub span: Option<(DateTime<FixedOffset>, DateTime<FixedOffset>)>,
}

/// Works out the plan, until `stop`.
///
/// # Errors
/// [`ImportError::Usage`], and what reading the queue gives.
pub async fn plan(
    config: &Config,
    request: &Request,
    audience: &mut dyn Audience,
    stop: CancellationToken,
) -> Result<Plan, ImportError> {
    let sites = sources::sites(config, request)?;
    let (sources, matching, surveyed) = look(request, &sites, &stop).await?;
    let mut planner = Planner {
        view: View::glance(config.state.directory.clone()).await?,
        plans: sites
            .iter()
            .map(|site| SitePlan {
                site: site.name.to_string(),
                ..SitePlan::default()
            })
            .collect(),
        sites,
        sources: Arc::clone(&sources),
        state: config.state.directory.clone(),
        unreadable: surveyed.faults,
    };
    let total = surveyed.total();
    let mut progress = Progress {
        files: total.files,
        bytes: total.bytes,
        ..Progress::default()
    };
    let (to, mut files) = tokio::sync::mpsc::channel(64);
    let token = stop.clone();
    let walking = crate::blocking::spawn(move || {
        let walks = sources
            .iter()
            .enumerate()
            .flat_map(|(number, source)| Walk::new(source, number));
        for walked in walks.take_while(|_| !token.is_cancelled()) {
            if let Walked::File(found) = walked
                && let Fit::Site(site) = fit_of(&found, &sources, &matching)
                && to.blocking_send((*found, site)).is_err()
            {
                return;
            }
        }
    });
    while let Some((found, site)) = files.recv().await {
        planner.add(found, site).await?;
        progress.taken += 1;
        progress.done += 1;
        audience.progress(&progress);
    }
    walking
        .await
        .map_err(|error| ImportError::Usage(error.to_string()))?;
    let mut plan = planner.finish(config);
    plan.ignored = surveyed.ignored;
    plan.unmatched = surveyed.unmatched;
    plan.interrupted = stop.is_cancelled();
    Ok(plan)
}

struct Planner {
    view: Option<View>,
    sites: Vec<Site>,
    plans: Vec<SitePlan>,
    sources: Arc<[Source]>,
    state: PathBuf,
    unreadable: u64,
}

impl Planner {
    async fn add(&mut self, found: Found, site: usize) -> Result<(), ImportError> {
        match self.known(&found).await? {
            Known::Taken { image } => {
                let images = match &self.view {
                    Some(view) => view.images(vec![image]).await?,
                    None => Vec::new(),
                };
                if let Some(image) = images.first() {
                    let captured = Some(crate::upload::captured(image));
                    let doubtful = doubtful(&image.capture);
                    self.image(
                        site,
                        image.place.identity.size,
                        captured,
                        doubtful,
                        image.state == State::Verified,
                    );
                }
                Ok(())
            }
            Known::Quarantined { .. } => {
                self.plans[site].quarantined += 1;
                Ok(())
            }
            Known::New | Known::Changed { .. } => self.read(found, site).await,
        }
    }

    async fn known(&self, found: &Found) -> Result<Known, ImportError> {
        let Some(view) = &self.view else {
            return Ok(Known::New);
        };
        let path = found.path.clone();
        let seen = crate::blocking::spawn(move || seen_now(RootId(0), &path)).await;
        let Ok(Ok(Some(seen))) = seen else {
            return Ok(Known::New);
        };
        let known = view
            .known(vec![place(&seen.path, seen.observation)])
            .await?;
        Ok(known.into_iter().next().unwrap_or(Known::New))
    }

    async fn read(&mut self, found: Found, number: usize) -> Result<(), ImportError> {
        let path = found.path.clone();
        let read = crate::blocking::spawn(move || glance(&path)).await;
        let Ok(Ok(glanced)) = read else {
            self.unreadable += 1;
            return Ok(());
        };
        if !matches!(glanced.inspection.structure, Structure::Whole(_)) {
            self.plans[number].quarantined += 1;
            return Ok(());
        }
        let site = &self.sites[number];
        let stored = match &self.view {
            None => false,
            Some(view) => {
                let image = view.image_of(site.name.clone(), glanced.sha256).await?;
                image.is_some_and(|image| image.state == State::Verified)
            }
        };
        let capture = match (found.entry, self.sources.get(found.source)) {
            (Some(entry), _) => entry.capture,
            (None, Some(source)) => {
                let stamping = stamping_of(source, site, &self.state);
                capture_of(&glanced, &found.path, &stamping)
            }
            (None, None) => return Ok(()),
        };
        let bytes = glanced.inspection.len;
        self.image(number, bytes, capture.at, capture.is_doubtful(), stored);
        Ok(())
    }

    fn image(
        &mut self,
        site: usize,
        bytes: u64,
        captured: Option<DateTime<FixedOffset>>,
        doubtful: bool,
        stored: bool,
    ) {
        let plan = &mut self.plans[site];
        plan.images += 1;
        plan.bytes += bytes;
        plan.stored += u64::from(stored);
        plan.doubtful += u64::from(doubtful);
        if !stored {
            plan.to_upload = (plan.to_upload.0 + 1, plan.to_upload.1 + bytes);
        }
        plan.span = match (plan.span, captured) {
            (None, Some(at)) => Some((at, at)),
            (Some((first, last)), Some(at)) => Some((first.min(at), last.max(at))),
            (span, None) => span,
        };
    }

    fn finish(self, config: &Config) -> Plan {
        let mut plan = Plan {
            sites: self.plans,
            unreadable: self.unreadable,
            ..Plan::default()
        };
        plan.sites.retain(|site| site.images + site.quarantined > 0);
        (plan.expected, plan.bounded_by) = expected(&plan.sites, config);
        plan
    }
}

fn capture_of(glanced: &Glance, path: &Path, stamping: &Stamping) -> CaptureTime {
    let mtime_ns = i64::try_from(glanced.observation.mtime_ns).unwrap_or(0);
    let evidence = Evidence {
        exif: glanced.inspection.exif.as_deref(),
        mtime: Some(DateTime::from_timestamp_nanos(mtime_ns)),
        ..Evidence::of(stamping.below(path))
    };
    let found = stamp(&evidence, &stamping.rules);
    stamping.doubtful.file(found).capture
}

fn doubtful(capture: &str) -> bool {
    serde_json::from_str::<CaptureTime>(capture).is_ok_and(|capture| capture.is_doubtful())
}

/// How long the uploads take at least, and by which bound.
fn expected(sites: &[SitePlan], config: &Config) -> (Option<Duration>, Option<&'static str>) {
    let images: u64 = sites.iter().map(|site| site.to_upload.0).sum();
    let bytes: u64 = sites.iter().map(|site| site.to_upload.1).sum();
    let most = sites.iter().map(|site| site.to_upload.1).max().unwrap_or(0);
    let seconds = |bytes: u64, rate: u64| Duration::from_secs_f64(bytes as f64 / rate as f64);
    let bounds = [
        config
            .pipeline
            .paced()
            .map(|pipeline| (pipeline.time_for(images), "pipeline")),
        config
            .gate
            .bandwidth
            .map(|rate| (seconds(bytes, rate.get()), "gate.bandwidth")),
        // Each site has the budget of each day; the first day's is there at once.
        config.gate.daily_budget.map(|budget| {
            let days = most.saturating_sub(1) / budget.get();
            (
                Duration::from_secs(86_400) * u32::try_from(days).unwrap_or(u32::MAX),
                "gate.daily_budget",
            )
        }),
    ];
    let longest = bounds.into_iter().flatten().max_by_key(|(time, _)| *time);
    longest.map_or((None, None), |(time, by)| (Some(time), Some(by)))
}
