"""Makes the small networks in this folder, which the tests wrap in a `model.toml` of their own.

    pip install onnx numpy
    python make.py

The weights are written out below, so what a network must compute can be seen without running it.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, values, kind=np.float32):
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def write(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


node = helper.make_node

# Red minus blue, averaged over blocks of 2 x 2: water is red. Its batch has no fixed size, as exporters leave it.
write(
    "red",
    [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[1, 1]),
        node("AveragePool", ["c"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ],
    [value("x", ["batch", 3, 8, 16])],
    [value("y", ["batch", 1, 4, 8])],
    [constant("w", [[[[1.0]], [[0.0]], [[-1.0]]]])],
)

# The means of the three channels, as logits.
write(
    "means",
    [node("GlobalAveragePool", ["x"], ["p"]), node("Flatten", ["p"], ["y"])],
    [value("x", [1, 3, 4, 4])],
    [value("y", [1, 3])],
)

# Half of the first number and a quarter of the second.
write(
    "sum",
    [node("MatMul", ["x", "w"], ["m"]), node("Flatten", ["m"], ["y"])],
    [value("x", [1, 2])],
    [value("y", [1, 1])],
    [constant("w", [[0.5], [0.25]])],
)

# The index of the larger of two numbers.
write(
    "larger",
    [node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)],
    [value("x", [1, 2])],
    [value("y", [1], INT64)],
)

# The logarithm of the first number: no number below 0.
write(
    "logarithm",
    [node("Log", ["x"], ["l"]), node("ReduceSum", ["l", "axes"], ["y"], keepdims=1)],
    [value("x", [1, 2])],
    [value("y", [1, 1])],
    [constant("axes", [1], np.int64)],
)

# What no runtime can do.
write("unknown", [node("Levitate", ["x"], ["y"])], [value("x", [1, 2])], [value("y", [1, 1])])

# More outputs, or more inputs, than one.
write(
    "outputs",
    [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["z"])],
    [value("x", [1, 2])],
    [value("y", [1, 2]), value("z", [1, 2])],
)
write(
    "inputs",
    [node("Add", ["x", "z"], ["y"])],
    [value("x", [1, 2]), value("z", [1, 2])],
    [value("y", [1, 2])],
)

# An input of integers, and an output of truths.
write("integers", [node("Abs", ["x"], ["y"])], [value("x", [1, 2], INT64)], [value("y", [1, 2], INT64)])
write(
    "truths",
    [node("Greater", ["x", "w"], ["y"])],
    [value("x", [1, 2])],
    [value("y", [1, 2], TensorProto.BOOL)],
    [constant("w", [[0.0, 0.0]])],
)
