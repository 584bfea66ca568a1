use proptest::prelude::*;

use super::*;
use crate::stamp::capture::Precision;

fn time(name: &str) -> Option<Reading> {
    match read(OsStr::new(name)) {
        Named::Time(reading) => Some(reading),
        Named::Ambiguous | Named::Nothing => None,
    }
}

#[test]
fn every_scheme_reads_its_example() {
    for (scheme, _) in SCHEMES.iter() {
        let found = time(scheme.example);
        let means = found.as_ref().map_or(String::new(), |found| {
            found.local.format("%Y-%m-%d %H:%M:%S%.f").to_string()
        });
        assert_eq!(means, scheme.means, "{}", scheme.example);
        assert!(scheme.source.starts_with("https://"), "{}", scheme.maker);
        if let Some(found) = found {
            assert_eq!(found.scheme, Some(scheme.maker), "{}", scheme.example);
            if scheme.clock == Clock::Utc {
                assert_eq!(found.offset, scheme.clock.offset(), "{}", scheme.example);
            }
        }
    }
}

#[test]
fn what_fits_no_scheme_is_read_when_it_leaves_no_choice() {
    for (name, scheme) in [
        ("river-2024-08-09T14:30:00Z.jpg", GENERIC),
        ("1723213800.jpg", EPOCH),
        ("image_1723213800.jpg", EPOCH),
        ("cam2-1723213800.jpg", EPOCH),
        ("1723213800250.jpg", EPOCH),
    ] {
        assert_eq!(
            time(name).and_then(|found| found.scheme),
            Some(scheme),
            "{name}"
        );
    }
    assert!(matches!(
        read(OsStr::new("03-04-2024 14.30.00.jpg")),
        Named::Ambiguous
    ));
    assert!(matches!(
        read(OsStr::new("serial-1723213800.jpg")),
        Named::Nothing
    ));
}

#[test]
fn the_page_on_names_lists_every_scheme() {
    let page = include_str!("../../../../../docs/names.md");
    let lists = |begin: &str| {
        let list = page.split_once(begin).expect("a list").1;
        list.split_once("\n\n")
            .expect("its end")
            .0
            .replace('\n', " ")
    };
    let listed: Vec<String> = lists("Names: ")
        .trim_end_matches('.')
        .split(", ")
        .map(str::to_owned)
        .collect();
    let mut known: Vec<&str> = SCHEMES.iter().map(|(scheme, _)| scheme.maker).collect();
    known.sort_unstable();
    known.dedup();
    assert_eq!(listed, known);
    let folders = lists("Folders: ");
    for maker in crate::stamp::path::makers() {
        assert!(folders.contains(maker), "{maker}");
    }
}

/// Names of every scheme for one moment, with what the name cannot say cut off.
fn names(at: chrono::NaiveDateTime) -> Vec<(String, chrono::NaiveDateTime)> {
    use chrono::Timelike as _;
    let second = at.with_nanosecond(0).unwrap_or(at);
    let millis = at
        .with_nanosecond(at.nanosecond() / 1_000_000 * 1_000_000)
        .unwrap_or(at);
    let minute = second.with_second(0).unwrap_or(at);
    let day = at.date().and_time(chrono::NaiveTime::MIN);
    let name = |format: &str, means| (at.format(format).to_string(), means);
    vec![
        name("image_capture_%Y-%m-%d_%H-%M-%S.jpg", second),
        name("CO_Site_VIEW___%Y-%m-%dT%H-%M-%SZ.jpg", second),
        name("a_b_%Y_%m_%d_%H%M%S.jpg", second),
        name("a_IR_%Y_%m_%d_%H%M%S.jpg", second),
        name(
            "192.168.1.64_01_%Y%m%d%H%M%S%3f_MOTION_DETECTION.jpg",
            millis,
        ),
        name("ch01_%Y%m%d%H%M%S.jpg", second),
        name("Name_00_%Y%m%d%H%M%S.jpg", second),
        name("image%y-%m-%d_%H-%M-%S-12.jpg", second),
        name("MDAlarm_%Y%m%d-%H%M%S.jpg", second),
        name("7-%Y%m%d%H%M%S-12.jpg", second),
        name("PXL_%Y%m%d_%H%M%S%3f.jpg", millis),
        name("IMG_%Y%m%d_%H%M%S.jpg", second),
        name("%Y%m%d_%H%M%S.jpg", second),
        name("DJI_%Y%m%d%H%M%S_0001_V.JPG", second),
        name("IMG-%Y%m%d-WA0001.jpg", day),
        name("Screenshot %Y-%m-%d at %-I.%M.%S %p.png", second),
        name("%Y%m%dT%H%M.jpg", minute),
        name("site %Y-%m-%d.jpg", day),
        name("x-%Y%m%dT%H%M%S+0000.jpg", second),
    ]
}

