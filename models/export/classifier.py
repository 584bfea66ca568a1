"""Turns a classifier of torchvision (ResNet, AlexNet, MobileNet and others) into a model folder ("classification").

The named case is EuroSAT's ResNet50: 64x64 pixels, ten classes, ImageNet's mean and standard deviation.
"""

from pathlib import Path

import torch
from torchvision import models

import network
import options
from folder import Refused, run

EXAMPLES = """\
  python classifier.py models/eurosat --licence MIT --kind resnet50 --labels eurosat --size 64 --weights eurosat.pth
  python classifier.py models/alexnet --licence BSD-3-Clause --kind alexnet --labels imagenet --weights alexnet.pth
  python classifier.py models/ferns --licence MIT --kind mobilenet_v2 --labels ferns.txt --weights ferns.pth
  python classifier.py models/try --licence MIT --kind resnet50 --labels eurosat --size 64 --random --without-weir
"""

EUROSAT = [
    "AnnualCrop",
    "Forest",
    "HerbaceousVegetation",
    "Highway",
    "Industrial",
    "Pasture",
    "PermanentCrop",
    "Residential",
    "River",
    "SeaLake",
]

KINDS = ("resnet18", "resnet34", "resnet50", "alexnet", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")


def labels_of(word: str) -> list[str]:
    """The labels that `word` names: "eurosat", "imagenet", or a file with one label a line."""
    if word == "eurosat":
        return EUROSAT
    if word == "imagenet":
        return distinct(models.ResNet50_Weights.IMAGENET1K_V2.meta["categories"])
    return options.read_labels(Path(word))


def distinct(labels: list[str]) -> list[str]:
    """`labels` with a number behind those that ImageNet uses twice (two classes are called "crane")."""
    seen: dict[str, int] = {}
    named = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        named.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return named


def preparation(size: int, resize_short: int | None) -> dict[str, object]:
    """How a photo becomes the network's square: stretched, or its middle after the short side is `resize_short`."""
    if resize_short is None:
        return {"fit": "stretch"}
    if resize_short < size:
        raise Refused(f"--resize-short {resize_short} is less than --size {size}: the middle cannot be cut out")
    return {"fit": "crop", "resize_short": resize_short}


def main() -> None:
    """Exports the weights that the command line names."""
    parser = options.parser("Export a torchvision classifier as a model folder.", EXAMPLES)
    network.source_options(parser, "a state dict of the network")
    parser.add_argument("--kind", required=True, choices=KINDS, help="the network, by torchvision's name")
    parser.add_argument("--labels", required=True, metavar="NAME", help="eurosat, imagenet, or a file, a label a line")
    parser.add_argument("--size", type=int, default=224, help="side of the network's input (default: 224)")
    parser.add_argument(
        "--resize-short",
        type=int,
        metavar="PIXELS",
        help="shrink the short side to this, then cut out the middle "
        "(default: stretch; torchvision's own preparation is 256 for 224)",
    )
    parser.add_argument("--top", type=int, default=5, help="labels shown by default (default: 5)")
    given = parser.parse_args()
    labels = labels_of(given.labels)
    extra = preparation(given.size, given.resize_short)
    network.random_weights()
    whole: torch.nn.Module = models.get_model(given.kind, weights=None, num_classes=len(labels))
    if given.random:
        said = f"{given.kind} with random weights, for a test."
    else:
        said = f"Exported from {network.load_weights(whole, given.weights)}."
    parts = network.picture(whole, given.size, given.size, extra)
    output = {"kind": "logits", "labels": labels, "top": min(given.top, len(labels))}
    options.finish(given, said, f"Classes by {given.kind}", task="classification", output=output, **parts)


if __name__ == "__main__":
    run(main)
