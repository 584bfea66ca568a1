//! Writes rendered rivers with their masks: pictures to train and to test a water segmentation network with.
//!
//! ```text
//! cargo run --release -p weir-fleet --example scenes -- --count 100 --size 640x360 --seed 1 DIR
//! ```
//!
//! `DIR` gets `scene_00000.jpg`, `scene_00000_mask.png` (255 where water is) and so on, and `scenes.csv` with the
//! seed, the local time, the stage in metres and the share of water of each. Every picture is of a site of its own; the
//! picture number n of seed s is the same whatever the count.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{NaiveDate, TimeDelta};
use clap::Parser;
use weir_fleet::camera::scene::{Moment, Scene, Scenery};

/// Renders rivers with their true water masks.
#[derive(Debug, Parser)]
struct Options {
    /// How many pictures.
    #[arg(long, default_value_t = 100)]
    count: u64,
    /// Number of the first, to go on where another call ended.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Width and height in pixels.
    #[arg(long, default_value = "640x360", value_parser = size)]
    size: (u32, u32),
    /// The seed: the same pictures for the same one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of pictures taken at any hour, so half of them by night; the others are taken by day.
    #[arg(long, default_value_t = 0.25)]
    any_hour: f64,
    /// The folder to write to.
    folder: PathBuf,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text
        .split_once('x')
        .and_then(|(wide, high)| Some((wide.parse().ok()?, high.parse().ok()?)));
    parsed
        .filter(|(wide, high)| (16..=8192).contains(wide) && (16..=8192).contains(high))
        .ok_or_else(|| "give it as 640x360, from 16x16 to 8192x8192".to_owned())
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    fs::create_dir_all(&options.folder)
        .with_context(|| format!("{} cannot be made", options.folder.display()))?;
    let mut table = csv::Writer::from_path(options.folder.join("scenes.csv"))?;
    table.write_record(["name", "seed", "number", "local_time", "stage_m", "water"])?;
    for number in options.first..options.first + options.count {
        let (moment, scene) = scene(&options, number);
        let name = format!("scene_{number:05}");
        write(&options.folder, &name, &scene)?;
        table.write_record([
            name,
            options.seed.to_string(),
            number.to_string(),
            moment.local.to_string(),
            format!("{:.3}", scene.stage_m),
            format!("{:.4}", scene.water()),
        ])?;
    }
    table.flush()?;
    Ok(())
}

/// A site of its own at a random moment.
fn scene(options: &Options, number: u64) -> (Moment, Scene) {
    let seed = options.seed.wrapping_mul(1 << 32).wrapping_add(number);
    let mut rng = fastrand::Rng::with_seed(seed);
    let hour = if rng.f64() < options.any_hour {
        24.0 * rng.f64()
    } else {
        6.5 + 12.5 * rng.f64()
    };
    let day = NaiveDate::default() + TimeDelta::days(rng.i64(0..20_000));
    let local = day.and_time(chrono::NaiveTime::MIN) + TimeDelta::seconds((hour * 3600.0) as i64);
    let text = match rng.u32(0..4) {
        0 => String::new(),
        1 => local.format("%d.%m.%Y %H:%M:%S").to_string(),
        _ => format!(
            "SITE{} {}",
            rng.u32(1..300),
            local.format("%Y-%m-%d %H:%M:%S")
        ),
    };
    let moment = Moment {
        at: local.and_utc(),
        local,
        shot: number,
        text,
        stage: Some(0.25 + 2.9 * rng.f64() * rng.f64()),
    };
    let scene = Scenery::new(seed, options.size).picture(&moment);
    (moment, scene)
}

fn write(folder: &Path, name: &str, scene: &Scene) -> anyhow::Result<()> {
    let put = |ending: &str, bytes: Vec<u8>| {
        let path = folder.join(format!("{name}{ending}"));
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))
    };
    put(".jpg", scene.jpeg()?)?;
    put("_mask.png", scene.mask_png()?)
}
