"""Turns an LRASPP of torchvision (MobileNetV3-Large) into a model folder (task "segmentation")."""

import torch
from torchvision.models.segmentation import lraspp_mobilenet_v3_large
from torchvision.models.segmentation.lraspp import LRASPP

import network
import options
from folder import run

EXAMPLES = """\
  python lraspp.py models/lraspp-river --licence MIT --weights river.pth --label background --label water
  python lraspp.py models/lraspp-one --licence MIT --weights one.pth --width 640 --height 360
  python lraspp.py models/lraspp-try --licence MIT --random --without-weir
"""


class AtStride8(torch.nn.Module):
    """The network's logits [1, labels, height/8, width/8], before torchvision enlarges them to the picture.

    The head's 1x1 convolution and its bilinear enlarging are both linear, so they change places here: only the labels
    are enlarged and not 128 channels. The result is the same but for rounding.
    """

    def __init__(self, whole: LRASPP) -> None:
        super().__init__()
        self.backbone, self.head = whole.backbone, whole.classifier

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a normalised picture [1, 3, height, width]."""
        features = self.backbone(x)
        low, high = features["low"], features["high"]
        high = self.head.high_classifier(self.head.cbr(high) * self.head.scale(high))
        size = [int(side) for side in low.shape[-2:]]  # numbers, so that no shape is computed in the graph
        high = torch.nn.functional.interpolate(high, size=size, mode="bilinear", align_corners=False)
        return self.head.low_classifier(low) + high


class Original(torch.nn.Module):
    """torchvision's own network without the last enlarging: what the export is compared with."""

    def __init__(self, whole: LRASPP) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a normalised picture [1, 3, height, width]."""
        return self.whole.classifier(self.whole.backbone(x))


def main() -> None:
    """Exports the weights that the command line names."""
    parser = options.parser("Export a torchvision LRASPP as a model folder.", EXAMPLES)
    network.source_options(parser, "a state dict of lraspp_mobilenet_v3_large")
    network.mask_options(parser, "a label that is water; may be repeated (default: water)")
    parser.add_argument(
        "--label", action="append", help="a label of the network, in their order; none: one channel, water's logit"
    )
    given = parser.parse_args()
    labels = given.label or ["water"]
    output = network.mask_output(labels, given.water or ["water"], given.largest_component)
    network.random_weights()
    whole: LRASPP = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=len(labels))
    if given.random:
        said = "LRASPP with random weights, for a test."
    else:
        said = f"Exported from {network.load_weights(whole, given.weights)}."
    parts = network.picture(AtStride8(whole), given.width, given.height)
    parts["original"] = network.as_function(Original(whole).eval())
    options.finish(given, said, "Water, LRASPP MobileNetV3-Large", task="segmentation", output=output, **parts)


if __name__ == "__main__":
    run(main)
