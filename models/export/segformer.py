"""Turns a SegFormer checkpoint of Hugging Face transformers into a model folder (task "segmentation")."""

from pathlib import Path

import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

import network
import options
from folder import Refused, run

EXAMPLES = """\
  python segformer.py models/segformer-b5 --licence MIT --weights checkpoints/segformer-b5-river --water water
  python segformer.py models/segformer-try --licence MIT --random --without-weir
"""


class Logits(torch.nn.Module):
    """The network without what follows its logits [1, labels, height/4, width/4]: the agent enlarges and chooses."""

    def __init__(self, whole: SegformerForSemanticSegmentation) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a normalised picture [1, 3, height, width]."""
        return self.whole(pixel_values=x).logits


def load(folder: Path) -> SegformerForSemanticSegmentation:
    """The network of a checkpoint folder (config.json and model.safetensors or pytorch_model.bin)."""
    if not Path(folder, "config.json").is_file():
        raise Refused(f"{folder} holds no config.json: name the folder that save_pretrained wrote")
    try:
        loaded, report = SegformerForSemanticSegmentation.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as reason:  # transformers raises OSError, ValueError, RuntimeError and more
        raise Refused(f"{folder} cannot be loaded as a SegFormer: {network.first_line(reason)}") from reason
    if report["missing_keys"]:
        raise Refused(
            f"{folder} lacks weights of a SegFormer with a head: {', '.join(sorted(report['missing_keys'])[:3])}"
        )
    return loaded


def untrained() -> SegformerForSemanticSegmentation:
    """A SegFormer-B0 with two labels and random weights."""
    network.random_weights()
    return SegformerForSemanticSegmentation(SegformerConfig(id2label={0: "background", 1: "water"}))


def main() -> None:
    """Exports the checkpoint that the command line names."""
    parser = options.parser("Export a SegFormer checkpoint as a model folder.", EXAMPLES)
    network.source_options(parser, "the checkpoint's folder")
    network.mask_options(parser, "a label that is water; may be repeated (default: water)")
    given = parser.parse_args()
    if given.random:
        whole, said = untrained(), "SegFormer-B0 with random weights, for a test."
    else:
        whole = load(given.weights)
        files = sorted(p for p in given.weights.iterdir() if p.suffix in (".safetensors", ".bin"))
        said = f"Exported from {given.weights.name}: {', '.join(map(options.hashed, files))}."
    labels = [whole.config.id2label[i] for i in range(whole.config.num_labels)]
    output = network.mask_output(labels, given.water or ["water"], given.largest_component)
    parts = network.picture(Logits(whole), given.width, given.height)
    options.finish(given, said, "Water, SegFormer", task="segmentation", output=output, **parts)


if __name__ == "__main__":
    run(main)
