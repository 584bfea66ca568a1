//! What an ONNX file says of its network, looked at before the runtime is.

use std::collections::BTreeSet;

use tract_onnx::Onnx;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Axis;
use tract_onnx::pb::type_proto::Value as Type;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto};

use super::LoadError;

/// tract's reader of ONNX files. What a file says of shapes between its operations is not believed: exporters write
/// it for another batch, and tract finds it out for itself.
pub(super) fn framework() -> Onnx {
    tract_onnx::onnx()
        .with_ignore_value_info(true)
        .with_ignore_output_shapes(true)
        .with_ignore_output_types(true)
}

/// Refuses what would make the runtime fail in its own words, or run another network than is described.
pub(super) fn examine(
    framework: &Onnx,
    model: &ModelProto,
    declared: &[usize],
) -> Result<(), LoadError> {
    let graph = model.graph.as_ref().ok_or(LoadError::NotOnnx)?;
    if graph.node.is_empty()
        || graph
            .output
            .iter()
            .any(|output| !is_made(graph, &output.name))
    {
        return Err(LoadError::NotOnnx);
    }
    let external = Some(DataLocation::External as i32);
    if graph
        .initializer
        .iter()
        .any(|tensor| tensor.data_location == external)
    {
        return Err(LoadError::ExternalData);
    }
    let inputs: Vec<&ValueInfoProto> = graph
        .input
        .iter()
        .filter(|input| {
            !graph
                .initializer
                .iter()
                .any(|tensor| tensor.name == input.name)
        })
        .collect();
    let [input] = inputs.as_slice() else {
        return Err(LoadError::Inputs(inputs.len(), names(&inputs)));
    };
    let outputs: Vec<&ValueInfoProto> = graph.output.iter().collect();
    if outputs.len() != 1 {
        return Err(LoadError::Outputs(outputs.len(), names(&outputs)));
    }
    examine_input(input, declared)?;
    let missing: BTreeSet<&str> = graph
        .node
        .iter()
        .map(|node| node.op_type.as_str())
        .filter(|operation| !framework.op_register.0.contains_key(*operation))
        .collect();
    if !missing.is_empty() {
        return Err(LoadError::Operations(
            missing.into_iter().collect::<Vec<_>>().join(", "),
        ));
    }
    Ok(())
}

/// Whether something in the graph makes the value of that name.
fn is_made(graph: &GraphProto, name: &str) -> bool {
    graph
        .node
        .iter()
        .any(|node| node.output.iter().any(|made| made == name))
        || graph.initializer.iter().any(|tensor| tensor.name == name)
        || graph.input.iter().any(|input| input.name == name)
}

fn names(values: &[&ValueInfoProto]) -> String {
    match values {
        [] => "none".to_owned(),
        _ => values
            .iter()
            .map(|value| value.name.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// An axis without a size in the network takes any.
fn examine_input(input: &ValueInfoProto, declared: &[usize]) -> Result<(), LoadError> {
    let Some(Type::TensorType(tensor)) = input.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        return Err(LoadError::NotOnnx);
    };
    if tensor.elem_type != DataType::Float as i32 {
        return Err(LoadError::InputType(tensor.elem_type));
    }
    let Some(shape) = &tensor.shape else {
        return Ok(());
    };
    let network: Vec<Option<i64>> = shape
        .dim
        .iter()
        .map(|axis| match axis.value {
            Some(Axis::DimValue(size)) if size > 0 => Some(size),
            _ => None,
        })
        .collect();
    let fits = network.len() == declared.len()
        && network
            .iter()
            .zip(declared)
            .all(|(axis, &wanted)| axis.is_none_or(|size| usize::try_from(size) == Ok(wanted)));
    if fits {
        return Ok(());
    }
    let text: Vec<String> = network
        .iter()
        .map(|axis| axis.map_or("any".to_owned(), |size| size.to_string()))
        .collect();
    Err(LoadError::InputShape {
        network: format!("[{}]", text.join(", ")),
        declared: format!("{declared:?}"),
    })
}
