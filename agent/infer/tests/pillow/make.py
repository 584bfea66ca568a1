#!/usr/bin/env python3
"""Makes what the tests of `weir-infer` compare its pictures with: what Pillow makes of the same pictures.

    pip install pillow numpy
    python3 make.py            # writes expected.json and the pictures beside itself; made with Pillow 13.0.0

The inputs of expected.json are not stored: script and tests make them by the same formula. Of an output of n bytes
those at floor(k * n / count) are stored, count = min(n, 400).
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, __version__

HERE = Path(__file__).parent
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "area": Image.Resampling.BOX,
}


def noise(count):
    """`count` bytes that look random (a multiply and shift hash of the index)."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761)
    x ^= x >> np.uint32(15)
    x *= np.uint32(2246822519)
    return (x >> np.uint32(24)).astype(np.uint8)


def picture(width, height):
    """Noise over a slope: half of the range each."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    slope = (x * 2 + y * 3 + c * 40) % 256
    both = noise(width * height * 3).reshape(height, width, 3) // 2 + (slope // 2).astype(np.uint8)
    return Image.fromarray(both.astype(np.uint8))


def sample(image):
    flat = np.asarray(image).reshape(-1)
    count = min(len(flat), 400)
    return [int(flat[k * len(flat) // count]) for k in range(count)]


def resizes():
    for width, height, to in [(97, 61, (33, 21)), (23, 17, (57, 41)), (50, 40, (50, 13)), (640, 360, (416, 240))]:
        for name, resample in FILTERS.items():
            image = picture(width, height).resize(to, resample)
            yield {"filter": name, "from": [width, height], "to": list(to), "values": sample(image)}


def chains():
    turn = Image.Transpose
    yield chain(["grayscale"], 64, 48, lambda i: i.convert("L").convert("RGB"), 0)
    yield chain(["flip horizontal"], 13, 7, lambda i: i.transpose(turn.FLIP_LEFT_RIGHT), 0)
    yield chain(["flip vertical"], 13, 7, lambda i: i.transpose(turn.FLIP_TOP_BOTTOM), 0)
    yield chain(["rotate 90"], 13, 7, lambda i: i.transpose(turn.ROTATE_270), 0)
    yield chain(["rotate 180"], 13, 7, lambda i: i.transpose(turn.ROTATE_180), 0)
    yield chain(["rotate 270"], 13, 7, lambda i: i.transpose(turn.ROTATE_90), 0)
    yield chain(["crop 3 2 8 5"], 13, 7, lambda i: i.crop((3, 2, 11, 7)), 0)
    yield chain(
        ["crop 10 20 300 200", "rotate 90", "grayscale", "flip horizontal", "resize 64 80"], 320, 240,
        lambda i: i.crop((10, 20, 310, 220)).transpose(turn.ROTATE_270).convert("L")
        .transpose(turn.FLIP_LEFT_RIGHT).resize((64, 80), Image.Resampling.BILINEAR).convert("RGB"), 1)
    # The derivative that sites ask for, of what their cameras make.
    for width, height in [(1200, 800), (1500, 997), (2040, 1536)]:
        yield chain(
            ["grayscale", "resize 256 256"], width, height,
            lambda i: i.convert("L").resize((256, 256), Image.Resampling.BILINEAR).convert("RGB"), 1)


def chain(steps, width, height, do, tolerance):
    image = do(picture(width, height))
    return {"steps": steps, "from": [width, height], "to": list(image.size), "tolerance": tolerance,
            "values": sample(image)}


def files():
    """Kinds of files, each with the pixels that Pillow reads and the difference that decoders may have."""
    y, x = np.mgrid[0:24, 0:40]
    smooth = Image.fromarray(np.stack([x * 6, y * 10, 255 - x * 3 - y * 4], axis=-1).astype(np.uint8))
    yield file("rgb.jpg", smooth, 4, quality=92, subsampling=0)
    yield file("halved.jpg", smooth, 12, quality=92, subsampling=2)
    yield file("progressive.jpg", smooth, 4, quality=92, subsampling=0, progressive=True)
    yield file("gray.jpg", smooth.convert("L"), 4, quality=92)
    yield file("cmyk.jpg", smooth.convert("CMYK"), 6, quality=92, subsampling=0)
    yield file("rgb.png", smooth, 0)
    yield file("gray.png", smooth.convert("L"), 0)
    alpha = smooth.copy()
    alpha.putalpha(Image.fromarray((x * 6).astype(np.uint8)))
    yield file("alpha.png", alpha, 0)
    yield file("palette.png", smooth.quantize(16), 0)
    yield file("bits.png", smooth.convert("1"), 0)
    deep = (x * 1600 + y * 50).astype(np.uint16)
    Image.fromarray(deep).save(HERE / "deep.png")
    eight = Image.fromarray(((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)).convert("RGB")
    yield {"file": "deep.png", "size": [40, 24], "tolerance": 0, "values": sample(eight)}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield file(f"turned-{orientation}.jpg", smooth, 4, quality=92, subsampling=0, exif=exif)


def file(name, image, tolerance, **how):
    image.save(HERE / name, **how)
    read = ImageOps.exif_transpose(Image.open(HERE / name)).convert("RGB")
    return {"file": name, "size": list(read.size), "tolerance": tolerance, "values": sample(read)}


def main():
    cases = {"resizes": list(resizes()), "chains": list(chains()), "files": list(files())}
    lines = []
    for kind, of_kind in cases.items():
        rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in of_kind)
        lines.append(f'"{kind}": [\n{rows}\n]')
    lines.insert(0, f'"made_with": "Pillow {__version__}"')
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
