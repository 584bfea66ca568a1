//! The end of a run: the agents stop, and everything is counted and judged.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::RunError;
use super::fleet::Fleet;
use super::ledger::Written;
use super::plan::Target;
use crate::oracle::{Findings, Row, judge, rows};
use crate::pipeline::cost::{Prices, Usage, estimate};
use crate::pipeline::observer;
use crate::record::ImageRecord;
use crate::record::Sample;
use crate::report::spread::Spread;
use crate::report::{Run, Told, Verdict};
use crate::weather::scenario::Gate;

impl Fleet {
    /// Stops the agents and judges the run.
    pub(super) async fn close(
        self,
        completed: bool,
        samples: Vec<Sample>,
    ) -> Result<Run, RunError> {
        let end = self.course.wall();
        let mut failures = Vec::new();
        for station in &self.stations {
            let mut site = station.site().await;
            if site.has_failed() {
                failures.push(format!(
                    "the agent of site{} ended by itself",
                    station.number
                ));
            }
            if let Err(error) = site.stop().await {
                failures.push(format!("the agent of site{}: {error}", station.number));
            }
        }
        let mut written: BTreeMap<u32, Vec<Written>> = BTreeMap::new();
        for file in self.ledger.take_written() {
            written.entry(file.site).or_default().push(file);
        }
        let (mut images, mut sites) = (Vec::new(), Vec::new());
        let (mut findings, mut quarantined) = (Findings::default(), 0);
        for station in &self.stations {
            let number = station.number;
            let written = written.remove(&number).unwrap_or_default();
            let objects = self.depot.images_of(number);
            let site = station.site().await;
            let (rows, aside) = match rows(&site.state()).await {
                Ok(found) => found,
                Err(error) => {
                    failures.push(format!("the queue of site{number} cannot be read: {error}"));
                    continue;
                }
            };
            quarantined += aside;
            let accepted_at = |row: &Row| -> DateTime<Utc> {
                let told = row
                    .accepted
                    .and_then(|(boot, uptime)| site.board.moment(boot, uptime));
                told.or_else(|| DateTime::from_timestamp_millis(row.accepted_ms))
                    .unwrap_or_default()
            };
            let mut judged = judge(number, &written, &rows, &objects, accepted_at);
            self.behind.tell_of(&mut judged.images);
            let record = &mut judged.site;
            record.retries = self
                .behind
                .puts(number)
                .saturating_sub(objects.len() as u64);
            record.restarts = site.restarts();
            record.offline_s = station.link.traffic().offline.as_secs_f64();
            (record.latency_p50_s, record.latency_p95_s) = latency(&judged.images);
            findings.add(&judged.findings);
            images.extend(judged.images);
            sites.push(judged.site);
        }
        failures.extend(sentences(&findings, completed));
        let watched = self.behind.findings();
        failures.extend(watched.iter().flat_map(excesses));
        let fresh = self.freshest(&images);
        if completed {
            failures.extend(self.too_late(&images, fresh));
        }
        let verdict = Verdict {
            ok: failures.is_empty(),
            failures,
        };
        let told = Told {
            completed,
            end,
            verdict,
            quarantined,
            wrong_capture_time: findings.wrong_capture_time,
            wrong_key: findings.wrong_key,
            wrong_bytes: findings.untraced,
            cap_violations: watched.map_or(0, |watched| watched.violations),
            fresh_after_fault_s: fresh.filter(|_| !self.forecast.last_fault_ends().is_zero()),
            ..self.told(&images)
        };
        Ok(Run::of(told, images, sites, samples))
    }

    /// The longest that any site took, in seconds, from the picture that it was asked for after the last fault to its
    /// place in the store; `None` where one was not stored, or none was taken.
    fn freshest(&self, images: &[ImageRecord]) -> Option<f64> {
        let mut longest: Option<f64> = None;
        for image in self.fresh(images) {
            longest = Some(longest.unwrap_or(0.0).max(image.latency_s()?));
        }
        longest
    }

