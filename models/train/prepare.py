"""Turns pictures, outlines and rendered scenes into arrays: data/real.npz and data/scenes.npz.

    python prepare.py data/pictures data/scenes data/scenes-held data

Every array `x` is uint8 [n, 288, 512, 3], red first; `y` is uint8 [n, 288, 512] with 255 water, 0 not, 128 unknown.
`name` and `collection` say where each comes from, `held` whether it belongs to what the held-out figures use.
"""

import csv
import pathlib
import sys

import cv2
import numpy as np

import outline
import panorama

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 512, 288

# Whole collections, and whole places of the panoramas, that the held-out figures are measured on.
HELD_COLLECTIONS = {"usgs-great-lakes-microplastics", "usgs-delaware-basin-story", "usgs-climate-fish-habitat"}
HELD_PLACES = {
    "gray_pier", "san_giuseppe_bridge", "modern_buildings", "LarnacaCastle",
    "cambridge", "hansaplatz", "quattro_canti", "sunset_forest", "the_lost_city", "rathaus",
}
# Of the fixed cameras every third of the sandbar cameras in the order of their numbers, and one of two gauges.
HELD_CAMERAS = {"RC0220Ra", "RC0450L", "RC0688R", "RC1044R", "RC1459L", "RC2255Ra", "KOLA"}


def views(faces, flat, count, random):
    """`count` views of one place by cameras as they hang on bridges and banks, with their masks."""
    found = []
    wanted = (flat == outline.WATER).any()
    for _ in range(count * 12):
        if len(found) == count:
            break
        angles = (random.uniform(-180, 180), random.uniform(-32, 6), random.normal() * 2, random.uniform(48, 100))
        rays = panorama.directions(*angles, WIDTH, HEIGHT)
        mask = panorama.look_up(flat, *rays)
        # Of a place with water most views show it; the others are the hardest pictures without.
        if wanted and (mask == outline.WATER).mean() < 0.03 and random.random() < 0.85:
            continue
        found.append((panorama.sample(faces, *rays), mask))
    return found


def real(pictures):
    """Every picture of pictures.csv as (image, mask, name, collection, held)."""
    outlines = outline.read(HERE / "outlines.txt")
    random = np.random.default_rng(5)
    for row in csv.DictReader(open(HERE / "pictures.csv", encoding="utf-8")):
        name, shapes = row["id"], outlines.get(row["id"], [])
        held = row["collection"] in HELD_COLLECTIONS or name in HELD_PLACES
        held = held or name.split("-")[0] in HELD_CAMERAS
        if row["kind"] == "cube":
            faces = [cv2.imread(str(pictures / name / f"{face}.png")) for face in panorama.FACES]
            flat = panorama.panorama(faces, 1024)
            flat = outline.refine(flat, outline.paint(shapes, 1024, 512), 7)
            water = (flat == outline.WATER).any()
            for image, mask in views(faces, flat, 28 if water else 7, random):
                yield image, mask, name, row["collection"], held
        else:
            image = cv2.resize(cv2.imread(str(pictures / f"{name}.png")), (640, 360), interpolation=cv2.INTER_AREA)
            mask = outline.refine(image, outline.paint(shapes, 640, 360), 9)
            image = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
            mask = cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
            yield image, mask, name, row["collection"], held


def rendered(folder, held):
    """The scenes that `cargo run -p weir-fleet --example scenes` wrote to `folder`."""
    for path in sorted(folder.glob("scene_*.jpg")):
        mask = cv2.imread(str(path.with_name(path.stem + "_mask.png")), cv2.IMREAD_GRAYSCALE)
        image = cv2.resize(cv2.imread(str(path)), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        mask = cv2.resize((mask > 127) * np.uint8(255), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        yield image, mask, path.stem, "scenes", held


def save(path, found):
    x, y, name, collection, held = zip(*found)
    x = np.stack(x)[..., ::-1]
    np.savez(path, x=x, y=np.stack(y), name=np.array(name), collection=np.array(collection), held=np.array(held))
    print(path, x.shape)


def main():
    pictures, scenes, held, out = map(pathlib.Path, sys.argv[1:])
    save(out / "real.npz", list(real(pictures)))
    save(out / "scenes.npz", [*rendered(scenes, False), *rendered(held, True)])


if __name__ == "__main__":
    main()
