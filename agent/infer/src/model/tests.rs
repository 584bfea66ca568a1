use std::fs;
use std::path::Path;

use proptest::prelude::*;
use weir_journey::infer::Trouble;

use super::*;
use crate::sample::{LARGER, MEANS, RED, SUM, folder, manifest};

fn parsed(text: &str) -> Result<Manifest, String> {
    form::parse(Path::new("model.toml"), text).map_err(|error| error.to_string())
}

/// Each line that is changed makes a folder that is refused, with the place of the change and a reason.
#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let red = ("segmentation", "red", RED);
    let means = ("classification", "means", MEANS);
    let sum = ("tabular", "sum", SUM);
    let larger = ("tabular", "larger", LARGER);
    for ((task, network, rest), old, new, reason) in [
        (red, "title = \"Test\"", "", "missing field `title`"),
        (
            red,
            "title = \"Test\"",
            "title = \" \"",
            ":2:9: `title` is empty",
        ),
        (
            red,
            "title = \"Test\"",
            "title = \"a\\nb\"",
            ":2:9: `title` is one line",
        ),
        (
            red,
            "version = \"1\"",
            "version = \"1\"\ncolor = 1",
            "unknown field `color`",
        ),
        (
            red,
            "\"net.onnx\"",
            "\"../net.onnx\"",
            ":7:8: `name` is that of a file in this folder",
        ),
        (
            red,
            "width = 16",
            "width = 0",
            ":11:9: `width` is 1 to 8192",
        ),
        (red, "width = 16", "width = -1", ":11:9: "),
        (
            red,
            "layout = \"nchw\"",
            "layout = \"chw\"",
            ":13:10: unknown variant `chw`",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"crop\"",
            "needs `resize_short`",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"pad\"\nresize_short = 9",
            "goes with `fit = \"crop\"` only",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"crop\"\nresize_short = 9",
            "`resize_short` is 16 to 8192",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"stretch\"\nmean = [0.5]",
            "`mean` has 3 numbers",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"stretch\"\nstd = [1, 1, 0]",
            "`std` is above 0",
        ),
        (
            red,
            "fit = \"stretch\"",
            "fit = \"stretch\"\npreprocess = [\"blur\"]",
            "\"blur\" is no step",
        ),
        (
            red,
            "threshold = 0.5",
            "threshold = 1.5",
            "`threshold` is between 0 and 1",
        ),
        (
            red,
            "threshold = 0.5",
            "threshold = nan",
            "`threshold` is between 0 and 1",
        ),
        (red, "threshold = 0.5", "", "one channel needs `threshold`"),
        (
            red,
            "\"probability\"",
            "\"classes\"",
            "needs `labels` and `water`",
        ),
        (
            red,
            "kind = \"probability\"\nthreshold = 0.5",
            "kind = \"classes\"\nlabels = [\"a\"]\nwater = [\"b\"]",
            "`water` names one or more of `labels`",
        ),
        (
            red,
            "low = 0.0",
            "",
            "a check of pictures has `low` below `high`",
        ),
        (
            red,
            "shape = [1, 1, 4, 8]",
            "shape = [1, 1, 4, 9]",
            "`values` has 36 numbers",
        ),
        (
            red,
            "shape = [1, 1, 4, 8]",
            "shape = []",
            "`values` has 1 numbers",
        ),
        (
            red,
            "shape = [1, 1, 4, 8]",
            "shape = [0]",
            "`shape` is that of the network's output",
        ),
        (
            red,
            "tolerance = 1e-5",
            "tolerance = -1",
            "`tolerance` is 0 or more",
        ),
        (
            red,
            "made_with = \"hand\"",
            "made_with = \"\"",
            "`made_with` is empty",
        ),
        (means, "\"green\"", "\"red\"", "all different"),
        (means, "top = 2", "top = 0", "`top` is 1 or more"),
        (means, "top = 2", "", "missing field `top`"),
        (
            sum,
            "min = 1, max = 100",
            "min = 2, max = 1",
            "`min` not above `max`",
        ),
        (sum, "name = \"B\"", "name = \"A\"", "a name of its own"),
        (sum, "unit = \"m\"", "", "needs `name` and `unit`"),
        (
            sum,
            "shape = [64]",
            "shape = [8, 8]",
            "of a table it is [64]",
        ),
        (
            sum,
            "tolerance = 1e-5",
            "tolerance = 1e-5\nlow = 0\nhigh = 1",
            "one of a table has neither",
        ),
        (
            larger,
            "labels = [\"first\", \"second\"]",
            "",
            "needs `labels`",
        ),
    ] {
        let good = manifest(task, network, rest);
        assert!(parsed(&good).is_ok(), "{:?}", parsed(&good));
        assert!(good.contains(old), "{old}");
        let refused = parsed(&good.replacen(old, new, 1)).expect_err(new);
        assert!(
            refused.starts_with("model.toml:") && refused.contains(reason),
            "{new}: {refused}"
        );
    }
    let refused = parsed("task = \"regression\"").unwrap_err();
    assert!(
        refused.starts_with("model.toml:1:8: unknown variant `regression`"),
        "{refused}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(at in 0usize..900, length in 0usize..40, new in "[a-z0-9\"\\[\\]={}. \n-]{0,12}") {
        for (task, network, rest) in [("segmentation", "red", RED), ("tabular", "sum", SUM)] {
            let mut text = manifest(task, network, rest);
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.replace_range(start..end, &new);
            let _ = parsed(&text);
        }
    }
}