    fn fresh<'a>(&self, images: &'a [ImageRecord]) -> impl Iterator<Item = &'a ImageRecord> {
        let at = self.course.at(self.fresh_at());
        let asked = move |image: &&ImageRecord| image.captured_at == at && image.due;
        images.iter().filter(asked)
    }

    fn too_late(&self, images: &[ImageRecord], fresh: Option<f64>) -> Option<String> {
        let within = self.plan.scenario.run.fresh_within?.as_secs_f64();
        let late = match fresh {
            None => self.fresh(images).next().is_some(),
            Some(longest) => longest > within,
        };
        late.then(|| match fresh {
            None => "an image taken after the last fault was not stored".to_owned(),
            Some(longest) => format!(
                "an image taken after the last fault took {longest:.0} s to the store, and was to take {within:.0} s at most"
            ),
        })
    }

    /// What of a run no record holds, but for the verdict.
    fn told(&self, images: &[ImageRecord]) -> Told {
        let stats = self.depot.stats();
        let mut by_operation: BTreeMap<String, u64> = BTreeMap::new();
        for ((operation, _), count) in &stats.answers {
            *by_operation.entry(format!("{operation:?}")).or_default() += count;
        }
        let totals = self.behind.totals();
        let stored = images.iter().filter(|image| image.stored_at.is_some());
        let usage = Usage::of(
            &stats,
            stored.map(|image| image.bytes).sum(),
            &totals,
            self.plan.scenario.pipeline.memory_mb,
        );
        let run = &self.plan.scenario.run;
        Told {
            scenario: self.plan.scenario.name.clone(),
            seed: run.seed,
            clock: self.plan.time(),
            hours: run.length.as_secs_f64() / 3600.0,
            start: run.start,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.plan.command.clone(),
            settings: self.settings(),
            shard: self.plan.shard,
            fresh_within_s: run.fresh_within.map(|within| within.as_secs_f64()),
            cap: Some(self.plan.cap()),
            events: totals.events,
            requests_by_operation: by_operation,
            cost_usd: Some(estimate(&Prices::built_in(), &usage)),
            wall_s: self.began.elapsed().as_secs_f64(),
            peak_rss_mib: peak_rss_mib(),
            ..Told::default()
        }
    }

    /// What a reader of the report should know; the same in all shards.
    fn settings(&self) -> BTreeMap<String, String> {
        let (scenario, run) = (&self.plan.scenario, &self.plan.scenario.run);
        let store = match &self.plan.target {
            Target::Embedded => "embedded".to_owned(),
            Target::Endpoint(endpoint) => endpoint.clone(),
        };
        let gate = match run.gate {
            Gate::Local => "one of the process",
            Gate::S3 => "slots in a bucket",
        };
        [
            ("store", store),
            ("schedule", scenario.camera.schedule.to_string()),
            ("sites of the fleet", run.sites.to_string()),
            ("hold", run.hold.to_string()),
            ("gate", gate.to_owned()),
            (
                "judge of the cap",
                match &self.plan.target {
                    Target::Embedded => "at the store's door".to_owned(),
                    Target::Endpoint(_) => "none: this store cannot be watched".to_owned(),
                },
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// What the judge at the door saw against the limits.
fn excesses(seen: &observer::Findings) -> Vec<String> {
    let mut words = Vec::new();
    if seen.violations > 0 {
        let first = seen.first.first();
        words.push(format!(
            "{} times there was more in the pipeline than may be; first {first:?}",
            seen.violations
        ));
    }
    words
}

/// Median and 95th percentile of the seconds from capture to stored.
fn latency(images: &[ImageRecord]) -> (Option<f64>, Option<f64>) {
    let spread = Spread::of(images.iter().filter_map(ImageRecord::latency_s).collect());
    spread.map_or((None, None), |spread| (Some(spread.p50), Some(spread.p95)))
}

/// What was found, in sentences; the sums first, then the first cases.
fn sentences(findings: &Findings, complete: bool) -> Vec<String> {
    if findings.is_clean(complete) {
        return Vec::new();
    }
    let counts = [
        (findings.not_accepted, "whole images were not accepted"),
        (findings.lost, "accepted images are lost"),
        (
            if complete { findings.waiting } else { 0 },
            "accepted images were not uploaded in time",
        ),
        (findings.duplicates, "objects are beyond one an image"),
        (findings.wrong_key, "objects have a wrong key"),
        (
            findings.wrong_capture_time,
            "images have a wrong capture time",
        ),
        (findings.untraced, "objects or rows trace to no image"),
        (
            findings.false_proof,
            "images count as proven and are not in the store",
        ),
    ];
    let sums = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"));
    sums.chain(findings.words.iter().cloned()).collect()
}

/// The most memory that this process held, in MiB, as the kernel says.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    (kib.unwrap_or(0.0) / 1024.0 * 10.0).round() / 10.0
}
