//! Looks at the fleet at even intervals: the rows of `samples.csv`, and what the progress line shows.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir_store::Stats;

use super::Audience;
use super::fleet::Fleet;
use crate::record::Sample;

/// How a run goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The fleet now.
    pub sample: Sample,
    /// Time since the start of the run.
    pub now: Duration,
    /// How long the cameras take pictures.
    pub length: Duration,
    /// Files that cameras wrote so far.
    pub captured: u64,
    /// Images stored so far.
    pub stored: u64,
    /// Requests without an answer, or with an error, so far.
    pub errors: u64,
    /// Sites in the pipeline now, as the judge sees them.
    pub inside: u32,
    /// How many may be.
    pub cap: u32,
}

/// Samples a fleet until it is told to end.
pub(super) struct Sampler {
    end: CancellationToken,
    task: JoinHandle<Vec<Sample>>,
}

impl Sampler {
    pub(super) fn begin(fleet: &Fleet, audience: Audience) -> Self {
        let end = CancellationToken::new();
        let view = View::of(fleet);
        let task = tokio::spawn(view.watch(audience, end.clone()));
        Self { end, task }
    }

    pub(super) async fn end(self) -> Vec<Sample> {
        self.end.cancel();
        self.task.await.unwrap_or_default()
    }
}

/// At most so many samples of the cameras' time; a minute apart where that is less.
const MOST: u32 = 10_080;

struct View {
    course: crate::course::Course,
    stations: Vec<super::station::Station>,
    ledger: super::ledger::Ledger,
    depot: Arc<dyn Fn() -> Stats + Send + Sync>,
    behind: super::behind::Behind,
    cap: u32,
    length: Duration,
}

impl View {
    fn of(fleet: &Fleet) -> Self {
        Self {
            course: fleet.course,
            stations: fleet.stations.clone(),
            ledger: fleet.ledger.clone(),
            depot: fleet.depot.gauge(),
            behind: fleet.behind.clone(),
            cap: fleet.plan.cap(),
            length: fleet.plan.scenario.run.length,
        }
    }

    async fn watch(self, audience: Audience, end: CancellationToken) -> Vec<Sample> {
        let every = (self.length / MOST).clamp(Duration::from_secs(1), Duration::from_secs(3600));
        let mut samples = Vec::new();
        let mut before = Totals::default();
        loop {
            let ended = tokio::select! {
                biased;
                () = end.cancelled() => true,
                () = tokio::time::sleep(every) => false,
            };
            let progress = self.look(&mut before).await;
            audience(&progress);
            samples.push(progress.sample);
            if ended {
                return samples;
            }
        }
    }

    async fn look(&self, before: &mut Totals) -> Progress {
        let at = self.course.wall();
        let balance = self.ledger.balance();
        let mut on = 0;
        let mut online = 0;
        for station in &self.stations {
            on += u32::from(station.site().await.is_on());
            online += u32::from(station.link.is_up());
        }
        let stats = (self.depot)();
        let refused = stats
            .answers
            .iter()
            .filter(|((_, status), _)| *status == 0 || *status >= 500);
        let errors: u64 = refused.map(|(_, count)| count).sum();
        let (gauges, totals) = (self.behind.gauges(), self.behind.totals());
        let (peak, inside) = self.behind.take_peak();
        let sample = Sample {
            at,
            agents: on,
            online,
            captured_since: balance.captured - before.captured,
            stored_since: balance.stored - before.stored,
            waiting: balance.waiting,
            oldest_s: balance
                .oldest
                .map_or(0.0, |taken| (at - taken).as_seconds_f64()),
            requests_since: stats.requests - before.requests,
            errors_since: errors - before.errors,
            sites_in_pipeline_max: peak,
            executions: gauges.executions,
            events_waiting: gauges.waiting,
            event_age_s: gauges.oldest.unwrap_or_default().as_secs_f64(),
            cold_since: totals.cold - before.cold,
            throttled_since: totals.throttled - before.throttled,
            dropped_since: totals.dropped - before.dropped,
        };
        *before = Totals {
            captured: balance.captured,
            stored: balance.stored,
            requests: stats.requests,
            errors,
            cold: totals.cold,
            throttled: totals.throttled,
            dropped: totals.dropped,
        };
        Progress {
            sample,
            now: self.course.now(),
            length: self.length,
            captured: balance.captured,
            stored: balance.stored,
            errors,
            inside,
            cap: self.cap,
        }
    }
}

/// What had been counted at the last look.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    captured: u64,
    stored: u64,
    requests: u64,
    errors: u64,
    cold: u64,
    throttled: u64,
    dropped: u64,
}
