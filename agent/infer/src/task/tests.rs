use tempfile::TempDir;
use weir_journey::infer::{RoiCount, Size};

use super::prepare::prepare;
use super::*;
use crate::model::{Colour, Fit};
use crate::picture::{Filter, Picture};
use crate::sample::{LARGER, MEANS, RED, SUM, folder, half_red};

fn model(task: &str, network: &str, rest: &str) -> Result<Model, String> {
    let room = TempDir::new().unwrap();
    Model::open(&folder(room.path(), "model", task, network, rest))
        .map_err(|error| error.to_string())
}

fn segmenter(rest: &str) -> Segmenter {
    match model("segmentation", "red", rest).unwrap() {
        Model::Segmenter(model) => model,
        other => panic!("{other:?}"),
    }
}

fn table(network: &str, rest: &str) -> Table {
    match model("tabular", network, rest).unwrap() {
        Model::Table(model) => model,
        other => panic!("{other:?}"),
    }
}

const FRAME: Size = Size {
    width: 32,
    height: 16,
};

#[test]
fn a_network_that_is_not_as_described_is_refused() {
    let narrow = RED.replace("width = 16", "width = 17");
    let classes = RED.replace(
        "kind = \"probability\"\nthreshold = 0.5",
        "kind = \"classes\"\nlabels = [\"a\", \"b\"]\nwater = [\"b\"]",
    );
    let four = MEANS.replace("\"blue\"]", "\"blue\", \"black\"]");
    for (task, network, rest, reason) in [
        (
            "segmentation",
            "red",
            narrow.as_str(),
            "takes [any, 3, 8, 16], but its model.toml says [1, 3, 8, 17]",
        ),
        (
            "segmentation",
            "red",
            &classes,
            "gives floats of shape [1, 1, 4, 8], but its model.toml makes it floats of \
            shape [1, 2, height, width]",
        ),
        (
            "classification",
            "means",
            &four,
            "gives floats of shape [1, 3]",
        ),
        ("segmentation", "sum", RED, "takes [1, 2], but"),
        ("tabular", "means", SUM, "takes [1, 3, 4, 4], but"),
        ("tabular", "larger", SUM, "makes it one float a row"),
        ("tabular", "unknown", SUM, "the runtime has no Levitate"),
        (
            "tabular",
            "outputs",
            SUM,
            "the network has 2 outputs (y, z)",
        ),
        ("tabular", "inputs", SUM, "the network has 2 inputs (x, z)"),
        (
            "tabular",
            "integers",
            SUM,
            "the network takes numbers of the ONNX type 7",
        ),
        (
            "tabular",
            "truths",
            SUM,
            "the network gives numbers of type bool",
        ),
        ("tabular", "make.py", SUM, "it is no ONNX network"),
    ] {
        let refused = model(task, network, rest).expect_err(network);
        assert!(
            refused.contains("net.onnx cannot be used: ") && refused.contains(reason),
            "{refused}"
        );
    }
}

#[test]
fn water_is_found_where_it_is_however_the_picture_is_brought_to_the_network() {
    let columns = |rest: &str, picture: &Picture| {
        let mask = segmenter(rest).segment(picture, picture.size()).unwrap();
        let width = mask.size().width as usize;
        mask.wet()
            .chunks(width)
            .nth(mask.size().height as usize / 2)
            .unwrap()
            .iter()
            .map(|&wet| if wet { 'w' } else { '.' })
            .collect::<String>()
    };
    let left = "wwwwwwww........................";
    let picture = half_red(FRAME, 8);
    assert_eq!(columns(RED, &picture), left);
    for steps in [
        "flip horizontal",
        "flip vertical",
        "rotate 180",
        "rotate 90\", \"flip horizontal\", \"rotate 90",
    ] {
        let turned = RED.replace("fit = ", &format!("preprocess = [\"{steps}\"]\nfit = "));
        assert_eq!(columns(&turned, &picture), left, "{steps}");
    }
    let logit = RED.replace("\"probability\"", "\"logit\"");
    assert_eq!(columns(&logit, &picture), left);
    // Only columns 4 to 19 are seen: water beyond them is not known to be water.
    let cut = RED.replace("fit = ", "preprocess = [\"crop 4 0 16 16\"]\nfit = ");
    assert_eq!(columns(&cut, &picture), "....wwww........................");
    // Only the middle 16 of 48 columns are seen.
    let wide = half_red(
        Size {
            width: 48,
            height: 16,
        },
        24,
    );
    let crop = RED.replace("fit = \"stretch\"", "fit = \"crop\"\nresize_short = 16");
    assert_eq!(
        columns(&crop, &wide),
        format!("{}{}{}", ".".repeat(16), "w".repeat(8), ".".repeat(24))
    );
    // A tall picture fills the left of the input. The filling, water to this network, is not even its largest region.
    let tall = half_red(
        Size {
            width: 8,
            height: 16,
        },
        4,
    );
    let pad = RED
        .replace("\"stretch\"", "\"pad\"")
        .replace("\"probability\"", "\"logit\"\nlargest_component = true")
        .replace("threshold = 0.5", "threshold = 0.3");
    assert_eq!(columns(&pad, &tall), "wwww....");
    let swapped = RED.replace("\"rgb\"", "\"bgr\"");
    assert_eq!(
        columns(&swapped, &picture),
        left.replace('.', "x").replace('w', ".").replace('x', "w")
    );
}

