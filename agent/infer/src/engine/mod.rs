//! Networks, run by tract: an ONNX file becomes an [`Engine`] that takes one tensor of 32-bit floats and gives one
//! tensor.
//!
//! What tract cannot run, or not as its caller wants it run, is refused when it is loaded. A network that makes the
//! runtime panic is not caught here: see [`crate::look`] and [`crate::check`].

mod error;
mod graph;

use std::sync::Arc;

use tract_linalg::multithread::{Executor, multithread_tract_scope};
use tract_onnx::prelude::{
    DatumType, Framework as _, InferenceModelExt as _, Tensor, TractResult, TypedModel,
    TypedRunnableModel, tvec,
};

pub use error::{LoadError, RunError};

/// A network, ready to run. Cheap to share between threads.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<TypedRunnableModel>,
    input: Vec<usize>,
    output: Vec<usize>,
    kind: Kind,
}

/// What a network's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floats.
    Float,
    /// 64-bit integers.
    Integer,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Float => "floats",
            Self::Integer => "integers",
        }
    }
}

/// What a network gave, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 32-bit floats, each of them finite.
    Floats(Vec<f32>),
    /// 64-bit integers.
    Integers(Vec<i64>),
}

impl Engine {
    /// Loads the network in the bytes of an ONNX file, to take tensors of the shape `input`.
    ///
    /// # Errors
    /// When the bytes are no ONNX network with one input of that shape and one output, or tract cannot run it.
    pub fn load(onnx: &[u8], input: &[usize]) -> Result<Self, LoadError> {
        let framework = graph::framework();
        let proto = framework
            .proto_model_for_read(&mut &*onnx)
            .map_err(|_| LoadError::NotOnnx)?;
        graph::examine(&framework, &proto, input)?;
        let optimised = || -> TractResult<TypedModel> {
            let fact = tract_onnx::prelude::InferenceFact::dt_shape(DatumType::F32, input);
            framework
                .model_for_proto_model(&proto)?
                .with_input_fact(0, fact)?
                .into_optimized()
        };
        let model = optimised().map_err(LoadError::runtime)?;
        let fact = model.output_fact(0).map_err(LoadError::runtime)?;
        let output = fact.shape.as_concrete().ok_or(LoadError::Dynamic)?.to_vec();
        let kind = match fact.datum_type {
            DatumType::F32 => Kind::Float,
            DatumType::I64 => Kind::Integer,
            other => return Err(LoadError::OutputType(format!("{other:?}").to_lowercase())),
        };
        let plan = TypedRunnableModel::new(model).map_err(LoadError::runtime)?;
        Ok(Self {
            plan,
            input: input.to_vec(),
            output,
            kind,
        })
    }

    /// The shape of what it takes.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// The shape of what it gives.
    pub fn output(&self) -> &[usize] {
        &self.output
    }

    /// What the numbers are that it gives.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Runs the network on `input`, in row-major order.
    ///
    /// # Errors
    /// When `input` has not as many numbers as its shape, tract fails, or the outcome is not finite.
    pub fn run(&self, input: &[f32]) -> Result<Values, RunError> {
        let run = || -> TractResult<Values> {
            let input = Tensor::from_shape(&self.input, input)?;
            let output = self.plan.run(tvec!(input.into()))?;
            let output = output[0].try_as_plain_ram()?;
            Ok(match self.kind {
                Kind::Float => Values::Floats(output.as_slice::<f32>()?.to_vec()),
                Kind::Integer => Values::Integers(output.as_slice::<i64>()?.to_vec()),
            })
        };
        let values = run().map_err(RunError::runtime)?;
        match &values {
            Values::Floats(floats) if !floats.iter().all(|value| value.is_finite()) => {
                Err(RunError::NotFinite)
            }
            _ => Ok(values),
        }
    }
}

/// How many threads a network's matrix products are split between.
#[derive(Debug, Clone)]
pub struct Threads {
    number: usize,
    pool: Executor,
}

impl Threads {
    /// So many, at least one. More than one are started here, and end with the last clone.
    ///
    /// # Panics
    /// When the system starts no threads.
    pub fn new(number: usize) -> Self {
        let number = number.max(1);
        Self {
            number,
            pool: match number {
                1 => Executor::SingleThread,
                _ => Executor::multithread_with_name(number, "weir-infer"),
            },
        }
    }

    /// How many.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Does `work` with these threads.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        multithread_tract_scope(self.pool.clone(), work)
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new(1)
    }
}
