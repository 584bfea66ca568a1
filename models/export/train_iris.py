"""Trains and writes the model folder `models/iris` from the iris data that come with scikit-learn.

Run in this folder: python train_iris.py ../iris --replace --licence "MIT OR Apache-2.0"
"""

from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

import options
from folder import run
from forest import tabular

SOURCE = """\
A random forest trained by models/export/train_iris.py on all 150 flowers of the iris data
(R. A. Fisher, Iris, UCI Machine Learning Repository, 1936, https://doi.org/10.24432/C56C76, CC BY 4.0),
as scikit-learn ships them."""


def main() -> None:
    """Trains the classifier and writes its folder."""
    parser = options.parser(__doc__.splitlines()[0], "  python train_iris.py ../iris --licence 'MIT OR Apache-2.0'\n")
    given = parser.parse_args()
    data = load_iris()
    forest = RandomForestClassifier(n_estimators=30, max_depth=4, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    accuracy = cross_val_score(forest, data.data, data.target, cv=folds).mean()
    forest.fit(data.data, data.target)
    features = [
        {"name": name.removesuffix(" (cm)").replace(" ", "_") + "_cm", "min": float(low), "max": float(high)}
        for name, low, high in zip(data.feature_names, data.data.min(0), data.data.max(0), strict=True)
    ]
    parts = tabular(forest, features, [str(name) for name in data.target_names], name="", unit="")
    figures = {"accuracy": round(float(accuracy), 3), "accuracy_of": "5-fold cross-validation on the 150 flowers"}
    options.finish(given, SOURCE, "Iris species from four lengths, demonstration", figures=figures, **parts)


if __name__ == "__main__":
    run(main)
