//! Models that were loaded once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::caught::caught;
use crate::model::Folder;
use crate::task::Model;

/// Models that were loaded once, by their folders.
#[derive(Debug, Default)]
pub(super) struct Models(Mutex<HashMap<PathBuf, Known>>);

#[derive(Debug)]
struct Known {
    /// The manifest it was loaded by. It has the hash of the ONNX file, so a change of either shows in it.
    manifest: String,
    model: Arc<Model>,
}

impl Models {
    /// The model in the folder at `path`, or why there is none, in one sentence. One that failed is tried anew.
    pub(super) fn get(&self, path: &Path) -> Result<Arc<Model>, String> {
        let manifest = Folder::text(path).map_err(|error| error.to_string())?;
        let known = |models: &HashMap<PathBuf, Known>| {
            let known = models
                .get(path)
                .filter(|known| known.manifest == manifest)?;
            Some(known.model.clone())
        };
        if let Some(model) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(model);
        }
        let model = match caught(|| Model::open(path)) {
            Ok(opened) => Arc::new(opened.map_err(|error| error.to_string())?),
            Err(panic) => {
                return Err(format!(
                    "{}: the runtime gave up on loading the network ({panic}): use another export of it",
                    path.display()
                ));
            }
        };
        let loaded = Known {
            manifest,
            model: model.clone(),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), loaded);
        Ok(model)
    }
}

/// What a model's folder is called.
pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
