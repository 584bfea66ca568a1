//! What a model is used for: a picture or a row of numbers goes in, what it means comes out.
//!
//! Each task loads its network and compares the shape of its output with the manifest once, so that running it can
//! only fail for reasons of the input or of the runtime.

mod classify;
mod error;
mod prepare;
mod segment;
mod stage;
mod tabular;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::engine::{Engine, LoadError};
use crate::model::{Folder, Layout, ModelError, PictureInput, Task};

pub use classify::{Classifier, Opinion, together};
pub use error::{RowError, StageError, TaskError};
pub use segment::Segmenter;
pub use tabular::{Answer, Predictions, Question, Table};

/// A model ready for use.
#[derive(Debug)]
pub enum Model {
    /// It tells which pixels are water.
    Segmenter(Segmenter),
    /// It tells what a picture shows.
    Classifier(Classifier),
    /// It takes rows of numbers.
    Table(Table),
}

impl Model {
    /// Loads the model in the folder at `path`.
    ///
    /// # Errors
    /// When the folder is not in order, or its network is not what the manifest says.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let (folder, onnx) = Folder::read(path)?;
        let task = folder.manifest().task.clone();
        let loaded =
            |engine: Result<Engine, LoadError>| engine.map_err(|source| refused(&folder, source));
        let id = Id::of(&folder);
        match task {
            Task::Segmentation(spec) => {
                let engine = loaded(Engine::load(&onnx, &shape(&spec.input)))?;
                Segmenter::new(id, spec, engine).map(Self::Segmenter)
            }
            Task::Classification(spec) => {
                let engine = loaded(Engine::load(&onnx, &shape(&spec.input)))?;
                Classifier::new(id, spec, engine).map(Self::Classifier)
            }
            Task::Tabular(spec) => {
                let engine = loaded(Engine::load(&onnx, &[1, spec.features.len()]))?;
                Table::new(id, spec, engine).map(Self::Table)
            }
        }
        .map_err(|source| refused(&folder, source))
    }

    /// The network itself.
    pub(crate) const fn engine(&self) -> &Engine {
        match self {
            Self::Segmenter(model) => model.engine(),
            Self::Classifier(model) => model.engine(),
            Self::Table(model) => model.engine(),
        }
    }

    /// What it is for, as a manifest says it.
    pub const fn task(&self) -> &'static str {
        match self {
            Self::Segmenter(_) => "segmentation",
            Self::Classifier(_) => "classification",
            Self::Table(_) => "tabular",
        }
    }
}

/// Which model it is, as results name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    /// Name of the model.
    pub name: String,
    /// SHA-256 of its ONNX file, hexadecimal.
    pub sha256: String,
}

impl Id {
    fn of(folder: &Folder) -> Self {
        Self {
            name: folder.name().to_owned(),
            sha256: folder.manifest().file.sha256.clone(),
        }
    }
}

/// The shape of the tensor that a network for pictures takes.
fn shape(input: &PictureInput) -> [usize; 4] {
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    match input.layout {
        Layout::Nchw => [1, input.colour.channels(), height, width],
        Layout::Nhwc => [1, height, width, input.colour.channels()],
    }
}

fn refused(folder: &Folder, source: LoadError) -> ModelError {
    ModelError::Network {
        path: folder.onnx_path(),
        source,
    }
}

/// That the network's output is not what suits its manifest.
fn misfit(engine: &Engine, wanted: impl Into<String>) -> LoadError {
    LoadError::OutputShape {
        network: format!("{} of shape {:?}", engine.kind().name(), engine.output()),
        wanted: wanted.into(),
    }
}