/// A moment within what names of cameras state.
fn moment() -> impl Strategy<Value = chrono::NaiveDateTime> {
    (1_300_000_000..1_900_000_000_i64, 0..1000_u32).prop_map(|(seconds, millis)| {
        chrono::DateTime::from_timestamp(seconds, millis * 1_000_000)
            .expect("within the calendar")
            .naive_utc()
    })
}

/// Whether a time is one that another states, perhaps less finely.
fn states(found: &Reading, original: &Reading) -> bool {
    let (finer, coarser) = (original.local, found.local);
    found.offset == original.offset
        && match found.precision {
            Precision::Day => finer.date() == coarser.date(),
            Precision::Minute => {
                finer.format("%F %R").to_string() == coarser.format("%F %R").to_string()
            }
            Precision::Second | Precision::Subsecond => (finer - coarser).num_seconds() == 0,
        }
}

proptest! {
    #[test]
    fn no_name_is_too_wild(name in "[A-Z0-9_.{}*-]{0,255}", text: String, bytes in prop::collection::vec(any::<u8>(), 0..255)) {
        use std::os::unix::ffi::OsStrExt as _;
        let _ = read(OsStr::new(&name));
        let _ = read(OsStr::new(&text));
        let _ = read(OsStr::from_bytes(&bytes));
    }

    #[test]
    fn a_name_made_by_a_scheme_is_read_back(at in moment()) {
        for (name, means) in names(at) {
            prop_assert_eq!(time(&name).map(|found| found.local), Some(means), "{}", name);
        }
        for (name, means) in [
            (format!("{}.jpg", at.and_utc().timestamp()), at.format("%F %T").to_string()),
            (format!("{}.jpg", at.and_utc().timestamp_millis()), at.format("%F %T%.3f").to_string()),
            (format!("front-{}-a1b2c3.jpg", at.and_utc().format("%s.%6f")), at.format("%F %T%.6f").to_string()),
        ] {
            let format = if means.len() > 19 { if name.starts_with('f') { "%F %T%.6f" } else { "%F %T%.3f" } } else { "%F %T" };
            prop_assert_eq!(time(&name).map(|found| found.local.format(format).to_string()), Some(means), "{}", name);
        }
    }

    /// A digit lost or gained on the way never makes a time that the name did not state.
    #[test]
    fn a_damaged_name_states_no_other_time(at in moment(), place in any::<prop::sample::Index>(), digit in prop::option::of(0..10_u8)) {
        for (name, _) in names(at) {
            let original = time(&name).expect("a scheme's name");
            let digits: Vec<usize> = name.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let place = *place.get(&digits);
            let mut damaged = name.clone();
            match digit {
                Some(digit) => damaged.insert(place, char::from(b'0' + digit)),
                None => drop(damaged.remove(place)),
            }
            if name.starts_with("Screenshot") && place > name.find(" at ").unwrap_or(0) {
                continue; // Its hour may have one digit.
            }
            if let Some(found) = time(&damaged) {
                prop_assert!(states(&found, &original), "{} -> {}: {:?}", name, damaged, found);
            }
        }
    }
}
