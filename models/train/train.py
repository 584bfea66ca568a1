"""Trains the network, on one processor core or on a GPU.

    python train.py data --minutes 15 --out data/held.pt                            # without what is held out
    python train.py data --minutes 8 --out data/all.pt --all --start data/held.pt   # then on everything
"""

import argparse
import copy
import json
import math
import os
import pathlib
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch
from torch.nn import functional as F

import augment
import figures
import outline
from net import Net

BATCH = 8
SIZE = (288, 160)  # of the examples: two fifths of the work of the full 416 x 240
RATE = 3e-3
ENCODER_RATE = 0.25  # of RATE: its weights are good already
# How often an example is taken from each kind of picture.
SHARES = {"photographs": 0.32, "cameras": 0.22, "water_views": 0.20, "dry": 0.14, "scenes": 0.12}


def load(folder):
    """All pictures in one table of arrays."""
    parts = [np.load(folder / "real.npz"), np.load(folder / "scenes.npz")]
    return {key: np.concatenate([part[key] for part in parts]) for key in ("x", "y", "name", "collection", "held")}


def kinds(data, chosen):
    """The rows of each kind of SHARES, among the rows where `chosen`."""
    scene = data["collection"] == "scenes"
    view = np.isin(data["collection"], ["polyhaven", "humus"])
    camera = np.isin(data["collection"], figures.CAMERAS)
    wet = (data["y"] == outline.WATER).mean((1, 2)) > 0.01
    rows = {
        "photographs": ~scene & ~view & ~camera & wet,
        "cameras": camera & wet,
        "water_views": view & wet,
        "dry": ~scene & ~wet,
        "scenes": scene,
    }
    return {kind: np.flatnonzero(pick & chosen) for kind, pick in rows.items()}


def batch(data, rows, size, random):
    """BATCH examples: float32 [n, 3, h, w], the share of water and the share known, [n, 1, h / 2, w / 2]."""
    names = list(SHARES)
    images, masks = [], []
    for kind in random.choice(len(names), BATCH, p=[SHARES[name] for name in names]):
        row = random.choice(rows[names[kind]])
        image, mask = augment.example(data["x"][row], data["y"][row], size, random)
        images.append(image)
        masks.append(mask)
    x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    masks = torch.from_numpy(np.stack(masks))[:, None]
    known = F.avg_pool2d((masks != outline.UNKNOWN).float(), 2)
    water = F.avg_pool2d((masks == outline.WATER).float(), 2)
    return x, water / known.clamp(min=0.25), known


def loss(logits, water, known):
    """Cross entropy plus Dice, over what is known."""
    entropy = F.binary_cross_entropy_with_logits(logits, water, weight=known)
    p, y = torch.sigmoid(logits) * known, water * known
    dice = 1 - (2 * (p * y).sum((1, 2, 3)) + 20) / (p.sum((1, 2, 3)) + y.sum((1, 2, 3)) + 20)
    return entropy + 0.5 * dice.mean()


def average(kept, net, share):
    """Moves the averaged weights towards the network's by `share`."""
    with torch.no_grad():
        for old, new in zip(kept.state_dict().values(), net.state_dict().values()):
            if old.dtype.is_floating_point:
                old.lerp_(new, share)
            else:
                old.copy_(new)


def measure(net, data):
    """The figures of [figures] in model.toml over what is held out."""
    training = ~data["held"] & (data["collection"] != "scenes")
    wet = (data["y"] == outline.WATER).mean((1, 2)) > 0.01
    guess = figures.best_guess(data["y"][training & wet])
    held = {key: value[data["held"]] for key, value in data.items()}
    return {f"held_out_{title}": text for title, text in figures.figures(net, held, guess).items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true", help="train on the held-out pictures too")
    parser.add_argument("--start", type=pathlib.Path, help="weights to go on from, at two thirds of the rate")
    parser.add_argument("--freeze", action="store_true", help="leave the encoder down to stride 4 as it is: half the work")
    parser.add_argument("--device", default="cpu", help="where the network is: cpu or cuda; examples are made on the CPU")
    options = parser.parse_args()
    device = torch.device(options.device)
    rate = RATE * 2 / 3 if options.start else RATE
    torch.set_num_threads(1)
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    data = load(options.folder)
    rows = kinds(data, ~data["held"] | options.all)
    print({kind: len(found) for kind, found in rows.items()}, flush=True)

    net = Net(pretrained=not options.start)
    if options.start:
        net.load_state_dict(torch.load(options.start, weights_only=True))
    net = net.to(device, memory_format=torch.channels_last)
    fixed = (net.stem, net.at2, net.at4) if options.freeze else ()
    for part in fixed:
        part.requires_grad_(False)
    encoder = net.encoder_parameters()
    known = {id(p) for p in encoder}
    encoder = [p for p in encoder if p.requires_grad]
    decoder = [p for p in net.parameters() if id(p) not in known]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "lr": rate * ENCODER_RATE}, {"params": decoder, "lr": rate}], weight_decay=1e-3
    )
    full = [group["lr"] for group in optimizer.param_groups]
    kept = copy.deepcopy(net)
    net.train()
    for part in fixed:
        part.eval()
    start, step, recent = time.time(), 0, []
    while (done := (time.time() - start) / (options.minutes * 60)) < 1:
        pace = 0.5 * (1 + math.cos(math.pi * done)) * min(1, (step + 1) / 40) + 0.01
        for group, highest in zip(optimizer.param_groups, full):
            group["lr"] = highest * pace
        x, water, sure = (part.to(device) for part in batch(data, rows, SIZE, random))
        value = loss(net(x.contiguous(memory_format=torch.channels_last)), water, sure)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2)
        optimizer.step()
        average(kept, net, max(0.004, 1 / (step + 1)))
        recent.append(value.item())
        step += 1
        if step % 50 == 0:
            print(f"step {step}  {time.time() - start:.0f} s  loss {np.mean(recent[-50:]):.3f}", flush=True)
            torch.save(kept.state_dict(), options.out)
    kept = kept.cpu()
    torch.save(kept.state_dict(), options.out)
    if options.all:
        return  # nothing is left to measure on

    measured = {"held_out_training_steps": step, "held_out_training_minutes": options.minutes}
    measured |= measure(kept, data)
    print(json.dumps(measured, indent=1))
    options.out.with_suffix(".json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
