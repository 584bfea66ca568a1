"""What a network is worth: mean IoU of water over pictures it has not seen, beside what one mask for all would get."""

import numpy as np
import torch
from torch.nn import functional as F

import outline
from augment import HEIGHT, WIDTH


# Collections of cameras that hang at a river and look at it for years.
CAMERAS = ["usgs-sandbar-cameras", "gaugecam"]


def tensor(images):
    """uint8 [n, h, w, 3] as the network's input, float32 [n, 3, 240, 416] in 0..1."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(x, size=(HEIGHT, WIDTH), mode="bilinear", antialias=True, align_corners=False)


def probabilities(net, images):
    """The water probability of each picture, float32 [n, h, w] at its own size."""
    net.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(images), 8):
            part = images[start : start + 8]
            p = torch.sigmoid(net(tensor(part)))
            found.append(F.interpolate(p, size=part.shape[1:3], mode="bilinear", align_corners=False)[:, 0])
    return torch.cat(found).numpy()


def ious(water, masks):
    """IoU of each picture; `water` is bool [n, h, w]; what is unknown in `masks` does not count."""
    known = masks != outline.UNKNOWN
    true = masks == outline.WATER
    both = (water & true & known).sum((1, 2))
    either = ((water | true) & known).sum((1, 2))
    return both / np.maximum(either, 1)


def best_guess(masks):
    """The one mask, bool [h, w], that without looking at a picture gets the best mean IoU over `masks`.

    It is where the mean mask exceeds a threshold; water fills less than half of most pictures, so not one half.
    """
    mean = (masks == outline.WATER).mean(0)
    tried = [mean > threshold for threshold in np.arange(0.02, 0.8, 0.04)]
    return max(tried, key=lambda guess: ious(np.broadcast_to(guess, masks.shape), masks).mean())


def figures(net, data, guess):
    """Figures of the held-out pictures by where they come from: {title: text}; `guess` is from best_guess."""
    found = {}
    photos = ~np.isin(data["collection"], ["polyhaven", "humus", "scenes", *CAMERAS])
    groups = {
        "photographs": photos,
        "fixed_cameras": np.isin(data["collection"], CAMERAS),
        "panorama_views": np.isin(data["collection"], ["polyhaven", "humus"]),
        "scenes": data["collection"] == "scenes",
    }
    for title, chosen in groups.items():
        x, y = data["x"][chosen], data["y"][chosen]
        if not len(x):
            continue
        p = probabilities(net, x) > 0.5
        wet = (y == outline.WATER).mean((1, 2)) > 0.01
        if wet.any():
            iou = ious(p[wet], y[wet])
            blind = ious(np.broadcast_to(guess, y[wet].shape), y[wet])
            found[title] = (
                f"mean IoU {iou.mean():.3f}, median {np.median(iou):.3f}, of {wet.sum()} pictures "
                f"(always the same mask: {blind.mean():.3f})"
            )
        if (~wet).any():
            found[f"{title}_without_water"] = (
                f"{p[~wet].mean() * 100:.1f} % of the pixels of {(~wet).sum()} pictures taken for water"
            )
    return found
