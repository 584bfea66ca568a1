//! Real names of pictures, one a line in `real_cases.tsv`, and what they state.
//!
//! The table holds the path as it lies in a camera directory, the zone of the camera's clock, the moment that the path
//! states or `none`, how fine it is, and where such a name is seen in public. No name may be read as another time than
//! it states; that is worse than reading none.

use std::path::Path;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset};
use weir_journey::stamp::{Evidence, Rules, Source, Zone, stamp};

/// The share of names that must be read right, and those that state no time as none. Known gaps would be rows too.
const RIGHT: f64 = 0.97;

struct Case {
    path: &'static str,
    zone: Zone,
    means: Option<DateTime<FixedOffset>>,
    precision: &'static str,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("real_cases.tsv").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| {
            let [path, zone, means, precision, source] = line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("a row has five columns: {line}");
            };
            assert!(source.starts_with("http"), "a row names its source: {line}");
            Case {
                path,
                zone: Zone::from_str(zone).expect("a zone"),
                means: (means != "none")
                    .then(|| DateTime::parse_from_rfc3339(means).expect("a moment")),
                precision,
            }
        })
        .collect()
}

/// What the path alone states, and how fine.
fn stated(case: &Case) -> Option<(DateTime<FixedOffset>, String)> {
    let rules = Rules {
        zone: Some(case.zone),
        ..Rules::default()
    };
    let found = stamp(&Evidence::of(Path::new(case.path)), &rules);
    assert_eq!(found.at.is_none(), found.source == Source::None);
    let precision = serde_json::to_value(found.precision).expect("a word");
    let precision = precision.as_str().expect("a word").to_owned();
    Some((found.at?, precision))
}

#[test]
fn real_names_are_read_right_or_not_at_all() {
    let cases = cases();
    let (mut right, mut none, mut wrong) = (0, Vec::new(), Vec::new());
    for case in &cases {
        match (stated(case), case.means) {
            (None, None) => right += 1,
            (Some((at, precision)), Some(means)) if at == means && precision == case.precision => {
                right += 1;
            }
            (None, Some(means)) => none.push(format!("{} means {means}", case.path)),
            (found, means) => wrong.push(format!("{}: {found:?}, means {means:?}", case.path)),
        }
    }
    let timeless = cases.iter().filter(|case| case.means.is_none()).count();
    println!(
        "{} names, {timeless} of them without a time: {right} right, {} none, {} wrong",
        cases.len(),
        none.len(),
        wrong.len()
    );
    println!("none: {none:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    let share = f64::from(right) / cases.len() as f64;
    assert!(share >= RIGHT, "{share:.3} right; none: {none:#?}");
    assert!(cases.len() >= 250 && timeless >= 80, "the table is broad");
}
