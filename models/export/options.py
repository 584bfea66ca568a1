"""The command line that all export scripts share."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from folder import Model, Refused, weir_options, write


def parser(description: str, examples: str) -> argparse.ArgumentParser:
    """A parser with the options of every export script, and its examples at the end of --help."""
    made = argparse.ArgumentParser(
        description=description, epilog="examples:\n" + examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("folder", type=Path, help="the model folder to write; its last part is the model's name")
    made.add_argument("--licence", required=True, help="the licence of the weights, as an SPDX expression")
    made.add_argument("--title", help="one line that says what the model does")
    made.add_argument("--version", default="1.0.0", help="the version of these weights (default: 1.0.0)")
    made.add_argument("--provenance", default="", help="who trained the weights, on what data")
    made.add_argument("--tolerance", type=float, help="largest difference allowed (default: 1e-4 of the outputs' size)")
    made.add_argument("--replace", action="store_true", help="replace the folder if it exists")
    weir_options(made)
    return made


def finish(given: argparse.Namespace, source: str, title: str, **model: Any) -> None:
    """Writes the folder that the command line asks for; `source` says where the weights came from."""
    provenance = f"{given.provenance.strip()}\n{source}" if given.provenance.strip() else source
    made = Model(
        title=given.title or title,
        licence=given.licence,
        version=given.version,
        provenance=provenance,
        tolerance=given.tolerance,
        **model,
    )
    contents = write(made, given.folder, None if given.without_weir else given.weir, given.replace)
    print(f"{given.folder}: {len(made.onnx) / 1e6:.2f} MB, tolerance {contents['check']['tolerance']:g}")


def hashed(path: Path) -> str:
    """The name and the sha256 of a file, for `provenance`."""
    try:
        with path.open("rb") as file:
            return f"{path.name} (sha256 {hashlib.file_digest(file, 'sha256').hexdigest()})"
    except OSError as reason:
        raise Refused(f"{path} cannot be read: {reason.strerror}") from reason


def read_labels(path: Path) -> list[str]:
    """The labels of a text file, one a line."""
    try:
        labels = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as reason:
        raise Refused(f"the labels {path} cannot be read: {reason}") from reason
    if len(set(labels)) != len(labels) or not labels:
        raise Refused(f"{path} must hold at least one label, each on its own line and none twice")
    return labels
