"""Tests of the export scripts; `scripts/test-export` installs what they need and runs them.

python -m unittest -v test_export.Folders test_export.Tables      # without PyTorch
python -m unittest -v test_export                                 # everything that is installed
"""

import contextlib
import hashlib
import importlib
import importlib.util
import io
import os
import pickle
import re
import shlex
import stat
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

import folder
import forest
from plain_forest import plain_forest, rounded_down

HERE = Path(__file__).parent
MODELS = HERE.parent
WEIR = os.environ.get("WEIR")  # the agent's program: where it is given, it is asked about every folder
TORCH = importlib.util.find_spec("torch") is not None
MOBILE_SAM = importlib.util.find_spec("mobile_sam") is not None


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.at = Path(scratch.name)

    def script(self, name: str, *arguments: object, weir: bool = False) -> tuple[int, str]:
        """Runs a script in this process; gives its exit status and what it printed."""
        module = importlib.import_module(name)
        whom = [] if weir else ["--weir", WEIR] if WEIR else ["--without-weir"]
        words = [f"{name}.py", *map(str, arguments), *whom]
        printed = io.StringIO()
        with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(printed):
            with contextlib.redirect_stderr(printed):
                try:
                    folder.run(module.main)
                except SystemExit as ended:
                    if isinstance(ended.code, int):
                        return ended.code, printed.getvalue()
                    return 1, printed.getvalue() + str(ended.code)
        return 0, printed.getvalue()

    def exports(self, name: str, *arguments: object) -> dict:
        """Runs a script that must succeed in writing `self.at / "made"`; gives its model.toml, checked once more."""
        status, said = self.script(name, self.at / "made", "--licence", "MIT", *arguments)
        self.assertEqual(status, 0, said)
        self.assertIn("weir agrees" if WEIR else "WITHOUT WEIR", said)
        contents = tomllib.loads((self.at / "made" / "model.toml").read_text())
        self.assertEqual(sorted(p.name for p in (self.at / "made").iterdir()), ["made.onnx", "model.toml"])
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertLessEqual(folder.verify(self.at / "made", None), contents["check"]["tolerance"])
        return contents

    def refuses(self, words: str, name: str, *arguments: object, weir: bool = False) -> None:
        """Runs a script that must refuse in one sentence with `words` in it, and leave nothing behind."""
        before = sorted(self.at.iterdir())
        status, said = self.script(name, self.at / "made", "--licence", "MIT", *arguments, weir=weir)
        self.assertEqual(status, 1, said)
        self.assertIn(words, said)
        self.assertTrue(said.splitlines()[-1].startswith(f"{name}.py: "), said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(sorted(self.at.iterdir()), before)

    def weir(self, answer: str, status: int) -> Path:
        """A program in place of weir that answers so, and fails unless it is asked as documented."""
        program = self.at / "weir"
        program.write_text(
            f'#!/bin/sh\n[ "$1 $2 $4" = "infer --check --json" ] && [ -f "$3/model.toml" ] || exit 64\n'
            f"printf '%s\\n' {shlex.quote(answer)}\nexit {status}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program


FOREST = ("--random", "regression", "--feature", "a", 0, 1, "--feature", "b", -5, 5)


class Folders(Case):
    """What every script shares: the formula, the file, and the refusals."""

    def test_formula_of_the_check(self) -> None:
        u = [(i * 2654435761 + 12345) % 2**32 for i in range(2000)]
        self.assertEqual(folder.fill(2000).tolist(), [x // 256 / 16777216 for x in u])
        self.assertEqual(folder.check_input((1, 3, 2, 2), -1.0, 3.0).dtype, np.float32)
        rows = folder.check_rows([(0.0, 1.0), (10.0, 20.0)])
        self.assertEqual(rows.shape, (64, 2))
        self.assertEqual(rows[1, 1], np.float32(10 + 10 * (u[3] // 256 / 16777216)))

    def test_values_of_the_check_are_spread_over_the_output(self) -> None:
        for size in (1, 10, 64, 65, 1000):
            out = folder.check_outputs(
                "segmentation", lambda _, n=size: np.arange(n, dtype=np.float32), (1,), [(0, 1)]
            )[0]
            count = min(64, size)
            self.assertEqual(out, {"shape": [size], "values": [k * size // count for k in range(count)]})

    def test_toml_reads_back(self) -> None:
        contents = {
            "a": 'quote " and \\ and é',
            "b": 'two\nlines with """ and \\ at the end\\',
            "t": {"n": [1, 2.5, 1e-05], "x": True, "long": ["word " * 9] * 9, "tables": [{"name": "f", "min": -1.0}]},
        }
        self.assertEqual(tomllib.loads(folder.toml(contents)), contents)

    def test_weir_is_asked_and_believed(self) -> None:
        good = self.weir(
            '{"model": "made", "ok": true, "largest_difference": 1e-7, "tolerance": 1e-4, "error": null}', 0
        )
        arguments = (self.at / "made", "--licence", "MIT", *FOREST, "--weir", good)
        status, said = self.script("forest", *arguments, weir=True)
        self.assertEqual((status, "weir agrees" in said), (0, True), said)
        self.assertTrue((self.at / "made" / "model.toml").exists())

    def test_weir_that_disagrees_leaves_nothing(self) -> None:
        answers = {
            '{"model": "made", "ok": false, "largest_difference": 0.5, "tolerance": 1e-4, "error": null}': "0.5",
            '{"model": "made", "ok": false, "largest_difference": null, "tolerance": 0, "error": "no op"}': "no op",
            "{}": "no answer that can be read",
            "": "no answer that can be read",
        }
        for answer, words in answers.items():
            with self.subTest(answer):
                self.refuses(words, "forest", *FOREST, "--weir", self.weir(answer, 1), weir=True)
        self.refuses("cannot be run", "forest", *FOREST, "--weir", self.at / "absent", weir=True)

    def test_success_with_a_failing_exit_status_is_not_believed(self) -> None:
        lying = self.weir('{"model": "made", "ok": true, "largest_difference": 0, "tolerance": 1e-4, "error": null}', 1)
        self.refuses("does not agree", "forest", *FOREST, "--weir", lying, weir=True)

    def test_other_weights_are_refused(self) -> None:
        other = forest.random_forest("regression", [{"min": 0.0, "max": 2.0}, {"min": -9.0, "max": 5.0}])
        with mock.patch.object(forest, "regression", lambda _: plain_forest([t.tree_ for t in other.estimators_], 2)):
            self.refuses("does not compute the same network", "forest", *FOREST)

    def test_a_folder_that_exists_is_kept_or_replaced_whole(self) -> None:
        self.exports("forest", *FOREST)
        kept = (self.at / "made" / "model.toml").read_bytes()
        self.refuses("exists already", "forest", *FOREST)
        with mock.patch.object(folder, "verify", side_effect=folder.Refused("no")):
            self.refuses("no", "forest", *FOREST, "--replace", "--version", "2.0.0")
        self.assertEqual((self.at / "made" / "model.toml").read_bytes(), kept)
        self.assertEqual(self.exports("forest", *FOREST, "--replace", "--version", "2.0.0")["version"], "2.0.0")
        self.assertEqual([p.name for p in self.at.iterdir()], ["made"])

    def test_a_name_that_no_model_may_have(self) -> None:
        status, said = self.script("forest", self.at / "My_Model", "--licence", "MIT", *FOREST)
        self.assertEqual((status, list(self.at.iterdir())), (1, []), said)

    def test_a_tampered_file_is_refused(self) -> None:
        contents = self.exports("forest", *FOREST)
        file = self.at / "made" / "made.onnx"
        whole = file.read_bytes()
        changed = onnx.load_from_string(whole)
        leaf = next(i for i in changed.graph.initializer if i.name == "leaf")
        leaf.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(leaf) + np.float32(0.01), "leaf"))
        file.write_bytes(changed.SerializeToString())
        with self.assertRaisesRegex(folder.Refused, "sha256 differs"):
            folder.verify(self.at / "made", None)
        description = self.at / "made" / "model.toml"
        new = hashlib.sha256(file.read_bytes()).hexdigest()
        description.write_text(description.read_text().replace(contents["file"]["sha256"], new))
        with self.assertRaisesRegex(folder.Refused, "differs from \\[check\\]"):
            folder.verify(self.at / "made", None)
        file.write_bytes(whole[: len(whole) // 2])
        new_half = hashlib.sha256(file.read_bytes()).hexdigest()
        description.write_text(description.read_text().replace(new, new_half))
        with self.assertRaisesRegex(folder.Refused, "cannot load"):
            folder.verify(self.at / "made", None)

    def test_the_shipped_models_agree_with_their_check(self) -> None:
        shipped = [path.parent for path in MODELS.glob("*/model.toml")]
        self.assertGreaterEqual(len(shipped), 2)
        for model in shipped:
            with self.subTest(model.name), contextlib.redirect_stderr(io.StringIO()):
                folder.verify(model, None)

    def test_the_commands_of_the_readme_are_accepted(self) -> None:
        commands = re.findall(r"^ *python (\w+)\.py (.*)$", (HERE / "README.md").read_text().replace("\\\n", " "), re.M)
        self.assertEqual({name for name, _ in commands} | {"folder"}, {p.stem for p in HERE.glob("*.py")} - INTERNAL)
        for name, words in commands:
            if name in NEEDS_TORCH and not TORCH:
                continue
            # Each command is parsed in full, and refused where it reads a file that is not here, or else before it
            # writes; a command that the script does not understand ends with status 2.
            stop = folder.Refused("as far as wanted")
            with (
                self.subTest(f"{name}.py {words}"),
                contextlib.chdir(self.at),
                mock.patch("options.write", side_effect=stop),
                mock.patch("folder.verify", side_effect=stop),
            ):
                status, said = self.script(name, *shlex.split(words))
                self.assertEqual(status, 1, said)
                self.assertNotRegex(said, "usage:|Traceback")


INTERNAL = {"network", "options", "plain_forest", "test_export"}
NEEDS_TORCH = {"segformer", "lraspp", "classifier", "sam"}


class Tables(Case):
    """scikit-learn's forests and classifiers."""

    def test_regression(self) -> None:
        contents = self.exports("forest", *FOREST, "--name", "stage", "--unit", "m")
        self.assertEqual(contents["output"], {"kind": "value", "name": "stage", "unit": "m"})
        self.assertEqual(contents["input"]["features"][1], {"name": "b", "min": -5.0, "max": 5.0})
        self.assertEqual(contents["check"]["outputs"][0]["shape"], [64])
        ops = {node.op_type for node in onnx.load(self.at / "made" / "made.onnx").graph.node}
        self.assertEqual(ops, {"Reshape", "Gather", "LessOrEqual", "Where", "ReduceSum"})

    def test_classification(self) -> None:
        contents = self.exports("forest", "--random", "classification", "--feature", "a", 0, 1)
        self.assertEqual(contents["output"], {"kind": "class", "labels": ["0", "1", "2"]})
        self.assertEqual(
            [n.op_type for n in onnx.load(self.at / "made" / "made.onnx").graph.node], ["TreeEnsembleClassifier"]
        )

    def test_own_files(self) -> None:
        random = np.random.default_rng(3)
        x = random.uniform(0, 1, (100, 2))
        fitted = LogisticRegression().fit(x, np.where(x[:, 0] > 0.5, "wet", "dry"))
        columns = ("--feature", "a", 0, 1, "--feature", "b", 0, 1)
        (self.at / "own.pkl").write_bytes(pickle.dumps(fitted))
        contents = self.exports("forest", "--estimator", self.at / "own.pkl", *columns)
        self.assertEqual(contents["output"]["labels"], ["dry", "wet"])
        self.assertIn("own.pkl (sha256 ", contents["provenance"])
        trees = RandomForestClassifier(3, random_state=0).fit(x, np.where(x[:, 0] > 0.5, "wet", "dry"))
        (self.at / "own.pkl").write_bytes(pickle.dumps(trees))
        contents = self.exports("forest", "--estimator", self.at / "own.pkl", *columns, "--replace")
        self.assertEqual(contents["output"]["labels"], ["dry", "wet"])
        import skops.io

        skops.io.dump(RandomForestRegressor(3, random_state=0).fit(x, x[:, 0]), self.at / "own.skops")
        self.exports("forest", "--estimator", self.at / "own.skops", *columns, "--replace")

    def test_refusals(self) -> None:
        x = np.random.default_rng(3).uniform(0, 1, (50, 2))
        boosted = GradientBoostingRegressor(n_estimators=2).fit(x, x[:, 0])
        (self.at / "boosted.pkl").write_bytes(pickle.dumps(boosted))
        (self.at / "broken.pkl").write_bytes(b"no pickle")
        a, b = ("--feature", "a", 0, 1), ("--feature", "b", 0, 1)
        self.refuses("only trees and forests", "forest", "--estimator", self.at / "boosted.pkl", *a, *b)
        self.refuses("takes 2 features, 1 are named", "forest", "--estimator", self.at / "boosted.pkl", *a)
        self.refuses("cannot be loaded", "forest", "--estimator", self.at / "broken.pkl", *a)
        self.refuses("No such file", "forest", "--estimator", self.at / "absent.pkl", *a)
        self.refuses("must be below", "forest", "--random", "regression", "--feature", "a", 1, 1)
        self.refuses("must be numbers", "forest", "--random", "regression", "--feature", "a", "low", 1)

    def test_thresholds_decide_the_same_in_float32(self) -> None:
        random = np.random.default_rng(4)
        thresholds = np.concatenate([random.normal(0, 1e3, 5000), random.uniform(0, 1e-3, 5000), [0.0, 1.0, -1.0]])
        down = rounded_down(thresholds)
        for x in (down, np.nextafter(down, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))):
            self.assertTrue(((x.astype(np.float64) <= thresholds) == (x <= down)).all())

    def test_a_tree_without_a_split(self) -> None:
        constant = RandomForestRegressor(3).fit(np.zeros((5, 2)), np.full(5, 2.5))
        run = folder.session(plain_forest([t.tree_ for t in constant.estimators_], 2))
        self.assertEqual(run(np.zeros((1, 2), np.float32)).tolist(), [2.5])

    def test_iris_answers_as_its_users_expect(self) -> None:
        run = folder.session((MODELS / "iris" / "iris.onnx").read_bytes())
        self.assertEqual(folder.prediction(run(np.array([[5.9, 3.0, 5.1, 2.3]], np.float32))), 2)


@unittest.skipUnless(TORCH, "PyTorch is not installed")
class Networks(Case):
    """PyTorch networks, with random weights."""

    def test_segformer(self) -> None:
        contents = self.exports("segformer", "--random", "--width", 128, "--height", 96)
        self.assertEqual(contents["output"]["labels"], ["background", "water"])
        self.assertEqual(contents["check"]["outputs"][0]["shape"], [1, 2, 24, 32])

    def test_segformer_of_a_checkpoint(self) -> None:
        import segformer

        whole = segformer.untrained()
        whole.save_pretrained(self.at / "own")
        small = ("--width", 64, "--height", 64)
        self.exports("segformer", "--weights", self.at / "own", *small)
        self.refuses("no label sea", "segformer", "--weights", self.at / "own", *small, "--water", "sea", "--replace")
        self.refuses("no config.json", "segformer", "--weights", self.at, *small, "--replace")

    def test_lraspp(self) -> None:
        contents = self.exports("lraspp", "--random", "--width", 136, "--height", 88)
        self.assertEqual(contents["output"]["kind"], "logit")
        self.assertEqual(contents["check"]["outputs"][0]["shape"], [1, 1, 11, 17])
        self.exports(
            "lraspp", "--random", "--width", 64, "--height", 64, "--label", "land", "--label", "water", "--replace"
        )

    def test_lraspp_of_own_weights(self) -> None:
        import torch
        from torchvision.models.segmentation import lraspp_mobilenet_v3_large

        own = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=1).state_dict()
        wrapped = {"state_dict": {f"module.{name}": tensor for name, tensor in own.items()}}
        torch.save(wrapped, self.at / "own.pth")
        small = ("--width", 64, "--height", 64)
        self.exports("lraspp", "--weights", self.at / "own.pth", *small)
        two = ("--label", "land", "--label", "water")
        self.refuses("does not fit", "lraspp", "--weights", self.at / "own.pth", *small, *two, "--replace")
        torch.save([1, 2], self.at / "list.pth")
        self.refuses("not a state dict", "lraspp", "--weights", self.at / "list.pth", *small, "--replace")

    def test_classifiers(self) -> None:
        eurosat = ("--kind", "resnet50", "--labels", "eurosat", "--size", 64)
        contents = self.exports("classifier", "--random", *eurosat)
        self.assertEqual((contents["input"]["width"], contents["input"]["fit"]), (64, "stretch"))
        self.assertEqual(contents["output"]["labels"][8], "River")
        (self.at / "ferns.txt").write_text("oak fern\nlady fern\n")
        ferns = ("--kind", "mobilenet_v2", "--labels", self.at / "ferns.txt", "--size", 96, "--resize-short", 128)
        contents = self.exports("classifier", "--random", *ferns, "--replace")
        self.assertEqual((contents["input"]["resize_short"], contents["output"]["top"]), (128, 2))
        self.refuses("cannot be cut out", "classifier", "--random", *eurosat, "--resize-short", 60, "--replace")

    def test_imagenet_labels_are_distinct(self) -> None:
        import classifier

        labels = classifier.labels_of("imagenet")
        self.assertEqual((len(labels), len(set(labels)), labels[0]), (1000, 1000, "tench"))

    def test_other_weights_are_refused(self) -> None:
        import torch

        import network

        convert = network.to_onnx

        def changed(net: torch.nn.Module, shape: tuple) -> bytes:
            first = next(net.parameters())
            kept = first.detach().clone()
            with torch.no_grad():
                first.add_(0.05 * torch.randn_like(first))
                made = convert(net, shape)
                first.copy_(kept)
            return made

        with mock.patch.object(network, "to_onnx", changed):
            self.refuses("differs from the original", "segformer", "--random", "--width", 64, "--height", 64)

    @unittest.skipUnless(importlib.util.find_spec("segment_anything"), "segment_anything is not installed")
    def test_sam_with_fewer_layers(self) -> None:
        build = importlib.import_module("segment_anything.build_sam")

        def small(checkpoint: None) -> object:
            return build._build_sam(64, 2, 2, [1], checkpoint)

        with mock.patch.dict(build.sam_model_registry, vit_b=small):
            contents = self.exports("sam", "--kind", "sam-vit-b", "--random")
        self.assertEqual(contents["input"]["preprocess"], ["resize 640 640"])
        self.assertEqual(contents["check"]["outputs"][0]["shape"], [1, 1, 256, 256])

    @unittest.skipUnless(MOBILE_SAM, "the package mobile_sam is not installed")
    def test_mobile_sam(self) -> None:
        contents = self.exports("sam", "--kind", "mobile-sam", "--random", "--photo", 1024)
        self.assertEqual(contents["input"]["preprocess"], [])

    @unittest.skipIf(MOBILE_SAM, "the package mobile_sam is installed")
    def test_sam_says_which_package_is_missing(self) -> None:
        self.refuses("pip install timm git+https", "sam", "--kind", "mobile-sam", "--random")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    unittest.main()
