//! The same pixels as Pillow's: tests/pillow/make.py made what is expected.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use weir_journey::infer::Chain;

use super::super::*;
use super::{picture, size};

#[derive(Deserialize)]
struct Expected {
    resizes: Vec<Resized>,
    chains: Vec<Chained>,
    files: Vec<Decoded>,
}

#[derive(Deserialize)]
struct Resized {
    filter: Filter,
    from: [u32; 2],
    to: [u32; 2],
    values: Vec<u8>,
}

#[derive(Deserialize)]
struct Chained {
    steps: Chain,
    from: [u32; 2],
    to: [u32; 2],
    tolerance: u8,
    values: Vec<u8>,
}

#[derive(Deserialize)]
struct Decoded {
    file: String,
    size: [u32; 2],
    tolerance: u8,
    values: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pillow")
}

fn expected() -> Expected {
    serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap()
}

/// The largest difference between what was sampled of Pillow's pixels and the same of ours.
fn apart(ours: &Picture, values: &[u8]) -> u8 {
    let count = values.len();
    let at = |k: usize| ours.rgb()[k * ours.rgb().len() / count];
    let differences = values
        .iter()
        .enumerate()
        .map(|(k, value)| value.abs_diff(at(k)));
    differences.max().unwrap()
}

#[test]
fn resizing_is_pillows_within_a_level() {
    for case in expected().resizes {
        let [width, height] = case.to;
        let ours = resize(
            &picture(case.from[0], case.from[1]),
            size(width, height),
            case.filter,
        );
        assert_eq!(ours.size(), size(width, height));
        let apart = apart(&ours, &case.values);
        let allowed = u8::from(case.filter != Filter::Nearest);
        assert!(
            apart <= allowed,
            "{:?} {:?} -> {:?}: {apart}",
            case.filter,
            case.from,
            case.to
        );
    }
}

#[test]
fn a_chain_gives_pillows_pixels() {
    for case in expected().chains {
        let ours = apply(picture(case.from[0], case.from[1]), &case.steps).unwrap();
        assert_eq!(ours.size(), size(case.to[0], case.to[1]));
        let apart = apart(&ours, &case.values);
        assert!(
            apart <= case.tolerance,
            "{:?} of {:?}: {apart}",
            case.steps,
            case.from
        );
    }
}

#[test]
fn files_are_read_as_pillow_reads_them() {
    for case in expected().files {
        let ours = read(&folder().join(&case.file), &Limits::default()).unwrap();
        assert_eq!(
            ours.size(),
            size(case.size[0], case.size[1]),
            "{}",
            case.file
        );
        let apart = apart(&ours, &case.values);
        assert!(apart <= case.tolerance, "{}: {apart}", case.file);
    }
}
