"""Turns SAM ViT-B or MobileSAM into a model folder (task "segmentation"), used without a prompt.

One graph holds the image encoder and the mask decoder, with the embedding of "no prompt" as a constant: the network is
asked as HydroCam's scripts ask it (`predict(point_coords=None, box=None, multimask_output=False)`), and a pixel is
water where the mask is above 0. These scripts shrink the photo to 640x640 (some to 320x320) and the predictor enlarges
it to the network's 1024x1024; `--photo` is that first size.
"""

import importlib
from typing import Any

import torch

import network
import options
from folder import Refused, run

EXAMPLES = """\
  python sam.py models/sam-river --licence Apache-2.0 --kind sam-vit-b --weights FD_SAM5122weights_ViTB.pth --photo 320
  python sam.py models/mobile-sam-river --licence Apache-2.0 --kind mobile-sam --weights mobile_sam_vit.pth
  python sam.py models/mobile-sam-try --licence Apache-2.0 --kind mobile-sam --random --without-weir
"""

# Kind: its package, its name there, and how to get the package.
KINDS = {
    "sam-vit-b": ("segment_anything", "vit_b", "pip install segment-anything==1.0"),
    "mobile-sam": ("mobile_sam", "vit_t", "pip install timm git+https://github.com/ChaoningZhang/MobileSAM.git"),
}

SIDE = 1024


class WithoutPrompt(torch.nn.Module):
    """The logits [1, 1, 256, 256] of the one mask that SAM gives without a prompt."""

    def __init__(self, sam: Any) -> None:
        super().__init__()
        self.encoder, self.decoder = sam.image_encoder, sam.mask_decoder
        with torch.no_grad():
            sparse, dense = sam.prompt_encoder(points=None, boxes=None, masks=None)
            where = sam.prompt_encoder.get_dense_pe()
        for name, tensor in (("sparse", sparse), ("dense", dense), ("where", where)):
            self.register_buffer(name, tensor.clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a normalised picture [1, 3, 1024, 1024]."""
        masks, _ = self.decoder(
            image_embeddings=self.encoder(x),
            image_pe=self.where,
            sparse_prompt_embeddings=self.sparse,
            dense_prompt_embeddings=self.dense,
            multimask_output=False,
        )
        return masks


def reference(sam: Any) -> torch.nn.Module:
    """SAM's own `forward` without a prompt, for a picture that is normalised already."""

    class Own(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            bytes_again = x[0] * sam.pixel_std + sam.pixel_mean
            asked = [{"image": bytes_again, "original_size": (SIDE, SIDE)}]
            return sam(asked, multimask_output=False)[0]["low_res_logits"]

    return Own()


def build(kind: str) -> Any:
    """The network of `kind` with random weights."""
    package, name, how = KINDS[kind]
    try:
        registry = importlib.import_module(package).sam_model_registry
    except ImportError as reason:
        raise Refused(f"the package {package} cannot be imported ({reason}): {how}") from reason
    network.random_weights()
    return registry[name](checkpoint=None)


def main() -> None:
    """Exports the weights that the command line names."""
    parser = options.parser("Export SAM ViT-B or MobileSAM, used without a prompt, as a model folder.", EXAMPLES)
    network.source_options(parser, "a state dict of SAM")
    parser.add_argument("--kind", required=True, choices=KINDS, help="which SAM")
    parser.add_argument(
        "--photo",
        type=int,
        default=640,
        metavar="PIXELS",
        help=f"shrink the photo to a square of this side first, {SIDE} for not at all (default: 640)",
    )
    given = parser.parse_args()
    if not 1 <= given.photo <= SIDE:
        raise Refused(f"--photo {given.photo} is not within 1 to {SIDE}")
    sam = build(given.kind)
    if given.random:
        said = f"{given.kind} with random weights, for a test."
    else:
        said = f"Exported from {network.load_weights(sam, given.weights)}."
    sam.eval()
    first = [] if given.photo == SIDE else [f"resize {given.photo} {given.photo}"]
    parts = network.picture(WithoutPrompt(sam), SIDE, SIDE, {"preprocess": first})
    parts |= {"original": network.as_function(reference(sam)), "random_inputs": 2}
    output = {"kind": "logit", "threshold": 0.5, "largest_component": False}
    options.finish(given, said, f"Water, {given.kind} without a prompt", task="segmentation", output=output, **parts)


if __name__ == "__main__":
    run(main)
