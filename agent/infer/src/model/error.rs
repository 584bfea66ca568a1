//! Why a folder is no model that can be used.

use std::io;
use std::path::{Path, PathBuf};

use weir_journey::infer::Trouble;

use crate::engine::LoadError;

/// Why a folder is no model that can be used, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of it cannot be read.
    #[error("{} cannot be read: {source}: {}", path.display(), what_to_do(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder's name cannot be a model's.
    #[error(
        "{} cannot name a model: name the folder with the characters a-z, 0-9 and \"-\"",
        path.display()
    )]
    Name {
        /// The folder.
        path: PathBuf,
    },
    /// Its `model.toml` is wrong.
    #[error("{place}: {what}")]
    Manifest {
        /// The file, with line and column where they are known.
        place: String,
        /// What is wrong, and what would be right.
        what: String,
    },
    /// A file is larger than is read.
    #[error("{} has {bytes} bytes, and at most {most} are read: use a smaller model", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// The ONNX file is not the one that the manifest describes.
    #[error(
        "{} is not the file that model.toml describes (its SHA-256 is {found}, not {stated}): \
         copy the model's folder again",
        path.display()
    )]
    Hash {
        /// The ONNX file.
        path: PathBuf,
        /// The hash in the manifest.
        stated: String,
        /// The hash of the file.
        found: String,
    },
    /// The network cannot be run, or not as the manifest describes it.
    #[error("{} cannot be used: {source}", path.display())]
    Network {
        /// The ONNX file.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// The model is of another task than the one it is wanted for.
    #[error("{} is a model for {is}, and one for {wanted} is wanted here: name another model", path.display())]
    Task {
        /// The folder.
        path: PathBuf,
        /// What it is for.
        is: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
}

impl ModelError {
    /// Whose fault it is: the model's, unless the device failed to read it.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Unreadable { source, .. } if !is_about_the_path(source) => Trouble::Device,
            _ => Trouble::Model,
        }
    }

    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }
}

/// Whether the path is to blame, and not the device.
fn is_about_the_path(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    matches!(
        error.kind(),
        NotFound | PermissionDenied | NotADirectory | IsADirectory | InvalidInput
    )
}

fn what_to_do(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "let the agent's user read it",
        _ if is_about_the_path(error) => {
            "give the path of a model's folder, with its model.toml and its ONNX file"
        }
        _ => "look for faults of the disk, then try again",
    }
}
