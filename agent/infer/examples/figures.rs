//! What a look costs: CPU time of each of its parts and peak memory, for one model and one picture.
//!
//! `cargo run --release -p weir-infer --example figures -- MODEL PICTURE [THREADS [ROUNDS]]` prints one JSON object;
//! `scripts/measured-inference` puts onnxruntime's figures on the same file beside it. Milliseconds of CPU of the whole
//! process, medians of the rounds; the first two rounds are not counted.

use std::path::Path;

use anyhow::{Context as _, bail};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use weir_infer::engine::{Engine, Threads};
use weir_infer::health::examine;
use weir_infer::model::{Folder, Task};
use weir_infer::picture::{self, Limits};
use weir_infer::task::Model;
use weir_infer::water::count;
use weir_journey::infer::{Bounds, Roi, Size};

/// The First Dam camera's regions, in its reference frame.
const FRAME: Size = Size {
    width: 1920,
    height: 1080,
};
const ROIS: [&[[i32; 2]]; 2] = [
    &[[116, 335], [328, 548], [222, 654], [10, 441]],
    &[[1220, 460], [1480, 340], [1670, 410], [1420, 580]],
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, file, rest @ ..] = arguments.as_slice() else {
        bail!("usage: figures MODEL PICTURE [THREADS [ROUNDS]]");
    };
    let number = |at: usize, usual: usize| rest.get(at).map_or(Ok(usual), |text| text.parse());
    let threads = Threads::new(number(0, 1).context("THREADS is a number")?);
    let rounds = number(1, 20).context("ROUNDS is a number")?;
    let figures = threads.during(|| look(Path::new(model), Path::new(file), rounds))?;
    println!("{figures}");
    Ok(())
}

fn look(model: &Path, file: &Path, rounds: usize) -> anyhow::Result<serde_json::Value> {
    let began = cpu_ms();
    let folder = Folder::open(model)?;
    let loaded = Model::open(model)?;
    let load = cpu_ms() - began;
    let idle = rss_mib("VmRSS:")?;
    let rois = ROIS.map(|points| Roi {
        name: "ROI".to_owned(),
        points: points.to_vec(),
    });
    let (mut decode, mut health) = (Vec::new(), Vec::new());
    let (mut infer, mut regions) = (Vec::new(), Vec::new());
    let mut seen = None;
    for _ in 0..rounds + 2 {
        let start = cpu_ms();
        let picture = picture::read(file, &Limits::default())?;
        let before = cpu_ms();
        decode.push(before - start);
        std::hint::black_box(examine(&picture, None, &Bounds::default()));
        let decoded = cpu_ms();
        health.push(decoded - before);
        seen = Some(match &loaded {
            Model::Segmenter(model) => {
                let mask = model.segment(&picture, FRAME)?;
                infer.push(cpu_ms() - decoded);
                let before = cpu_ms();
                let counts: Vec<u64> = rois.iter().map(|roi| count(&mask, roi).water).collect();
                regions.push(cpu_ms() - before);
                let wet: Vec<u8> = mask.wet().iter().map(|&wet| u8::from(wet)).collect();
                let digest = Sha256::digest(wet);
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                json!({"share": mask.share(), "rois": counts, "mask_sha256": digest})
            }
            Model::Classifier(model) => {
                let opinion = model.classify(&picture)?;
                infer.push(cpu_ms() - decoded);
                json!(opinion.shown().labels)
            }
            Model::Table(_) => bail!("{} takes tables, not pictures", model.display()),
        });
    }
    let shape = match &folder.manifest().task {
        Task::Segmentation(spec) => vec![
            1,
            3,
            spec.input.size.height as usize,
            spec.input.size.width as usize,
        ],
        Task::Classification(spec) => vec![
            1,
            3,
            spec.input.size.height as usize,
            spec.input.size.width as usize,
        ],
        Task::Tabular(_) => Vec::new(),
    };
    let peak = rss_mib("VmHWM:")?;
    Ok(json!({
        "model": folder.name(),
        "load_ms": load,
        "decode_ms": median(decode),
        "health_ms": median(health),
        "infer_ms": median(infer),
        "rois_ms": median(regions),
        "network_ms": network(&folder, &shape, rounds)?,
        "rss_mib_loaded": idle,
        "rss_mib_peak": peak,
        "seen": seen,
    }))
}

/// The network alone, on a tensor of halves.
fn network(folder: &Folder, shape: &[usize], rounds: usize) -> anyhow::Result<Option<f64>> {
    let engine = Engine::load(&std::fs::read(folder.onnx_path())?, shape)?;
    let input = vec![0.5; shape.iter().product()];
    let mut took = Vec::new();
    for _ in 0..rounds + 2 {
        let start = cpu_ms();
        engine.run(&input)?;
        took.push(cpu_ms() - start);
    }
    Ok(median(took))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    let values = values.get_mut(2..)?;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// CPU time of this process, milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn rss_mib(field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| {
        line.strip_prefix(field)?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    });
    let kib: f64 = kib.with_context(|| format!("no {field} in /proc/self/status"))?;
    Ok(kib / 1024.0)
}
