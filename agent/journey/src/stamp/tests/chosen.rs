//! The choice, case by case: what real cameras and clocks do.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};

use super::*;

fn local(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a test's local time")
}

/// A reading of `source` that states `text`, and the offset with it where it states one.
fn reading(source: Source, text: &str, offset: Option<i32>) -> Reading {
    Reading {
        source,
        raw: text.to_owned(),
        local: local(text),
        offset: offset.map(|hours| FixedOffset::east_opt(hours * 3600).expect("small")),
        precision: Precision::Second,
        scheme: None,
    }
}

fn exif(text: &str) -> Reading {
    reading(Source::Exif, text, None)
}

fn gps(text: &str) -> Reading {
    reading(Source::Gps, text, Some(0))
}

/// What is chosen among EXIF's times, the name's and the file's.
fn chosen(embedded: Vec<Reading>, path: &str, mtime: Option<&str>, rules: &Rules) -> CaptureTime {
    let mtime = mtime.map(|text| reading::mtime(moment(text), TimeDelta::zero(), &rules.zone()));
    let found = Found {
        embedded,
        mtime,
        now: None,
        neighbour: None,
    };
    found.choose(Path::new(path), rules, Vec::new())
}

fn codes(capture: &CaptureTime) -> Vec<&'static str> {
    capture.warnings.iter().map(Warning::code).collect()
}

/// Source, moment, confidence and the codes of the warnings, in one line.
fn told(capture: &CaptureTime) -> String {
    format!(
        "{} {} {} {}",
        capture.source,
        at(capture),
        capture.confidence,
        codes(capture).join(",")
    )
}

const LATER: Option<&str> = Some("2024-10-01T00:00:00Z");

#[test]
fn gps_confirms_the_zone_or_says_which_it_is() {
    let taken = || exif("2024-08-09 14:30:00");
    let confirmed = chosen(
        vec![taken(), gps("2024-08-09 21:29:58")],
        "a.jpg",
        LATER,
        &rules(),
    );
    assert_eq!(told(&confirmed), "exif 2024-08-09T14:30:00-07:00 high ");
    let other_zone = chosen(
        vec![taken(), gps("2024-08-09 20:29:58")],
        "a.jpg",
        LATER,
        &rules(),
    );
    assert_eq!(
        told(&other_zone),
        "exif 2024-08-09T14:30:00-06:00 medium zone-mismatch"
    );
    assert!(other_zone.candidates[0].offset_inferred);
    let no_zone = chosen(
        vec![taken(), gps("2024-08-09 20:29:58")],
        "a.jpg",
        LATER,
        &Rules::default(),
    );
    assert_eq!(told(&no_zone), "exif 2024-08-09T14:30:00-06:00 medium ");
    // Kathmandu's offset is not a whole number of half-hours.
    let nepal = chosen(
        vec![taken(), gps("2024-08-09 08:45:00")],
        "a.jpg",
        LATER,
        &Rules::default(),
    );
    assert_eq!(at(&nepal), "2024-08-09T14:30:00+05:45");
}

#[test]
fn a_stale_fix_does_not_overrule_the_cameras_clock() {
    let found = chosen(
        vec![exif("2024-08-09 14:30:00"), gps("2024-08-09 18:17:00")],
        "a.jpg",
        LATER,
        &rules(),
    );
    assert_eq!(
        told(&found),
        "exif 2024-08-09T14:30:00-07:00 medium disagreement"
    );
    let alone = chosen(vec![gps("2024-08-09 21:30:00")], "a.jpg", LATER, &rules());
    assert_eq!(told(&alone), "gps 2024-08-09T21:30:00+00:00 medium ");
}

#[test]
fn a_name_in_utc_gives_the_offset_too() {
    let found = chosen(
        vec![exif("2024-08-09 08:30:00")],
        "PXL_20240809_143000123.jpg",
        LATER,
        &Rules::default(),
    );
    assert_eq!(at(&found), "2024-08-09T08:30:00-06:00");
}

#[test]
fn without_a_zone_a_local_time_says_so() {
    let found = chosen(
        vec![exif("2024-08-09 14:30:00")],
        "a.jpg",
        LATER,
        &Rules::default(),
    );
    assert_eq!(
        told(&found),
        "exif 2024-08-09T14:30:00+00:00 medium zone-unknown"
    );
}

#[test]
fn a_flip_of_half_a_day_is_told_and_the_files_time_decides() {
    let flipped = || vec![exif("2024-08-09 02:30:00")];
    let doubtful = chosen(flipped(), NAME, LATER, &rules());
    assert_eq!(
        told(&doubtful),
        "exif 2024-08-09T02:30:00-07:00 low half-day"
    );
    let decided = chosen(flipped(), NAME, Some("2024-08-09T21:30:03Z"), &rules());
    assert_eq!(
        told(&decided),
        "filename 2024-08-09T14:30:00-07:00 medium half-day"
    );
}

