//! Model folders for the tests: a manifest written here around a network of `tests/models`.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use weir_journey::infer::Size;

use crate::picture::Picture;

/// The input and output of a manifest for `red.onnx`, which takes red for water.
pub(crate) const RED: &str = r#"
[input]
width = 16
height = 8
layout = "nchw"
colour = "rgb"
resize = "nearest"
fit = "stretch"
[output]
kind = "probability"
threshold = 0.5
[check]
made_with = "hand"
tolerance = 1e-5
low = 0.0
high = 1.0
outputs = [{ shape = [1, 1, 4, 8], values = [VALUES] }]
"#;

/// Those for `means.onnx`, which tells the three colours.
pub(crate) const MEANS: &str = r#"
[input]
width = 4
height = 4
layout = "nchw"
colour = "rgb"
resize = "bilinear"
fit = "stretch"
[output]
kind = "logits"
labels = ["red", "green", "blue"]
top = 2
[check]
made_with = "hand"
tolerance = 1.0
low = 0.0
high = 1.0
outputs = [{ shape = [1, 3], values = [0.5, 0.5, 0.5] }]
"#;

/// Those for `sum.onnx`: a stage of two regions.
pub(crate) const SUM: &str = r#"
[input]
features = [{ name = "A", min = 1, max = 100 }, { name = "B", min = 1, max = 8 }]
[output]
kind = "value"
name = "stage"
unit = "m"
[check]
made_with = "hand"
tolerance = 1e-5
outputs = [{ shape = [64], values = [ZEROS] }]
"#;

/// Those for `larger.onnx`: which of two numbers is larger.
pub(crate) const LARGER: &str = r#"
[input]
features = [{ name = "A", min = 0, max = 10 }, { name = "B", min = 0, max = 10 }]
[output]
kind = "class"
labels = ["first", "second"]
[check]
made_with = "hand"
tolerance = 0
outputs = [{ shape = [64], values = [ZEROS] }]
"#;

/// A manifest for the network of that name in `tests/models`.
pub(crate) fn manifest(task: &str, network: &str, rest: &str) -> String {
    let digest = Sha256::digest(onnx(network));
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let rest = rest
        .replace("VALUES", &listed(&red_expected()))
        .replace("ZEROS", &listed(&[0.0; 64]));
    format!(
        "task = \"{task}\"\ntitle = \"Test\"\nversion = \"1\"\nlicence = \"MIT\"\nprovenance = \"By hand.\"\n\
         [file]\nname = \"net.onnx\"\nsha256 = \"{sha256}\"\n{rest}"
    )
}

/// Makes the model's folder `name` within `room`.
pub(crate) fn folder(room: &Path, name: &str, task: &str, network: &str, rest: &str) -> PathBuf {
    let path = room.join(name);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("net.onnx"), onnx(network)).unwrap();
    fs::write(path.join("model.toml"), manifest(task, network, rest)).unwrap();
    path
}

/// A picture whose left part, `red` columns wide, is red and the rest blue.
pub(crate) fn half_red(size: Size, red: u32) -> Picture {
    let row = (0..size.width).flat_map(|x| if x < red { [255, 0, 0] } else { [0, 0, 255] });
    let row: Vec<u8> = row.collect();
    Picture::new(size, row.repeat(size.height as usize)).unwrap()
}

fn onnx(network: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    let file = if network.contains('.') {
        network.to_owned()
    } else {
        format!("{network}.onnx")
    };
    fs::read(folder.join(file)).unwrap()
}

fn listed(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    values.join(", ")
}

/// What `red.onnx` gives for the input of a check, worked out from what the network says it does.
fn red_expected() -> Vec<f64> {
    let at = |channel: u64, y: u64, x: u64| {
        let index = (channel * 8 + y) * 16 + x;
        let mixed = (index * 2_654_435_761 + 12_345) % (1 << 32);
        (mixed / 256) as f64 / 16_777_216.0
    };
    let red = |y, x| at(0, y, x) - at(2, y, x);
    let block = |y: u64, x: u64| red(y, x) + red(y + 1, x) + red(y, x + 1) + red(y + 1, x + 1);
    let blocks = (0..4).flat_map(|y| (0..8).map(move |x| (2 * y, 2 * x)));
    blocks.map(|(y, x)| block(y, x) / 4.0).collect()
}
