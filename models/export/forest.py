"""Turns a scikit-learn forest or classifier into a model folder for tables of numbers (task "tabular").

A regression forest becomes plain ONNX operators (see plain_forest.py); a classifier becomes what skl2onnx makes of it,
a `TreeEnsembleClassifier` for a forest, and gives one score a class.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sklearn
from onnx import helper
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

import options
from folder import Refused, Toml, run
from plain_forest import plain_forest

EXAMPLES = """\
  python forest.py models/ferns --licence MIT --estimator ferns.joblib --feature length 0.5 12 --feature width 0.1 4
  python forest.py models/stage --licence MIT --estimator stage.skops --feature ROI1 101 20000 \\
      --feature ROI2 101 9000 --name stage --unit m
  python forest.py models/try --licence MIT --random regression --feature a 0 1 --feature b 0 1 --without-weir
"""

# What skops asks about in every forest.
TREE = {"sklearn.tree._tree.Tree"}


def tabular(estimator: Any, features: list[Toml], labels: list[str] | None, name: str, unit: str) -> dict[str, Any]:
    """The parts of a `folder.Model` that a fitted scikit-learn estimator decides.

    `features` are the columns in order, each with its name and trained range; `name` and `unit` are those of a
    regression's value. Raises `Refused` for an estimator that cannot be exported.
    """
    wanted = getattr(estimator, "n_features_in_", None)
    if wanted is None:
        raise Refused(f"a {type(estimator).__name__} that is not fitted, or is no estimator, cannot be exported")
    if wanted != len(features):
        raise Refused(f"the estimator takes {wanted} features, {len(features)} are named: name each with --feature")
    if hasattr(estimator, "classes_"):
        onnx_file, output = classifier(estimator, labels)
        original = lambda x: estimator.predict_proba(x).astype(np.float32)  # noqa: E731
    else:
        onnx_file, output = regression(estimator), {"kind": "value", "name": name, "unit": unit}
        original = estimator.predict
    return {
        "task": "tabular",
        "onnx": onnx_file,
        "input": {"features": features},
        "output": output,
        "made_with": f"scikit-learn {sklearn.__version__}",
        "original": original,
        "shape": (1, len(features)),
        "bounds": [(f["min"], f["max"]) for f in features],
    }


def regression(estimator: Any) -> bytes:
    """The ONNX file of a regression forest or tree of one output."""
    if isinstance(estimator, DecisionTreeRegressor):
        trees = [estimator.tree_]
    elif isinstance(estimator, (RandomForestRegressor, ExtraTreesRegressor)):
        trees = [tree.tree_ for tree in estimator.estimators_]
    else:
        raise Refused(f"a {type(estimator).__name__} cannot be exported: of regressions only trees and forests can")
    if estimator.n_outputs_ != 1:
        raise Refused(f"the forest gives {estimator.n_outputs_} values a row, and a model folder gives one")
    return plain_forest(trees, estimator.n_features_in_)


def classifier(estimator: Any, labels: list[str] | None) -> tuple[bytes, Toml]:
    """The ONNX file of a classifier, and its `[output]`."""
    from skl2onnx import to_onnx  # takes a second, and regressions do without

    if not hasattr(estimator, "predict_proba"):
        raise Refused(f"a {type(estimator).__name__} has no predict_proba, and a model folder needs a score a class")
    if isinstance(estimator.classes_, list):
        raise Refused("the classifier gives several classes a row, and a model folder gives one")
    labels = labels or [str(c) for c in estimator.classes_]
    if len(labels) != len(estimator.classes_):
        raise Refused(f"the classifier knows {len(estimator.classes_)} classes, {len(labels)} labels are given")
    row = np.zeros((1, estimator.n_features_in_), np.float32)
    try:
        made = to_onnx(
            estimator, row, target_opset={"": 17, "ai.onnx.ml": 3}, options={id(estimator): {"zipmap": False}}
        )
    except Exception as reason:  # skl2onnx raises what it likes
        raise Refused(f"skl2onnx cannot export a {type(estimator).__name__}: {reason}") from reason
    return only_scores(made), {"kind": "class", "labels": labels}


# Nodes that may name their classes, with the attribute that numbers them instead.
NUMBERED = {"LinearClassifier": "classlabels_ints", "TreeEnsembleClassifier": "classlabels_int64s"}


def number_classes(node: onnx.NodeProto) -> None:
    """Classes of `node` by number instead of by name: the names stand in model.toml, and weir's runtime knows numbers."""
    named = [a for a in node.attribute if a.name == "classlabels_strings" and a.strings]
    if node.op_type in NUMBERED and named:
        numbers = helper.make_attribute(NUMBERED[node.op_type], list(range(len(named[0].strings))))
        node.attribute.remove(named[0])
        node.attribute.append(numbers)


