//! What holds of every picture, whatever it says.

use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use proptest::prelude::*;

use super::*;

/// A local time to the second, from 1960 to 2110, often close to a change of clocks.
fn local() -> impl Strategy<Value = NaiveDateTime> {
    let anywhere = -315_619_200..4_417_977_600_i64;
    let changes = prop::sample::select(vec![
        1_710_054_000_i64,
        1_730_595_600,
        1_711_846_800,
        1_729_990_800,
    ]);
    prop_oneof![
        anywhere,
        (changes, -14_400..14_400_i64).prop_map(|(change, off)| change + off),
    ]
    .prop_map(|seconds| {
        DateTime::from_timestamp(seconds, 0)
            .expect("within the calendar")
            .naive_utc()
    })
}

fn a_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(Tz::names().collect::<Vec<_>>())
        .prop_map(|name| name.parse().expect("IANA"))
}

fn embedded() -> impl Strategy<Value = Reading> {
    let precision = prop::sample::select(vec![Precision::Minute, Precision::Second]);
    let source = prop::sample::select(vec![
        (Source::Exif, None),
        (Source::Exif, Some(exif_time::DIGITIZED)),
        (Source::Gps, None),
    ]);
    (source, local(), prop::option::of(-12..14_i32), precision).prop_map(
        |((source, scheme), local, hours, precision)| {
            let hours = if source == Source::Gps {
                Some(0)
            } else {
                hours
            };
            Reading {
                source,
                raw: local.to_string(),
                local,
                offset: hours.and_then(|hours| FixedOffset::east_opt(hours * 3600)),
                precision,
                scheme,
            }
        },
    )
}

fn clock() -> impl Strategy<Value = CameraClock> {
    prop_oneof![
        Just(CameraClock::default()),
        (-10_000_000..10_000_000_i64).prop_map(|s| CameraClock::fixed(TimeDelta::seconds(s))),
    ]
}

fn rules_of_any() -> impl Strategy<Value = Rules> {
    let since = prop::option::of(
        (2000..2030_i32).prop_map(|year| NaiveDate::from_ymd_opt(year, 6, 1).expect("a day")),
    );
    (prop::option::of(a_zone()), clock(), since).prop_map(|(zone, camera_clock, since)| Rules {
        zone,
        camera_clock,
        since,
        patterns: Vec::new(),
    })
}

#[derive(Debug, Clone)]
struct Scene {
    embedded: Vec<Reading>,
    path: String,
    mtime: Option<i64>,
    unsure: bool,
}

