//! A model is a folder: one ONNX file and a `model.toml` that says what the network takes and gives, where it comes
//! from, and what any runtime must compute with it.
//!
//! A folder is refused as a whole or taken as a whole: an unknown key, a missing one, a value that does not fit the
//! others or an ONNX file of another hash makes a [`ModelError`]. What is known of a folder is its [`Manifest`];
//! whether the network fits it is only known when it is loaded, see [`crate::task`].

mod error;
mod form;
mod manifest;
mod search;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use error::ModelError;
pub(crate) use form::CHECKED;
pub use manifest::{
    Answers, Check, Classification, Colour, Expected, Feature, Fit, Layout, Manifest, OnnxFile,
    PictureInput, Scores, Segmentation, Tabular, Task,
};
pub use search::{Listed, find, list};

/// The largest ONNX file that is read, in bytes: far above any network a small board can run.
pub const LARGEST_FILE: u64 = 512 << 20;

/// The largest `model.toml` that is read, in bytes.
const LARGEST_MANIFEST: u64 = 1 << 20;

/// Its file in a model's folder.
const MANIFEST: &str = "model.toml";

/// A model's folder that was found in order: its manifest is complete and its ONNX file has the hash stated there.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    path: PathBuf,
    name: String,
    manifest: Manifest,
}

impl Folder {
    /// Reads the manifest of the folder at `path` and compares the hash of its ONNX file.
    ///
    /// # Errors
    /// What is wrong with the folder, in one sentence with its place.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let folder = Self::described(path)?;
        let file = folder.onnx_path();
        let mut hash = Sha256::new();
        let mut reader = limited(&file, LARGEST_FILE)?;
        let mut block = vec![0; 64 << 10];
        loop {
            match reader.read(&mut block) {
                Ok(0) => break,
                Ok(length) => hash.update(&block[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ModelError::unreadable(&file, error)),
            }
        }
        folder.compare(&hex(&hash.finalize()))?;
        Ok(folder)
    }

    /// The same, with the bytes of the ONNX file: those that were hashed, whatever happens to the file afterwards.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub(crate) fn read(path: &Path) -> Result<(Self, Vec<u8>), ModelError> {
        let folder = Self::described(path)?;
        let onnx = read(&folder.onnx_path(), LARGEST_FILE)?;
        folder.compare(&hex(&Sha256::digest(&onnx)))?;
        Ok((folder, onnx))
    }

    /// The text of the manifest in the folder at `path`: two equal ones describe the same model, to the last byte.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn text(path: &Path) -> Result<String, ModelError> {
        let file = path.join(MANIFEST);
        String::from_utf8(read(&file, LARGEST_MANIFEST)?).map_err(|_| ModelError::Manifest {
            place: file.display().to_string(),
            what: "it is no UTF-8 text".to_owned(),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name, which is the model's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its `model.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where its ONNX file lies.
    pub fn onnx_path(&self) -> PathBuf {
        self.path.join(&self.manifest.file.name)
    }

    /// The folder as its manifest describes it, its ONNX file unseen.
    fn described(path: &Path) -> Result<Self, ModelError> {
        let name = name(path)?;
        let text = Self::text(path)?;
        Ok(Self {
            path: path.to_owned(),
            name,
            manifest: form::parse(&path.join(MANIFEST), &text)?,
        })
    }

    fn compare(&self, found: &str) -> Result<(), ModelError> {
        if found == self.manifest.file.sha256 {
            return Ok(());
        }
        Err(ModelError::Hash {
            path: self.onnx_path(),
            stated: self.manifest.file.sha256.clone(),
            found: found.to_owned(),
        })
    }
}

/// The name of the model in the folder at `path`.
fn name(path: &Path) -> Result<String, ModelError> {
    let named = match path.file_name() {
        Some(name) => name.to_owned(),
        // A path such as "." or "..".
        None => fs::canonicalize(path)
            .map_err(|error| ModelError::unreadable(path, error))?
            .file_name()
            .unwrap_or_default()
            .to_owned(),
    };
    named
        .to_str()
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .ok_or_else(|| ModelError::Name {
            path: path.to_owned(),
        })
}

/// Whether a model may be named so.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn limited(path: &Path, most: u64) -> Result<File, ModelError> {
    let unreadable = |error| ModelError::unreadable(path, error);
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(unreadable(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        )));
    }
    if about.len() > most {
        return Err(ModelError::TooLarge {
            path: path.to_owned(),
            bytes: about.len(),
            most,
        });
    }
    Ok(file)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    limited(path, most)?
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| ModelError::unreadable(path, error))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
