//! `weir infer`: the models that are shipped, on pictures that are drawn here, with the real binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use weir_infer::picture::{Limits, Picture, encode, read};
use weir_journey::infer::{PictureFormat, Size};

use crate::support::station::text;

/// The models of the repository.
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");

fn weir(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["infer", "--models", MODELS])
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The objects that it printed, and its exit code.
fn objects(output: &Output) -> (Vec<Value>, Option<i32>) {
    let lines = text(&output.stdout);
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), output.status.code())
}

/// A sky over a bank over a river, with waves enough that it is a picture.
fn river(folder: &Path, name: &str) -> PathBuf {
    let size = Size {
        width: 640,
        height: 360,
    };
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| {
        let wave = ((x * 7 + y * 13) % 23) as u8;
        match y {
            0..120 => [150 + wave / 4, 180 + wave / 4, 220],
            120..200 => [60 + wave, 90 + wave, 40],
            _ => [70 + wave, 95 + wave, 105 + wave],
        }
    });
    let picture = Picture::new(size, rgb.collect()).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, encode(&picture, PictureFormat::Jpeg)).unwrap();
    path
}

#[test]
fn the_models_that_are_shipped_are_listed_and_compute_what_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let (listed, code) = objects(&weir(folder.path(), &["--list", "--json"]));
    assert_eq!(code, Some(0), "{listed:?}");
    let names: Vec<_> = listed
        .iter()
        .map(|one| one["model"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["iris", "stage-first-dam", "water-demo"]);
    for one in &listed {
        assert_eq!(one["error"], Value::Null);
        assert_eq!(one["licence"], "MIT OR Apache-2.0");
        assert!(
            one["figures"]
                .as_object()
                .is_some_and(|figures| !figures.is_empty()),
            "{one}"
        );
    }
    let (checked, code) = objects(&weir(folder.path(), &["--check", "--json"]));
    assert_eq!((checked.len(), code), (3, Some(0)), "{checked:?}");
    assert!(checked.iter().all(|one| one["ok"] == true), "{checked:?}");
}

#[test]
fn an_iris_is_told_from_the_four_numbers_that_everybody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args([
            "infer", "--models", MODELS, "--model", "iris", "-", "--json",
        ])
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(br#"{"values": [[5.9, 3.0, 5.1, 2.3], [5.1, 3.5, 1.4, 0.2]]}"#)
        .unwrap();
    drop(stdin);
    let (answers, code) = objects(&child.wait_with_output().unwrap());
    assert_eq!(code, Some(0));
    assert_eq!(answers[0]["prediction"], serde_json::json!([2, 0]));
    assert_eq!(
        answers[0]["labels"],
        serde_json::json!(["virginica", "setosa"])
    );
}

