//! Time of stamping: `cargo bench -p weir-journey`.
//!
//! Prints nanoseconds a picture for the names of `tests/real_cases.tsv` (the slowest too), for a name of the longest
//! kind that matches nothing, for a site's own pattern, and for the EXIF blocks among the seeds of the fuzz targets, each
//! with all that [`stamp`] does. Fails when one takes more than a millisecond.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use weir_journey::stamp::{Evidence, Rules, Zone, stamp};

const ROUNDS: u32 = 200;
const MOST: Duration = Duration::from_millis(1);

fn main() {
    let rules = Rules {
        zone: Some("America/Denver".parse::<Zone>().expect("IANA")),
        ..Rules::default()
    };
    let own = Rules {
        patterns: vec!["*_%d%m%y_%H%M%S".parse().expect("a pattern")],
        ..rules.clone()
    };
    let names: Vec<&str> = include_str!("../tests/real_cases.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .filter_map(|line| line.split('\t').next())
        .collect();
    let times: Vec<(Duration, &str)> = names
        .iter()
        .map(|name| (measure(&Evidence::of(Path::new(name)), &rules), *name))
        .collect();
    let total: Duration = times.iter().map(|(time, _)| *time).sum();
    let (slowest, name) = times.iter().max().expect("names");
    let count = u32::try_from(names.len()).expect("a table");
    report("a real name, mean", total / count);
    report(&format!("the slowest, {name}"), *slowest);
    report("255 bytes that match nothing", {
        let hostile = "2-".repeat(127);
        measure(&Evidence::of(Path::new(&hostile)), &rules)
    });
    report(
        "a site's own pattern",
        measure(&Evidence::of(Path::new("a_090824_143000.jpg")), &own),
    );
    for block in ["dated", "gps", "thumbnail"] {
        let bytes = fs::read(format!(
            "{}/fuzz/seeds/exif/{block}",
            env!("CARGO_MANIFEST_DIR")
        ));
        let bytes = bytes.expect("a seed");
        let evidence = Evidence {
            exif: Some(&bytes),
            ..Evidence::of(Path::new("RCNX0001.JPG"))
        };
        report(
            &format!("EXIF {block} of {} bytes", bytes.len()),
            measure(&evidence, &rules),
        );
    }
}

/// The mean time of stamping a picture.
fn measure(evidence: &Evidence<'_>, rules: &Rules) -> Duration {
    black_box(stamp(evidence, rules));
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        black_box(stamp(black_box(evidence), rules));
    }
    begin.elapsed() / ROUNDS
}

fn report(what: &str, time: Duration) {
    println!("{:>9} ns  {what}", time.as_nanos());
    assert!(time < MOST, "{what} takes more than {MOST:?}");
}
