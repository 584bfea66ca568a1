"""A scikit-learn regression forest as plain ONNX operators.

The agent's runtime has no `TreeEnsembleRegressor`. All trees are walked at once, one level a round: `Gather` reads the
feature and the threshold of the node where each tree stands, `LessOrEqual` and `Where` choose the child, and a leaf is
its own child. After as many rounds as the deepest tree has levels, the leaves' values are summed.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def plain_forest(trees: list, features: int) -> bytes:
    """The ONNX file of the mean of `trees` (`sklearn.tree.Tree` of one output): float32 [1, features] to [1].

    scikit-learn compares a float32 feature with a float64 threshold; the threshold is rounded down to float32, which
    decides the same for every float32.
    """
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    feature, threshold, left, right, leaf = [], [], [], [], []
    for start, tree in zip(starts, trees, strict=True):
        inner = tree.children_left >= 0
        here = start + np.arange(tree.node_count)
        feature.append(np.where(inner, tree.feature, 0))
        threshold.append(np.where(inner, rounded_down(tree.threshold), np.float32(0)))
        left.append(np.where(inner, start + tree.children_left, here))
        right.append(np.where(inner, start + tree.children_right, here))
        leaf.append(np.where(inner, 0.0, tree.value[:, 0, 0] / len(trees)))
    tables = {
        "feature": np.concatenate(feature).astype(np.int64),
        "threshold": np.concatenate(threshold).astype(np.float32),
        "left": np.concatenate(left).astype(np.int64),
        "right": np.concatenate(right).astype(np.int64),
        "leaf": np.concatenate(leaf).astype(np.float32),
        "at0": starts.astype(np.int64),
        "flat": np.array([features], np.int64),
        "axis": np.array([0], np.int64),
    }
    nodes = [helper.make_node("Reshape", ["x", "flat"], ["row"])]
    depth = max(tree.max_depth for tree in trees)
    for level in range(depth):
        at = f"at{level}"
        nodes += [
            helper.make_node("Gather", ["feature", at], [f"feature{level}"]),
            helper.make_node("Gather", ["row", f"feature{level}"], [f"value{level}"]),
            helper.make_node("Gather", ["threshold", at], [f"threshold{level}"]),
            helper.make_node("LessOrEqual", [f"value{level}", f"threshold{level}"], [f"is_left{level}"]),
            helper.make_node("Gather", ["left", at], [f"left{level}"]),
            helper.make_node("Gather", ["right", at], [f"right{level}"]),
            helper.make_node("Where", [f"is_left{level}", f"left{level}", f"right{level}"], [f"at{level + 1}"]),
        ]
    nodes += [
        helper.make_node("Gather", ["leaf", f"at{depth}"], ["leaves"]),
        helper.make_node("ReduceSum", ["leaves", "axis"], ["y"], keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "forest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, features])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(array, name) for name, array in tables.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def rounded_down(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each float64."""
    near = thresholds.astype(np.float32)
    return np.where(near.astype(np.float64) <= thresholds, near, np.nextafter(near, np.float32(-np.inf)))
