//! Why a network cannot be run.

/// Why a network cannot be loaded, or not as it is described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The bytes are no ONNX network.
    #[error("it is no ONNX network: export it again, and take the .onnx file itself")]
    NotOnnx,
    /// Its weights lie elsewhere.
    #[error("its weights lie in another file: export it with everything in one file")]
    ExternalData,
    /// It has another number of inputs than one.
    #[error("the network has {0} inputs ({1}), and one is wanted: export it with one")]
    Inputs(usize, String),
    /// It has another number of outputs than one.
    #[error(
        "the network has {0} outputs ({1}), and one is wanted: export it with the one that matters"
    )]
    Outputs(usize, String),
    /// It takes other numbers than 32-bit floats.
    #[error(
        "the network takes numbers of the ONNX type {0}, and 32-bit floats (1) are wanted: export it so"
    )]
    InputType(i32),
    /// Its input has another shape.
    #[error("the network takes {network}, but its model.toml says {declared}: correct one of them")]
    InputShape {
        /// The shape in the network.
        network: String,
        /// The shape that follows from the manifest.
        declared: String,
    },
    /// The runtime lacks operations.
    #[error("the runtime has no {0}: export the network with simpler operations")]
    Operations(String),
    /// The shape of the output depends on the input's content.
    #[error(
        "the size of the network's output is not known before it is run: export it with fixed sizes"
    )]
    Dynamic,
    /// It gives numbers of another type.
    #[error(
        "the network gives numbers of type {0}, and f32 or i64 are wanted: cast them in the network"
    )]
    OutputType(String),
    /// Its output does not suit the task.
    #[error(
        "the network gives {network}, but its model.toml makes it {wanted}: correct one of them"
    )]
    OutputShape {
        /// The shape and type in the network.
        network: String,
        /// What suits the task.
        wanted: String,
    },
    /// The runtime refuses it for another reason.
    #[error(
        "the runtime refuses the network ({0}): export it with fixed sizes and simpler operations"
    )]
    Runtime(String),
}

impl LoadError {
    pub(super) fn runtime(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Runtime(reasons(&*error.into()))
    }
}

/// Why a network gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The runtime failed.
    #[error("the network failed ({0}): see whether `weir infer --check` finds the model in order")]
    Runtime(String),
    /// It gave what is no number.
    #[error("the network gave values that are no numbers (NaN or infinite): use another model")]
    NotFinite,
}

impl RunError {
    pub(super) fn runtime(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Runtime(reasons(&*error.into()))
    }
}

/// An error and what caused it, on one line that a log can bear.
fn reasons(error: &(dyn std::error::Error + Send + Sync)) -> String {
    const MOST: usize = 400;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}
