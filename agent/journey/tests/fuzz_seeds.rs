//! The seeds of the fuzz targets, and what one damage makes of them, through what must hold of every input.
//!
//! The targets themselves run under `cargo fuzz`, as `fuzz/README.md` says; this keeps them and their seeds true.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// The seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz/seeds", target]
        .iter()
        .collect();
    let files = fs::read_dir(&folder).expect("every target has seeds");
    let seeds: Vec<_> = files
        .map(|file| fs::read(file.expect("a seed").path()).expect("a seed"))
        .collect();
    assert!(!seeds.is_empty(), "{}", folder.display());
    seeds
}

/// Gives a seed, all its beginnings, and the seed with each byte in turn set to a few values that often matter.
fn with_damage(seed: &[u8], mut check: impl FnMut(&[u8])) {
    for len in 0..=seed.len() {
        check(&seed[..len]);
    }
    let mut damaged = seed.to_vec();
    for at in 0..seed.len() {
        for byte in [0x00, 0x01, 0x7F, 0xFF, b'9', seed[at] ^ 0x80] {
            damaged[at] = byte;
            check(&damaged);
        }
        damaged[at] = seed[at];
    }
}

#[test]
fn every_target_has_a_binary_and_seeds_that_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut binaries: Vec<_> = fs::read_dir(folder)
        .expect("the targets")
        .map(|file| file.expect("a target").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    binaries.sort();
    let files = targets::BEGINS.map(|(target, _)| target);
    let mut known = ["exif", "path", "pattern"].to_vec();
    known.extend(files);
    known.sort_unstable();
    assert_eq!(binaries, known);
    for target in known {
        seeds(target);
    }
}

#[test]
fn names_and_patterns_hold() {
    for seed in seeds("path") {
        with_damage(&seed, targets::path);
    }
    for seed in seeds("pattern") {
        with_damage(&seed, targets::pattern);
    }
}

#[test]
fn exif_blocks_hold() {
    for seed in seeds("exif") {
        with_damage(&seed, targets::exif);
    }
}

#[test]
fn files_hold() {
    for (target, begin) in targets::BEGINS {
        for seed in seeds(target) {
            with_damage(&seed, |data| targets::file(begin, data));
        }
    }
}
