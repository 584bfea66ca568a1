//! Runs made up for tests: seeded, without an engine, and plausible to look at.
//!
//! A site takes a picture each hour (each at its own second of a spread), goes up one after the other when its link
//! is there, and the pipeline works for about twenty seconds on it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ClockKind, Cost, Run, Shard, Told, Verdict};
use crate::record::{ImageRecord, Sample, SiteRecord};

/// What happens in a made-up run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Calm,
    /// All links are away for six hours in the middle.
    Outage,
    /// The pipeline carries a fifth of what comes; the cap is broken and images are lost.
    Overload,
    /// Groups of 1, 20, 50, ... 300 sites, one group a time.
    Staircase,
}

/// Sites `index, index + of, ...` of a run of `sites` sites over `hours` hours.
pub(super) fn shard(weather: Weather, sites: u32, hours: u32, part: Option<Shard>) -> Run {
    let mine = |site: &u32| part.is_none_or(|part| site % part.of == part.index % part.of);
    let images: Vec<ImageRecord> = (1..=sites)
        .filter(mine)
        .flat_map(|site| images_of(weather, site, hours))
        .collect();
    let site_rows = (1..=sites)
        .filter(mine)
        .map(|site| site_of(site, &images))
        .collect::<Vec<_>>();
    let samples = samples(weather, hours, &images, site_rows.len());
    Run::of(
        told(weather, hours, &site_rows, &images, part),
        images,
        site_rows,
        samples,
    )
}

/// A whole run.
pub(super) fn run(weather: Weather, sites: u32, hours: u32) -> Run {
    shard(weather, sites, hours, None)
}

fn start() -> DateTime<Utc> {
    "2026-03-01T07:00:00Z".parse().expect("a time")
}

fn seconds(value: f64) -> TimeDelta {
    TimeDelta::milliseconds((value * 1000.0) as i64)
}

/// The outage of [`Weather::Outage`], in seconds since the start.
fn outage(hours: u32) -> (f64, f64) {
    let middle = f64::from(hours / 2) * 3600.0 + 1200.0;
    (middle, middle + 6.0 * 3600.0)
}

/// When a site takes its pictures, in seconds since the start.
fn shots(weather: Weather, site: u32, hours: u32, chance: &mut fastrand::Rng) -> Vec<f64> {
    if weather == Weather::Staircase {
        let steps = [1u32, 20, 50, 100, 150, 200, 250, 300];
        return steps
            .iter()
            .enumerate()
            .filter(|(_, size)| site <= **size)
            .flat_map(|(step, _)| {
                (0..3).map(move |again| step as f64 * 1800.0 + f64::from(again) * 300.0)
            })
            .map(|at| at + chance.f64())
            .collect();
    }
    let own = chance.f64() * 20.0;
    let jitter = |chance: &mut fastrand::Rng| own + chance.f64() * 5.0;
    (0..hours)
        .map(|hour| f64::from(hour) * 3600.0 + jitter(chance))
        .collect()
}

fn images_of(weather: Weather, site: u32, hours: u32) -> Vec<ImageRecord> {
    let mut chance = fastrand::Rng::with_seed(u64::from(site) * 7919);
    let (from, to) = outage(hours);
    let mut free = to + chance.f64() * 1500.0;
    let taken = shots(weather, site, hours, &mut chance);
    taken
        .into_iter()
        .zip(1..)
        .map(|(at, shot)| {
            let mut stored = at + 1.5 + chance.f64() * 2.0;
            if weather == Weather::Outage && (from..free).contains(&stored) {
                stored = free;
                free += 60.0 + chance.f64() * 240.0;
            }
            let wait = if weather == Weather::Overload {
                chance.f64() * 9000.0
            } else {
                0.6
            };
            image(
                weather,
                site,
                shot,
                [at, stored, stored + wait],
                &mut chance,
            )
        })
        .collect()
}

fn image(
    weather: Weather,
    site: u32,
    shot: u64,
    [at, stored, begun]: [f64; 3],
    chance: &mut fastrand::Rng,
) -> ImageRecord {
    let when = start() + seconds(at);
    let work = 17.0 + 3.0 * (chance.f64() + chance.f64()) + 8.0 * chance.f64().powi(6);
    let name = (when - TimeDelta::hours(7)).format("image_capture_%Y-%m-%d_%H-%M-%S.jpg");
    let dropped = weather == Weather::Overload && chance.u8(..) < 20;
    let lost = weather == Weather::Overload && chance.u8(..) < 2;
    let done = !dropped && !lost;
    ImageRecord {
        site,
        shot,
        file: name.to_string(),
        captured_at: when,
        bytes: chance.u64(180_000..420_000),
        sha256: format!("{:032x}{:032x}", chance.u128(..), chance.u128(..)),
        fault: (chance.u16(..500) == 0).then(|| "slow-write".to_owned()),
        due: true,
        accepted_at: Some(when + seconds(0.4)),
        stored_at: (!lost).then(|| start() + seconds(stored)),
        bucket: (!lost).then(|| format!("site{site}-simulatedbucket")),
        key: (!lost).then(|| format!("2026/March/{name}")),
        cold: done.then(|| weather != Weather::Overload || chance.bool()),
        started_at: done.then(|| start() + seconds(begun)),
        done_at: done.then(|| start() + seconds(begun + work)),
        attempts: u32::from(done),
        dropped,
    }
}