def only_scores(model: onnx.ModelProto) -> bytes:
    """`model` for one row, with its scores as its one output, and without the nodes that only chose the label."""
    graph = model.graph
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    scores = next(o for o in graph.output if o.name == "probabilities")
    needed, kept = {scores.name}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            number_classes(node)
            kept.insert(0, node)
    versions = {o.domain: o.version for o in model.opset_import}
    used = sorted({node.domain for node in kept} | {""})
    made = helper.make_model(
        helper.make_graph(
            kept, "classifier", graph.input, [scores], [i for i in graph.initializer if i.name in needed]
        ),
        opset_imports=[helper.make_opsetid(domain, versions[domain]) for domain in used],
        ir_version=8,
    )
    onnx.checker.check_model(made)
    return made.SerializeToString()


def load(path: Path) -> Any:
    """The estimator of a pickle, joblib or skops file."""
    options.hashed(path)
    try:
        if path.suffix == ".skops":
            import skops.io

            unknown = set(skops.io.get_untrusted_types(file=path)) - TREE
            if unknown:
                raise Refused(f"{path.name} holds types that are not of scikit-learn: {', '.join(sorted(unknown))}")
            return skops.io.load(path, trusted=list(TREE))
        import joblib

        return joblib.load(path)
    except Refused:
        raise
    except Exception as reason:  # a pickle may raise anything
        raise Refused(
            f"{path.name} cannot be loaded ({reason}): install the scikit-learn that wrote it, and export with that"
        ) from reason


def random_forest(kind: str, features: list[Toml]) -> Any:
    """A small forest fitted to noise within the range of `features`."""
    random = np.random.default_rng(0)
    x = random.uniform([f["min"] for f in features], [f["max"] for f in features], (200, len(features)))
    if kind == "regression":
        return RandomForestRegressor(10, max_depth=6, random_state=0).fit(x, random.normal(size=200))
    return RandomForestClassifier(10, max_depth=6, random_state=0).fit(x, random.integers(0, 3, 200))


def feature(name: str, low: str, high: str) -> Toml:
    """One column, from the three words of --feature."""
    try:
        made = {"name": name, "min": float(low), "max": float(high)}
    except ValueError as reason:
        raise Refused(f"--feature {name} {low} {high}: the lowest and the highest value must be numbers") from reason
    if not made["min"] < made["max"]:
        raise Refused(f"--feature {name} {low} {high}: the lowest value must be below the highest")
    return made


def main() -> None:
    """Exports the estimator that the command line names."""
    parser = options.parser("Export a scikit-learn forest or classifier as a model folder.", EXAMPLES)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--estimator", type=Path, metavar="FILE", help="pickle, joblib or .skops (a pickle runs code: trust its source)"
    )
    source.add_argument("--random", choices=["regression", "classification"], help="a forest fitted to noise")
    parser.add_argument(
        "--feature",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "MIN", "MAX"),
        help="a column and the range it was trained on, in the order of the columns",
    )
    parser.add_argument("--labels", type=Path, metavar="FILE", help="labels of the classes, one a line, in their order")
    parser.add_argument("--name", default="value", help="what a regression's value is called (default: value)")
    parser.add_argument("--unit", default="1", help="the unit of a regression's value (default: 1, a bare number)")
    given = parser.parse_args()
    features = [feature(*words) for words in given.feature]
    if given.random:
        estimator, said = random_forest(given.random, features), "Fitted to noise, for a test."
    else:
        estimator, said = load(given.estimator), f"Exported from {options.hashed(given.estimator)}."
    labels = options.read_labels(given.labels) if given.labels else None
    parts = tabular(estimator, features, labels, given.name, given.unit)
    options.finish(given, said, f"{type(estimator).__name__} of scikit-learn", **parts)


if __name__ == "__main__":
    run(main)
