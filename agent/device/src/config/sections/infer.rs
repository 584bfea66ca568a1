//! `[infer]`: what becomes of images that are looked at on the device.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::site::Site;
use super::store::{BUCKET, KEY};
use super::{DAY, seconds};
use crate::config::form::{WrittenPath, duration, integer, list, size, text};
use crate::config::reader::{Reader, resolve};
use crate::config::template::{BucketTemplate, DerivativeKeyTemplate, KeyTemplate};

/// How images are looked at, and where what is made of them goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Infer {
    /// Folders that hold models' folders, absolute, in the order in which they are searched.
    pub models: Vec<PathBuf>,
    /// Threads that compute, at least 1.
    pub threads: u32,
    /// Longest that an image may take.
    pub deadline: Duration,
    /// Most memory of the process that looks, in bytes.
    pub memory: u64,
    /// Its niceness, 0 to 19.
    pub nice: u32,
    /// Largest picture that is decoded, in pixels.
    pub max_pixels: u32,
    /// Largest file that is decoded, in bytes.
    pub max_file: u64,
    /// How long the process stays without work.
    pub linger: Duration,
    /// Temperature of the board above which nothing is looked at, degrees Celsius; `None` for no such bound.
    pub pause_above: Option<f64>,
    /// How long an image waits for its look where rules decide on its order.
    pub wait: Duration,
    /// Bucket of a site's results and overlays.
    pub result_bucket: BucketTemplate,
    /// Keys of results; `{name}` and `{stem}` are of the image's object.
    pub result_key: KeyTemplate,
    /// Keys of overlays, likewise.
    pub overlay_key: KeyTemplate,
    /// Bucket of a site's derivatives.
    pub derivative_bucket: BucketTemplate,
    /// Keys of derivatives, likewise, but `{name}` is the derivative's.
    pub derivative_key: DerivativeKeyTemplate,
}

/// Which model: by its name in one of [`Infer::models`], or by its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelRef {
    /// The name of its folder.
    Named(String),
    /// Its folder, absolute.
    At(PathBuf),
}

/// A model that is in none of the folders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {}: install the model there, or name another (`weir infer --list` tells which there are)", .looked.join(" and no "))]
pub struct NoModel {
    /// The manifests that were looked for.
    looked: Vec<String>,
}

impl ModelRef {
    /// The model's folder: the first of `folders` that has it by name, or its own path. Touches the disk.
    ///
    /// # Errors
    /// When no manifest is where it could be.
    pub fn find(&self, folders: &[PathBuf]) -> Result<PathBuf, NoModel> {
        let candidates = match self {
            Self::At(path) => vec![path.clone()],
            Self::Named(name) => folders.iter().map(|folder| folder.join(name)).collect(),
        };
        let manifest = |folder: &PathBuf| folder.join("model.toml");
        let there = candidates.iter().find(|folder| manifest(folder).is_file());
        there.cloned().ok_or_else(|| {
            let looked = candidates.iter().map(manifest);
            NoModel {
                looked: looked.map(|path| path.display().to_string()).collect(),
            }
        })
    }

    /// How it is called: its folder's name.
    pub fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::At(path) => path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        }
    }
}

/// A model as it is written: a path that is relative is not resolved yet.
#[derive(Debug)]
pub(in crate::config) struct WrittenModel(ModelRef);

impl WrittenModel {
    /// The model, whose path starts where `resolve` says.
    pub(in crate::config) fn resolved(self, resolve: impl Fn(&Path) -> PathBuf) -> ModelRef {
        match self.0 {
            ModelRef::At(path) => ModelRef::At(resolve(&path)),
            named @ ModelRef::Named(_) => named,
        }
    }
}

impl FromStr for WrittenModel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let WrittenPath(path) = text.parse()?;
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        match text {
            _ if text.contains('/') => Ok(Self(ModelRef::At(path))),
            _ if text.bytes().all(known) => Ok(Self(ModelRef::Named(text.to_owned()))),
            _ => Err("can be no model's name"),
        }
    }
}

/// Degrees Celsius.
struct Celsius(f64);

impl FromStr for Celsius {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().strip_suffix('C').ok_or("has no unit C")?;
        let degrees: u8 = number
            .trim_end()
            .parse()
            .map_err(|_| "is no number with C")?;
        (20..=120)
            .contains(&degrees)
            .then(|| Self(f64::from(degrees)))
            .ok_or("is out of range")
    }
}

