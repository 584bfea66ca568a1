//! The end of a run: the agents stop, and everything is counted and judged.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::RunError;
use super::fleet::Fleet;
use super::ledger::Written;
use super::plan::Target;
use crate::oracle::{Findings, Judged, Object, Row, judge, rows};
use crate::record::Sample;
use crate::report::{Run, Told, Verdict};

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
        for file in self.ledger.written() {
            written.entry(file.site).or_default().push(file);
        }
        let mut objects: BTreeMap<u32, Vec<Object>> = BTreeMap::new();
        for (site, object) in self.depot.images() {
            objects.entry(site).or_default().push(object);
        }
        let (mut images, mut sites) = (Vec::new(), Vec::new());
        let (mut findings, mut quarantined) = (Findings::default(), 0);
        for station in &self.stations {
            let number = station.number;
            let written = written.remove(&number).unwrap_or_default();
            let objects = objects.remove(&number).unwrap_or_default();
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
            let judged = judge(number, &written, &rows, &objects, accepted_at);
            let Judged {
                images: of_site,
                site: mut record,
                findings: found,
            } = judged;
            record.restarts = site.restarts();
            record.offline_s = station.link.traffic().offline.as_secs_f64();
            findings.add(&found);
            images.extend(of_site);
            sites.push(record);
        }
        failures.extend(sentences(&findings, completed));
        let verdict = Verdict {
            ok: failures.is_empty(),
            failures,
        };
        let told = self.told(completed, end, verdict, &findings, quarantined);
        Ok(Run::of(told, images, sites, samples))
    }

    fn told(
        &self,
        completed: bool,
        end: DateTime<Utc>,
        verdict: Verdict,
        findings: &Findings,
        quarantined: u64,
    ) -> Told {
        let stats = self.depot.stats();
        let mut by_operation: BTreeMap<String, u64> = BTreeMap::new();
        for ((operation, _), count) in &stats.answers {
            *by_operation.entry(format!("{operation:?}")).or_default() += count;
        }
        Told {
            scenario: self.plan.scenario.name.clone(),
            seed: self.plan.scenario.run.seed,
            clock: self.plan.time(),
            hours: self.plan.scenario.run.length.as_secs_f64() / 3600.0,
            start: self.plan.scenario.run.start,
            end,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            completed,
            shard: self.plan.shard,
            verdict,
            quarantined,
            wrong_capture_time: findings.wrong_capture_time,
            wrong_key: findings.wrong_key,
            wrong_bytes: findings.untraced,
            requests_by_operation: by_operation,
            wall_s: self.began.elapsed().as_secs_f64(),
            peak_rss_mib: peak_rss_mib(),
            settings: BTreeMap::from([(
                "store".to_owned(),
                match &self.plan.target {
                    Target::Embedded => "embedded".to_owned(),
                    Target::Endpoint(endpoint) => endpoint.clone(),
                },
            )]),
            ..Told::default()
        }
    }
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
