"""Writes a model folder (`model.toml` and one ONNX file), and refuses one that does not compute what its original does.

The folder is made beside its final place and moved there only after every comparison has passed, so a refusal leaves
nothing behind. What is compared:

1. the ONNX file in onnxruntime with the original, in full, on several random inputs and on the input of `[check]`;
2. the ONNX file in weir's own runtime with the values of `[check]`, by `weir infer --check DIR --json`.

As a program it checks a folder that is there already:

    python folder.py ../iris                    # onnxruntime and weir
    python folder.py ../iris --without-weir     # onnxruntime only
"""

import argparse
import hashlib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

Array = np.ndarray
Toml = dict[str, Any]

# How many numbers of each output `[check]` holds, and how many rows of a table.
CHECKED = 64


class Refused(Exception):
    """Why no model folder was written, in one sentence."""


@dataclass(frozen=True)
class Model:
    """What a model folder says and holds.

    `original` is the network in its own framework: it takes the network's float32 input (with the leading 1) and
    gives its one output. `bounds` are the lowest and highest value the network is compared on: one pair for a
    picture, a pair for each feature of a table.
    """

    task: str
    title: str
    licence: str
    provenance: str
    onnx: bytes
    input: Toml
    output: Toml
    made_with: str
    original: Callable[[Array], Array]
    shape: tuple[int, ...]
    bounds: Sequence[tuple[float, float]]
    version: str = "1.0.0"
    figures: Toml = field(default_factory=dict)
    tolerance: float | None = None
    random_inputs: int = 3


def write(model: Model, target: Path, weir: str | None, replace: bool = False) -> Toml:
    """Writes `model` to the folder `target` and gives back what its `model.toml` says.

    `weir` is the agent's program, or None to compare with onnxruntime only. Raises `Refused` when the folder cannot
    be written or when a comparison fails; then nothing is left behind and a folder that was there is untouched.
    """
    if not re.fullmatch(r"[a-z0-9-]+", target.name):
        raise Refused(f"{target.name!r} cannot name a model: use the characters a-z, 0-9 and '-'")
    if target.exists() and not replace:
        raise Refused(f"{target} exists already: remove it, or say --replace")
    if not target.parent.is_dir():
        raise Refused(f"{target.parent} is no folder: create it first")
    with tempfile.TemporaryDirectory(prefix=".weir-export-", dir=target.parent) as scratch:
        made = Path(scratch, target.name)
        made.mkdir()
        file = f"{target.name}.onnx"
        Path(made, file).write_bytes(model.onnx)
        contents = describe(model, file)
        Path(made, "model.toml").write_text(toml(contents), encoding="utf-8")
        compare_in_full(model, contents["check"]["tolerance"])
        verify(made, weir)
        if target.exists():
            target.rename(Path(scratch, "old"))
        made.rename(target)
    return contents


def describe(model: Model, file: str) -> Toml:
    """What `model.toml` says of `model`, with the values that the original computes for `[check]`."""
    outputs = check_outputs(model.task, model.original, model.shape, model.bounds)
    values = [v for o in outputs for v in o["values"]]
    if not all(map(math.isfinite, values)):
        raise Refused("the original gives values that are not finite: its weights are damaged or of another network")
    if min(values) == max(values):
        raise Refused("the original gives one and the same value everywhere, so nothing can be compared with it")
    tolerance = model.tolerance or (1e-4 if model.output["kind"] == "class" else usual_tolerance(values))
    check: Toml = {"made_with": model.made_with, "tolerance": tolerance}
    if model.task != "tabular":
        check |= {"low": model.bounds[0][0], "high": model.bounds[0][1]}
    contents: Toml = {
        "task": model.task,
        "title": model.title,
        "version": model.version,
        "licence": model.licence,
        "provenance": model.provenance,
        "file": {"name": file, "sha256": hashlib.sha256(model.onnx).hexdigest()},
        "input": model.input,
        "output": model.output,
        "check": check | {"outputs": outputs},
    }
    return contents | ({"figures": model.figures} if model.figures else {})


def usual_tolerance(values: list[float]) -> float:
    """The tolerance for outputs like these: 1e-4, more where they are above 1, less where they hardly vary.

    A deep network's logits of 30 differ by more in the last bits of float32 than a probability does; and outputs that
    span 0.001 would agree within 1e-4 with those of another network.
    """
    size, span = max(map(abs, values)), max(values) - min(values)
    return float(f"{min(1e-4 * max(1.0, size), 0.01 * span):.1e}")


