//! The board's clock: is it plausible, is it kept right, and does the store agree with it?
//!
//! Weir signs requests by the store's time when the two differ, so a wrong clock does not stop uploads. It does
//! falsify every capture time that comes from this clock, and outside the life of a certificate no HTTPS
//! connection can be made.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, TimeZone as _, Utc};
use weir_journey::stamp::{Tz, Zone};

use super::finding::{Check, Finding, Judgement};
use crate::clock::Clock;
use crate::config::Config;

/// No build of this program is older: a clock before this was never set.
const EARLIEST: &str = "2025-01-01T00:00:00Z";
/// A clock beyond this is as surely wrong.
const YEARS: i64 = 25;
/// What a clock that is kept right may show of a store's whole seconds and a slow answer.
const CLOSE: TimeDelta = TimeDelta::seconds(30);
/// Beyond this S3 refuses a signature (`RequestTimeTooSkewed`).
const REFUSED: TimeDelta = TimeDelta::minutes(15);

const SET_IT: &str =
    "set it (`timedatectl set-ntp true`, or `date -s` by hand), or fit a battery clock";

/// The clock by itself.
pub(super) fn plausible(now: DateTime<Utc>) -> Judgement {
    let shown = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let earliest: DateTime<Utc> = EARLIEST.parse().unwrap_or_default();
    if now < earliest {
        Judgement::fail(
            format!("it shows {shown}, before this program was made"),
            SET_IT,
        )
    } else if now > earliest + TimeDelta::days(365 * YEARS) {
        Judgement::fail(format!("it shows {shown}, far in the future"), SET_IT)
    } else {
        Judgement::ok(format!("it shows {shown}"))
    }
}

/// How far the store's clock is `ahead` of the board's.
pub(super) fn against_the_store(ahead: Option<TimeDelta>) -> Judgement {
    let Some(ahead) = ahead else {
        return Judgement::skipped("the store told no time");
    };
    let seconds = ahead.num_seconds();
    let side = if seconds < 0 { "ahead of" } else { "behind" };
    let off = format!("{} s {side} the store's", seconds.abs());
    if ahead.abs() > REFUSED {
        Judgement::fail(
            format!(
                "the board's clock is {off}: requests are signed by the store's time instead (S3 refuses more than \
                 900 s), and capture times that come from this clock are wrong"
            ),
            SET_IT,
        )
    } else if ahead.abs() > CLOSE {
        Judgement::warn(
            format!(
                "the board's clock is {off}: capture times that come from this clock are off by that"
            ),
            SET_IT,
        )
    } else if seconds == 0 {
        Judgement::ok("equal to the store's")
    } else {
        Judgement::ok(off)
    }
}

/// Whether something keeps the clock right, as far as anybody says.
fn kept_right(said: Option<bool>) -> Judgement {
    match said {
        Some(true) => Judgement::ok("kept right by a time service"),
        Some(false) => Judgement::warn(
            "nothing keeps it right at the moment",
            "enable a time service (`timedatectl set-ntp true`); where there is no network, fit a battery clock",
        ),
        None => Judgement::skipped("not known: no time service can be asked"),
    }
}

/// The zones of the sites: what their cameras' clocks should show now, and whether the system knows newer rules.
pub(super) fn zones(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let mut used: BTreeMap<String, (Zone, Vec<&str>)> = BTreeMap::new();
    for site in &config.sites {
        let zone = site.timezone.zone();
        let (_, sites) = used
            .entry(site.timezone.to_string())
            .or_insert((zone, Vec::new()));
        sites.push(site.name.as_str());
    }
    let mut findings: Vec<_> = used
        .into_iter()
        .map(|(name, (zone, sites))| {
            let shown = zone.at(now).format("%Y-%m-%d %H:%M:%S %:z");
            let whose = match sites.as_slice() {
                [one] => format!("the camera's clock of {one}"),
                many => format!("the camera clocks of {} sites", many.len()),
            };
            Check::begin("clock.zone", name).ok(format!("{whose} should show {shown}"))
        })
        .collect();
    if let Some(system) = system_rules() {
        findings.push(Check::begin("clock.zone-rules", "tzdata").judged(rules(&system)));
    }
    findings
}