#[test]
fn a_tensor_is_what_torchvision_makes() {
    let Task::Classification(spec) = ({
        let room = TempDir::new().unwrap();
        let rest = MEANS.replace(
            "fit = ",
            "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\nfit = ",
        );
        let path = folder(room.path(), "m", "classification", "means", &rest);
        Folder::open(&path).unwrap().manifest().task.clone()
    }) else {
        panic!("a classifier");
    };
    let pixels: Vec<u8> = (0..48).map(|value| value * 5).collect();
    let picture = Picture::new(
        Size {
            width: 4,
            height: 4,
        },
        pixels.clone(),
    )
    .unwrap();
    let planes = prepare(&picture, &spec.input).unwrap().tensor;
    for (at, &level) in pixels.iter().enumerate() {
        let (pixel, channel) = (at / 3, at % 3);
        let expected =
            (f32::from(level) / 255.0 - spec.input.mean[channel]) / spec.input.std[channel];
        assert!((planes[channel * 16 + pixel] - expected).abs() < 1e-6);
    }
    let mut input = spec.input.clone();
    input.layout = Layout::Nhwc;
    let mixed = prepare(&picture, &input).unwrap().tensor;
    assert!((0..48).all(|at| mixed[at] == planes[(at % 3) * 16 + at / 3]));
    input.colour = Colour::Gray;
    assert_eq!(prepare(&picture, &input).unwrap().tensor.len(), 16);
    input.colour = Colour::Rgb;
    input.fit = Fit::Crop { short: 8192 };
    input.filter = Filter::Nearest;
    let narrow = Picture::from_luma(
        Size {
            width: 1,
            height: 60_000,
        },
        &[0; 60_000],
    )
    .unwrap();
    assert!(matches!(
        prepare(&narrow, &input),
        Err(TaskError::Narrow { .. })
    ));
}

#[test]
fn a_classifier_names_what_it_sees() {
    let Model::Classifier(model) = model("classification", "means", MEANS).unwrap() else {
        panic!("a classifier");
    };
    let opinion = model
        .classify(&half_red(
            Size {
                width: 4,
                height: 4,
            },
            3,
        ))
        .unwrap();
    let shown = opinion.shown();
    let names: Vec<_> = shown
        .labels
        .iter()
        .map(|label| label.label.as_str())
        .collect();
    assert_eq!(names, ["red", "blue"]);
    let sum: f64 = opinion.labels.iter().map(|label| label.probability).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let ratio = shown.labels[0].probability / shown.labels[1].probability;
    assert!(
        (ratio.ln() - 0.5).abs() < 1e-3,
        "three quarters red, one quarter blue: {ratio}"
    );
}

#[test]
fn rows_are_answered_and_what_is_out_of_range_is_said() {
    let sum = table("sum", SUM);
    let ask = |rows: &[&[f64]]| {
        let values = rows.iter().map(|row| row.to_vec()).collect();
        sum.answer(&Question { values })
    };
    let answer = ask(&[&[4.0, 8.0], &[0.5, 9.0]]).unwrap();
    assert_eq!(answer.prediction, Predictions::Values(vec![4.0, 2.5]));
    let outside = "A is 0.5, trained on 1 to 100; B is 9, trained on 1 to 8";
    assert_eq!(answer.out_of_range, [None, Some(outside.to_owned())]);
    assert!(ask(&[]).unwrap().out_of_range.is_empty());
    assert!(matches!(
        ask(&[&[1.0, 1.0], &[1.0]]),
        Err(RowError::Length {
            row: 2,
            found: 1,
            wanted: 2,
            ..
        })
    ));
    assert!(matches!(
        ask(&[&[1.0, f64::NAN]]),
        Err(RowError::NotFinite { row: 1, .. })
    ));
    assert!(matches!(
        ask(&[&[1e300, 1.0]]),
        Err(RowError::NotFinite { .. })
    ));
    let question: Question = serde_json::from_str(r#"{"values": [[5, 3], [1, 2.5]]}"#).unwrap();
    let answer = serde_json::to_value(table("larger", LARGER).answer(&question).unwrap()).unwrap();
    assert_eq!(answer["prediction"], serde_json::json!([0, 1]));
    assert_eq!(answer["labels"], serde_json::json!(["first", "second"]));
    assert!(matches!(
        table("logarithm", SUM).answer(&Question {
            values: vec![vec![-1.0, 1.0]]
        }),
        Err(RowError::Run(crate::engine::RunError::NotFinite))
    ));
}

#[test]
fn a_stage_is_made_within_the_range_only() {
    let sum = table("sum", SUM);
    let counts = |a, b| {
        [("B", b), ("other", 5), ("A", a)].map(|(name, water)| RoiCount {
            name: name.to_owned(),
            water,
            pixels: 1000,
        })
    };
    let stage = sum.stage(&counts(10, 8)).unwrap();
    assert_eq!(
        (stage.value, stage.out_of_range, stage.unit.as_str()),
        (Some(7.0), None, "m")
    );
    let stage = sum.stage(&counts(0, 8)).unwrap();
    assert_eq!(stage.value, None);
    assert_eq!(
        stage.out_of_range.as_deref(),
        Some("out of range: A is 0, trained on 1 to 100")
    );
    assert!(
        matches!(sum.stage(&counts(1, 1)[..2]), Err(StageError::Region { name, .. }) if name == "A")
    );
    assert!(matches!(
        table("larger", LARGER).stage(&counts(1, 1)),
        Err(StageError::Classes { .. })
    ));
}