fn site_of(site: u32, images: &[ImageRecord]) -> SiteRecord {
    let own: Vec<&ImageRecord> = images.iter().filter(|image| image.site == site).collect();
    let stored = own.iter().filter(|image| image.stored_at.is_some()).count() as u64;
    let latency = super::spread::Spread::of(own.iter().filter_map(|i| i.latency_s()).collect());
    SiteRecord {
        site,
        name: format!("site{site}"),
        captured: own.len() as u64,
        accepted: own.len() as u64,
        stored,
        lost: own.len() as u64 - stored,
        duplicates: 0,
        retries: u64::from(site % 7),
        restarts: u64::from(site.is_multiple_of(41)),
        offline_s: f64::from(site % 13) * 10.0,
        latency_p50_s: latency.map(|spread| spread.p50),
        latency_p95_s: latency.map(|spread| spread.p95),
    }
}

/// A sample a minute.
fn samples(weather: Weather, hours: u32, images: &[ImageRecord], sites: usize) -> Vec<Sample> {
    let end = images.iter().filter_map(|image| image.done_at).max();
    let length = end.map_or(0, |end| (end - start()).num_minutes() + 2);
    let length = length.max(i64::from(hours) * 60) as usize;
    let mut rows: Vec<Sample> = (0..length)
        .map(|minute| Sample {
            at: start() + TimeDelta::minutes(minute as i64),
            agents: sites as u32,
            online: sites as u32,
            ..Sample::default()
        })
        .collect();
    let minute = |at: DateTime<Utc>| ((at - start()).num_seconds() / 60 + 1) as usize;
    for image in images {
        rows[minute(image.captured_at)].captured_since += 1;
        let stored = image.stored_at.map_or(length, &minute);
        for row in &mut rows[minute(image.captured_at)..stored.min(length)] {
            row.waiting += 1;
            let age = (row.at - image.captured_at).as_seconds_f64();
            row.oldest_s = row.oldest_s.max(age);
        }
        if let Some(row) = rows.get_mut(stored) {
            row.stored_since += 1;
            row.requests_since += 3;
            row.sites_in_pipeline_max += 1;
        }
        let (Some(begun), Some(done)) = (image.started_at, image.done_at) else {
            continue;
        };
        rows[minute(begun)].cold_since += u64::from(image.cold == Some(true));
        for row in &mut rows[minute(begun)..minute(done)] {
            row.executions += 1;
        }
        for row in &mut rows[stored..minute(begun)] {
            row.events_waiting += 1;
            row.throttled_since += 1;
            let age = (row.at - image.stored_at.unwrap_or(row.at)).as_seconds_f64();
            row.event_age_s = row.event_age_s.max(age);
        }
    }
    if weather == Weather::Overload {
        let busy = rows.iter_mut().filter(|row| row.stored_since > 0);
        for row in busy.skip(1).take(3) {
            row.sites_in_pipeline_max = sites as u32 + 4;
        }
    }
    if weather == Weather::Outage {
        let (from, to) = outage(hours);
        for row in rows.iter_mut() {
            let at = (row.at - start()).as_seconds_f64();
            if (from..to).contains(&at) {
                row.online = 0;
                row.errors_since = 40;
            }
        }
    }
    rows
}

fn told(
    weather: Weather,
    hours: u32,
    sites: &[SiteRecord],
    images: &[ImageRecord],
    shard: Option<Shard>,
) -> Told {
    let lost = sites.iter().map(|site| site.lost).sum::<u64>();
    let events = images.iter().filter(|image| image.stored_at.is_some());
    let events = events.count() as u64;
    let bad = weather == Weather::Overload;
    // Shares of a sum of dollars add up to the sum only if they are exact in binary.
    let by_service = [
        ("Lambda GB-s", events as f64 / 512.0),
        ("Lambda requests", events as f64 / 4096.0),
        ("S3 PUT", events as f64 / 1024.0),
        ("S3 GET", events as f64 / 2048.0),
    ];
    let cap = sites.len();
    let failures = [
        format!("{lost} accepted images are not in the store"),
        format!(
            "3 moments with more than {cap} sites in the pipeline; the first at 2026-03-01T08:00:04Z"
        ),
    ];
    Told {
        scenario: format!("{weather:?}").to_lowercase(),
        seed: 7,
        clock: ClockKind::Virtual,
        hours: f64::from(hours),
        start: start(),
        end: start() + TimeDelta::hours(i64::from(hours)),
        version: "0.1.0".to_owned(),
        command: format!("weir-fleet run --scenario {weather:?} --hours {hours} --seed 7"),
        settings: BTreeMap::from([
            (
                "camera".to_owned(),
                "hourly, 180-420 kB, jitter 25s".to_owned(),
            ),
            ("gate".to_owned(), "local, hold 30s".to_owned()),
        ]),
        completed: true,
        shard,
        cap: Some(sites.len() as u32),
        cap_violations: if bad { 3 } else { 0 },
        verdict: Verdict {
            ok: !bad,
            failures: if bad { failures.to_vec() } else { Vec::new() },
        },
        fresh_within_s: Some(60.0),
        fresh_after_fault_s: (weather == Weather::Outage).then_some(12.5),
        events,
        requests_by_operation: BTreeMap::from([
            ("PutObject".to_owned(), events),
            ("HeadObject".to_owned(), events * 2),
        ]),
        cost_usd: Some(Cost {
            total: by_service.iter().map(|(_, dollars)| dollars).sum(),
            by_service: by_service
                .map(|(name, dollars)| (name.to_owned(), dollars))
                .into(),
            prices: "us-west-1, 2026-03".to_owned(),
        }),
        wall_s: 32.0,
        peak_rss_mib: 256.0,
        ..Told::default()
    }
}