#[test]
fn two_local_times_an_hour_apart_are_decided_by_the_files_time_or_not_at_all() {
    let summer = || vec![exif("2024-08-09 15:30:00")];
    let doubtful = chosen(summer(), NAME, LATER, &rules());
    assert_eq!(
        told(&doubtful),
        "exif 2024-08-09T15:30:00-07:00 low zone-mismatch"
    );
    let decided = chosen(summer(), NAME, Some("2024-08-09T21:30:03Z"), &rules());
    assert_eq!(
        told(&decided),
        "filename 2024-08-09T14:30:00-07:00 medium zone-mismatch"
    );
}

#[test]
fn two_independent_sources_overrule_a_third() {
    let found = chosen(
        vec![exif("2021-03-01 14:30:00"), gps("2024-08-09 21:30:01")],
        NAME,
        LATER,
        &rules(),
    );
    assert_eq!(
        (found.source, at(&found).as_str()),
        (Source::Gps, "2024-08-09T21:30:01+00:00")
    );
    assert!(found.confidence < Confidence::High, "{found:?}");
}

#[test]
fn a_time_after_the_file_yields_to_one_at_which_the_file_was_written() {
    let fast = vec![exif("2025-08-09 14:30:00")];
    let found = chosen(fast, NAME, Some("2024-08-09T21:30:02Z"), &rules());
    assert_eq!(found.source, Source::Filename);
    let alone = chosen(vec![exif("2025-08-09 14:30:00")], "a.jpg", LATER, &rules());
    assert_eq!(
        told(&alone),
        "exif 2025-08-09T14:30:00-07:00 low after-modification"
    );
}

#[test]
fn a_file_system_without_zones_condemns_nobody() {
    let found = chosen(
        vec![exif("2024-08-09 14:30:00")],
        "a.jpg",
        Some("2024-08-09T14:30:02Z"),
        &rules(),
    );
    assert_eq!(
        told(&found),
        "exif 2024-08-09T14:30:00-07:00 medium modification-offset"
    );
}

#[test]
fn a_modification_by_a_clock_nobody_set_proves_nothing() {
    let mut mtime = reading::mtime(moment("2023-05-01T00:00:00Z"), TimeDelta::zero(), &zone());
    mtime.unsure = true;
    let found = |embedded| Found {
        embedded,
        mtime: Some(mtime.clone()),
        now: None,
        neighbour: None,
    };
    let rules = rules();
    let exif = found(vec![exif("2024-08-09 14:30:00")]);
    let exif = exif.choose(Path::new("a.jpg"), &rules, Vec::new());
    assert_eq!(told(&exif), "exif 2024-08-09T14:30:00-07:00 medium ");
    let alone = found(Vec::new()).choose(Path::new("a.jpg"), &rules, Vec::new());
    assert_eq!(
        told(&alone),
        "mtime 2023-04-30T17:00:00-07:00 low device-clock"
    );
}

#[test]
fn what_cannot_be_is_not_chosen() {
    let since = Rules {
        since: NaiveDate::from_ymd_opt(2024, 5, 1),
        ..rules()
    };
    let before = chosen(vec![exif("2023-08-09 14:30:00")], "a.jpg", LATER, &since);
    assert_eq!(
        told(&before),
        "mtime 2024-09-30T17:00:00-07:00 low before-site"
    );
    let first_day = chosen(vec![exif("2024-05-01 00:00:00")], "a.jpg", LATER, &since);
    assert_eq!(first_day.source, Source::Exif);
    let far = chosen(vec![exif("2107-12-31 23:59:58")], "a.jpg", None, &rules());
    assert_eq!(told(&far), "none none low implausible-year");
    let reset = chosen(vec![exif("1980-01-01 00:00:10")], "a.jpg", None, &rules());
    assert_eq!(told(&reset), "none none low reset-clock");
}

#[test]
fn a_new_years_night_long_before_the_file_is_a_reset_unless_something_else_is_known() {
    let reset = || vec![exif("2015-01-01 00:04:00")];
    let alone = chosen(reset(), "a.jpg", LATER, &rules());
    assert_eq!(
        told(&alone),
        "exif 2015-01-01T00:04:00-07:00 low perhaps-reset"
    );
    let named = chosen(reset(), NAME, LATER, &rules());
    assert_eq!(named.source, Source::Filename);
    let real = chosen(
        vec![exif("2024-01-01 00:04:00")],
        "a.jpg",
        Some("2024-01-01T07:04:03Z"),
        &rules(),
    );
    assert_eq!(told(&real), "exif 2024-01-01T00:04:00-07:00 medium ");
}

#[test]
fn what_is_to_come_is_doubtful_where_the_devices_clock_can_be_trusted() {
    let evidence = |now| Evidence {
        now,
        ..Evidence::of(Path::new(NAME))
    };
    let by = |now: &str| stamp(&evidence(Some(moment(now))), &rules());
    assert_eq!(
        told(&by("2024-08-09T21:00:00Z")),
        "filename 2024-08-09T14:30:00-07:00 low future"
    );
    assert_eq!(told(&by("2024-08-01T00:00:00Z")), "none none low future");
    let unknown = stamp(&evidence(None), &rules());
    assert_eq!(told(&unknown), "filename 2024-08-09T14:30:00-07:00 medium ");
}

