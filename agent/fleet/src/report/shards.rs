//! One run out of its shards: records put together, counts added, figures computed anew.
//!
//! What cannot be known of shards that ran apart is said in the figures' descriptions: the most sites at once is the
//! sum of the shards' maxima of the same moment (at least the truth), the duration and the memory are those of the
//! largest shard, and the cap is the sum of their shares.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::bins::spacing;
use super::summary::{ClockKind, Cost, Told};
use super::{FilesError, Run, files, write};
use crate::record::Sample;

/// Why folders are not the shards of one run.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder could not be read, or the result not written.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// No folder was given.
    #[error("no shards to merge")]
    Nothing,
    /// A run of a whole fleet.
    #[error("{} is not a shard: it was run without --shard", .0.display())]
    Whole(PathBuf),
    /// Made otherwise than the first.
    #[error("{} and {} are not shards of one run: their {what} differs", .first.display(), .other.display())]
    Differs {
        /// One folder.
        first: PathBuf,
        /// Another.
        other: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// There twice.
    #[error("shard {index} is there twice: {} and {}", .first.display(), .other.display())]
    Twice {
        /// Which.
        index: u32,
        /// One folder.
        first: PathBuf,
        /// Another.
        other: PathBuf,
    },
    /// Not all are there.
    #[error("of {of} shards these are missing: {missing}")]
    Missing {
        /// How many there should be.
        of: u32,
        /// Those that are not there, as `2, 5`.
        missing: String,
    },
    /// A site that two shards claim.
    #[error("site {0} is in two shards")]
    Site(u32),
}

/// Reads the shards' folders and writes the whole run's.
///
/// # Errors
/// [`MergeError`].
pub fn merge(directories: &[PathBuf], out: &Path) -> Result<Run, MergeError> {
    let mut shards = Vec::with_capacity(directories.len());
    for directory in directories {
        shards.push((directory.clone(), files::read(directory)?));
    }
    let run = joined(shards)?;
    write(out, &run)?;
    Ok(run)
}

/// The run of these shards, each with the folder that it is from.
fn joined(shards: Vec<(PathBuf, Run)>) -> Result<Run, MergeError> {
    check(&shards)?;
    let told = together(shards.iter().map(|(_, run)| &run.summary.told));
    let samples = summed(shards.iter().map(|(_, run)| run.samples.as_slice()));
    let mut images = Vec::new();
    let mut sites = Vec::new();
    for (_, run) in shards {
        images.extend(run.images);
        sites.extend(run.sites);
    }
    images.sort_by_key(|image| (image.site, image.shot));
    sites.sort_by_key(|site| site.site);
    let mut seen = BTreeSet::new();
    if let Some(twice) = sites.iter().find(|site| !seen.insert(site.site)) {
        return Err(MergeError::Site(twice.site));
    }
    Ok(Run::of(told, images, sites, samples))
}

fn check(shards: &[(PathBuf, Run)]) -> Result<(), MergeError> {
    let (first_folder, first) = shards.first().ok_or(MergeError::Nothing)?;
    let first = &first.summary.told;
    let mut found: BTreeMap<u32, &PathBuf> = BTreeMap::new();
    let mut of = 0;
    for (folder, run) in shards {
        let told = &run.summary.told;
        let Some(shard) = told.shard else {
            return Err(MergeError::Whole(folder.clone()));
        };
        if let Some(what) = difference(first, told) {
            return Err(MergeError::Differs {
                first: first_folder.clone(),
                other: folder.clone(),
                what,
            });
        }
        if let Some(other) = found.insert(shard.index, folder) {
            return Err(MergeError::Twice {
                index: shard.index,
                first: other.clone(),
                other: folder.clone(),
            });
        }
        of = shard.of;
    }
    let missing: Vec<String> = (1..=of)
        .filter(|index| !found.contains_key(index))
        .map(|index| index.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(MergeError::Missing { of, missing })
}

/// What shards of one run have in common and these have not.
fn difference(one: &Told, other: &Told) -> Option<&'static str> {
    let parts = |told: &Told| told.shard.map(|shard| shard.of);
    let alike = [
        (parts(one) == parts(other), "number of shards"),
        (one.seed == other.seed, "seed"),
        (one.scenario == other.scenario, "scenario"),
        (one.clock == other.clock, "clock"),
        (one.hours == other.hours, "length"),
        // In real time no two processes begin at the same moment.
        (
            one.start == other.start || one.clock == ClockKind::Real,
            "start",
        ),
        (one.version == other.version, "version of Weir"),
        (one.settings == other.settings, "settings"),
        (one.cap.is_some() == other.cap.is_some(), "cap"),
    ];
    alike
        .into_iter()
        .find(|(alike, _)| !alike)
        .map(|(_, what)| what)
}