#[test]
fn a_stage_outside_of_what_its_model_knows_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("counts.json");
    std::fs::write(&table, r#"{"values": [[7000, 15000], [12, 15000]]}"#).unwrap();
    let (answers, code) = objects(&weir(
        folder.path(),
        &["--model", "stage-first-dam", "counts.json", "--json"],
    ));
    assert_eq!(code, Some(0));
    let stage = answers[0]["prediction"][0].as_f64().unwrap();
    assert!((0.5..1.5).contains(&stage), "{stage} m");
    assert_eq!(answers[0]["unit"], "m");
    assert_eq!(answers[0]["out_of_range"][0], Value::Null);
    assert!(
        answers[0]["out_of_range"][1]
            .as_str()
            .unwrap()
            .contains("ROI1")
    );
    for (name, content, words) in [
        ("no.json", None, "cannot be read"),
        ("half.json", Some(r#"{"values": [[1, 2"#), "is no table"),
        ("short.json", Some(r#"{"values": [[1]]}"#), "2"),
    ] {
        if let Some(content) = content {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let (answers, code) = objects(&weir(
            folder.path(),
            &["--model", "stage-first-dam", name, "counts.json", "--json"],
        ));
        assert_eq!((answers.len(), code), (2, Some(1)));
        assert!(
            answers[0]["error"].as_str().unwrap().contains(words),
            "{}",
            answers[0]
        );
        assert_eq!(answers[1]["error"], Value::Null);
    }
}

#[test]
fn water_is_counted_in_regions_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let image = river(folder.path(), "river.jpg");
    let arguments = [
        "--model",
        "water-demo",
        "--frame",
        "1920x1080",
        "--overlay",
        "out",
        "--mask",
        "masks",
        "--json",
        "--roi",
        "ROI1=0,800 1919,800 1919,1079 0,1079",
        "--roi",
        "SKY=0,0 1919,0 1919,200 0,200",
        "--stage-model",
        "stage-first-dam",
        "river.jpg",
    ];
    let (told, code) = objects(&weir(folder.path(), &arguments));
    let one = &told[0];
    assert_eq!(
        (one["path"].as_str(), one["outcome"].as_str()),
        (Some("river.jpg"), Some("done"))
    );
    let water = &one["water"];
    assert_eq!(
        water["frame"],
        serde_json::json!({"width": 1920, "height": 1080})
    );
    assert_eq!(water["rois"][0]["pixels"], 1920 * 280);
    let wet = |roi: usize| water["rois"][roi]["water"].as_u64().unwrap();
    assert!(wet(0) > wet(1), "the river is wetter than the sky: {water}");
    // The stage model knows ROI1 and ROI2, and this view has no ROI2: a fault that says so, and the rest stands.
    assert_eq!(code, Some(1));
    assert!(one["error"].as_str().unwrap().contains("ROI2"), "{one}");
    let overlay = read(
        &folder.path().join("out/river_segmented.jpg"),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(
        overlay.size(),
        Size {
            width: 640,
            height: 360
        }
    );
    let mask = read(
        &folder.path().join("masks/river_mask.png"),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(
        mask.size(),
        Size {
            width: 1920,
            height: 1080
        }
    );
    let white = mask.luma().iter().filter(|&&level| level == 255).count();
    assert_eq!(
        white as f64 / (1920.0 * 1080.0),
        water["share"].as_f64().unwrap()
    );
    // For people, a line.
    let output = weir(
        folder.path(),
        &["--model", "water-demo", image.to_str().unwrap()],
    );
    assert!(text(&output.stdout).contains("% water"), "{output:?}");
}

#[test]
fn one_bad_image_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    river(folder.path(), "a.jpg");
    std::fs::write(folder.path().join("b.jpg"), "<html>not found</html>").unwrap();
    river(folder.path(), "c.jpg");
    std::fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    let (told, code) = objects(&weir(
        folder.path(),
        &["--model", "water-demo", ".", "--json"],
    ));
    let outcomes: Vec<_> = told
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        (outcomes.as_slice(), code),
        (["done", "failed", "done"].as_slice(), Some(1))
    );
    assert!(told[1]["error"].as_str().unwrap().contains("b.jpg"));
}

#[test]
fn what_cannot_be_used_is_refused_before_an_image_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    river(folder.path(), "a.jpg");
    let tampered = folder.path().join("models/tampered");
    std::fs::create_dir_all(&tampered).unwrap();
    for file in ["model.toml", "iris.onnx"] {
        std::fs::copy(format!("{MODELS}/iris/{file}"), tampered.join(file)).unwrap();
    }
    std::fs::write(tampered.join("iris.onnx"), "other bytes").unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["--model", "nowhere", "a.jpg"], "no model nowhere"),
        (&["--model", "tampered", "a.jpg"], "SHA-256"),
        (&["a.jpg"], "--model"),
        (&["--model", "water-demo"], "give images"),
        (
            &["--model", "water-demo", "--frame", "big", "a.jpg"],
            "WIDTHxHEIGHT",
        ),
        (
            &["--model", "water-demo", "--roi", "R=1,2", "a.jpg"],
            "NAME=X,Y",
        ),
        (
            &["--model", "water-demo", "--stage-model", "nowhere", "a.jpg"],
            "no model nowhere",
        ),
    ];
    for (arguments, words) in cases {
        let output = weir(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(
            text(&output.stderr).contains(words),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }
    let (listed, code) = objects(&weir(folder.path(), &["--list", "--json"]));
    assert_eq!(code, Some(1), "one of the models is wrong");
    assert!(listed.iter().any(|one| {
        one["error"]
            .as_str()
            .is_some_and(|error| error.contains("tampered"))
    }));
}