#[test]
fn a_folder_is_refused_for_its_files() {
    let room = tempfile::tempdir().unwrap();
    let path = folder(room.path(), "red-1", "segmentation", "red", RED);
    let opened = Folder::open(&path).unwrap();
    assert_eq!(
        (opened.name(), opened.onnx_path()),
        ("red-1", path.join("net.onnx"))
    );
    let refused = |reason: &str| {
        let error = Folder::open(&path).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.trouble(), Trouble::Model);
        assert!(Folder::read(&path).is_err());
    };
    let onnx = fs::read(path.join("net.onnx")).unwrap();
    fs::write(path.join("net.onnx"), b"other").unwrap();
    refused("is not the file that model.toml describes");
    fs::File::create(path.join("net.onnx"))
        .unwrap()
        .set_len(LARGEST_FILE + 1)
        .unwrap();
    refused("at most 536870912 are read");
    fs::remove_file(path.join("net.onnx")).unwrap();
    refused("cannot be read");
    fs::create_dir(path.join("net.onnx")).unwrap();
    refused("cannot be read");
    fs::remove_dir(path.join("net.onnx")).unwrap();
    fs::write(path.join("net.onnx"), onnx).unwrap();
    fs::write(path.join("model.toml"), b"\xff").unwrap();
    refused("it is no UTF-8 text");
    let shouted = folder(room.path(), "Red", "segmentation", "red", RED);
    let error = Folder::open(&shouted).unwrap_err();
    assert!(error.to_string().contains("cannot name a model"), "{error}");
}

#[test]
fn models_are_found_in_the_order_of_their_places() {
    let room = tempfile::tempdir().unwrap();
    let places = ["one", "two", "none"].map(|place| room.path().join(place));
    folder(&places[0], "red", "segmentation", "red", RED);
    folder(&places[1], "red", "segmentation", "red", RED);
    folder(&places[1], "sum", "tabular", "sum", SUM);
    fs::create_dir(places[1].join("scripts")).unwrap();
    fs::write(places[1].join("sum/net.onnx"), b"other").unwrap();
    assert_eq!(find("red", &places), Some(places[0].join("red")));
    assert_eq!(find("sum", &places), Some(places[1].join("sum")));
    assert_eq!(find("scripts", &places), None);
    assert_eq!(find("..", &places), None);
    assert_eq!(find("./here", &places), Some("./here".into()));
    let listed = list(&places);
    let paths: Vec<_> = listed.iter().map(|listed| listed.path.clone()).collect();
    assert_eq!(
        paths,
        [
            places[0].join("red"),
            places[1].join("red"),
            places[1].join("sum")
        ]
    );
    assert!(listed[0].folder.is_ok() && listed[1].folder.is_ok() && listed[2].folder.is_err());
}
