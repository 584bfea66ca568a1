//! Polygons, stretched masks and patches are OpenCV's, pixel by pixel.
//!
//! `masks.txt` holds what OpenCV made of 2,000 polygons and 600 masks. The test against OpenCV itself takes fresh
//! ones; it needs a Python environment whose path is in `WEIR_TEST_VENV`:
//!
//! ```text
//! python3 -m venv V && V/bin/pip install opencv-python-headless
//! WEIR_TEST_VENV=V cargo test -p weir-infer --test opencv
//! ```

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use weir_infer::water::Mask;
use weir_journey::infer::Size;

/// The words of a line, taken one by one.
struct Words<'a>(std::str::SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn word(&mut self) -> &'a str {
        self.0.next().expect("the line is complete")
    }

    fn size(&mut self) -> Size {
        let mut side = || self.word().parse().expect("a side is a number");
        let (width, height) = (side(), side());
        Size { width, height }
    }

    fn mask(&mut self) -> Mask {
        let (size, hex) = (self.size(), self.word());
        let bits = hex.chars().flat_map(|digit| {
            let digit = digit.to_digit(16).expect("a mask is hexadecimal");
            (0..4).rev().map(move |bit| digit >> bit & 1 == 1)
        });
        let pixels = (size.width * size.height) as usize;
        Mask::new(size, bits.take(pixels).collect()).expect("a bit a pixel")
    }
}

/// What we make of the left side of a line, in the words of its right side.
fn ours(task: &str, ties: bool) -> String {
    let mut words = Words(task.split_whitespace());
    let (mask, counted) = match words.word() {
        "polygon" => {
            let size = words.size();
            let corners: Vec<[i32; 2]> = words
                .0
                .map(|corner| {
                    let (x, y) = corner.split_once(',').expect("a corner is X,Y");
                    [x.parse().unwrap(), y.parse().unwrap()]
                })
                .collect();
            (Mask::polygon(size, &corners), true)
        }
        "resize" => (words.mask().resized(words.size()), false),
        "patch" => (words.mask().largest_component(), true),
        other => panic!("{other} is no task"),
    };
    let mut said = Vec::new();
    if counted {
        let pixels = mask.wet().iter().filter(|&&wet| wet).count();
        said.push(pixels.to_string());
    }
    let bytes: Vec<u8> = mask.wet().iter().map(|&wet| wet.into()).collect();
    said.push(if ties {
        "-".to_owned()
    } else {
        let digest = Sha256::digest(&bytes);
        digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    });
    said.join(" ")
}

/// Compares every line; all that differ are told.
fn compare(lines: &str, at_least: usize) {
    let mut compared = 0;
    let mut different = Vec::new();
    for line in lines.lines() {
        let (task, theirs) = line.split_once(" = ").expect("a line has two sides");
        let ours = ours(task, theirs.ends_with(" -"));
        if ours != theirs {
            different.push(format!("{line}, but ours is {ours}"));
        }
        compared += 1;
    }
    assert!(
        different.is_empty(),
        "{} of {compared} differ:\n{}",
        different.len(),
        different.join("\n")
    );
    assert!(compared >= at_least, "only {compared} lines were compared");
}

#[test]
fn masks_are_those_that_opencv_made() {
    compare(include_str!("masks.txt"), 2_602);
}

#[test]
fn masks_are_those_that_opencv_makes() {
    let environment = std::env::var_os("WEIR_TEST_VENV").expect(
        "WEIR_TEST_VENV must name a Python environment with OpenCV: python3 -m venv V && \
         V/bin/pip install opencv-python-headless && WEIR_TEST_VENV=V cargo test (scripts/test does this)",
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/opencv");
    let python = std::path::absolute(Path::new(&environment).join("bin/python")).unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = now.as_micros().to_string();
    let output = Command::new(python)
        .arg(folder.join("peer.py"))
        .args([&seed, "5000", "1000"])
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("seed {seed}");
    compare(std::str::from_utf8(&output.stdout).unwrap(), 7_002);
}