#[test]
fn a_site_does_not_go_back_in_time() {
    let rules = rules();
    let after = |neighbour: (&str, &str), mtime: &str| {
        let evidence = Evidence {
            mtime: Some(moment(mtime)),
            neighbour: Some(Neighbour {
                at: moment(neighbour.0),
                mtime: moment(neighbour.1),
            }),
            ..Evidence::of(Path::new(NAME))
        };
        told(&stamp(&evidence, &rules))
    };
    let good = "filename 2024-08-09T14:30:00-07:00 medium ";
    let fresh = ("2024-08-12T10:00:00Z", "2024-08-12T10:00:05Z");
    assert_eq!(
        after(fresh, "2024-08-12T11:00:00Z"),
        "filename 2024-08-09T14:30:00-07:00 low backwards"
    );
    assert_eq!(after(fresh, "2024-08-12T09:00:00Z"), good, "an older file");
    let copied = ("2024-08-12T10:00:00Z", "2024-09-12T10:00:05Z");
    assert_eq!(
        after(copied, "2024-09-12T11:00:00Z"),
        good,
        "the neighbour's file is a copy"
    );
}

#[test]
fn an_hour_that_occurs_twice_is_told_apart_where_something_can() {
    let denver = Rules {
        zone: Some("America/Denver".parse().expect("IANA")),
        ..Rules::default()
    };
    let twice = || vec![exif("2024-11-03 01:30:00")];
    let first = "2024-11-03T01:30:00-06:00";
    let second = "2024-11-03T01:30:00-07:00";
    let found = chosen(twice(), "a.jpg", None, &denver);
    assert_eq!(told(&found), format!("exif {first} medium repeated"));
    for (mtime, meant) in [
        ("2024-11-03T07:30:05Z", first),
        ("2024-11-03T08:30:05Z", second),
    ] {
        let found = chosen(twice(), "a.jpg", Some(mtime), &denver);
        assert_eq!(told(&found), format!("exif {meant} medium "));
    }
    let mut both = twice();
    both.push(gps("2024-11-03 08:29:59"));
    let found = chosen(both, "a.jpg", LATER, &denver);
    assert_eq!(at(&found), second);
}

#[test]
fn the_sites_own_pattern_wins_over_everything() {
    let own = Rules {
        patterns: vec!["%Y%m%d%H%M%S".parse().expect("a pattern")],
        ..rules()
    };
    let found = chosen(
        vec![exif("2024-08-09 13:07:00")],
        "20240809143000.jpg",
        LATER,
        &own,
    );
    assert_eq!(
        told(&found),
        "filename 2024-08-09T14:30:00-07:00 medium disagreement"
    );
    let unlike = chosen(vec![exif("2024-08-09 13:07:00")], "x.jpg", LATER, &own);
    assert_eq!(unlike.source, Source::Exif);
}

#[test]
fn a_known_error_of_the_cameras_clock_is_taken_out_of_its_own_times_only() {
    let fast = Rules {
        camera_clock: CameraClock::fixed(TimeDelta::minutes(-63)),
        ..rules()
    };
    let found = chosen(
        vec![exif("2024-08-09 15:33:00"), gps("2024-08-09 21:30:00")],
        "a.jpg",
        Some("2024-08-09T21:30:01Z"),
        &fast,
    );
    assert_eq!(told(&found), "exif 2024-08-09T14:30:00-07:00 high ");
    assert_eq!(found.candidates[0].correction_ms, Some(-63 * 60_000));
    assert_eq!(found.candidates[0].raw, "2024-08-09 15:33:00");
    assert_eq!(found.candidates[1].correction_ms, None);
    assert_eq!(found.candidates[2].correction_ms, None);
}

#[test]
fn the_policy_takes_the_files_time_only_where_a_clock_is_proven_wrong() {
    let fast = chosen(vec![exif("2025-08-09 14:30:00")], "a.jpg", LATER, &rules());
    let filed = Doubtful::Mtime.file(fast.clone());
    assert_eq!(
        (told(&filed.capture).as_str(), filed.filing),
        (
            "mtime 2024-09-30T17:00:00-07:00 low after-modification,taken-from-mtime",
            Filing::Dated
        )
    );
    assert_eq!(Doubtful::Undated.file(fast.clone()).filing, Filing::Undated);
    assert_eq!(Doubtful::Hold.file(fast.clone()).filing, Filing::Held);
    assert_eq!(Doubtful::Hold.file(fast.clone()).capture, fast);
    let unlike = chosen(vec![exif("2024-08-09 02:30:00")], NAME, LATER, &rules());
    assert_eq!(Doubtful::Mtime.file(unlike.clone()).capture, unlike);
    let good = chosen(vec![exif("2024-08-09 14:30:00")], NAME, LATER, &rules());
    for policy in [Doubtful::Mtime, Doubtful::Undated, Doubtful::Hold] {
        assert_eq!(policy.file(good.clone()).filing, Filing::Dated);
    }
}