def fill(count: int, first: int = 0) -> Array:
    """`count` repeatable numbers in 0..1 (float64), from flat index `first` on; the formula of every `[check]`."""
    index = np.arange(first, first + count, dtype=np.uint64)
    mixed = (index * np.uint64(2654435761) + np.uint64(12345)) % np.uint64(2**32)
    return (mixed // np.uint64(256)).astype(np.float64) / 16777216.0


def check_input(shape: tuple[int, ...], low: float, high: float) -> Array:
    """The input of a picture network for `[check]`: float32 of `shape`."""
    return (low + (high - low) * fill(math.prod(shape))).astype(np.float32).reshape(shape)


def check_rows(bounds: Sequence[tuple[float, float]]) -> Array:
    """The 64 rows of a table for `[check]`: float32 [64, features]."""
    low, high = (np.array(side, dtype=np.float64) for side in zip(*bounds, strict=True))
    return (low + (high - low) * fill(CHECKED * len(bounds)).reshape(CHECKED, -1)).astype(np.float32)


def check_outputs(
    task: str, run: Callable[[Array], Array], shape: tuple[int, ...], bounds: Sequence[tuple[float, float]]
) -> list[Toml]:
    """What `run` computes for the input of `[check]`, as `[check] outputs` states it."""
    if task == "tabular":
        values = np.array([prediction(run(row[None])) for row in check_rows(bounds)])
        return [{"shape": [CHECKED], "values": values.tolist()}]
    result = run(check_input(shape, *bounds[0]))
    flat = result.ravel()
    count = min(CHECKED, flat.size)
    values = [short(flat[k * flat.size // count]) for k in range(count)]
    return [{"shape": list(result.shape), "values": values}]


def prediction(result: Array) -> float:
    """The prediction of one row: the value or class index that the network gives, or the index of its best score."""
    flat = result.ravel()
    return short(flat[0]) if flat.size == 1 else int(flat.argmax())


def short(value: Any) -> float:
    """A float32 as the shortest decimal number that reads back as the same float32; an integer as it is."""
    return int(value) if isinstance(value, np.integer) else float(str(np.float32(value)))


def session(onnx: bytes | str) -> Callable[[Array], Array]:
    """The first output of an ONNX file in onnxruntime, as a function of its one input."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        loaded = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as reason:  # onnxruntime has no common base class of its own
        raise Refused(f"onnxruntime cannot load the ONNX file: {one_line(reason)}") from reason
    inputs = loaded.get_inputs()
    if len(inputs) != 1:
        raise Refused(f"the ONNX file takes {len(inputs)} inputs, and a model folder has one")
    return lambda x: loaded.run(None, {inputs[0].name: x})[0]


def compare_in_full(model: Model, tolerance: float) -> None:
    """Compares every number of the outputs of onnxruntime and of the original on random inputs.

    Raises `Refused` on a difference.
    """
    run = session(model.onnx)
    random = np.random.default_rng(1)
    low, high = (np.array(side) for side in zip(*model.bounds, strict=True))
    if model.task == "tabular":
        rows = random.uniform(low, high, (100 * model.random_inputs, len(low))).astype(np.float32)
        inputs = [row[None] for row in rows]
    else:
        inputs = [random.uniform(low, high, model.shape).astype(np.float32) for _ in range(model.random_inputs)]
    for index, x in enumerate(inputs):
        wanted, got = model.original(x), run(x)
        if wanted.shape != got.shape:
            raise Refused(f"onnxruntime gives an output of shape {got.shape}, the original one of {wanted.shape}")
        difference = largest_difference(wanted, got)
        if not difference <= tolerance:
            raise Refused(
                f"onnxruntime differs from the original by {difference:.3g} on random input {index + 1}, more than the "
                f"tolerance of {tolerance:g}: the file does not compute the same network"
            )


def largest_difference(a: Array, b: Array) -> float:
    """The largest absolute difference of two arrays of one shape, computed in float64; NaN if either holds a NaN."""
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0.0))


def verify(folder: Path, weir: str | None) -> float:
    """Compares a folder with its own `[check]`, in onnxruntime and (unless `weir` is None) in weir.

    Gives the largest difference of onnxruntime; raises `Refused` on a difference, a wrong hash or an unreadable file.
    """
    try:
        contents = tomllib.loads(Path(folder, "model.toml").read_text(encoding="utf-8"))
        onnx = Path(folder, contents["file"]["name"]).read_bytes()
        check, sha256 = contents["check"], contents["file"]["sha256"]
        tolerance, outputs = check["tolerance"], check["outputs"]
    except (OSError, ValueError, KeyError) as reason:
        raise Refused(f"{folder} is no model folder: {one_line(reason)}") from reason
    if hashlib.sha256(onnx).hexdigest() != sha256:
        raise Refused(f"{contents['file']['name']} is not the file that {folder}/model.toml names: its sha256 differs")
    difference = 0.0
    got = check_outputs(contents["task"], session(onnx), *check_domain(contents))
    for stated, computed in zip(outputs, got, strict=True):
        if stated["shape"] != computed["shape"]:
            raise Refused(f"onnxruntime gives the shape {computed['shape']}, [check] says {stated['shape']}")
        if len(stated["values"]) != len(computed["values"]):
            raise Refused(f"[check] holds {len(stated['values'])} values, {len(computed['values'])} are wanted")
        difference = max(difference, largest_difference(np.array(stated["values"]), np.array(computed["values"])))
    if not difference <= tolerance:
        raise Refused(f"onnxruntime differs from [check] by {difference:.3g}, more than the tolerance of {tolerance:g}")
    if weir is None:
        print("WITHOUT WEIR: only onnxruntime was compared with the original, not the agent's runtime", file=sys.stderr)
    else:
        ask_weir(folder, weir)
    return difference


def check_domain(contents: Toml) -> tuple[tuple[int, ...], list[tuple[float, float]]]:
    """The shape of the network's input and its bounds, from the contents of a `model.toml`."""
    given, check = contents["input"], contents["check"]
    if contents["task"] == "tabular":
        return (1, len(given["features"])), [(f["min"], f["max"]) for f in given["features"]]
    channels = 1 if given["colour"] == "gray" else 3
    size = (given["height"], given["width"])
    shape = (1, channels, *size) if given["layout"] == "nchw" else (1, *size, channels)
    return shape, [(check["low"], check["high"])]


def ask_weir(folder: Path, weir: str) -> None:
    """Has the agent compare `folder` with its `[check]`; raises `Refused` unless it says that they agree."""
    command = [weir, "infer", "--check", str(folder), "--json"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as reason:
        raise Refused(
            f"{weir} cannot be run ({reason.strerror}): name the agent's program with --weir, or say --without-weir"
        ) from reason
    try:
        answer = json.loads(asked.stdout.strip().splitlines()[-1])
        agrees, said, difference = answer["ok"], answer["error"], answer["largest_difference"]
    except (ValueError, KeyError, TypeError, IndexError) as reason:
        words = one_line(asked.stderr) or "it said nothing"
        raise Refused(f"`{' '.join(command)}` gave no answer that can be read: {words}") from reason
    if asked.returncode != 0 or agrees is not True:
        raise Refused(f"weir does not agree with [check]: {said or f'largest difference {difference}'}")
    print(f"weir agrees: largest difference {difference:.3g}")


def one_line(text: object) -> str:
    """`text` without its line breaks, shortened to what one reads."""
    return " ".join(str(text).split())[:300]


def toml(contents: Toml) -> str:
    """`contents` as TOML: plain keys first, then each table; tables inside of tables are written inline."""
    plain = [f"{key} = {value(v)}" for key, v in contents.items() if not isinstance(v, dict)]
    tables = [
        "\n".join([f"\n[{name}]", *(f"{key} = {value(v)}" for key, v in table.items())])
        for name, table in contents.items()
        if isinstance(table, dict)
    ]
    text = "\n".join([*plain, *tables]) + "\n"
    assert tomllib.loads(text) == contents, "what was written must read back the same"
    return text


def value(v: Any) -> str:
    """One TOML value: a string, a boolean, a number, or an array or table of them."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str) and "\n" in v:
        return '"""\n' + v.replace("\\", "\\\\").replace('"""', '""\\"') + '"""'
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in v.items()) + " }"
    items = [value(item) for item in v]
    text = "[" + ", ".join(items) + "]"
    if len(text) <= 100:
        return text
    return "[\n" + "".join(f"  {line},\n" for line in lines(items)) + "]"


def lines(items: list[str]) -> list[str]:
    """`items` joined into lines of at most 100 characters (one item a line where it is longer)."""
    joined: list[str] = []
    for item in items:
        if joined and len(joined[-1]) + len(item) < 98:
            joined[-1] += f", {item}"
        else:
            joined.append(item)
    return joined


def main(arguments: list[str] | None = None) -> None:
    """Checks the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Compare a model folder with the values of its [check].")
    parser.add_argument("folder", type=Path, help="the model folder")
    weir_options(parser)
    given = parser.parse_args(arguments)
    difference = verify(given.folder, None if given.without_weir else given.weir)
    print(f"{given.folder}: onnxruntime agrees, largest difference {difference:.3g}")


def weir_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which agent is asked."""
    parser.add_argument("--weir", default="weir", metavar="PATH", help="the agent's program (default: weir on PATH)")
    parser.add_argument("--without-weir", action="store_true", help="do not ask the agent; compare onnxruntime only")


def run(program: Callable[[], None]) -> None:
    """Runs a script's `main`; a refusal is one sentence on standard error and exit status 1."""
    try:
        program()
    except Refused as reason:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {reason}")


if __name__ == "__main__":
    run(main)
