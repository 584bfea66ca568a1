"""What OpenCV makes of random polygons and masks: one line a case, for the tests to compare with.

    peer.py SEED POLYGONS MASKS

    polygon WIDTH HEIGHT X,Y X,Y ... = PIXELS DIGEST     cv2.fillPoly
    resize WIDTH HEIGHT MASK WIDTH HEIGHT = DIGEST       cv2.resize, INTER_NEAREST
    patch WIDTH HEIGHT MASK = PIXELS DIGEST              cv2.connectedComponentsWithStats, the largest

MASK is hexadecimal, a bit a pixel, row by row. DIGEST is the start of the SHA-256 of the resulting mask, a byte a
pixel (0 or 1); it is "-" where several patches are the largest. The two regions of First Dam come first.

`masks.txt` is the output of `peer.py 1 2000 300` with opencv-python-headless 4.12.0.88.
"""

import hashlib
import random
import sys

import cv2
import numpy

FIRST_DAM = [
    [(116, 335), (328, 548), (222, 654), (10, 441)],
    [(1220, 460), (1480, 340), (1670, 410), (1420, 580)],
]


def digest(mask):
    return hashlib.sha256(mask.tobytes()).hexdigest()[:16]


def polygon(width, height, corners):
    mask = numpy.zeros((height, width), numpy.uint8)
    cv2.fillPoly(mask, [numpy.array(corners, numpy.int32)], 1)
    told = " ".join(f"{x},{y}" for x, y in corners)
    print(f"polygon {width} {height} {told} = {int(mask.sum())} {digest(mask)}")


def random_corners(rng, width, height):
    """Within the frame, around it, far from it, or on few lines; most of them cross themselves."""
    kind = rng.choice(["within", "within", "around", "far", "farther", "lines"])
    count = rng.choice([1, 2, 3, 3, 4, 4, 5, 6, 8, 12, 30])
    reach = {"around": 1, "far": 20, "farther": 3000}.get(kind, 0)

    columns, rows = [-2, 0, width // 2, width - 1, width], [-3, 0, height // 2, height - 1, height]

    def corner():
        if kind == "lines":
            return rng.choice(columns), rng.choice(rows)
        x = rng.randint(-reach * width, width - 1 + reach * width)
        return x, rng.randint(-reach * height, height - 1 + reach * height)

    corners = [corner() for _ in range(count)]
    if rng.random() < 0.1:
        corners.insert(rng.randrange(count), rng.choice(corners))
    return corners


def random_mask(rng, width, height):
    """Noise, or blots."""
    if rng.random() < 0.5:
        share = rng.choice([0.0, 0.1, 0.4, 0.6, 1.0])
        wet = [rng.random() < share for _ in range(width * height)]
        return numpy.array(wet, numpy.uint8).reshape(height, width)
    mask = numpy.zeros((height, width), numpy.uint8)
    for _ in range(rng.randint(1, 6)):
        center = rng.randrange(width), rng.randrange(height)
        cv2.circle(mask, center, rng.randint(0, 6), rng.choice([1, 1, 0]), -1)
    return mask


def told(mask):
    height, width = mask.shape
    return f"{width} {height} {numpy.packbits(mask.ravel()).tobytes().hex()}"


def resize(rng):
    mask = random_mask(rng, rng.randint(1, 24), rng.randint(1, 18))
    width, height = rng.randint(1, 90), rng.randint(1, 70)
    stretched = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    print(f"resize {told(mask)} {width} {height} = {digest(stretched)}")


def patch(rng):
    mask = random_mask(rng, rng.randint(1, 30), rng.randint(1, 20))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = int(areas.max(initial=0))
    if (areas == largest).sum() > 1:
        print(f"patch {told(mask)} = {largest} -")
    else:
        # Without any water nothing is kept.
        kept = labels == 1 + areas.argmax() if largest else mask
        print(f"patch {told(mask)} = {largest} {digest(kept.astype(numpy.uint8))}")


def main(seed, polygons, masks):
    rng = random.Random(seed)
    for corners in FIRST_DAM:
        polygon(1920, 1080, corners)
    for _ in range(polygons):
        width, height = rng.choice([(1, 1), (7, 1), (1, 9), (12, 8), (40, 30), (64, 36), (101, 67)])
        polygon(width, height, random_corners(rng, width, height))
    for _ in range(masks):
        resize(rng)
        patch(rng)


main(*map(int, sys.argv[1:]))
