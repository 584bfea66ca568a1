"""Writes the shipped model: the ONNX file and model.toml, with values anyone can check a runtime against.

    python export.py data/all.pt data/held.json ../water-demo
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import onnxruntime
import torch
from torch import nn

from augment import HEIGHT, WIDTH
from net import Net

TOLERANCE = 1e-4
TEMPLATE = pathlib.Path(__file__).with_name("model.toml.in")


class Probability(nn.Module):
    """The network with a sigmoid behind it."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        return torch.sigmoid(self.net(image))


def ramp(shape):
    """The input of the check: noise in 0..1 from a formula of whole numbers, the same in every language."""
    i = np.arange(np.prod(shape), dtype=np.uint64)
    u = (i * 2654435761 + 12345) % 2**32
    return ((u // 256) / 16777216).astype(np.float32).reshape(shape)


def picked(output):
    """At most 64 values of an output, evenly spread."""
    flat = output.reshape(-1)
    count = min(64, flat.size)
    return flat[[k * flat.size // count for k in range(count)]]


def figures(path):
    """Lines of [figures] from what train.py measured."""
    measured = json.loads(path.read_text())
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in measured.items())


def main():
    weights, measured, folder = map(pathlib.Path, sys.argv[1:])
    net = Net(pretrained=False)
    net.load_state_dict(torch.load(weights, weights_only=True))
    model = Probability(net).eval()
    shape = (1, 3, HEIGHT, WIDTH)
    file = folder / "water-demo.onnx"
    torch.onnx.export(
        model,
        torch.rand(shape),
        str(file),
        opset_version=17,
        input_names=["image"],
        output_names=["water"],
        dynamo=False,
    )

    image = ramp(shape)
    with torch.no_grad():
        expected = model(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for x in (image, np.random.default_rng(1).random(shape, np.float32), np.zeros(shape, np.float32)):
        with torch.no_grad():
            wanted = model(torch.from_numpy(x)).numpy()
        far = float(np.abs(session.run(None, {"image": x})[0] - wanted).max())
        if far > TOLERANCE:
            raise SystemExit(f"onnxruntime differs from PyTorch by {far:.2e}, over {TOLERANCE}: do not ship this file")
        print(f"onnxruntime and PyTorch differ by at most {far:.1e}")

    values = {
        "SHA256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "TORCH": torch.__version__.split("+")[0],
        "TOLERANCE": repr(TOLERANCE),
        "SHAPE": list(expected.shape),
        "VALUES": "[" + ", ".join(f"{v:.7g}" for v in picked(expected)) + "]",
        "FIGURES": figures(measured),
        "PARAMETERS": sum(p.numel() for p in net.parameters()),
    }
    text = TEMPLATE.read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    (folder / "model.toml").write_text(text)
    print(file, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