fn scene() -> impl Strategy<Value = Scene> {
    let named = local().prop_map(|at| at.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg").to_string());
    let path = prop_oneof![named, Just("a.jpg".to_owned()), "\\PC{0,30}"];
    let mtime = prop::option::of(0..4_000_000_000_i64);
    (
        prop::collection::vec(embedded(), 0..4),
        path,
        mtime,
        any::<bool>(),
    )
        .prop_map(|(embedded, path, mtime, unsure)| Scene {
            embedded,
            path,
            mtime,
            unsure,
        })
}

impl Scene {
    fn stamp(&self, rules: &Rules) -> CaptureTime {
        let mtime = self.mtime.map(|seconds| {
            let at = DateTime::from_timestamp(seconds, 0).expect("within the calendar");
            Candidate {
                unsure: self.unsure,
                ..reading::mtime(at, TimeDelta::zero(), &rules.zone())
            }
        });
        let found = Found {
            embedded: self.embedded.clone(),
            mtime,
            now: None,
            neighbour: None,
        };
        found.choose(Path::new(&self.path), rules, Vec::new())
    }
}

proptest! {
    #[test]
    fn the_choice_is_one_of_what_was_found_or_nothing(scene in scene(), rules in rules_of_any()) {
        let found = scene.stamp(&rules);
        prop_assert_eq!(found.at.is_none(), found.source == Source::None);
        prop_assert_eq!(found.chosen().map(|c| (c.at, c.precision)), found.at.map(|at| (at, found.precision)));
        if found.at.is_none() {
            prop_assert!(found.is_doubtful() && scene.mtime.is_none());
        }
        let json = serde_json::to_string(&found)?;
        prop_assert_eq!(serde_json::from_str::<CaptureTime>(&json)?, found);
    }

    #[test]
    fn what_a_source_states_keeps_its_digits(scene in scene(), rules in rules_of_any()) {
        let found = scene.stamp(&rules);
        for reading in &scene.embedded {
            let kept = found.candidates.iter().any(|c| {
                c.source == reading.source && c.raw == reading.raw && c.stated_local() == reading.local
                    && reading.offset.is_none_or(|offset| *c.at.offset() == offset)
            });
            prop_assert!(kept, "{:?} is not in {:?}", reading, found.candidates);
        }
    }

    #[test]
    fn certainty_needs_that_nothing_contradicts(scene in scene(), rules in rules_of_any()) {
        let found = scene.stamp(&rules);
        if found.confidence == Confidence::High {
            let chosen = found.chosen().expect("a moment");
            prop_assert!(chosen.at.timestamp() >= 946_771_200);
            prop_assert!(chosen.offset_stated || rules.zone.is_some());
            for warning in &found.warnings {
                let harmless = match warning {
                    Warning::ResetClock { source } | Warning::BeforeSite { source } | Warning::ImplausibleYear { source }
                        | Warning::Repeated { source } | Warning::Skipped { source } => *source != found.source
                        || found.candidates.iter().filter(|c| c.source == *source).count() > 1,
                    Warning::ZoneMismatch { .. } => true,
                    _ => false,
                };
                prop_assert!(harmless, "{:?} in {:?}", warning, found);
            }
        }
    }

    #[test]
    fn the_same_rules_choose_the_same_again(scene in scene(), one in rules_of_any(), other in rules_of_any()) {
        let path = Path::new(&scene.path);
        let first = scene.stamp(&one);
        prop_assert_eq!(&restamp(&first, path, &one, None), &first);
        let anew = restamp(&first, path, &other, None);
        prop_assert_eq!(&anew, &scene.stamp(&other), "as if it had been stamped so from the beginning");
        prop_assert_eq!(&restamp(&anew, path, &one, None), &first, "and back");
    }

    #[test]
    fn a_correction_of_the_files_time_can_be_taken_back(
        scene in scene(), rules in rules_of_any(), by in -1_000_000_000..1_000_000_000_i64,
    ) {
        let path = Path::new(&scene.path);
        let first = Scene { unsure: false, ..scene.clone() }.stamp(&rules);
        let right = restamp(&first.with_mtime_corrected(TimeDelta::milliseconds(by)), path, &rules, None);
        if let Some(mtime) = scene.mtime {
            let candidate = right.candidates.last().expect("the modification time is the last");
            prop_assert_eq!(candidate.at.timestamp_millis(), mtime * 1000 + by);
        }
        prop_assert_eq!(right.mtime_correction().num_milliseconds(), if scene.mtime.is_some() { by } else { 0 });
        let back = restamp(&right.with_mtime_corrected(TimeDelta::zero()), path, &rules, None);
        prop_assert_eq!(back, first);
    }

    #[test]
    fn no_block_and_no_name_breaks_it(
        noise in prop::collection::vec(any::<u8>(), 0..300),
        kept in 0..120_usize,
        name in "\\PC{0,40}",
        seconds in -10_000_000_000..10_000_000_000_i64,
    ) {
        let block = Picture::new(1).taken("2024:08:09 14:30:00").offset("-06:00").exif().unwrap_or_default();
        let block = [&block[..kept.min(block.len())], &noise].concat();
        let mtime = DateTime::from_timestamp(seconds, 0);
        let found = stamp(&Evidence { exif: Some(&block), mtime, ..Evidence::of(Path::new(&name)) }, &rules());
        prop_assert_eq!(found.candidates.last().map(|c| c.source), Some(Source::Mtime));
    }
}
