"""Cube maps: the panorama of one, and the views of a camera that stands in it.

Faces come in the order of FACES, each an array [n, n] or [n, n, 3]; x is right, y up, and the camera looks along -z.
Angles are degrees; a negative pitch looks down.
"""

import cv2
import numpy as np

FACES = ("posx", "negx", "posy", "negy", "posz", "negz")


def sample(faces, x, y, z):
    """What the directions (x, y, z), arrays of one shape [h, w], see: [h, w] or [h, w, 3]."""
    size = faces[0].shape[0]
    ax, ay, az = np.abs(x), np.abs(y), np.abs(z)
    side = (ax >= ay) & (ax >= az)
    pole = ~side & (ay >= az)
    rest = ~side & ~pole
    chosen = (side & (x > 0), side & (x <= 0), pole & (y > 0), pole & (y <= 0), rest & (z > 0), rest & (z <= 0))
    plane = ((-z, -y, ax), (z, -y, ax), (x, z, ay), (x, -z, ay), (x, -y, az), (-x, -y, az))
    smooth = cv2.INTER_LINEAR if faces[0].ndim == 3 else cv2.INTER_NEAREST
    seen = np.zeros(x.shape + faces[0].shape[2:], faces[0].dtype)
    for face, pick, (s, t, depth) in zip(faces, chosen, plane):
        if pick.any():
            depth = np.maximum(depth, 1e-9)
            u = ((s / depth + 1) / 2 * size - 0.5).astype(np.float32)
            v = ((t / depth + 1) / 2 * size - 0.5).astype(np.float32)
            seen[pick] = cv2.remap(face, u, v, smooth, borderMode=cv2.BORDER_REPLICATE)[pick]
    return seen


def panorama(faces, width):
    """The 2:1 panorama, [width / 2, width, 3]; its middle looks along -z."""
    height = width // 2
    longitude = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    latitude = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    longitude, latitude = np.meshgrid(longitude, latitude)
    level = np.cos(latitude)
    return sample(faces, level * np.sin(longitude), np.sin(latitude), -level * np.cos(longitude))


def directions(yaw, pitch, roll, fov, width, height):
    """Unit vectors (x, y, z), each [height, width], of a camera with `fov` degrees across its width."""
    focal = width / 2 / np.tan(np.radians(fov) / 2)
    across, down = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = np.stack([across, -down, np.full_like(across, -focal)], -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    r, p, w = np.radians([roll, pitch, yaw])
    rays = rays @ np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    rays = rays @ np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    rays = rays @ np.array([[np.cos(w), 0, np.sin(w)], [0, 1, 0], [-np.sin(w), 0, np.cos(w)]])
    return rays[..., 0], rays[..., 1], rays[..., 2]


def look_up(flat, x, y, z):
    """The same directions in a mask painted on the panorama, [h, 2 h]: [height, width], nearest."""
    height, width = flat.shape[:2]
    column = ((np.arctan2(x, -z) / np.pi + 1) / 2 * width).astype(int) % width
    row = np.clip(((0.5 - np.arcsin(np.clip(y, -1, 1)) / np.pi) * height).astype(int), 0, height - 1)
    return flat[row, column]