/// What was told of all shards as if it was told of one run.
fn together<'a>(shards: impl Iterator<Item = &'a Told>) -> Told {
    let add = |mut all: Told, one: &Told| {
        let index = one.shard.map_or(0, |shard| shard.index);
        let failures = one.verdict.failures.iter();
        let failures = failures.map(|failure| format!("shard {index}: {failure}"));
        all.verdict.failures.extend(failures);
        all.verdict.ok &= one.verdict.ok;
        all.completed &= one.completed;
        all.start = all.start.min(one.start);
        all.end = all.end.max(one.end);
        all.cap = all.cap.zip(one.cap).map(|(all, one)| all + one);
        all.cap_violations += one.cap_violations;
        all.quarantined += one.quarantined;
        all.wrong_capture_time += one.wrong_capture_time;
        all.wrong_key += one.wrong_key;
        all.wrong_bytes += one.wrong_bytes;
        all.unsure += one.unsure;
        all.events += one.events;
        all.fresh_after_fault_s = slowest(all.fresh_after_fault_s, one.fresh_after_fault_s);
        for (operation, requests) in &one.requests_by_operation {
            *all.requests_by_operation
                .entry(operation.clone())
                .or_default() += requests;
        }
        all.cost_usd = all
            .cost_usd
            .zip(one.cost_usd.as_ref())
            .map(|(all, one)| added(all, one));
        all.wall_s = all.wall_s.max(one.wall_s);
        all.peak_rss_mib = all.peak_rss_mib.max(one.peak_rss_mib);
        all
    };
    let mut shards = shards.peekable();
    let Some(first) = shards.peek().copied() else {
        return Told::default();
    };
    shards.fold(nothing(first), add)
}

/// Where the sums begin: what is the same in all shards is taken from the first.
fn nothing(first: &Told) -> Told {
    let of = first.shard.map_or(1, |shard| shard.of);
    Told {
        shard: None,
        command: format!("{}   # and the like for each of {of} shards", first.command),
        cap: first.cap.map(|_| 0),
        cap_violations: 0,
        verdict: super::Verdict {
            ok: true,
            failures: Vec::new(),
        },
        quarantined: 0,
        wrong_capture_time: 0,
        wrong_key: 0,
        wrong_bytes: 0,
        unsure: 0,
        events: 0,
        requests_by_operation: BTreeMap::new(),
        cost_usd: first.cost_usd.as_ref().map(|cost| Cost {
            prices: cost.prices.clone(),
            ..Cost::default()
        }),
        ..first.clone()
    }
}

fn slowest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().reduce(f64::max)
}

fn added(mut all: Cost, one: &Cost) -> Cost {
    for (service, dollars) in &one.by_service {
        *all.by_service.entry(service.clone()).or_default() += dollars;
    }
    all.total += one.total;
    all
}

/// The samples of all shards, added moment by moment. After its last sample a shard's agents and links are taken to
/// be as they were in it.
fn summed<'a>(shards: impl Iterator<Item = &'a [Sample]>) -> Vec<Sample> {
    let shards: Vec<&[Sample]> = shards.collect();
    let Some(start) = shards
        .iter()
        .filter_map(|rows| rows.first())
        .map(|row| row.at)
        .min()
    else {
        return Vec::new();
    };
    let apart = shards
        .iter()
        .map(|rows| spacing(rows))
        .fold(f64::INFINITY, f64::min);
    let apart = if apart > 0.0 { apart } else { 1.0 };
    let place = |at: DateTime<Utc>| {
        let since: TimeDelta = at - start;
        (since.as_seconds_f64() / apart).round() as i64
    };
    let mut all: BTreeMap<i64, Sample> = BTreeMap::new();
    for row in shards.iter().copied().flatten() {
        let sum = all.entry(place(row.at)).or_default();
        // A moment has the name that the latest of its rows has.
        sum.at = sum.at.max(row.at);
        add(sum, row);
    }
    for last in shards.iter().filter_map(|rows| rows.last()) {
        for (_, sum) in all.range_mut(place(last.at) + 1..) {
            sum.agents += last.agents;
            sum.online += last.online;
        }
    }
    all.into_values().collect()
}

fn add(sum: &mut Sample, row: &Sample) {
    sum.agents += row.agents;
    sum.online += row.online;
    sum.captured_since += row.captured_since;
    sum.stored_since += row.stored_since;
    sum.waiting += row.waiting;
    sum.oldest_s = sum.oldest_s.max(row.oldest_s);
    sum.requests_since += row.requests_since;
    sum.errors_since += row.errors_since;
    sum.sites_in_pipeline_max += row.sites_in_pipeline_max;
    sum.executions += row.executions;
    sum.events_waiting += row.events_waiting;
    sum.event_age_s = sum.event_age_s.max(row.event_age_s);
    sum.cold_since += row.cold_since;
    sum.throttled_since += row.throttled_since;
    sum.dropped_since += row.dropped_since;
}
