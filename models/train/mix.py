"""Averages the weights of two trainings that began with the same weights: often worth more than either.

    python mix.py data/held.pt data/held-cameras.pt data/held-mixed.pt --measure data
    python mix.py data/all.pt data/all-cameras.pt data/all-mixed.pt
"""

import argparse
import json
import os
import pathlib

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch

import train
from net import Net


def mixed(one, other):
    """The mean of two state dicts; what is counted and not weighed comes from the first."""
    return {
        key: torch.lerp(value, other[key], 0.5) if value.dtype.is_floating_point else value
        for key, value in one.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("one", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--measure", type=pathlib.Path, help="folder of the arrays: writes the held-out figures as .json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = Net(pretrained=False)
    net.load_state_dict(mixed(*(torch.load(path, weights_only=True) for path in (options.one, options.other))))
    torch.save(net.state_dict(), options.out)
    if options.measure:
        measured = train.measure(net, train.load(options.measure))
        print(json.dumps(measured, indent=1))
        options.out.with_suffix(".json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
