//! Which operations of a network take how long: CPU time of each kind of node of the network as tract has rewritten it.
//!
//! `cargo run --release -p weir-infer --example ops -- FILE.onnx CHANNELS HEIGHT WIDTH` prints milliseconds a run, means
//! of twenty, one thread, the most expensive first.

use std::collections::BTreeMap;

use anyhow::bail;
use rustix::time::{ClockId, clock_gettime};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::plan::eval;

const ROUNDS: u32 = 20;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, channels, height, width] = arguments.as_slice() else {
        bail!("usage: ops FILE.onnx CHANNELS HEIGHT WIDTH");
    };
    let shape: [usize; 4] = [1, channels.parse()?, height.parse()?, width.parse()?];
    let model = tract_onnx::onnx()
        .model_for_path(file)?
        .with_input_fact(0, InferenceFact::dt_shape(DatumType::F32, shape))?
        .into_optimized()?;
    let plan = TypedRunnableModel::new(model)?;
    let input = Tensor::from_shape(&shape, &vec![0.5_f32; shape.iter().product()])?;
    let mut state = plan.spawn()?;
    let mut spent: BTreeMap<String, (u32, f64)> = BTreeMap::new();
    for round in 0..ROUNDS + 2 {
        state.run_plan_with_eval(
            tvec!(input.clone().into()),
            |context, state, node, input| {
                let start = cpu_ms();
                let output = eval(context, state, node, input);
                // The first rounds warm the caches up.
                if round >= 2 {
                    let (nodes, time) = spent.entry(node.op().name().into_owned()).or_default();
                    *nodes += 1;
                    *time += cpu_ms() - start;
                }
                output
            },
        )?;
    }
    let mut spent: Vec<_> = spent.into_iter().collect();
    spent.sort_by(|(_, (_, one)), (_, (_, other))| other.total_cmp(one));
    for (name, (nodes, time)) in spent {
        println!(
            "{:8.2} ms  {:4} x {name}",
            time / f64::from(ROUNDS),
            nodes / ROUNDS
        );
    }
    Ok(())
}

/// CPU time of this process, milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
