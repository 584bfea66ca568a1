use std::collections::{BTreeSet, HashSet};
use std::io::Cursor;
use std::path::Path;

use chrono::SubsecRound as _;
use proptest::prelude::*;
use weir_journey::settle::{Format, Inspection, Structure, inspect};
use weir_journey::stamp::{CaptureTime, Evidence, Rules, stamp};

use super::*;

mod faults;

const DAY: Duration = Duration::from_secs(86_400);

fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap_or_else(|fault| panic!("{fault}"))
}

/// All that a camera writes in a week.
fn week(settings: &Settings, site: u32, seed: u64) -> Vec<(Shot, Take)> {
    let mut camera = Camera::new(settings, site, 300, seed, start(), 7 * DAY);
    std::iter::from_fn(|| {
        let shot = camera.next()?;
        let take = camera.take(&shot);
        Some((shot, take))
    })
    .collect()
}

fn inspected(bytes: &[u8]) -> Inspection {
    inspect(&mut Cursor::new(bytes), |_| ()).unwrap()
}

/// What the agent makes of the time of a picture.
fn stamped(take: &Take, zone: weir_journey::stamp::Zone) -> CaptureTime {
    let exif = inspected(&take.bytes).exif;
    let mut evidence = Evidence::of(Path::new(&take.file));
    evidence.exif = exif.as_deref();
    let rules = Rules {
        zone: Some(zone),
        ..Rules::default()
    };
    stamp(&evidence, &rules)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pictures_are_taken_by_the_agent_and_by_a_decoder(
        seed: u64,
        site in 1..400_u32,
        median in 0..200_000_u64,
        jitter in 0..2000_u64,
        exif_offset: bool,
    ) {
        let settings = Settings {
            schedule: format!("every 12h jitter {jitter}ms").parse().unwrap(),
            median,
            exif_offset,
            ..Settings::default()
        };
        for (_, take) in week(&settings, site, seed) {
            prop_assert_eq!(inspected(&take.bytes).structure, Structure::Whole(Format::Jpeg));
            let drawn = image::load_from_memory(&take.bytes).unwrap();
            prop_assert_eq!((drawn.width(), drawn.height()), (64, 64));
            let stamped = stamped(&take, settings.zone);
            prop_assert_eq!(stamped.at.unwrap().to_utc(), take.captured_at);
            prop_assert!(!stamped.is_doubtful(), "{:?}", stamped);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_no_two_pictures_are_equal() {
    let settings = settings("schedule = \"every 1h jitter 90s\"\nmedian = \"1KiB\"");
    let mut seen = HashSet::new();
    for (site, seed) in [(1, 1), (2, 1), (1, 2)] {
        let all = week(&settings, site, seed);
        assert_eq!(all, week(&settings, site, seed));
        assert_eq!(all.len(), 7 * 24);
        for (_, take) in all {
            assert!(seen.insert(take.bytes), "{} of site {site}", take.file);
        }
    }
}

#[test]
fn a_picture_that_is_cut_anywhere_is_not_whole() {
    let (_, take) = &week(&settings("median = \"2KiB\""), 1, 1)[0];
    for len in 0..take.bytes.len() {
        let structure = inspected(&take.bytes[..len]).structure;
        assert!(
            !matches!(structure, Structure::Whole(_)),
            "{len} bytes: {structure}"
        );
    }
}

#[test]
fn names_and_times_are_those_of_the_field() {
    let all = week(&settings(""), 1, 1);
    let (shot, take) = &all[1];
    assert_eq!((shot.number, shot.at), (2, Duration::from_secs(1800)));
    assert_eq!(take.file, "image_capture_2026-02-28_17-30-00.jpg");
    assert_eq!(take.captured_at, start() + Duration::from_secs(1800));
    assert_eq!(take.said.to_string(), "2026-02-28 17:30:00");
    let numbers: Vec<_> = all.iter().map(|(shot, _)| shot.number).collect();
    assert_eq!(numbers, (1..=7 * 48).collect::<Vec<_>>());
}

#[test]
fn sizes_follow_the_distribution() {
    let sizes = |text| -> Vec<usize> {
        let mut sizes: Vec<_> = week(&settings(text), 1, 1)
            .into_iter()
            .map(|(_, take)| take.bytes.len())
            .collect();
        sizes.sort_unstable();
        sizes
    };
    let spread = sizes("schedule = \"every 10m\"\nspread = 0.5");
    let share = |of: f64| spread[(spread.len() as f64 * of) as usize] as f64 / f64::from(24 << 10);
    // Quantiles of a log-normal distribution with sigma 0.5.
    for (of, expected) in [(0.16, 0.608), (0.5, 1.0), (0.84, 1.644)] {
        let share = share(of);
        assert!(
            (share / expected - 1.0).abs() < 0.1,
            "{of}: {share} for {expected}"
        );
    }
    let fixed: BTreeSet<_> = sizes("spread = 0.0\nmedian = \"100KB\"")
        .into_iter()
        .collect();
    assert_eq!(fixed.len(), 1, "{fixed:?}");
    assert!(fixed.first().unwrap().abs_diff(100_000) <= 4, "{fixed:?}");
}

#[test]
fn pictures_within_one_second_lie_in_folders() {
    let settings = settings("schedule = \"rate 3/s for 60s\"");
    let mut camera = Camera::new(&settings, 1, 1, 1, start(), DAY);
    let mut names = HashSet::new();
    while let Some(shot) = camera.next() {
        let take = camera.take(&shot);
        let stamped = stamped(&take, settings.zone);
        // EXIF has milliseconds.
        let captured = take.captured_at.trunc_subsecs(3);
        assert_eq!(stamped.at.unwrap().to_utc(), captured, "{}", take.file);
        assert!(names.insert(take.file));
    }
    assert_eq!(names.len(), 180);
}

#[test]
fn a_rendered_river_is_a_picture_with_its_truth_beside_it() {
    let settings = settings("picture = \"scene\"\nsize = [96, 54]\nschedule = \"every 12h\"");
    let all = week(&settings, 3, 1);
    assert_eq!(all, week(&settings, 3, 1));
    let mut pictures = HashSet::new();
    for (_, take) in all {
        assert_eq!(
            inspected(&take.bytes).structure,
            Structure::Whole(Format::Jpeg)
        );
        assert_eq!(
            stamped(&take, settings.zone).at.unwrap().to_utc(),
            take.captured_at
        );
        let stem = take.file.strip_suffix(".jpg").unwrap();
        let names: Vec<_> = take.beside.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, [format!("{stem}_mask.png"), format!("{stem}.json")]);
        let picture = image::load_from_memory(&take.bytes).unwrap();
        let mask = image::load_from_memory(&take.beside[0].1)
            .unwrap()
            .to_luma8();
        assert_eq!((picture.width(), picture.height()), mask.dimensions());
        let stage: serde_json::Value = serde_json::from_slice(&take.beside[1].1).unwrap();
        assert!(stage["stage_m"].as_f64().unwrap() > 0.3, "{stage}");
        let time: DateTime<Utc> = stage["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(time, take.captured_at);
        assert!(pictures.insert(take.bytes));
    }
}

#[test]
fn the_table_refuses_what_it_does_not_know() {
    let refused = |text| toml::from_str::<Settings>(text).unwrap_err().to_string();
    assert!(refused("shedule = \"every 30m\"").contains("unknown field"));
    assert!(refused("schedule = \"every 60\"").contains("no unit"));
    assert!(refused("zone = \"MST7\"").contains("no time zone"));
    let settings = settings("schedule = \"rate 1/s for 180s\"\nmedian = \"350KiB\"");
    let text = toml::to_string(&settings).unwrap();
    assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
}