const MODELS: &str = "infer.models";
const RESULT_BUCKET: &str = "infer.result_bucket";
const RESULT_KEY: &str = "infer.result_key";
const OVERLAY_KEY: &str = "infer.overlay_key";
const DERIVATIVE_BUCKET: &str = "infer.derivative_bucket";

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Infer {
    let models = reader.get(MODELS, list(text::<WrittenPath>("a path")));
    let origin = reader.origin(MODELS);
    let celsius = text::<Celsius>("a temperature from 20C to 120C, such as \"80C\"");
    let derivative = text::<DerivativeKeyTemplate>(
        "a template such as \"{year}/{month_name}/{stem}_{name}.{ext}\"",
    );
    let infer = Infer {
        models: models
            .into_iter()
            .map(|WrittenPath(path)| resolve(&origin, &path))
            .collect(),
        threads: reader.get("infer.threads", integer(1..=64)),
        deadline: reader.get("infer.deadline", duration(seconds(1)..=seconds(3600))),
        memory: reader.get("infer.memory", size(64 << 20..=64 << 30)),
        nice: reader.get("infer.nice", integer(0..=19)),
        max_pixels: reader.get("infer.max_pixels", integer(10_000..=500_000_000)),
        max_file: reader.get("infer.max_file", size(64 << 10..=1 << 30)),
        linger: reader.get("infer.linger", duration(seconds(0)..=DAY)),
        pause_above: reader
            .get("infer.pause_above", celsius.or("off"))
            .map(|Celsius(degrees)| degrees),
        wait: reader.get("infer.wait", duration(seconds(1)..=DAY)),
        result_bucket: reader.get(RESULT_BUCKET, text::<BucketTemplate>(BUCKET)),
        result_key: reader.get(RESULT_KEY, text::<KeyTemplate>(KEY)),
        overlay_key: reader.get(OVERLAY_KEY, text::<KeyTemplate>(KEY)),
        derivative_bucket: reader.get(DERIVATIVE_BUCKET, text::<BucketTemplate>(BUCKET)),
        derivative_key: reader.get("infer.derivative_key", derivative),
    };
    if infer.result_key == infer.overlay_key {
        let message =
            format!("{RESULT_KEY} and {OVERLAY_KEY} give a result and its overlay one key");
        reader.blame(&[OVERLAY_KEY, RESULT_KEY], message, None);
    }
    infer
}

/// Records sites for whose results or derivatives there could be no bucket.
pub(in crate::config) fn compare(reader: &mut Reader<'_>, infer: &Infer, sites: &[Site]) {
    let looking = || sites.iter().filter(|site| site.look.is_some());
    let with_derivatives = |site: &&Site| {
        let look = site.look.as_ref();
        look.is_some_and(|look| !look.derivatives.is_empty())
    };
    let no_bucket = |template: &BucketTemplate, site: &Site| template.bucket_of(&site.name).err();
    let results = looking().find_map(|site| no_bucket(&infer.result_bucket, site));
    let mut derived = looking().filter(with_derivatives);
    let derivatives = derived.find_map(|site| no_bucket(&infer.derivative_bucket, site));
    for (name, fault) in [(RESULT_BUCKET, results), (DERIVATIVE_BUCKET, derivatives)] {
        if let Some(fault) = fault {
            reader.blame(&[name], fault.to_string(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_in_the_first_folder_that_has_it_and_by_its_path() {
        let room = tempfile::tempdir().unwrap();
        let folders = ["a", "b", "c"].map(|name| room.path().join(name));
        for folder in &folders[1..] {
            std::fs::create_dir_all(folder.join("water")).unwrap();
            std::fs::write(folder.join("water/model.toml"), "").unwrap();
        }
        let named = ModelRef::Named("water".to_owned());
        assert_eq!(named.find(&folders), Ok(folders[1].join("water")));
        let at = ModelRef::At(folders[2].join("water"));
        assert_eq!(at.find(&folders), Ok(folders[2].join("water")));
        let missing = ModelRef::Named("stage".to_owned())
            .find(&folders)
            .unwrap_err();
        assert!(
            missing.to_string().contains("c/stage/model.toml"),
            "{missing}"
        );
    }

    #[test]
    fn a_model_is_a_name_or_a_path() {
        let read = |text: &str| text.parse::<WrittenModel>().map(|model| model.0);
        assert_eq!(read("water-2"), Ok(ModelRef::Named("water-2".into())));
        assert_eq!(read("./w"), Ok(ModelRef::At("./w".into())));
        for bad in ["Water", "wa ter", "~/w", ".."] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
