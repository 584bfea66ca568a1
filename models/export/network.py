"""What the scripts for PyTorch networks share: reading weights, and turning a network into ONNX."""

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

import options
from folder import Array, Refused, Toml

IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]

SEED = 1


def load_weights(network: torch.nn.Module, path: Path) -> str:
    """Loads a state dict into `network`, and says which file it was.

    Takes a bare state dict, or one under "state_dict", "model_state_dict" or "model", with or without the "module."
    of a network trained on several devices. Raises `Refused` unless every weight fits.
    """
    said = options.hashed(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as reason:  # torch raises pickle's, zip's and its own
        raise Refused(
            f"{path.name} holds no plain state dict ({first_line(reason)}): save one with "
            "torch.save(network.state_dict(), FILE)"
        ) from reason
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise Refused(f"{path.name} holds a {type(state).__name__}, not a state dict")
    state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    try:
        network.load_state_dict(state)
    except RuntimeError as reason:
        raise Refused(f"{path.name} does not fit a {type(network).__name__}: {two_lines(reason)}") from reason
    return said


def first_line(reason: object) -> str:
    """The first line of an error, shortened."""
    return (str(reason).splitlines() or [type(reason).__name__])[0][:160]


def two_lines(reason: object) -> str:
    """The first two lines of an error (torch says in the second what does not fit), shortened."""
    return " ".join(line.strip() for line in str(reason).splitlines()[:2])[:300]


def random_weights() -> None:
    """Makes the weights of the networks that are built next the same on each run."""
    torch.manual_seed(SEED)


def picture(network: torch.nn.Module, width: int, height: int, extra: Toml | None = None) -> dict[str, Any]:
    """The parts of a `folder.Model` for a network that takes a float32 RGB picture [1, 3, height, width], normalised
    by ImageNet's mean and standard deviation, and gives one tensor. `extra` goes to `[input]`."""
    shape = (1, 3, height, width)
    network.eval()
    return {
        "onnx": to_onnx(network, shape),
        "input": {
            "width": width,
            "height": height,
            "layout": "nchw",
            "colour": "rgb",
            "mean": IMAGENET_MEAN,
            "std": IMAGENET_STD,
            "resize": "bilinear",
            "fit": "stretch",
        }
        | (extra or {}),
        "made_with": f"PyTorch {torch.__version__}",
        "original": as_function(network),
        "shape": shape,
        # What black and white become, near enough.
        "bounds": [(-2.1, 2.6)],
    }


def as_function(network: torch.nn.Module) -> Callable[[Array], Array]:
    """`network` as a function of arrays."""

    def run(x: Array) -> Array:
        with torch.inference_mode():
            return network(torch.from_numpy(x)).numpy()

    return run


def to_onnx(network: torch.nn.Module, shape: Sequence[int]) -> bytes:
    """`network` as an ONNX file for inputs of `shape`, in operators of opset 17."""
    file = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        # The exporter that traces writes fewer and plainer operators than its successor, which warns of it.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(*shape),),
            file,
            input_names=["x"],
            output_names=["y"],
            opset_version=17,
            dynamo=False,
        )
    return file.getvalue()


def mask_output(labels: list[str], water: list[str], largest_component: bool) -> Toml:
    """The `[output]` of a segmentation network whose channels are `labels`; one channel is water's logit.

    Raises `Refused` if `water` names a label that is not there.
    """
    if len(labels) == 1:
        return {"kind": "logit", "threshold": 0.5, "largest_component": largest_component}
    unknown = [name for name in water if name not in labels]
    if unknown:
        raise Refused(f"the network has no label {' or '.join(unknown)}; --water takes of: {', '.join(labels)}")
    return {"kind": "classes", "labels": labels, "water": water, "largest_component": largest_component}


def source_options(parser: Any, weights: str) -> None:
    """The options that say where the weights come from."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=Path, metavar="PATH", help=weights)
    source.add_argument("--random", action="store_true", help="random weights, to try the export")


def mask_options(parser: Any, water: str) -> None:
    """The options of segmentation networks."""
    parser.add_argument("--width", type=int, default=512, help="width of the network's input (default: 512)")
    parser.add_argument("--height", type=int, default=512, help="height of the network's input (default: 512)")
    parser.add_argument("--water", action="append", metavar="LABEL", help=water)
    parser.add_argument("--largest-component", action="store_true", help="keep only the largest region of water")
