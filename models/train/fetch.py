"""Brings the pictures of pictures.csv from their repositories, at the commits named there, and checks their SHA-256.

    python fetch.py data/pictures [--clones DIR]

A photograph becomes ID.png, a cube map the folder ID with six faces. DIR may hold clones made before, as
OWNER/NAME; else each repository is cloned there without its other files.
"""

import argparse
import csv
import hashlib
import pathlib
import subprocess

import cv2
import numpy as np
from PIL import Image

from panorama import FACES

HERE = pathlib.Path(__file__).parent


def clone(repository, clones):
    """The clone of OWNER/NAME below `clones`, made when it is not there."""
    folder = clones / repository
    if not folder.exists():
        url = f"https://github.com/{repository}.git"
        subprocess.run(["git", "clone", "--bare", "--filter=blob:none", url, str(folder)], check=True)
    return folder


def blob(folder, commit, path):
    """The bytes of one file of one commit."""
    return subprocess.run(
        ["git", "-C", str(folder), "show", f"{commit}:{path}"], check=True, stdout=subprocess.PIPE
    ).stdout


def decode(data):
    """The picture in `data` as [h, w, 3], blue first."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        import io

        image = np.array(Image.open(io.BytesIO(data)).convert("RGB"))[..., ::-1].copy()
    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--clones", type=pathlib.Path, default=pathlib.Path("data/clones"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for row in csv.DictReader(open(HERE / "pictures.csv", encoding="utf-8")):
        folder = clone(row["repository"], options.clones)
        faces = FACES if row["kind"] == "cube" else ("",)
        found = [blob(folder, row["commit"], row["path"].replace("*", face)) for face in faces]
        digest = hashlib.sha256(b"".join(found)).hexdigest()
        if digest != row["sha256"]:
            raise SystemExit(f"{row['id']}: SHA-256 is {digest}, not {row['sha256']}: {row['repository']} has changed")
        if row["kind"] == "cube":
            (options.folder / row["id"]).mkdir(exist_ok=True)
            for face, data in zip(FACES, found):
                cv2.imwrite(str(options.folder / row["id"] / f"{face}.png"), decode(data))
        else:
            image = cv2.resize(decode(found[0]), (1024, 576), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(options.folder / f"{row['id']}.png"), image)
    print("done")


if __name__ == "__main__":
    main()
