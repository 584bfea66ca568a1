"""Masks from outlines drawn by hand: 255 is water, 0 is not, 128 is left out of the loss."""

import cv2
import numpy as np

WATER, OTHER, UNKNOWN = 255, 0, 128


def read(path):
    """The outlines of outlines.txt: {id: [(sign, [(x, y), ...]), ...]}, in percent."""
    outlines = {}
    for line in open(path, encoding="utf-8"):
        if not line.strip() or line.startswith("#"):
            continue
        name, *tokens = line.split()
        shapes = outlines.setdefault(name, [])
        for token in tokens:
            if token in "+-?":
                shapes.append((token, []))
            else:
                x, y = token.split(",")
                shapes[-1][1].append((float(x), float(y)))
    return outlines


def paint(shapes, width, height):
    """The mask of one picture as drawn, [height, width]."""
    mask = np.full((height, width), OTHER, np.uint8)
    value = {"+": WATER, "-": OTHER, "?": UNKNOWN}
    for sign, corners in shapes:
        points = np.array([(x * width / 100, y * height / 100) for x, y in corners]).round().astype(np.int32)
        cv2.fillPoly(mask, [points], value[sign])
    return mask


def refine(image, drawn, band):
    """The drawn mask with its edge moved to the edge in the picture, by GrabCut, at most `band` pixels away.

    Where the two disagree over more than a fifth of the water the drawing is kept: the colours did not tell.
    """
    water = (drawn == WATER).astype(np.uint8)
    if water.sum() < 50 or water.mean() > 0.98:
        return drawn
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inner = cv2.erode(water, disc, borderValue=1)
    outer = cv2.dilate(water, disc, borderValue=0)
    labels = np.full(drawn.shape, cv2.GC_BGD, np.uint8)
    labels[outer > 0] = cv2.GC_PR_BGD
    labels[water > 0] = cv2.GC_PR_FGD
    labels[inner > 0] = cv2.GC_FGD
    if (labels == cv2.GC_FGD).sum() < 20:
        labels[water > 0] = cv2.GC_FGD
    try:
        cv2.grabCut(image, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return drawn
    found = cv2.medianBlur(((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8), 5)
    if (found & water).sum() < 0.8 * (found | water).sum():
        return drawn
    mask = found * np.uint8(WATER)
    mask[drawn == UNKNOWN] = UNKNOWN
    return mask