/// Compares versions such as `2025b`, which sort as text.
fn rules(system: &str) -> Judgement {
    let own = Tz::version();
    if system > own {
        Judgement::warn(
            format!("this weir has the zones of {own}, the system those of {system}"),
            "where a site's rules changed since, use a fixed offset such as timezone = \"-07:00\", or a newer weir",
        )
    } else {
        Judgement::ok(format!("the zones of {own}"))
    }
}

/// The version of the system's zone files, by their first line: `# version 2025b`.
fn system_rules() -> Option<String> {
    use std::io::Read as _;
    let mut start = [0; 64];
    let mut file = std::fs::File::open("/usr/share/zoneinfo/tzdata.zi").ok()?;
    let read = file.read(&mut start).ok()?;
    let text = std::str::from_utf8(start.get(..read)?).ok()?;
    let version = text.lines().next()?.strip_prefix("# version ")?.trim();
    let known = version.len() == 5 && version.starts_with("20");
    known.then(|| version.to_owned())
}

/// The findings about the clock alone.
pub(super) async fn alone(config: &Config, clock: &Clock) -> Vec<Finding> {
    let (now, service) = (clock.now(), clock.synchronised().await);
    let mut findings = vec![
        Check::begin("clock.plausible", "clock").judged(plausible(now)),
        Check::begin("clock.synchronised", "clock").judged(kept_right(service)),
    ];
    // Far outside of it the zones' rules mean nothing.
    if Utc.timestamp_opt(now.timestamp(), 0).single().is_some() {
        findings.extend(zones(config, now));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Outcome;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The judgement depends on the distance alone, never gets better with it, and names it.
        #[test]
        fn a_larger_skew_is_never_better(one in -100_000_i64..100_000, other in -100_000_i64..100_000) {
            let judged = |seconds| against_the_store(Some(TimeDelta::seconds(seconds)));
            let (small, large) = if one.abs() < other.abs() { (one, other) } else { (other, one) };
            prop_assert!(judged(small).outcome <= judged(large).outcome);
            prop_assert_eq!(judged(one).outcome, judged(-one).outcome);
            if one != 0 {
                let words = format!("{} s", one.abs());
                prop_assert!(judged(one).detail.contains(&words));
            }
        }
    }

    #[test]
    fn a_skew_that_a_store_refuses_fails() {
        let of = |seconds| against_the_store(Some(TimeDelta::seconds(seconds))).outcome;
        assert_eq!(of(0), Outcome::Ok);
        assert_eq!(of(31), Outcome::Warn);
        assert_eq!(of(900), Outcome::Warn);
        assert_eq!(of(-901), Outcome::Fail);
        assert_eq!(against_the_store(None).outcome, Outcome::Skipped);
        let ahead = against_the_store(Some(TimeDelta::seconds(-60)));
        assert!(ahead.detail.contains("ahead of"), "{}", ahead.detail);
    }

    #[test]
    fn a_clock_that_was_never_set_fails() {
        let of = |text: &str| plausible(text.parse().unwrap()).outcome;
        assert_eq!(of("1970-01-01T00:03:00Z"), Outcome::Fail);
        assert_eq!(of("2080-01-01T00:00:00Z"), Outcome::Fail);
        assert_eq!(of("2026-11-21T00:00:00Z"), Outcome::Ok);
    }

    #[test]
    fn a_clock_that_nobody_keeps_right_is_a_warning() {
        assert_eq!(kept_right(Some(true)).outcome, Outcome::Ok);
        assert_eq!(kept_right(Some(false)).outcome, Outcome::Warn);
        assert_eq!(kept_right(None).outcome, Outcome::Skipped);
    }

    #[test]
    fn newer_rules_of_the_system_are_told() {
        assert_eq!(rules("2019a").outcome, Outcome::Ok);
        assert_eq!(rules(Tz::version()).outcome, Outcome::Ok);
        assert_eq!(rules("2099z").outcome, Outcome::Warn);
    }
}
